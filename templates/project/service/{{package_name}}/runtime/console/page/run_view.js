// One run: why it waits, its calls as a tree with a timeline beside it, and what went in and came out of each.

import { get } from "./api.js";
import { copyButton, duration, h, moment, show } from "./dom.js";
import { answerForm } from "./forms.js";
import { cancelQuestion, retryQuestion } from "./questions.js";
import { sourceLink } from "./source.js";
import { isStuck, stateOf, statusMark } from "./status.js";

const TICKS = 4;
const PACE_OF_ENDED = 10_000; // milliseconds between two looks at a run that has ended: it may be started again

export class RunView {
  constructor(main, page) {
    this.page = page;
    this.main = main;
    this.open = new Set(); // ids of the calls whose details are shown
    this.id = null;
    this.asked = new Set(); // ids of the calls whose values are here
    main.addEventListener("click", (this._onClick = (event) => this._clicked(event)));
    main.addEventListener("keydown", (this._onKey = (event) => this._key(event)));
  }

  enter(query, id) {
    if (id === this.id) return;
    this.id = id;
    this.open.clear();
    this.asked.clear();
    this.found = null;
    this.main.replaceChildren(h("h1", null, id), h("p", { class: "summary" }, "Loading…"));
  }

  leave() {
    this.main.removeEventListener("click", this._onClick);
    this.main.removeEventListener("keydown", this._onKey);
  }

  async look(signal) {
    const { id } = this;
    const found = await get("run", { id, opened: [...this.open] }, signal);
    if (id !== this.id) return undefined;
    this.found = found;
    this.asked = new Set(this.open);
    this.draw();
    return found.run.ended_at ? PACE_OF_ENDED : undefined;
  }

  draw() {
    const { run, runs, root, questions, is_cut: isCut } = this.found;
    const now = this.page.now();
    const from = Date.parse(run.began_at);
    const span = { from, now, to: Math.max(run.ended_at ? Date.parse(run.ended_at) : now, lastEnd(root), from + 1) };
    show(this.main,
      h("div", { class: "head" },
        h("h1", null, run.id, " ", copyButton(run.id, "the id")),
        h("div", { class: "actions" },
          this.found.can_cancel && h("button", { type: "button", "data-action": "cancel" }, "Cancel…"),
          this.found.can_retry && h("button", { type: "button", "data-action": "retry" }, "Run again…"))),
      facts(run, root, now),
      runs.length > 1 && otherRuns(runs, run.id),
      root.error && h("p", { class: "problem", "data-key": "error" }, h("b", null, `${root.error.code}: `), root.error.message),
      h("div", { role: "status", "data-key": "waits" }, waits(root).map((it) =>
        h("p", { class: isStuck(it) ? "problem" : "waits" }, h("b", null, isStuck(it) ? "Stands still: " : "Waits: "), it.call.name, ", for ", it.text,
          it.until ? [", until ", moment(it.until)] : null))),
      questions.map((question) => h("section", { class: "card", "data-key": question.id, "aria-label": `Gate ${question.gate}` },
        h("h2", null, "Gate ", question.gate), answerForm(this.page, question))),
      h("section", { class: "calls", "aria-labelledby": "calls", "data-key": "calls" },
        h("div", { class: "axis" }, h("h2", { id: "calls" }, "Calls"), axis(span)),
        h("ol", { class: "tree" }, this._call(root, span, 0)),
        isCut && h("p", { class: "summary" }, "It has more calls than are shown here.")));
  }

  _call(call, span, depth) {
    const isOpen = this.open.has(call.id);
    const from = Date.parse(call.began_at);
    const to = call.ended_at ? Date.parse(call.ended_at) : span.now;
    const share = (at) => Math.min(Math.max((at - span.from) / (span.to - span.from), 0), 1) * 100;
    const bar = { left: `${share(from)}%`, width: `${share(to) - share(from)}%` };
    const panel = `about-${call.id}`.replaceAll(/[^A-Za-z0-9]+/g, "-");
    const status = stateOf(call);
    const group = depth && call.group ? h("small", null, ` ${call.form === "gate" ? "gate" : call.group}`) : null;
    return h("li", { "data-key": call.id },
      h("button", { type: "button", class: "call", "data-action": "toggle", "data-id": call.id, "aria-expanded": String(isOpen), "aria-controls": isOpen ? panel : null },
        h("span", { class: "name", style: { paddingInlineStart: `${Math.min(depth, 8) * 1.1}rem` } }, call.name, group ?? h("small", null, depth ? ` ${call.form}` : "")),
        statusMark(status),
        h("span", { class: "took" }, duration(to - from)),
        h("span", { class: "track", "aria-hidden": "true" }, h("span", { class: `span ${status}`, style: bar }))),
      isOpen && h("div", { class: "about", id: panel }, this._about(call)),
      call.calls.length > 0 && h("ol", null, call.calls.map((it) => this._call(it, span, depth + 1))));
  }

