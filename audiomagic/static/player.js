// The player's half in the page: sound and words are heard and seen while they arrive.
//
//   Ring       samples in the audio thread: plays them without gaps, adapts, counts gaps
//   Playback   one reply: its sound, its words, what the buttons do
//   Panel      what is seen of it: alone at first, then in the finished card, until all is played
//
// words.js and place.js come before it. See player.py for the messages. Only what arrives live is played: a page that is reloaded, or
// another tab, makes no sound.

export const RATE = 24000; // Hz
const DEAF = 1000; // ms after which a kernel that did not answer does not hear us

// ---- the audio thread ----------------------------------------------------------------------------

/** Plays samples in order. Begins `lead` samples' time after the first came; when it runs dry it
 *  waits until twice as much is there: a slow stream then pauses seldom, rather than stutters. */
export class Ring {
  constructor(lead = 0.04 * RATE, most = 0.64 * RATE) {
    this.lead = lead;
    this.most = most;
    this.pieces = []; // all that came: a word may be heard again
    this.index = 0; // of the piece that is played,
    this.first = 0; // and how many of its samples are
    this.have = 0; // samples waiting
    this.waited = 0; // samples' time since the first came
    this.state = "empty"; // filling, playing, paused
    this.ended = false;
    this.played = 0;
    this.gaps = 0;
  }

  /** Takes an Int16Array. */
  push(samples) {
    this.pieces.push(samples);
    this.have += samples.length;
    if (this.state === "empty") this.state = "filling";
  }

  /** Goes on from a sample, or from the end of what came. */
  seek(sample) {
    const whole = this.played + this.have;
    this.played = this.first = Math.max(0, Math.min(whole, Math.round(sample)));
    this.have = whole - this.played;
    this.index = 0;
    while (this.index < this.pieces.length && this.first >= this.pieces[this.index].length) {
      this.first -= this.pieces[this.index++].length;
    }
  }

  get done() { return this.ended && !this.have; }

  /** Fills a Float32Array, with silence where there is nothing to play. */
  fill(output) {
    if (this.paused || this.done || this.state === "empty") return;
    if (this.state === "filling") {
      this.waited += output.length;
      const enough = this.gaps ? this.have >= this.lead : this.waited > this.lead;
      if (!enough && !this.ended) return;
      this.state = "playing";
    }
    let at = 0;
    while (at < output.length && this.index < this.pieces.length) {
      const head = this.pieces[this.index];
      const count = Math.min(head.length - this.first, output.length - at);
      for (let i = 0; i < count; i++) output[at + i] = head[this.first + i] / 32768;
      at += count;
      this.first += count;
      if (this.first === head.length) {
        this.index++;
        this.first = 0;
      }
    }
    this.have -= at;
    this.played += at;
    if (at < output.length && !this.ended) {
      this.gaps++;
      this.state = "filling";
      this.lead = Math.min(this.most, 2 * Math.max(this.lead, 0.1 * RATE));
    }
  }
}

const PROCESSOR = `const RATE = ${RATE};
${Ring}
registerProcessor("audiomagic-ring", class extends AudioWorkletProcessor {
  constructor() {
    super();
    this.ring = new Ring();
    this.port.onmessage = ({ data }) => {
      if (data instanceof Int16Array) this.ring.push(data);
      else if ("seek" in data) this.ring.seek(data.seek);
      else Object.assign(this.ring, data);
    };
  }
  process(_, [[output]]) {
    this.ring.fill(output);
    const { played, gaps, done } = this.ring;
    if (done || Math.abs(played - (this.told ?? 0)) >= 480) {
      this.port.postMessage({ played, gaps, done });
      this.told = played;
    }
    return !done;
  }
});`;

// ---- one reply -----------------------------------------------------------------------------------

/** The replies that want to sound in this page; the first one does, the others wait their turn. */
const voices = () => (globalThis.audiomagicVoices ??= []);
const ABSENT = 1000; // ms after which what is nowhere to be seen is silent

class Playback {
  constructor(model) {
    this.model = model;
    this.panels = new Set();
    this.words = []; // [text, seconds between which it is likely spoken]
    this.early = []; // sound that came before there is a place to play it
    this.state = "waiting"; // playing, blocked, paused, played, stopped
    this.played = this.gaps = 0; // samples, times
    model.on("msg:custom", (message, buffers) => this.#told(message, buffers));
    model.on("comm_live_update", () => this.#ending()); // the kernel is gone: what came is played
    this.others = ({ target }) => { if (target instanceof HTMLAudioElement && this.context) this.pause(); };
    document.addEventListener("play", this.others, true);
  }

  get seconds() { return this.played / RATE; }
  get live() { return !["played", "stopped"].includes(this.state); }

  changed() { for (const panel of this.panels) panel.draw(); }

  become(state) {
    if (this.state === state || !this.live) return;
    this.state = state;
    this.changed();
  }

  #told(message, buffers) {
    switch (message.kind) {
      case "open": // by now, for it takes longer than the first sound
        this.wanted = true;
        if (this.panels.size) this.open();
        break;
      case "line":
        this.line = message.line;
        this.changed();
        break;
      case "words":
        this.words.push([message.text, ...message.seconds]);
        this.changed();
        break;
      case "pcm": {
        const view = buffers[0];
        this.#play(new Int16Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength)));
        break;
      }
      case "end":
        this.#ending();
        break;
      case "halt":
        this.#over("stopped");
        break;
    }
  }

  #ending() {
    this.whole = true;
    this.#play({ ended: true });
  }

