// What is asked before a run is canceled or started again.

export const cancelQuestion = (run) => ({
  title: `Cancel ${run.id}?`,
  text: "It is asked to stop: it ends at its next call, or at once where it waits, and undoes what it has to.",
  fields: [{
    name: "hard",
    type: "checkbox",
    label: "By force",
    hint: "Ends the run and its open calls where they are. Nothing is undone.",
  }],
  confirm: "Cancel the run",
  keep: "Keep it running",
  isDangerous: true,
  send: "runs/cancel",
  body: (given) => ({ id: run.id, hard: given.hard }),
});

export const retryQuestion = (run, steps) => ({
  title: `Run ${run.id} again?`,
  text: "A new run is started with the same request. Writes that were done are found done, and answers that were given hold.",
  fields: [{
    name: "step",
    type: "select",
    label: "Begin",
    options: [["", "at its beginning"], ...steps.map((step) => [step, `at ${step}, with what was recorded before it`])],
  }],
  confirm: "Run it again",
  keep: "Leave it as it is",
  send: "runs/retry",
  body: (given) => ({ id: run.id, step: given.step || null }),
});
