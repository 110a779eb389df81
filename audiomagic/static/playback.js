// Playback: one reply that is heard while it arrives: its sound, its words, what the buttons do.
//
// See player.py for the messages. Only what arrives live is played: a page that is reloaded, or
// another tab, makes no sound.

const DEAF = 1000; // ms after which a kernel that did not answer does not hear us
const ABSENT = 1000; // ms after which what is nowhere to be seen is silent

/** The replies that want to sound in this page; the first one does, the others wait their turn. */
const voices = () => (globalThis.audiomagicVoices ??= []);

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
