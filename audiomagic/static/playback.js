// Playback: one reply that is heard while it arrives: its sound, its text, what the buttons do.
//
// See player.py for the messages. Only what arrives live is played: a page that is reloaded, or
// another tab, makes no sound.

import { RATE } from "./audio_format.js";
import { canMount } from "./mount.js";
import { RING_PROCESSOR } from "./ring_buffer.js";
import { dequeue, enqueue } from "./speakers.js";
import { visible } from "./visible.js";

const UNANSWERED = 1000; // ms after which a kernel that did not answer does not listen to comms
const UNSEEN = 1000; // ms after which a reply that no output shows is silenced

export class Playback {
  constructor(model) {
    this.model = model;
    this.panels = new Set();
    this.deltas = []; // [text, seconds between which it is probably spoken]
    this.early = []; // sound that arrived before the ring buffer was there
    this.state = "waiting"; // playing, blocked, paused, played, stopped
    this.played = this.gaps = 0; // samples, times
    model.on("msg:custom", (message, buffers) => this.#onMessage(message, buffers));
    model.on("comm_live_update", () => this.#end()); // the kernel is gone: what arrived is played
    this.onOther = ({ target }) => { if (target instanceof HTMLAudioElement && this.context) this.pause(); };
    document.addEventListener("play", this.onOther, true);
  }

  get seconds() { return this.played / RATE; }
  get live() { return !["played", "stopped"].includes(this.state); }

  changed() { for (const panel of this.panels) panel.draw(); }

  become(state) {
    if (this.state === state || !this.live) return;
    this.state = state;
    this.changed();
  }

  #onMessage(message, buffers) {
    switch (message.kind) {
      case "open": // now, because it takes longer than the first sound
        this.wanted = true;
        if (this.panels.size) this.open();
        break;
      case "progress":
        this.progress = visible(message.line);
        this.changed();
        break;
      case "text":
        this.deltas.push([visible(message.text), ...message.seconds]);
        this.changed();
        break;
      case "pcm": {
        const view = buffers[0];
        this.#post(new Int16Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength)));
        break;
      }
      case "end":
        this.#end();
        break;
      case "halt":
        this.#finish("stopped");
        break;
    }
  }

  #end() {
    this.complete = true;
    this.#post({ ended: true });
  }

  /** Passes samples, or changes, to the ring buffer. */
  #post(data) {
    if (this.ring) this.ring.port.postMessage(data, data.buffer ? [data.buffer] : []);
    else this.early.push(data);
  }

  /** Opens the audio output; called when there is a panel, so in one tab only. */
  async open() {
    if (!this.wanted || this.context || !this.live) return;
    this.context = new AudioContext({ sampleRate: RATE, latencyHint: "interactive" });
    this.context.onstatechange = () => this.#checkBlocked();
    const url = URL.createObjectURL(new Blob([RING_PROCESSOR], { type: "text/javascript" }));
    await this.context.audioWorklet.addModule(url).catch(() => {}); // closed in the meantime
    URL.revokeObjectURL(url);
    if (this.context.state === "closed") return;
    const ring = new AudioWorkletNode(this.context, "audiomagic-ring", {
      numberOfInputs: 0,
      outputChannelCount: [1],
    });
    ring.port.onmessage = ({ data }) => this.#onProgress(data);
    ring.connect(this.context.destination);
    this.ring = ring;
    enqueue(this);
    for (const data of this.early.splice(0)) this.#post(data);
    setTimeout(() => this.#checkBlocked(), 300); // Firefox takes longer; then `onstatechange` tells
  }

  #checkBlocked() {
    if (this.state === "paused") return;
    if (this.context.state === "suspended") this.become("blocked");
    if (this.context.state === "running" && this.state === "blocked") this.become("playing");
  }

  #onProgress({ played, gaps, done }) {
    this.played = played;
    this.gaps = gaps;
    if (played && this.state === "waiting") this.become("playing");
    for (const panel of this.panels) panel.tick();
    if (done) this.#finish("played");
  }

  /** Sounds if it is its turn. */
  takeTurn(isTurn) {
    this.#post({ paused: !isTurn });
  }

  pause() {
    if (this.state !== "playing") return;
    dequeue(this);
    this.become("paused");
  }

  resume() {
    if (this.state === "waiting") return;
    for (const audio of document.querySelectorAll(".audiomagic-card audio")) audio.pause();
    this.context?.resume();
    enqueue(this, 0);
    this.become("playing");
  }

  /** Plays from a second of what arrived. */
  seek(second) {
    if (!this.live) return;
    this.#post({ seek: second * RATE });
    this.resume();
  }

  /** Leaves the rest to the card's own player. */
  handOver() {
    this.#finish("played");
  }

  /** Called when panels come and go: without any for long, it falls silent. */
  panelsChanged() {
    clearTimeout(this.unseen);
    if (!this.panels.size) this.unseen = setTimeout(() => this.context && this.#finish("stopped"), UNSEEN);
  }

  /** Falls silent, and has the kernel cancel the call. */
  async stop() {
    this.#finish("stopped");
    if (this.complete) return;
    // A kernel that runs a cell hears a comm that the page opens, once Lab has opened a subshell for
    // it (ipykernel 7.1 and newer), or nothing at all: then it is interrupted.
    const kernel = this.#kernel;
    const interrupt = () => this.complete || kernel?.interrupt();
    const timer = setTimeout(interrupt, kernel?.supportsSubshells === false ? 0 : UNANSWERED);
    this.#request("stop", () => clearTimeout(timer));
  }

  get #kernel() { return this.model.widget_manager?.kernel; }

  /** Sends the kernel a request by a comm of this page's own. */
  async #request(request, onAnswer = () => {}) {
    const comm = this.#kernel?.createComm?.("audiomagic.player");
    if (!comm) return;
    comm.onMsg = onAnswer;
    await comm.subshellStarted?.catch?.(() => {});
    comm.open({ mount: this.model.get("mount_class"), request }).done.catch(() => {});
  }

  /** Has its output replaced by plain HTML now, in case the page is reloaded before the card is there. */
  replaceOutput() {
    if (canMount() && !this.replaced) this.#request("replace_output");
    this.replaced = true;
  }

  #finish(state) {
    this.become(state);
    this.early = [];
    document.removeEventListener("play", this.onOther, true);
    dequeue(this);
    this.ring?.disconnect();
    if (this.context && this.context.state !== "closed") this.context.close();
    for (const panel of [...this.panels]) panel.leave();
    if (this.closed) this.unmount();
  }

  close() {
    this.closed = true; // what arrived is played to its end, in the card
    if (!this.live) this.unmount();
  }
}
