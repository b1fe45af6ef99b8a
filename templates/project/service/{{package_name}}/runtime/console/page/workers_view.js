// Who listens for the work of each group, and what waits where nobody does.

import { get } from "./api.js";
import { h, moment, show } from "./dom.js";

export class WorkersView {
  constructor(main, page) {
    this.main = main;
    this.page = page;
    main.replaceChildren(h("h1", null, "Workers"), h("p", { class: "summary" }, "Loading…"), h("div", { class: "cards" }));
  }

  enter() {}

  leave() {}

  async look(signal) {
    const groups = await get("workers", {}, signal);
    const alone = groups.filter((group) => group.is_served === false);
    const names = alone.map((group) => group.group).join(", ");
    const summary = alone.length ? `Nobody serves ${names}: calls to it wait.` : groups.length ? "Each group has a worker." : "No group is known yet.";
    this.main.querySelector(".summary").textContent = `${summary} A worker that ended is shown for up to two minutes.`;
    show(this.main.querySelector(".cards"), groups.map((group) => this._card(group)));
  }

  _card(group) {
    const isAlone = group.is_served === false;
    return h("section", { class: isAlone ? "card alone" : "card", "data-key": group.group, "data-group": group.group },
      h("h2", null, group.group, group.is_ours ? null : h("small", null, " another service's")),
      h("p", { class: isAlone ? "problem" : "waits" }, isAlone ? "No worker of this group listens." : group.is_served === null ? "Nothing is known here of who serves it." : null),
      isAlone && group.command && h("p", { class: "line" }, "Start one: ", h("code", null, group.command)),
      group.workers.length > 0 && h("table", null,
        h("thead", null, h("tr", null, ["Process", "Since", "In hand"].map((it) => h("th", { scope: "col" }, it)))),
        h("tbody", null, group.workers.map((worker) => h("tr", { "data-key": worker.process },
          h("td", null, h("code", null, worker.process)), h("td", null, moment(worker.since)), h("td", null, `${worker.in_hand} of ${worker.places}`))))));
  }
}
