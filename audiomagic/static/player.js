// The player as it is seen: alone at first, then in the finished card, until all is played. The
// parts come before it.

const HTML = `
  <div class="am-row">
    <button type="button" class="am-pause">Pause</button>
    <button type="button" class="am-stop">Stop</button>
    <span class="am-clock" role="timer" aria-live="off"></span>
    <span class="am-line" role="status" aria-live="polite"></span>
  </div>
  <div class="am-words" dir="auto"></div>`;

class Panel {
  constructor(playback, host) {
    this.playback = playback;
    this.host = host;
    this.card = host.closest(".audiomagic-card"); // null: the reply is still arriving
    this.audio = this.card?.querySelector("audio");
    if (this.card) this.card.takeOver = () => playback.giveWay();
    this.root = group("player", "Player", HTML);
    const part = (name) => this.root.querySelector(name);
    [this.pause, this.stop, this.clock, this.line] =
      [".am-pause", ".am-stop", ".am-clock", ".am-line"].map(part);
    this.words = new Words(part(".am-words"), (second) => playback.seek(second));
    this.shown = 0; // pieces of the text
    this.pause.onclick = () => (this.stands ? playback.resume() : playback.pause());
    this.stop.onclick = () => playback.stop();
    this.root.classList.toggle("am-in-card", Boolean(this.card));
    if (this.audio) this.audio.style.display = "none"; // until all is played; it stays silent
    if (this.card) host.prepend(this.root);
    else host.replaceChildren(this.root); // the line in its place is for when there is no page
    playback.panels.add(this);
    playback.seen();
    playback.open();
    this.draw();
    // The keyboard's place on the page goes along, from the panel that was replaced.
    this.root.addEventListener("focusin", ({ target }) => { playback.focus = target.className || this.words.current; });
    this.root.addEventListener("focusout", () => setTimeout(() => { // by then it is known whether it was removed
      if (this.root.isConnected && !this.root.contains(document.activeElement)) playback.focus = "";
    }));
    this.refocus(playback.focus);
    if (this.card) this.card.following = () => this.refocus(playback.focus);
  }

  /** Takes the keyboard's place over: a button's class, or a word's number. */
  refocus(place) {
    if (typeof place === "number") (this.card ? this.card.words : this.words)?.choose(place).focus();
    else if (place) this.root.querySelector(`.${place}`)?.focus();
  }

  get stands() { return ["paused", "blocked"].includes(this.playback.state); }

  draw() {
    const { state, words } = this.playback;
    this.root.dataset.state = state;
    this.pause.textContent = this.stands ? "Play" : "Pause";
    this.pause.setAttribute("aria-disabled", String(state === "waiting"));
    this.pause.hidden = this.stop.hidden = !this.playback.live;
    const line = {
      waiting: this.playback.line || (words.length ? "" : "Waiting for the answer …"),
      blocked: "The browser waits for a click to play.",
      stopped: this.playback.whole ? "Cut off." : "Stopping …",
      played: "Cut off.", // in the card there is no panel any more
    }[state] ?? "";
    if (this.line.textContent !== line) this.line.textContent = line;
    for (const [text, from, to] of this.card ? [] : words.slice(this.shown)) {
      const start = (place) => from + ((to - from) * place) / text.length;
      this.words.text.append(...this.words.cut(text, start));
      this.shown++;
    }
    this.tick();
  }

  tick() {
    const { playback } = this;
    this.clock.textContent = clock(playback.seconds);
    this.root.dataset.gaps = playback.gaps;
    if (this.card) {
      this.card.live = true;
      this.card.words?.mark(playback.live ? playback.seconds : -1);
      return;
    }
    this.words.mark(playback.played && playback.live ? playback.seconds : -1);
  }

  /** Gives the place back to the card's own player. */
  leave() {
    if (!this.card) return this.draw();
    this.remove();
    this.card.words?.mark(-1);
    this.card.live = this.card.takeOver = null;
    this.audio.style.display = "block";
    if (this.root.contains(document.activeElement)) this.audio.focus();
    this.root.remove();
  }

  remove() {
    this.playback.panels.delete(this);
    this.playback.seen();
  }
}

export default () => {
  let playback;
  return {
    initialize({ model }) {
      playback = new Playback(model);
      const make = (host) => (playback.wanted && playback.live ? new Panel(playback, host) : null);
      playback.leave = inhabit(model.get("place"), make);
      return () => playback.close();
    },
    render({ el }) {
      const panel = new Panel(playback, el);
      playback.settle();
      return () => panel.remove();
    },
  };
};
