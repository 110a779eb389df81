// Words: what both sides said, item by item. The model's are shown as they are spoken, not as they
// arrive: words run ahead of their sound, and may never be spoken.

import { visible } from "./visible.js";

const CHARACTERS_PER_SECOND = 15; // of speech: a guess until all of an item's sound is there

export class Words {
  constructor() {
    this.rows = new Map(); // item -> row, in the order in which items were first heard of
  }

  /** Takes all words of an item at once. */
  set({ side, item, text, final, cut }) {
    const row = this.#row(side, item);
    row.text = visible(text);
    row.over = side === "user" || final;
    row.shown = row.over ? row.text.length : row.shown;
    Object.assign(row, { final, cut });
  }

  add(item, text) {
    const row = this.#row("model", item);
    if (!row.over) row.text += visible(text);
  }

  /** So many seconds of an item's sound arrived. */
  receive(item, seconds) { this.#row("model", item).received += seconds; }

  /** No more will come; without sound all words are shown now. */
  end(item) {
    const row = this.#row("model", item);
    row.complete = true;
    if (!row.received) this.finish(item);
  }

  /** So many seconds of it were played. */
  play(item, seconds) {
    const row = this.#row("model", item);
    if (row.over) return;
    // Of words whose sound is yet to come, no more than can have been spoken.
    const guess = row.complete ? 0 : row.text.length / CHARACTERS_PER_SECOND;
    const share = Math.min(1, seconds / Math.max(row.received, guess));
    const spoken = Math.ceil(row.text.length * share);
    const word = row.text.slice(spoken).search(/\s|$/); // the word is shown as it begins
    row.shown = Math.max(row.shown, spoken && spoken + word);
  }

  /** All that is there is shown, as it is not going to be heard. */
  reveal(item) {
    const row = this.#row("model", item);
    row.shown = row.text.length;
  }

  /** All of it was heard. */
  finish(item) {
    const row = this.#row("model", item);
    row.over = true;
    row.shown = row.text.length;
  }

  /** Whether it was heard to its end, or cut off. */
  isOver(item) { return Boolean(this.rows.get(item)?.over); }

  /** The rest of it will not be heard. */
  cut(item) {
    const row = this.#row("model", item);
    row.over = row.cut = true;
    row.text = row.text.slice(0, row.shown);
  }

  #row(side, item) {
    if (!this.rows.has(item)) {
      this.rows.set(item, { side, text: "", shown: 0, received: 0, complete: false, over: false, final: false, cut: false });
    }
    return this.rows.get(item);
  }
}
