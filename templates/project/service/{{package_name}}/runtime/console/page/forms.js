// The form in which a gate is answered, made of the JSON Schema of its answers.

import { post } from "./api.js";
import { h } from "./dom.js";

// `question` is one of the server's. Where an answer is one yes or no, two buttons give it.
export function answerForm(page, question) {
  const schema = question.payload_schema;
  if (!schema) return h("p", { class: "summary" }, "This service does not know the gate: whoever does has to answer.");
  const isWhole = schema.type !== "object"; // a list, say: then it is written as JSON
  const fields = isWhole ? [field("answer", { ...schema, type: "array" }, { required: ["answer"] })] : Object.entries(schema.properties ?? {}).map(([name, given]) => field(name, given, schema));
  const only = fields.length === 1 && fields[0].type === "boolean" && fields[0].isRequired ? fields[0] : null;
  const outcome = h("p", { class: "outcome", role: "status" });
  const id = `answer-${question.id}`.replaceAll(/[^A-Za-z0-9]+/g, "-");
  const form = h("form", { class: "answer", "data-own": true, "data-key": `form-${question.id}`, "aria-label": `Answer ${question.gate} of ${question.run}`, novalidate: true },
    only
      ? h("div", { class: "actions" }, [true, false].map((value) =>
          h("button", { type: "submit", class: value ? "primary" : null, name: only.name, value: String(value) }, value ? only.title : `not ${only.title}`)))
      : [fields.map((it) => it.element(id)), h("div", { class: "actions" }, h("button", { type: "submit", class: "primary" }, "Send the answer"))],
    outcome);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    mark(form, []);
    let answer;
    try {
      answer = only ? { [only.name]: event.submitter?.value === "true" } : read(form, fields);
      if (isWhole) ({ answer } = answer);
    } catch (error) {
      mark(form, [{ at: error.at, detail: error.message }]);
      return;
    }
    const buttons = form.querySelectorAll("button");
    for (const button of buttons) button.disabled = true;
    outcome.textContent = "Sending…";
    try {
      const sent = await post("gates/answer", { gate: question.gate, run: question.run, answer });
      outcome.textContent = sent.detail;
      outcome.className = "outcome good";
      page.changed();
    } catch (error) {
      for (const button of buttons) button.disabled = false;
      const errors = error.members?.errors ?? [];
      const others = errors.filter((it) => !form.querySelector(`[data-at="${CSS.escape(fieldOf(it))}"]`));
      outcome.textContent = errors.length ? ["The answer does not fit.", ...others.map((it) => `${it.at}: ${it.detail}`)].join(" ") : error.message;
      outcome.className = "outcome bad";
      mark(form, errors);
    }
  });
  return form;
}

function field(name, given, root) {
  const schema = resolved(given, root);
  const isRequired = (root.required ?? []).includes(name);
  const title = schema.title && schema.title.toLowerCase() !== name.replaceAll("_", " ") ? schema.title : name.replaceAll("_", " ");
  const type = schema.enum ? "enum" : ["boolean", "integer", "number", "string"].includes(schema.type) ? schema.type : "json";
  const element = (form) => {
    const id = `${form}-${name}`;
    const about = `${id}-about`;
    const common = { id, name, "aria-describedby": about, "aria-required": isRequired ? "true" : null };
    let control;
    if (type === "boolean" || type === "enum") {
      const options = type === "boolean" ? [["true", "yes"], ["false", "no"]] : schema.enum.map((it) => [JSON.stringify(it), String(it)]);
      control = h("select", common, h("option", { value: "" }, isRequired ? "choose" : "as it is by default"), options.map(([value, label]) => h("option", { value }, label)));
    } else if (type === "json" || (schema.maxLength ?? 0) > 200) {
      control = h("textarea", { ...common, rows: 4, spellcheck: "false", placeholder: type === "json" ? "JSON" : null });
    } else {
      control = h("input", { ...common, type: "text", autocomplete: "off", inputmode: type === "string" ? null : "decimal", placeholder: schema.format ?? null });
    }
    return h("div", { class: "field" }, h("label", { for: id }, title, isRequired ? null : h("small", null, " optional")), control,
      h("small", { id: about, class: "about", "data-at": name }, schema.description ?? ""));
  };
  return { name, title, type, isRequired, element };
}

// What a schema refers to, and of "this or nothing" the first.
function resolved(schema, root) {
  let found = schema;
  if (found.$ref) found = { ...root.$defs?.[found.$ref.split("/").pop()], ...found };
  const others = found.anyOf?.filter((it) => it.type !== "null") ?? [];
  if (others.length === 1) found = { ...found, ...resolved(others[0], root) };
  // A Decimal: as a text it keeps all its digits.
  if (others.length === 2 && others.every((it) => ["number", "string"].includes(it.type))) found = { ...found, type: "string" };
  return found;
}

function read(form, fields) {
  const answer = {};
  for (const { name, type, isRequired } of fields) {
    const text = form.elements[name].value;
    if (text === "" && !(isRequired && type === "string")) continue;
    if (type === "string") {
      answer[name] = text;
      continue;
    }
    try {
      answer[name] = JSON.parse(text);
      if (type === "integer" && !Number.isSafeInteger(answer[name])) throw new RangeError("beyond what a browser counts to");
    } catch {
      const problem = new Error(type === "json" ? "This is no JSON." : `This is no ${type}.`);
      problem.at = name;
      throw problem;
    }
  }
  return answer;
}

const fieldOf = (error) => error.at.split("/")[0];

// Show each mistake at its field.
function mark(form, errors) {
  for (const note of form.querySelectorAll("[data-at]")) {
    const found = errors.filter((error) => fieldOf(error) === note.dataset.at);
    if (note.dataset.said === undefined) note.dataset.said = note.textContent;
    note.textContent = found.length ? found.map((error) => error.detail).join("; ") : note.dataset.said;
    note.classList.toggle("bad", found.length > 0);
    form.elements[note.dataset.at].setAttribute("aria-invalid", String(found.length > 0));
  }
  const first = errors[0] && form.elements[fieldOf(errors[0])];
  first?.focus?.();
}
