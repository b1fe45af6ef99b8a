// Compiled, and not run: what is right here, and what is refused.
import { type Contract, type PlaceOrder, type PriceParcels, type PriceParcelsResult, type Ship, type ShipResult, shippingPriceParcels } from "./orders.js";

// A field with a default may be left out where it is read, and is always there where it is sent.
const parcel = { sku: "chair", weight: null, material: "wood", inside: [] } as const;

export const sent: PriceParcels = {
  day: "2026-01-31",
  at: "2026-01-31T12:00:00Z",
  price: "1.50",
  id: "6f0ad5b6-3f6c-4f0e-9d5a-0c6a5d0c7a11",
  speed: "slow",
  parcels: [{ ...parcel, inside: [] }],
  counts: { chair: 1 },
  share: 0.5,
  gift: false,
  note: null,
};
export const answered: PriceParcelsResult = { ...sent, parcels: [{ sku: "chair" }] };
export const asked: Ship = answered;
export const text: string = ((shipped: ShipResult) => shipped.parcels[0]?.material ?? "none")({ ...sent });
export const contract: Contract<PriceParcels, PriceParcelsResult> = shippingPriceParcels;

// @ts-expect-error: a number would lose digits of a decimal.
export const rounded: PriceParcels = { ...sent, price: 1.5 };
// @ts-expect-error: no such speed.
export const fast: PriceParcels = { ...sent, speed: "faster" };
// @ts-expect-error: of what is sent nothing is left out.
export const partial: PriceParcels = { ...sent, parcels: [{ sku: "chair" }] };
// @ts-expect-error: it lacks fields.
export const lacking: PlaceOrder = { customer_id: "c-1" };
// @ts-expect-error: another type of request.
export const other: Contract<PlaceOrder, PriceParcelsResult> = shippingPriceParcels;
