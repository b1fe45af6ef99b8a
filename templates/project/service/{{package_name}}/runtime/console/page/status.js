// How a run, or a call of one, stands: a word with a mark, never a color alone.

import { h } from "./dom.js";

const WORDS = {
  running: "running",
  waiting: "waiting",
  stuck: "stands still",
  succeeded: "succeeded",
  failed: "failed",
  canceled: "canceled",
  timed_out: "timed out",
};

export function statusMark(status) {
  return h("span", { class: `status ${status}` }, WORDS[status] ?? status);
}

// Whether nobody goes on with what a call waits for.
export function isStuck(waiting) {
  return waiting.kind === "worker" && (waiting.is_served === false || Boolean(waiting.problem));
}

// How a call stands, told by what those calls wait for that it waits for itself.
export function stateOf(call) {
  if (call.ended_at) return call.status;
  if (call.waiting_for) return isStuck(call.waiting_for) ? "stuck" : "waiting";
  const open = call.calls.filter((it) => !it.ended_at).map(stateOf);
  if (!open.length || open.includes("running")) return call.status;
  return open.includes("stuck") ? "stuck" : "waiting";
}
