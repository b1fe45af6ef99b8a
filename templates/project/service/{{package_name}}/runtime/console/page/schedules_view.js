// What the engine starts by the clock.

import { get, post } from "./api.js";
import { h, moment, show } from "./dom.js";
import { sourceLink } from "./source.js";
import { statusMark } from "./status.js";

const PACE = 5000; // milliseconds between two looks: many requests tell of little that changes
const SKIPPED = { missed: "its time had passed", overlap: "the run before had not ended" };

export class SchedulesView {
  constructor(main, page) {
    this.main = main;
    this.page = page;
    this.said = new Map(); // name -> what its button has done
    main.replaceChildren(h("h1", null, "Schedules"), h("p", { class: "summary" }, "Loading…"), h("div", { class: "cards" }));
    main.addEventListener("click", this._onClick = (event) => this._clicked(event));
  }

  enter() {}

  leave() {
    this.main.removeEventListener("click", this._onClick);
  }

  async look(signal) {
    this.schedules = await get("schedules", {}, signal);
    this.draw();
    return PACE;
  }

  draw() {
    const { schedules } = this;
    this.main.querySelector(".summary").textContent = schedules.length ? "Times are this browser's; the engine reads the expressions in UTC." : "This service starts nothing by the clock.";
    show(this.main.querySelector(".cards"), schedules.map((it) => this._card(it)));
  }

  _card(schedule) {
    return h("section", { class: "card", "data-key": schedule.name },
      h("h2", null, schedule.name, " ", h("code", null, schedule.cron)),
      h("p", { class: "line" }, h("span", null, schedule.workflow), schedule.source && sourceLink(schedule.source, this.page)),
      !schedule.is_kept && h("p", { class: "waits" }, "The engine does not have it: no worker of the group workers has started since it was added."),
      h("dl", { class: "facts" },
        h("div", null, h("dt", null, "Next"), h("dd", null, h("ol", { class: "times" }, schedule.next_times.map((at) => h("li", null, moment(at)))))),
        h("div", null, h("dt", null, "Last"), h("dd", null, schedule.last_run
          ? [h("a", { href: `#/run/${encodeURIComponent(schedule.last_run.id)}` }, moment(schedule.last_run.began_at)), " ",
            schedule.skipped ? `skipped: ${SKIPPED[schedule.skipped] ?? schedule.skipped}` : statusMark(schedule.last_run.status)]
          : "not yet"))),
      h("div", { class: "actions" }, h("button", { type: "button", "data-action": "run-now", "data-name": schedule.name }, "Run now"),
        h("span", { role: "status", class: "outcome" }, this.said.get(schedule.name))));
  }

  async _clicked(event) {
    const button = event.target.closest("[data-action=run-now]");
    if (!button) return;
    const { name } = button.dataset;
    button.disabled = true;
    try {
      const { run } = await post("schedules/run", { name });
      this.said.set(name, [h("a", { href: `#/run/${encodeURIComponent(run)}` }, run), " is started"]);
      this.page.changed();
    } catch (error) {
      this.said.set(name, error.message);
    }
    this.draw();
    button.disabled = false;
  }
}
