// Voice: what a conversation sounds in this page.

import { RATE } from "./audio_format.js";
import { VOICE_PROCESSOR } from "./voice_queue.js";

const UNANSWERED = 1000; // ms after which a flush is not waited for
const DUCKED = 0.2; // of the volume, while it is not known whether the user speaks

export class Voice {
  /** Opens the audio output; within a click, or the browser may refuse. `onProgress` gets what
   *  VoiceQueue.fill returns; `onSecond` is called every second, in a hidden tab too, where timers are
   *  slow. */
  constructor(onProgress, onSecond) {
    this.onProgress = onProgress;
    this.onSecond = onSecond;
    this.early = []; // what was to be posted before the queue was there
    this.flushes = new Map(); // number -> what waits for its answer
    this.flushed = 0; // number of the last one
    this.context = new AudioContext({ sampleRate: RATE, latencyHint: "interactive" });
    this.volume = this.context.createGain();
    this.volume.connect(this.context.destination);
    this.#open();
  }

  async #open() {
    const url = URL.createObjectURL(new Blob([VOICE_PROCESSOR], { type: "text/javascript" }));
    await this.context.audioWorklet.addModule(url).catch(() => {}); // closed in the meantime
    URL.revokeObjectURL(url);
    if (this.context.state === "closed") return;
    const queue = new AudioWorkletNode(this.context, "audiomagic-voice", {
      numberOfInputs: 0,
      outputChannelCount: [1],
    });
    queue.port.onmessage = ({ data }) => {
      if (data.flush) this.flushes.get(data.flush)?.(data.positions);
      else if (data.second) this.onSecond();
      else this.onProgress(data);
    };
    queue.connect(this.volume);
    this.queue = queue;
    for (const message of this.early.splice(0)) this.#post(message);
  }

  #post(message) {
    if (this.queue) this.queue.port.postMessage(message, message.samples ? [message.samples.buffer] : []);
    else this.early.push(message);
  }

  get running() { return this.context.state === "running"; }

  /** What was played but has not reached the loudspeaker, in ms. */
  get latency() { return 1000 * (this.context.outputLatency || 0); }

  play(item, samples) { this.#post({ item, samples }); }
  end(item) { this.#post({ item }); }
  drop(item) { this.#post({ item, drop: true }); }
  pause(paused) { this.#post({ paused }); }

  /** Falls silent; resolves with { item: ms heard } of all that was not played to its end. */
  async flush() {
    const number = ++this.flushed;
    const answer = new Promise((resolve) => {
      this.flushes.set(number, resolve);
      setTimeout(() => resolve([]), UNANSWERED); // an output that does not run answers nothing
    });
    this.#post({ flush: number });
    const positions = await answer;
    this.flushes.delete(number);
    const heard = ([item, played]) => [item, Math.round(Math.max(0, (1000 * played) / RATE - this.latency))];
    return Object.fromEntries(positions.map(heard));
  }

  /** Sounds softly, or as before. */
  duck(softly) {
    this.volume.gain.setTargetAtTime(softly ? DUCKED : 1, this.context.currentTime, 0.02);
  }

  close() {
    if (this.context.state !== "closed") this.context.close();
    for (const resolve of this.flushes.values()) resolve([]);
  }
}
