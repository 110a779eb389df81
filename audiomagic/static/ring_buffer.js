// RingBuffer: samples in the audio thread, played without gaps.

import { RATE } from "./audio_format.js";

/** Plays samples in order, from `lead` samples' time after the first arrived, or once `ample` are
 *  there, as with a service's first 0.25 s. If it runs dry it waits until twice the lead is there: a
 *  slow stream then pauses seldom, rather than stutters. */
export class RingBuffer {
  constructor(lead = 0.04 * RATE, ample = 0.24 * RATE, maxLead = 0.64 * RATE) {
    this.lead = lead;
    this.ample = ample;
    this.maxLead = maxLead;
    this.chunks = []; // all that arrived: a word may be played again
    this.index = 0; // of the chunk being played,
    this.offset = 0; // and the next sample in it
    this.available = 0; // samples not played yet
    this.waited = 0; // samples' time since the first arrived
    this.state = "empty"; // filling, playing
    this.ended = false;
    this.played = 0;
    this.gaps = 0;
  }

  /** Takes an Int16Array. */
  push(samples) {
    this.chunks.push(samples);
    this.available += samples.length;
    if (this.state === "empty") this.state = "filling";
  }

  /** Continues from a sample, or from the end of what arrived. */
  seek(sample) {
    const total = this.played + this.available;
    this.played = this.offset = Math.max(0, Math.min(total, Math.round(sample)));
    this.available = total - this.played;
    this.index = 0;
    while (this.index < this.chunks.length && this.offset >= this.chunks[this.index].length) {
      this.offset -= this.chunks[this.index++].length;
    }
  }

  get done() { return this.ended && !this.available; }

  /** Fills a Float32Array, with silence where there is nothing to play. */
  fill(output) {
    if (this.paused || this.done || this.state === "empty") return;
    if (this.state === "filling") {
      this.waited += output.length;
      const enough = this.gaps ? this.available >= this.lead : this.waited > this.lead || this.available >= this.ample;
      if (!enough && !this.ended) return;
      this.state = "playing";
    }
    let at = 0;
    while (at < output.length && this.index < this.chunks.length) {
      const chunk = this.chunks[this.index];
      const count = Math.min(chunk.length - this.offset, output.length - at);
      for (let i = 0; i < count; i++) output[at + i] = chunk[this.offset + i] / 32768;
      at += count;
      this.offset += count;
      if (this.offset === chunk.length) {
        this.index++;
        this.offset = 0;
      }
    }
    this.available -= at;
    this.played += at;
    if (at < output.length && !this.ended) {
      this.gaps++;
      this.state = "filling";
      this.lead = Math.min(this.maxLead, 2 * Math.max(this.lead, 0.1 * RATE));
    }
  }
}

export const RING_PROCESSOR = `const RATE = ${RATE};
${RingBuffer}
registerProcessor("audiomagic-ring", class extends AudioWorkletProcessor {
  constructor() {
    super();
    this.ring = new RingBuffer();
    this.port.onmessage = ({ data }) => {
      if (data instanceof Int16Array) this.ring.push(data);
      else if ("seek" in data) this.ring.seek(data.seek);
      else Object.assign(this.ring, data);
    };
  }
  process(_, [[output]]) {
    this.ring.fill(output);
    const { played, gaps, done } = this.ring;
    if (done || Math.abs(played - (this.reported ?? 0)) >= 480) {
      this.port.postMessage({ played, gaps, done });
      this.reported = played;
    }
    return !done;
  }
});`;
