// The player's panel: alone at first, then in the finished card, until everything is played.

import { controlGroup, formatTime } from "./controls.js";
import { mount } from "./mount.js";
import { Playback } from "./playback.js";
import { Transcript } from "./transcript.js";

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
    if (this.card) this.card.endLive = () => playback.handOver();
    this.root = controlGroup("player", "Player", HTML);
    const part = (name) => this.root.querySelector(name);
    [this.pause, this.stop, this.clock, this.line] =
      [".am-pause", ".am-stop", ".am-clock", ".am-line"].map(part);
    this.transcript = new Transcript(part(".am-words"), (second) => playback.seek(second));
    this.shown = 0; // deltas of the text
    this.pause.onclick = () => (this.paused ? playback.resume() : playback.pause());
    this.stop.onclick = () => playback.stop();
    this.root.classList.toggle("am-in-card", Boolean(this.card));
    if (this.audio) this.audio.style.display = "none"; // until everything is played
    if (this.card) host.prepend(this.root);
    else host.replaceChildren(this.root); // the line there is for pages without a player
    playback.panels.add(this);
    playback.panelsChanged();
    playback.open();
    this.draw();
    // The keyboard focus moves along, from the panel that is replaced to this one.
    this.root.addEventListener("focusin", ({ target }) => { playback.focus = target.className || this.transcript.current; });
    this.root.addEventListener("focusout", () => setTimeout(() => { // by then it is known whether it was removed
      if (this.root.isConnected && !this.root.contains(document.activeElement)) playback.focus = "";
    }));
    this.refocus(playback.focus);
    if (this.card) this.card.onTranscript = () => this.refocus(playback.focus);
  }

  /** Takes over the keyboard focus: of the button of a class, or of the word of a number. */
  refocus(focus) {
    if (typeof focus === "number") (this.card ? this.card.transcript : this.transcript)?.select(focus).focus();
    else if (focus) this.root.querySelector(`.${focus}`)?.focus();
  }

  get paused() { return ["paused", "blocked"].includes(this.playback.state); }

  draw() {
    const { state, deltas } = this.playback;
    this.root.dataset.state = state;
    this.pause.textContent = this.paused ? "Play" : "Pause";
    this.pause.setAttribute("aria-disabled", String(state === "waiting"));
    this.pause.hidden = this.stop.hidden = !this.playback.live;
    const line = {
      waiting: this.playback.progress || (deltas.length ? "" : "Waiting for the reply …"),
      blocked: "Press Play: the browser does not start sound by itself.",
      stopped: this.playback.complete ? "Cut off." : "Stopping …",
      played: "Cut off.", // in the card there is no panel any more
    }[state] ?? "";
    if (this.line.textContent !== line) this.line.textContent = line;
    for (const [text, from, to] of this.card ? [] : deltas.slice(this.shown)) {
      const start = (index) => from + ((to - from) * index) / text.length;
      this.transcript.element.append(...this.transcript.split(text, start));
      this.shown++;
    }
    this.tick();
  }

  tick() {
    const { playback } = this;
    this.clock.textContent = formatTime(playback.seconds);
    this.root.dataset.gaps = playback.gaps;
    if (this.card) {
      this.card.live = true;
      this.card.transcript?.mark(playback.live ? playback.seconds : -1);
      return;
    }
    this.transcript.mark(playback.played && playback.live ? playback.seconds : -1);
  }

  /** Gives way to the card's own player. */
  leave() {
    if (!this.card) return this.draw();
    this.remove();
    this.card.transcript?.mark(-1);
    this.card.live = this.card.endLive = null;
    this.audio.style.display = "block";
    if (this.root.contains(document.activeElement)) this.audio.focus();
    this.root.remove();
  }

  remove() {
    this.playback.panels.delete(this);
    this.playback.panelsChanged();
  }
}

export default () => {
  let playback;
  return {
    initialize({ model }) {
      playback = new Playback(model);
      const makePanel = (host) => (playback.wanted && playback.live ? new Panel(playback, host) : null);
      playback.unmount = mount(model.get("mount_class"), makePanel);
      return () => playback.close();
    },
    render({ el }) {
      const panel = new Panel(playback, el);
      playback.replaceOutput();
      return () => panel.remove();
    },
  };
};
