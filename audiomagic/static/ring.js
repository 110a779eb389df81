// Ring: samples in the audio thread, played without gaps.

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
