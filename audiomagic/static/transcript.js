// Transcript: text that follows its sound. The word being spoken is marked; a click or a key plays
// from a word. The text is one stop of the Tab key; arrow keys move between words.
//
// In every card, and in the player.

const cjk = "[\\u3040-\\u30ff\\u3400-\\u9fff\\uac00-\\ud7af]";
export const TOKEN = new RegExp(`\\s+|${cjk}|(?:(?!${cjk})\\S)+`, "gu"); // as word_timing.py splits

export class Transcript {
  // `play` is called with a second of the sound.
  constructor(element, play) {
    this.element = element;
    this.play = play;
    this.words = []; // the spans of each: a delta may end within a word
    this.starts = []; // the second at which each is spoken
    this.current = 0; // the word that has the keyboard
    element.setAttribute("role", "group");
    element.setAttribute("aria-label", "Transcript: arrow keys move between words, Enter plays from there");
    element.addEventListener("click", (event) => this.onClick(event));
    element.addEventListener("keydown", (event) => this.onKey(event));
  }

  // Returns the nodes for a further delta of the text; a word that begins at an index of it is
  // spoken at `start(index)`.
  split(delta, start) {
    return [...delta.matchAll(TOKEN)].map(({ 0: text, index }) => {
      const alone = new RegExp(cjk, "u").test(text);
      const space = /^\s/.test(text);
      const begins = alone || !this.open;
      this.open = !space && !alone;
      if (space) return document.createTextNode(text);
      const span = document.createElement("span");
      span.textContent = text;
      span.style.cssText = "cursor:pointer;border-radius:3px";
      if (begins) this.words.push([]);
      if (begins && start) this.starts.push(start(index));
      this.words[this.words.length - 1].push(span);
      if (this.words.length === 1) this.select(0);
      return span;
    });
  }

  // Marks the word that is spoken at a second.
  mark(second) {
    let i = -1;
    while (i + 1 < this.words.length && this.starts[i + 1] <= second) i++;
    if (this.words[i] === this.marked) return;
    for (const span of this.marked ?? []) span.style.background = "";
    this.marked = this.words[i];
    for (const span of this.marked ?? []) span.style.background = "#ffe08a";
  }

  // Moves the keyboard to a word, which alone is a button; returns the button.
  select(i) {
    const before = this.words[this.current][0];
    for (const name of ["role", "tabindex", "aria-label", "data-lm-suppress-shortcuts"]) before.removeAttribute(name);
    this.current = Math.max(0, Math.min(this.words.length - 1, i));
    const word = this.words[this.current];
    word[0].setAttribute("role", "button");
    word[0].setAttribute("tabindex", "0");
    word[0].setAttribute("aria-label", `Play from ${word.map((span) => span.textContent).join("")}`);
    word[0].setAttribute("data-lm-suppress-shortcuts", "true"); // Lab's own keys stay out
    return word[0];
  }

  onClick({ target }) {
    const i = this.words.findIndex((word) => word.includes(target));
    if (i < 0) return;
    this.select(i).focus();
    this.play(this.starts[i]);
  }

  onKey(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey || !this.words.length) return;
    const forward = getComputedStyle(this.element).direction === "rtl" ? -1 : 1;
    const steps = { ArrowRight: forward, ArrowLeft: -forward, Home: -Infinity, End: Infinity };
    if (event.key === "Enter" || event.key === " ") this.play(this.starts[this.current]);
    else if (event.key in steps) this.select(this.current + steps[event.key]).focus();
    else return;
    event.preventDefault();
  }
}