  _about(call) {
    const source = this.found.sources[call.id];
    const rows = [
      ["Id", [h("code", null, call.id), " ", copyButton(call.id, "the id")]],
      ["Function", source && sourceLink(source, this.page)],
      ["Group", call.group],
      ["Began", moment(call.began_at)],
      ["Ended", call.ended_at && moment(call.ended_at)],
      ["Deadline", !call.ended_at && moment(call.ends_at)],
      ["Taken by workers", call.attempts ? (call.attempts === 1 ? "once" : `${call.attempts} times, each wake included`) : null],
      ["Waits for", call.waiting_for?.text],
    ];
    const values = call.is_hidden
      ? h("p", { class: "summary" }, "What it was given and returned is not shown: no contract here says what in it is secret.")
      : this.asked.has(call.id) ? h("div", { class: "values" }, json("In", call.request), json("Out", call.result)) : h("p", { class: "summary" }, "Loading…");
    return [
      h("dl", { class: "facts" }, rows.filter(([, value]) => value).map(([name, value]) => h("div", null, h("dt", null, name), h("dd", null, value)))),
      values,
      call.error && json("Error", `${call.error.code}: ${call.error.message}`),
    ];
  }

  _clicked(event) {
    const button = event.target.closest("[data-action]");
    const { run, root } = this.found ?? {};
    if (button?.dataset.action === "toggle") {
      const { id } = button.dataset;
      if (!this.open.delete(id)) this.open.add(id);
      this.draw();
      this.page.changed();
    } else if (button?.dataset.action === "cancel") this.page.confirm(cancelQuestion(run), () => this.page.changed());
    else if (button?.dataset.action === "retry") {
      const steps = [...new Set(root.calls.map((call) => call.name))];
      this.page.confirm(retryQuestion(run, steps), (done) => this.page.go(`#/run/${encodeURIComponent(done.run)}`));
    }
  }

  // The arrow keys go from call to call; right shows its details, left hides them.
  _key(event) {
    const call = event.target.closest("button.call");
    if (!call) return;
    const all = [...this.main.querySelectorAll("button.call")];
    const place = all.indexOf(call);
    const to = { ArrowDown: place + 1, ArrowUp: place - 1, Home: 0, End: all.length - 1 }[event.key];
    const isOpen = call.getAttribute("aria-expanded") === "true";
    if (to !== undefined) all[Math.min(Math.max(to, 0), all.length - 1)].focus();
    else if ((event.key === "ArrowRight" && !isOpen) || (event.key === "ArrowLeft" && isOpen)) call.click();
    else return;
    event.preventDefault();
  }
}

function lastEnd(call) {
  return Math.max(call.ended_at ? Date.parse(call.ended_at) : 0, ...call.calls.map(lastEnd));
}

// What the calls wait for that have not ended, the ones that stand still first.
function waits(root) {
  const found = [];
  const left = [root];
  while (left.length) {
    const call = left.pop();
    if (call.waiting_for) found.push({ ...call.waiting_for, call });
    left.push(...call.calls);
  }
  return found.sort((one, other) => isStuck(other) - isStuck(one)).slice(0, 5);
}

function facts(run, root, now) {
  const end = run.ended_at ? Date.parse(run.ended_at) : now;
  return h("p", { class: "line" },
    statusMark(stateOf(root)), h("span", null, run.function), run.caller && h("span", null, `for ${run.caller}`),
    run.started_by && h("span", null, `started by ${run.started_by}`),
    h("span", null, "began ", moment(run.began_at)), h("span", null, run.ended_at ? "took " : "for ", duration(end - Date.parse(run.began_at))),
    !run.ended_at && h("span", null, "deadline ", moment(run.ends_at)));
}

function otherRuns(runs, shown) {
  return h("nav", { class: "line", "aria-label": "Runs of this job", "data-key": "runs" }, h("span", null, "Runs of this job:"), runs.map((run, index) =>
    h("a", { href: `#/run/${encodeURIComponent(run.id)}`, "data-key": run.id, "aria-current": run.id === shown ? "page" : null }, `${index + 1} (${run.status.replace("_", " ")})`)));
}

function axis(span) {
  const width = span.to - span.from;
  return h("span", { class: "ticks", "aria-hidden": "true" }, Array.from({ length: TICKS }, (_, tick) =>
    h("span", { style: { left: `${(tick / TICKS) * 100}%` } }, tick ? duration((width * tick) / TICKS) : "0")));
}

function json(title, value) {
  if (value === undefined || value === null) return null;
  const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
  return h("figure", { class: "json" }, h("figcaption", null, title, " ", copyButton(text, title.toLowerCase())), h("pre", { tabindex: "0", role: "region", "aria-label": title }, text));
}
