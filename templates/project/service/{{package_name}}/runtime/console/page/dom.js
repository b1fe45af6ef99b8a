// Elements, and how a new state of them is brought into the page without losing focus, scroll or what is open.

// Make an element. `style` is an object; an attribute that is null, undefined or false is left out, true is empty.
// `children` are nodes, texts, or lists of them; null, undefined and false are left out.
export function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "style") Object.assign(element.style, value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  const nodes = children.flat(Infinity).filter((it) => it !== null && it !== undefined && it !== false);
  element.append(...nodes.map((it) => (it instanceof Node ? it : String(it))));
  return element;
}

// Show `children` in `parent`: elements that are there already and alike stay, with their focus and scroll.
// Elements are told apart by `data-key`. What has `data-own` looks after its content itself, once it is there.
export function show(parent, ...children) {
  const next = document.createElement(parent.nodeName);
  next.append(...children.flat(Infinity).filter(Boolean));
  patchChildren(parent, next);
}

function patch(live, next) {
  if (live.nodeType === Node.TEXT_NODE) {
    if (live.data !== next.data) live.data = next.data;
    return;
  }
  if (live.hasAttribute("data-own")) return;
  for (const { name, value } of next.attributes) {
    if (name !== "style" && live.getAttribute(name) !== value) live.setAttribute(name, value);
  }
  for (const { name } of [...live.attributes]) {
    // What the reader has opened stays open.
    if (name !== "style" && name !== "open" && !next.hasAttribute(name)) live.removeAttribute(name);
  }
  // Not as an attribute: the page's policy allows no style that markup brings.
  if (live.style.cssText !== next.style.cssText) live.style.cssText = next.style.cssText;
  patchChildren(live, next);
}

function patchChildren(live, next) {
  const keyed = new Map();
  for (const child of live.children) if (child.dataset.key) keyed.set(child.dataset.key, child);
  const wanted = new Set([...next.children].map((child) => child.dataset.key).filter(Boolean));
  let at = live.firstChild;
  const skipGone = () => {
    while (at?.dataset?.key && !wanted.has(at.dataset.key)) {
      const gone = at;
      at = at.nextSibling;
      gone.remove();
    }
  };
  for (const child of [...next.childNodes]) {
    skipGone();
    const key = child.dataset?.key;
    const found = key ? keyed.get(key) : at && !at.dataset?.key && at.nodeName === child.nodeName ? at : null;
    if (!found || found.nodeName !== child.nodeName) {
      live.insertBefore(child, at);
      continue;
    }
    if (found === at) at = at.nextSibling;
    else live.insertBefore(found, at);
    patch(found, child);
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  }
}

// "412 ms", "3.2 s", "4 min 12 s", "3 h 2 min", "5 d 3 h".
export function duration(ms) {
  if (ms < 0) return "0 ms";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(Math.floor(ms / 100) / 10).toFixed(1)} s`;
  const units = [["d", 86_400_000], ["h", 3_600_000], ["min", 60_000], ["s", 1000]];
  const first = units.findIndex(([, size]) => ms >= size);
  const parts = units.slice(first, first + 2).map(([unit, size], index) => {
    const count = Math.floor(index ? (ms % units[first][1]) / size : ms / size);
    return count || !index ? `${count} ${unit}` : "";
  });
  return parts.filter(Boolean).join(" ");
}

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DAY = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric" });
const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

// A moment, given as ISO 8601 or Unix milliseconds: the time of day, with the day where it is another one.
export function moment(at) {
  const date = new Date(at);
  const isToday = date.toDateString() === new Date().toDateString();
  const text = isToday ? CLOCK.format(date) : `${DAY.format(date)}, ${CLOCK.format(date)}`;
  return h("time", { datetime: date.toISOString(), title: FULL.format(date) }, text);
}

// A button that copies a text; null where the browser lets no page copy, as over plain HTTP from another machine.
export function copyButton(text, what) {
  if (!navigator.clipboard) return null;
  return h("button", { type: "button", class: "quiet small", "data-action": "copy", "data-text": text, "aria-label": `Copy ${what}` }, "Copy");
}
