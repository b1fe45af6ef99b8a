// Clients of this service, told on standard input what to do: a line of JSON each, answered by one.
import { createHmac } from "node:crypto";
import { createInterface } from "node:readline";
import { Resonate as Generators } from "@resonatehq/sdk";
import { Resonate } from "@resonatehq/sdk/async";
import "./node20.js";
import { Failure, type PlaceOrder, placeOrder, type Ship, startPlaceOrder, startShip } from "./orders.js";

type Told =
  | { do: "start"; api: "async" | "generators"; request: PlaceOrder; wait: boolean }
  | { do: "ship"; api: "async" | "generators"; key: string; request: Ship }
  | { do: "call"; api: "async" | "generators"; id: string; args: unknown[] }
  | { do: "answer"; url: string; secret: string; body: unknown };

const url = process.env.RESONATE_URL!;
const clients = { async: new Resonate({ url }), generators: new Generators({ url }) };

async function carryOut(told: Told): Promise<unknown> {
  switch (told.do) {
    case "start": {
      const work = await startPlaceOrder(clients[told.api], told.request);
      return told.wait ? await work.result() : work.id;
    }
    case "ship":
      return await (await startShip(clients[told.api], told.key, told.request)).result();
    case "call": {
      // As whoever has no module from `export contracts` would.
      const options = clients[told.api].options({ target: placeOrder.target, version: placeOrder.version });
      const sent = [...told.args, options];
      if (told.api === "generators") return await clients.generators.rpc<unknown>(told.id, placeOrder.name, ...sent);
      return await (await clients.async.rpc<unknown>(told.id, placeOrder.name, ...sent)).result();
    }
    case "answer": {
      const body = JSON.stringify(told.body);
      const id = `msg_${crypto.randomUUID()}`;
      const timestamp = String(Math.floor(Date.now() / 1000));
      const key = Buffer.from(told.secret.replace("whsec_", ""), "base64");
      const signature = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64");
      const headers = {
        "Content-Type": "application/json",
        "Webhook-Id": id,
        "Webhook-Timestamp": timestamp,
        "Webhook-Signature": `v1,${signature}`,
      };
      const answer = await fetch(told.url, { method: "POST", headers, body });
      return { status: answer.status, body: await answer.json() };
    }
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  let said: unknown;
  try {
    said = { value: await carryOut(JSON.parse(line) as Told) };
  } catch (error) {
    const { name, message } = error as Error;
    said = { error: error instanceof Failure ? error.toJSON() : { name, message } };
  }
  console.log(JSON.stringify(said));
}
process.exit(0);
