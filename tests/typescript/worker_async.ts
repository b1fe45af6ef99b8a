// The payments of another team, by the async API.
import { type Context, Resonate } from "@resonatehq/sdk/async";
import { type Charge, type ChargeResult, Failure, paymentsCharge } from "./orders.js";

const resonate = new Resonate({ url: process.env.RESONATE_URL!, group: paymentsCharge.group });

resonate.register(paymentsCharge.name, async (ctx: Context, request: Charge): Promise<ChargeResult> => {
  if (request.customer_id === "poor") {
    throw new Failure("card-declined", "the card was declined", 402, { reason: "no money" });
  }
  const receipt = await ctx.run(async () => `async ${request.customer_id} ${request.amount_cents} ${ctx.id}`);
  return { receipt };
});
