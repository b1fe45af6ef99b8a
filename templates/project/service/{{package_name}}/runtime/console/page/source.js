// Where a function is: its path and line, as a link into the reader's editor where one is chosen.

import { copyButton, h } from "./dom.js";

export const EDITORS = {
  none: ["No editor", null],
  vscode: ["VS Code", "vscode://file/{path}:{line}"],
  cursor: ["Cursor", "cursor://file/{path}:{line}"],
  zed: ["Zed", "zed://file/{path}:{line}"],
  jetbrains: ["PyCharm", "pycharm://open?file={path}&line={line}"],
};
const KEPT = "console-editor";

export function editor() {
  const chosen = localStorage.getItem(KEPT);
  return chosen in EDITORS ? chosen : "none";
}

export function chooseEditor(name) {
  localStorage.setItem(KEPT, name);
}

// `source` is {path, line}: the path is below the service's directory, which the server tells of on this machine alone.
export function sourceLink(source, page) {
  const text = `${source.path}:${source.line}`;
  const [, template] = EDITORS[editor()];
  if (!template || !page.root) return [h("code", null, text), " ", copyButton(text, "the path")];
  const path = encodeURI(`${page.root}/${source.path}`).replace(/^\//, "");
  return h("a", { href: template.replace("{path}", template.includes("?") ? `/${path}` : path).replace("{line}", source.line) }, h("code", null, text));
}
