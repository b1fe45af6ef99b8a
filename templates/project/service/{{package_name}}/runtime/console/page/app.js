// The page: which view is shown, the look at the engine each second, and the question before something is done.

import { Refused, get, post, setToken, takeToken } from "./api.js";
import { h } from "./dom.js";
import { GatesView } from "./gates_view.js";
import { RunList } from "./run_list.js";
import { RunView } from "./run_view.js";
import { SchedulesView } from "./schedules_view.js";
import { EDITORS, chooseEditor, editor } from "./source.js";
import { WorkersView } from "./workers_view.js";

const VIEWS = { runs: RunList, run: RunView, gates: GatesView, schedules: SchedulesView, workers: WorkersView };
const SHORTEST = 1000; // milliseconds between two looks
const SHARE = 4; // a look that took long is followed by a pause of so many times as long
const SLOW = 3000; // milliseconds after which an answer that does not come is said
const SUMMARY_EVERY = 3; // looks between two at what is counted beside the views' names

const main = document.getElementById("main");
const notice = document.getElementById("notice");
const live = document.getElementById("live");
const dialog = document.getElementById("dialog");

class Page {
  constructor() {
    this.root = null; // the service's directory, where the console runs on this machine
    this.kinds = [];
    this.asking = {}; // the gate at which a run waits, by the run's id
    this.skew = 0; // of the engine's clock from this browser's, in milliseconds
    this.view = null;
    this.name = null;
    this.list = null; // the list of runs as it was last seen, to come back to
    this.scrolled = 0; // how far, in pixels
    this.looks = 0;
    this.timer = null;
    this.looking = null;
  }

  now() {
    return Date.now() + this.skew;
  }

  async begin() {
    takeToken();
    addEventListener("hashchange", () => this.route());
    document.addEventListener("visibilitychange", () => !document.hidden && this.changed());
    document.addEventListener("click", (event) => this._clicked(event));
    document.addEventListener("keydown", (event) => this._key(event));
    this.route();
  }

