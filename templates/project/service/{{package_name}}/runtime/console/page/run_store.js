// The runs that this page knows, newest first: some pages of the engine's list, kept like it at a small cost.
//
// A look asks for the newest page, and for the pages of the rows that are seen and have not ended: two or three requests,
// however many runs there are.

import { get } from "./api.js";

export const MOST = 10_000; // runs that are kept here; older ones are the command line's
const NEWEST = 50; // runs in the page that each look asks for
const PAGE = 200;
const MOST_NEW = 5; // pages of new runs between two looks; with more of them the list begins anew

export class RunStore {
  constructor(filter) {
    this.filter = filter; // {status, kind}
    this.runs = [];
    this.next = null; // the cursor of the first page that is not here
    this.isComplete = false;
    this.isLoaded = false;
    this.cursors = []; // of the pages that are here
    this._pageOf = new Map(); // id -> index into `cursors`
    this._known = new Map(); // id -> run
    this._loading = null;
  }

  // Ask for what may have changed. `seen` are the rows in view.
  async look(seen, signal) {
    if (!this.isLoaded) {
      await this._begin(signal);
      return;
    }
    let cursor = null;
    for (let page = 0; ; page++) {
      const found = await this._ask(cursor, NEWEST, signal);
      // A short page is one for which the engine looked at many runs that are not like this.
      const isShort = !found.next_cursor || found.runs.length < NEWEST;
      const meets = isShort || found.runs.some((run) => this._known.has(run.id));
      if (!meets && page === MOST_NEW) {
        await this._begin(signal);
        return;
      }
      this._merge(found.runs, cursor === null, !found.next_cursor, 0);
      if (meets) break;
      cursor = found.next_cursor;
    }
    const newest = new Set(this.runs.slice(0, NEWEST).map((run) => run.id));
    const open = seen.filter((run) => !run.ended_at && !newest.has(run.id));
    for (const page of new Set(open.map((run) => this._pageOf.get(run.id)))) {
      const found = await this._ask(this.cursors[page], PAGE, signal);
      this._merge(found.runs, this.cursors[page] === null, !found.next_cursor, page);
    }
  }

  // Load the page after the last one; one at a time.
  async more() {
    if (this._loading || !this.isLoaded || !this.next || this.runs.length >= MOST) return;
    this._loading = this._ask(this.next, PAGE);
    try {
      const cursor = this.next;
      const found = await this._loading;
      this.cursors.push(cursor);
      this._append(found.runs, this.cursors.length - 1);
      this._reached(found.next_cursor);
    } finally {
      this._loading = null;
    }
  }

  async _begin(signal) {
    const found = await this._ask(null, PAGE, signal);
    this.runs = [];
    this._known.clear();
    this._pageOf.clear();
    this.cursors = [null];
    this._append(found.runs, 0);
    this._reached(found.next_cursor);
    this.isLoaded = true;
  }

  _ask(cursor, limit, signal) {
    return get("runs", { ...this.filter, cursor, limit }, signal);
  }

  _reached(next) {
    this.next = next;
    this.isComplete = !next;
  }

  _append(runs, page) {
    for (const run of runs) {
      if (this._known.has(run.id)) continue;
      this._known.set(run.id, run);
      this._pageOf.set(run.id, page);
      this.runs.push(run);
    }
  }

  // Take over a part of the list. What is not in it, though it lies between its first and its last run, has left it:
  // it has ended, and the list is one of those that run, say.
  _merge(found, isFirst, isLast, page) {
    if (!found.length && !isFirst) return;
    const ids = new Set(found.map((run) => run.id));
    const places = found.map((run) => (this._known.has(run.id) ? this.runs.findIndex((it) => it.id === run.id) : -1));
    const there = places.filter((place) => place >= 0);
    const from = isFirst ? 0 : there.length ? Math.min(...there) : this.runs.length;
    const to = isLast ? this.runs.length : there.length ? Math.max(...there) + 1 : from;
    const left = this.runs.slice(from, to).filter((run) => !ids.has(run.id));
    for (const run of left) {
      this._known.delete(run.id);
      this._pageOf.delete(run.id);
    }
    for (const run of found) {
      this._known.set(run.id, run);
      if (!this._pageOf.has(run.id)) this._pageOf.set(run.id, page);
    }
    this.runs.splice(from, to - from, ...found);
    if (this.runs.length > MOST) {
      for (const run of this.runs.splice(MOST)) {
        this._known.delete(run.id);
        this._pageOf.delete(run.id);
      }
    }
  }
}
