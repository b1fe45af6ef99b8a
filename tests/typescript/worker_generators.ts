// The payments of another team, by the generator API.
import { type Context, Resonate } from "@resonatehq/sdk";
import { type Charge, type ChargeResult, Failure, paymentsCharge } from "./orders.js";

const resonate = new Resonate({ url: process.env.RESONATE_URL!, group: paymentsCharge.group });

resonate.register(paymentsCharge.name, function* (ctx: Context, request: Charge): Generator<any, ChargeResult, any> {
  if (request.customer_id === "poor") {
    throw new Failure("card-declined", "the card was declined", 402, { reason: "no money" });
  }
  const receipt = yield* ctx.run(async () => `generators ${request.customer_id} ${request.amount_cents} ${ctx.id}`);
  return { receipt };
});