  route() {
    if (/[#&?]token=/.test(location.hash)) takeToken();
    const [path, search] = location.hash.replace(/^#\/?/, "").split("?");
    const [name, ...rest] = path.split("/");
    const known = name in VIEWS ? name : "runs";
    if (known !== this.name) {
      this.view?.leave();
      if (this.name === "runs") this.scrolled = main.querySelector("#rows").scrollTop;
      main.replaceChildren();
      main.className = known;
      const kept = known === "runs" ? this.list : null;
      this.view = new VIEWS[known](main, this);
      if (kept) Object.assign(this.view, { filter: kept.filter, store: kept.store });
      if (known === "runs") this.list = this.view;
      this.name = known;
      for (const link of document.querySelectorAll("nav [data-view]")) {
        const isHere = link.dataset.view === known || (link.dataset.view === "runs" && known === "run");
        link.toggleAttribute("aria-current", isHere);
        if (isHere) link.setAttribute("aria-current", "page");
      }
      if (this.hasRouted) main.focus({ preventScroll: true });
      this.view.enter(new URLSearchParams(search), decodeURIComponent(rest.join("/")));
      if (known === "runs" && this.scrolled) main.querySelector("#rows").scrollTop = this.scrolled;
    } else {
      this.view.enter(new URLSearchParams(search), decodeURIComponent(rest.join("/")));
    }
    this.hasRouted = true;
    const titles = { run: decodeURIComponent(rest.join("/")) };
    document.title = `${titles[known] ?? known[0].toUpperCase() + known.slice(1)} – ${this.service ?? "console"}`;
    this.changed();
  }

  go(hash) {
    location.hash = hash;
  }

  // Change the address without a new entry in the browser's history.
  replace(hash) {
    history.replaceState(null, "", hash);
    this.route();
  }

  // Look now, rather than at the next second.
  changed() {
    clearTimeout(this.timer);
    this.looking?.abort();
    const looking = (this.looking = new AbortController());
    this._look(looking);
  }

  async _look(looking) {
    const began = performance.now();
    let pace = SHORTEST;
    const slow = setTimeout(() => this._say("no answer yet", "away"), SLOW);
    looking.signal.addEventListener("abort", () => clearTimeout(slow));
    try {
      if (!this.service) await this._meet(looking.signal);
      pace = (await this.view.look(looking.signal)) ?? SHORTEST;
      if (this.looks++ % SUMMARY_EVERY === 0) await this._attend(looking.signal);
      if (looking.signal.aborted) return;
      this._say("live", "live");
      notice.hidden = true;
    } catch (error) {
      if (error.name === "AbortError" || looking.signal.aborted) return;
      this.failed(error);
    } finally {
      clearTimeout(slow);
    }
    if (document.hidden) return; // It looks when it is seen again.
    this.timer = setTimeout(() => this.changed(), Math.max(pace, SHARE * (performance.now() - began)));
  }

  async _meet(signal) {
    const service = await get("service", {}, signal);
    this.service = service.name;
    this.root = service.root;
    this.kinds = service.kinds;
    this.skew = Date.parse(service.now) - Date.now();
    document.getElementById("service").textContent = service.name;
    document.title = document.title.replace(/ – console$/, ` – ${service.name}`);
  }

  async _attend(signal) {
    const { asking, unserved } = await get("attention", {}, signal);
    this.asking = asking ?? {};
    const gates = Object.keys(this.asking).length;
    for (const [id, count, what] of [["gate-count", gates, "waiting"], ["unserved", unserved.length, "without a worker"]]) {
      const badge = document.getElementById(id);
      badge.hidden = !count;
      badge.textContent = count;
      badge.title = `${count} ${what}`;
    }
  }

  // Say why there is nothing new to see. What was seen stays.
  failed(error) {
    if (!(error instanceof Refused)) console.error(error); // a mistake of this page
    if (error.kind === "unauthorized") {
      this._askForToken(error);
      return;
    }
    const words = { "engine-unavailable": "engine away", "console-away": "console away" };
    this._say(words[error.kind] ?? "stopped", "away");
    notice.hidden = false;
    if (notice.textContent !== error.message) notice.textContent = error.message;
    main.querySelectorAll(".summary").forEach((it) => it.textContent === "Loading…" && (it.textContent = ""));
  }

  _say(text, className) {
    if (live.textContent !== text) live.textContent = text;
    live.className = `live ${className}`;
  }

  _askForToken(error) {
    this._say("token missing", "away");
    if (notice.querySelector("form")) return;
    const form = h("form", null, h("label", { for: "token" }, error.message), " ",
      h("input", { id: "token", type: "password", autocomplete: "off" }), " ", h("button", { type: "submit", class: "primary" }, "Use it"));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      setToken(form.querySelector("input").value.trim());
      notice.replaceChildren();
      notice.hidden = true;
      this.changed();
    });
    notice.replaceChildren(form);
    notice.hidden = false;
  }

  // Ask before something is done. `question`: {title, text, fields, confirm, keep, isDangerous, send, body}.
  confirm(question, then) {
    const outcome = h("p", { class: "outcome", role: "status" });
    const form = h("form", { method: "dialog" },
      h("h2", { id: "dialog-title" }, question.title),
      h("p", null, question.text),
      (question.fields ?? []).map((it) => questionField(it)),
      outcome,
      h("div", { class: "actions" },
        h("button", { type: "button", "data-action": "close" }, question.keep),
        h("button", { type: "submit", class: question.isDangerous ? "danger" : "primary" }, question.confirm)));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const given = Object.fromEntries((question.fields ?? []).map((it) =>
        [it.name, it.type === "checkbox" ? form.elements[it.name].checked : form.elements[it.name].value]));
      form.querySelector("[type=submit]").disabled = true;
      try {
        const done = await post(question.send, question.body(given));
        dialog.close();
        then(done);
      } catch (error) {
        outcome.textContent = error.message;
        outcome.className = "outcome bad";
        form.querySelector("[type=submit]").disabled = false;
      }
    });
    dialog.replaceChildren(form);
    dialog.showModal();
    form.querySelector("[data-action=close]").focus();
  }

  _settings() {
    const select = h("select", { id: "editor" }, Object.entries(EDITORS).map(([name, [label]]) =>
      h("option", { value: name, selected: name === editor() }, label)));
    select.addEventListener("change", () => {
      chooseEditor(select.value);
      this.changed();
    });
    dialog.replaceChildren(h("h2", { id: "dialog-title" }, "Settings"),
      h("div", { class: "field" }, h("label", { for: "editor" }, "Open functions in"), select),
      h("h3", null, "Keys"),
      h("dl", { class: "keys" }, [["/", "go to the filter"], ["↑ ↓", "from run to run, from call to call"], ["Enter", "open it"], ["→ ←", "show and hide what a call was given"], ["Esc", "close, or leave the filter"]]
        .map(([key, what]) => h("div", null, h("dt", null, h("kbd", null, key)), h("dd", null, what)))),
      h("div", { class: "actions" }, h("button", { type: "button", "data-action": "close", class: "primary" }, "Close")));
    dialog.showModal();
  }

  async _clicked(event) {
    const button = event.target.closest("[data-action]");
    if (!button) return;
    const { action } = button.dataset;
    if (action === "settings") this._settings();
    else if (action === "close") dialog.close();
    else if (action === "skip") {
      event.preventDefault();
      main.focus();
    } else if (action === "copy") {
      event.stopPropagation();
      await navigator.clipboard.writeText(button.dataset.text);
      button.textContent = "Copied";
      setTimeout(() => (button.textContent = "Copy"), 1200);
    }
  }

  _key(event) {
    const isTyping = event.target.closest("input, textarea, select, dialog");
    const search = document.querySelector(".filters [name=text]");
    if (event.key === "/" && !isTyping && search && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      search.focus();
    } else if (event.key === "Escape" && event.target === search) {
      search.value = "";
      search.dispatchEvent(new Event("input", { bubbles: true }));
      search.blur();
    } else if (event.key === "ArrowDown" && event.target === search && this.name === "runs" && this.view.shown.length) {
      event.preventDefault();
      this.view.focus(0);
    }
  }
}

function questionField(it) {
  const id = `ask-${it.name}`;
  if (it.type === "checkbox") {
    return h("div", { class: "field check" }, h("input", { type: "checkbox", id, name: it.name, "aria-describedby": `${id}-about` }),
      h("label", { for: id }, it.label), h("small", { id: `${id}-about` }, it.hint));
  }
  return h("div", { class: "field" }, h("label", { for: id }, it.label),
    h("select", { id, name: it.name }, it.options.map(([value, label]) => h("option", { value }, label))));
}

new Page().begin();
