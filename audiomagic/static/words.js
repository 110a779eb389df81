// Words of a text that can be heard: the one that sounds is marked, and each plays from there, by a
// click or by keyboard. The text is one stop of the Tab key; arrow keys go from word to word.
//
// In every card, and in the player.

const sign = "[\\u3040-\\u30ff\\u3400-\\u9fff\\uac00-\\ud7af]";
const cut = new RegExp(`\\s+|${sign}|(?:(?!${sign})\\S)+`, "gu"); // as timing.py cuts

class Words {
  // `play` is called with a second of the sound.
  constructor(text, play) {
    this.text = text;
    this.play = play;
    this.words = []; // of each its pieces: a text may come cut anywhere
    this.starts = []; // of each the second at which it is said
    this.current = 0; // the one that the keyboard is at
    text.setAttribute("role", "group");
    text.setAttribute("aria-label", "Transcript: arrow keys go from word to word, Enter plays from there");
    text.addEventListener("click", (event) => this.clicked(event));
    text.addEventListener("keydown", (event) => this.typed(event));
  }

  // Gives the nodes of a further piece of the text; a word that begins at a place in it is said
  // at `start(place)`.
  cut(piece, start) {
    return [...piece.matchAll(cut)].map(({ 0: text, index }) => {
      const alone = new RegExp(sign, "u").test(text);
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
      if (this.words.length === 1) this.choose(0);
      return span;
    });
  }

  // Marks the word that is said at a second.
  mark(second) {
    let i = -1;
    while (i + 1 < this.words.length && this.starts[i + 1] <= second) i++;
    if (this.words[i] === this.marked) return;
    for (const span of this.marked ?? []) span.style.background = "";
    this.marked = this.words[i];
    for (const span of this.marked ?? []) span.style.background = "#ffe08a";
  }

  // Moves the keyboard's place: that word alone is a button.
  choose(i) {
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

  clicked({ target }) {
    const i = this.words.findIndex((word) => word.includes(target));
    if (i < 0) return;
    this.choose(i).focus();
    this.play(this.starts[i]);
  }

  typed(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey || !this.words.length) return;
    const ahead = getComputedStyle(this.text).direction === "rtl" ? -1 : 1;
    const steps = { ArrowRight: ahead, ArrowLeft: -ahead, Home: -Infinity, End: Infinity };
    if (event.key === "Enter" || event.key === " ") this.play(this.starts[this.current]);
    else if (event.key in steps) this.choose(this.current + steps[event.key]).focus();
    else return;
    event.preventDefault();
  }
}
