// The list of runs: only the rows in view are in the document, so 10,000 scroll as 10 do.

import { duration, h, moment, show } from "./dom.js";
import { MOST, RunStore } from "./run_store.js";
import { statusMark } from "./status.js";

const BEYOND = 8; // rows above and below the view that are made already
const STATUSES = [
  ["", "All"],
  ["running", "Running"],
  ["failed", "Failed"],
  ["timed_out", "Timed out"],
  ["canceled", "Canceled"],
  ["succeeded", "Succeeded"],
];

export class RunList {
  constructor(main, page) {
    this.page = page;
    this.main = main;
    this.rows = new Map(); // id -> its element
    this.filter = null;
    this.store = null;
    main.replaceChildren(
      h("h1", { class: "hidden" }, "Runs"),
      h("form", { class: "filters", role: "search", "data-own": true },
        h("fieldset", { class: "chips" }, h("legend", { class: "hidden" }, "Status"), STATUSES.map(([value, label]) =>
          h("label", null, h("input", { type: "radio", name: "status", value }), h("span", null, label)))),
        h("label", { class: "field" }, h("span", { class: "hidden" }, "Kind"),
          h("select", { name: "kind" }, h("option", { value: "" }, "All kinds"))),
        h("label", { class: "field grow" }, h("span", { class: "hidden" }, "Text in the id, the function or the caller"),
          h("input", { type: "search", name: "text", placeholder: "Filter by text, or an id", autocomplete: "off", spellcheck: "false" }))),
      h("p", { class: "summary", id: "summary" }),
      h("div", { class: "heads", "aria-hidden": "true" }, ["Status", "Run", "Caller", "Began", "Took"].map((it) => h("span", null, it))),
      h("div", { class: "rows", id: "rows" }, h("ol", { id: "list", "aria-label": "Runs, newest first" })),
    );
    this.form = main.querySelector("form");
    this.box = main.querySelector("#rows");
    this.list = main.querySelector("#list");
    this.summary = main.querySelector("#summary");
    this.form.addEventListener("input", () => this._filtered());
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this._openTyped();
    });
    this.box.addEventListener("scroll", () => this.draw(), { passive: true });
    this.list.addEventListener("keydown", (event) => this._key(event));
    this.resized = new ResizeObserver(() => this.draw());
    this.resized.observe(this.box);
  }

  // Take the filter of the address.
  enter(query) {
    const filter = { status: query.get("status") ?? "", kind: query.get("kind") ?? "" };
    this.text = (query.get("text") ?? "").trim().toLowerCase();
    this._offerKinds(filter.kind);
    for (const radio of this.form.elements.status) radio.checked = radio.value === filter.status;
    this.form.elements.kind.value = filter.kind;
    if (document.activeElement !== this.form.elements.text) this.form.elements.text.value = query.get("text") ?? "";
    if (JSON.stringify(filter) !== JSON.stringify(this.filter)) {
      this.filter = filter;
      this.store = new RunStore(filter);
      this.box.scrollTop = 0;
    }
    this.draw();
  }

  async look(signal) {
    const { store } = this;
    const before = this.shown;
    await store.look(this.inView ?? [], signal);
    if (store !== this.store) return;
    this._offerKinds(this.filter.kind);
    this._keepPlace(before);
    this.draw();
  }

  leave() {
    this.resized.disconnect();
  }

  // Bring the rows in view into the document, and no others.
  draw() {
    const store = this.store;
    this.shown = this.text ? store.runs.filter((run) => matches(run, this.text)) : store.runs;
    const height = this._height();
    const first = Math.max(0, Math.floor(this.box.scrollTop / height) - BEYOND);
    const last = Math.min(this.shown.length, Math.ceil((this.box.scrollTop + this.box.clientHeight) / height) + BEYOND);
    this.inView = this.shown.slice(first, last);
    this.list.style.height = `${this.shown.length * height}px`;
    const wanted = new Set(this.inView.map((run) => run.id));
    const focused = document.activeElement?.closest?.("li[data-id]")?.dataset.id;
    for (const [id, row] of this.rows) {
      // The row with the focus stays where it is in the list, so that the next key goes on from there.
      if (wanted.has(id) || (id === focused && this.shown.some((run) => run.id === id))) continue;
      row.remove();
      this.rows.delete(id);
    }
    const drawn = this.inView.map((run, index) => [run, first + index]);
    if (focused && this.rows.has(focused) && !wanted.has(focused)) {
      const place = this.shown.findIndex((run) => run.id === focused);
      drawn.splice(place < first ? 0 : drawn.length, 0, [this.shown[place], place]);
    }
    let at = this.list.firstChild;
    for (const [run, place] of drawn) {
      let row = this.rows.get(run.id);
      if (row === undefined) {
        row = h("li", { "data-id": run.id }, h("a", { href: `#/run/${encodeURIComponent(run.id)}` }));
        this.rows.set(run.id, row);
      }
      if (row === at) at = at.nextSibling;
      else this.list.insertBefore(row, at);
      row.setAttribute("aria-posinset", place + 1);
      row.setAttribute("aria-setsize", this.shown.length);
      row.style.transform = `translateY(${place * height}px)`;
      show(row.firstChild, rowContent(run, this.page));
    }
    this.main.classList.toggle("without-callers", !store.runs.some((run) => run.caller));
    this._summarize();
    const isNearEnd = last >= this.shown.length - 2 * BEYOND;
    if (isNearEnd && store.next && store.runs.length < MOST) this._loadMore();
  }

  async _loadMore() {
    const { store } = this;
    const count = store.runs.length;
    try {
      await store.more();
    } catch (error) {
      this.page.failed(error);
      return;
    }
    if (store === this.store && store.runs.length > count) this.draw();
  }

  // Where new runs came in above, what is read does not move.
  _keepPlace(before) {
    if (!before?.length || this.box.scrollTop <= 0) return;
    const height = this._height();
    const top = Math.floor(this.box.scrollTop / height);
    const anchor = before[top];
    const shown = this.text ? this.store.runs.filter((run) => matches(run, this.text)) : this.store.runs;
    const place = anchor ? shown.findIndex((run) => run.id === anchor.id) : -1;
    if (place < 0 || place === top) return;
    // The list has to be as long as it will be, or the browser cuts the new place.
    this.list.style.height = `${shown.length * height}px`;
    this.box.scrollTop += (place - top) * height;
  }

  _height() {
    return parseFloat(getComputedStyle(this.list).getPropertyValue("--row"));
  }

  _summarize() {
    const { store } = this;
    const count = store.runs.length.toLocaleString();
    let text = "";
    if (!store.isLoaded) text = "Loading…";
    else if (!store.runs.length) {
      text = this.filter.status || this.filter.kind ? "No run is like this." : "There are no runs yet. They appear here when the service starts some.";
    } else if (this.text) {
      const where = store.isComplete ? `${count} runs` : `the newest ${count} runs`;
      text = `${this.shown.length.toLocaleString()} of ${where}`;
    } else if (store.isComplete) text = count === "1" ? "1 run" : `${count} runs`;
    else if (store.runs.length >= MOST) text = `The newest ${count} runs. Older ones: the command \`runs list\`.`;
    else text = `The newest ${count} runs; scroll for older ones`;
    if (this.summary.textContent !== text) this.summary.textContent = text;
  }

  _offerKinds(chosen) {
    const kinds = new Set([...this.page.kinds, ...(this.store?.runs ?? []).map((run) => run.kind), chosen].filter(Boolean));
    const options = [...kinds].sort().map((kind) => h("option", { value: kind, "data-key": kind }, kind));
    const select = this.form.elements.kind;
    const { value } = select;
    show(select, h("option", { value: "", "data-key": "-" }, "All kinds"), options);
    select.value = value;
  }

  _filtered() {
    const query = new URLSearchParams();
    for (const name of ["status", "kind", "text"]) {
      const value = this.form.elements[name].value.trim();
      if (value) query.set(name, value);
    }
    const search = query.toString();
    this.page.replace(search ? `#/runs?${search}` : "#/runs");
  }

  // Enter opens what was typed where it is an id, also of a run that is older than all here.
  _openTyped() {
    const typed = this.form.elements.text.value.trim();
    if (this.shown.length === 1) this.page.go(`#/run/${encodeURIComponent(this.shown[0].id)}`);
    else if (typed.includes("/")) this.page.go(`#/run/${encodeURIComponent(typed)}`);
  }

  _key(event) {
    const id = event.target.closest("li")?.dataset.id;
    const place = this.shown.findIndex((run) => run.id === id);
    const many = Math.max(1, Math.floor(this.box.clientHeight / this._height()) - 1);
    const to = {
      ArrowDown: place + 1,
      ArrowUp: place - 1,
      PageDown: place + many,
      PageUp: place - many,
      Home: 0,
      End: this.shown.length - 1,
    }[event.key];
    if (to === undefined || place < 0) return;
    event.preventDefault();
    this.focus(Math.min(Math.max(to, 0), this.shown.length - 1));
  }

  focus(place) {
    const height = this._height();
    const { scrollTop, clientHeight } = this.box;
    if (place * height < scrollTop) this.box.scrollTop = place * height;
    else if ((place + 1) * height > scrollTop + clientHeight) this.box.scrollTop = (place + 1) * height - clientHeight;
    this.draw();
    this.rows.get(this.shown[place]?.id)?.firstChild.focus({ preventScroll: true });
  }
}

function matches(run, text) {
  return [run.id, run.function, run.caller].some((it) => it?.toLowerCase().includes(text));
}

function rowContent(run, page) {
  const end = run.ended_at ? Date.parse(run.ended_at) : page.now();
  const gate = run.ended_at ? null : page.asking[run.id];
  return [
    statusMark(gate ? "waiting" : run.status),
    h("span", { class: "name" }, h("b", null, run.id), " ", h("small", null, [run.function, gate && `gate ${gate}`].filter(Boolean).join(", "))),
    h("span", { class: "caller" }, run.caller ?? ""),
    h("span", { class: "began" }, moment(run.began_at)),
    h("span", { class: "took" }, duration(end - Date.parse(run.began_at))),
  ];
}