  #play(data) {
    if (this.ring) this.ring.port.postMessage(data, data.buffer ? [data.buffer] : []);
    else this.early.push(data);
  }

  /** Opens the way to the loudspeaker; called when there is a panel, so in one tab only. */
  async open() {
    if (!this.wanted || this.context || !this.live) return;
    this.context = new AudioContext({ sampleRate: RATE, latencyHint: "interactive" });
    this.context.onstatechange = () => this.#heard();
    const url = URL.createObjectURL(new Blob([PROCESSOR], { type: "text/javascript" }));
    await this.context.audioWorklet.addModule(url).catch(() => {}); // it was closed meanwhile
    URL.revokeObjectURL(url);
    if (this.context.state === "closed") return;
    const ring = new AudioWorkletNode(this.context, "audiomagic-ring", {
      numberOfInputs: 0,
      outputChannelCount: [1],
    });
    ring.port.onmessage = ({ data }) => this.#progressed(data);
    ring.connect(this.context.destination);
    this.ring = ring;
    voices().push(this);
    for (const voice of voices()) voice.turn();
    for (const data of this.early.splice(0)) this.#play(data);
    setTimeout(() => this.#heard(), 300); // Firefox takes longer; then `onstatechange` says so
  }

  #heard() {
    if (this.state === "paused") return;
    if (this.context.state === "suspended") this.become("blocked");
    if (this.context.state === "running" && this.state === "blocked") this.become("playing");
  }

  #progressed({ played, gaps, done }) {
    this.played = played;
    this.gaps = gaps;
    if (played && this.state === "waiting") this.become("playing");
    for (const panel of this.panels) panel.tick();
    if (done) this.#over("played");
  }

  /** Sounds if it is its turn. */
  turn() {
    this.#play({ paused: voices()[0] !== this });
  }

  /** Waits for its turn no more, or goes to the front. */
  #queue(first) {
    const all = voices();
    if (all.includes(this)) all.splice(all.indexOf(this), 1);
    if (first) all.unshift(this);
    for (const voice of [this, ...all]) voice.turn();
  }

  pause() {
    if (this.state !== "playing") return;
    this.#queue(false);
    this.become("paused");
  }

  resume() {
    if (this.state === "waiting") return;
    for (const audio of document.querySelectorAll(".audiomagic-card audio")) audio.pause();
    this.context?.resume();
    this.#queue(true);
    this.become("playing");
  }

  /** Plays from a second of what came. */
  seek(second) {
    if (!this.live) return;
    this.#play({ seek: second * RATE });
    this.resume();
  }

  /** Lets the card's own player go on. */
  giveWay() {
    this.#over("played");
  }

  /** Called when panels come and go: it is silent when there is none for long. */
  seen() {
    clearTimeout(this.absent);
    if (!this.panels.size) this.absent = setTimeout(() => this.context && this.#over("stopped"), ABSENT);
  }

  /** Silence now, and no more is asked of the server. */
  async stop() {
    this.#over("stopped");
    if (this.whole) return;
    // A kernel at work hears a comm that the page opens, once Lab has made a way for it (ipykernel
    // 7.1 and newer), or nothing at all: then it is interrupted.
    const kernel = this.#kernel;
    const interrupting = () => this.whole || kernel?.interrupt();
    const deaf = setTimeout(interrupting, kernel?.supportsSubshells === false ? 0 : DEAF);
    this.#tell("stop", () => clearTimeout(deaf));
  }

  get #kernel() { return this.model.widget_manager?.kernel; }

  /** Tells the kernel something by a comm of this page's own. */
  async #tell(wish, answered = () => {}) {
    const comm = this.#kernel?.createComm?.("audiomagic.player");
    if (!comm) return;
    comm.onMsg = answered;
    await comm.subshellStarted?.catch?.(() => {});
    comm.open({ place: this.model.get("place"), wish }).done.catch(() => {});
  }

  /** Has its output made plain HTML now, for a page that is reloaded before the card is there. */
  settle() {
    if (inhabits() && !this.settled) this.#tell("inhabit");
    this.settled = true;
  }

  #over(state) {
    this.become(state);
    this.early = [];
    document.removeEventListener("play", this.others, true);
    this.#queue(false);
    this.ring?.disconnect();
    if (this.context && this.context.state !== "closed") this.context.close();
    for (const panel of [...this.panels]) panel.leave();
    if (this.closed) this.leave();
  }

  close() {
    this.closed = true; // sound that is there is played to its end, in the card
    if (!this.live) this.leave();
  }
}

// ---- what is seen --------------------------------------------------------------------------------

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
    host.prepend(this.root);
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
