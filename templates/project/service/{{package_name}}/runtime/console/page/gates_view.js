// Questions that wait for an answer from outside.

import { get } from "./api.js";
import { h, moment, show } from "./dom.js";
import { answerForm } from "./forms.js";

export class GatesView {
  constructor(main, page) {
    this.main = main;
    this.page = page;
    main.replaceChildren(h("h1", null, "Gates"), h("p", { class: "summary" }, "Loading…"), h("div", { class: "cards" }));
  }

  enter() {}

  leave() {}

  async look(signal) {
    const { questions, is_cut: isCut } = await get("gates", {}, signal);
    const summary = questions.length ? "Each of these runs waits for an answer." : "No run waits at a gate.";
    this.main.querySelector(".summary").textContent = isCut ? `${summary} Only the newest runs were looked at.` : summary;
    show(this.main.querySelector(".cards"), questions.map((it) => this._card(it)));
  }

  _card(question) {
    return h("section", { class: "card", "data-key": question.id },
      h("h2", null, question.gate, " ", h("a", { href: `#/run/${encodeURIComponent(question.run)}` }, question.run)),
      h("p", { class: "line" }, h("span", null, "asks since ", moment(question.asked_at)), h("span", null, "until ", moment(question.ends_at))),
      answerForm(this.page, question));
  }
}
