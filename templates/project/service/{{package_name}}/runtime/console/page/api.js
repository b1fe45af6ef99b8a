// Requests to the console's own server. The token comes from the URL's fragment, which a browser never sends, and is
// kept for this tab alone.

const KEPT = "console-token";

// What the server, or the way to it, has refused. `kind` is the problem's type: "unauthorized", "engine-unavailable" …
export class Refused extends Error {
  constructor(kind, detail, members = {}) {
    super(detail);
    this.kind = kind;
    this.members = members;
  }
}

// Take the token out of the address, so that it is in no bookmark and no link that is shared.
export function takeToken() {
  const found = /(?:^#|[#&?])token=([^&]+)/.exec(location.hash);
  if (!found) return;
  sessionStorage.setItem(KEPT, decodeURIComponent(found[1]));
  const rest = location.hash.replace(/[#&?]token=[^&]+/, "").replace(/^#?/, "#");
  history.replaceState(null, "", rest === "#" ? "#/runs" : rest);
}

export function setToken(token) {
  sessionStorage.setItem(KEPT, token);
}

// `query` has texts and numbers, and lists of them; what is null, undefined or empty is left out.
export const get = (path, query = {}, signal = undefined) => {
  const given = Object.entries(query).flatMap(([name, value]) => [value].flat().map((it) => [name, it]));
  const search = new URLSearchParams(given.filter(([, value]) => value !== null && value !== undefined && value !== "")).toString();
  return request(search ? `${path}?${search}` : path, { signal });
};

export const post = (path, body) =>
  request(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

async function request(path, options) {
  const token = sessionStorage.getItem(KEPT);
  const headers = { ...options.headers, ...(token ? { Authorization: `Bearer ${token}` } : {}) };
  let response;
  try {
    response = await fetch(`api/${path}`, { ...options, headers, credentials: "omit", cache: "no-store" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused("console-away", "The console does not answer. Is the process that serves it still running?");
  }
  const body = await response.json().catch(() => ({}));
  if (response.ok) return body;
  throw new Refused(body.type ?? "unknown", body.detail ?? `The console answered ${response.status}.`, body);
}
