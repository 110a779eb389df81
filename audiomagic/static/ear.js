// Ear: how loud a recording is, where speech begins and ends in it, and what is wrong with it.

const FRAME = RATE / 50; // samples: 20 ms, in which loudness is measured
const MARGIN = 0.3; // seconds kept before and after speech

/** Measures a stream of 24 kHz samples in constant memory, however long it gets.
 *
 * Loudness is in dB below full scale, a whole number per 20 ms frame. For each loudness it keeps how
 * many frames had it, and when three frames in a row were last and first as loud: so where speech
 * begins and ends can be told at the end, when it is known how loud the room is.
 */
export class Ear {
  static QUIETEST = 90; // dB below full scale; all that is softer counts as this

  constructor() {
    const sizes = Ear.QUIETEST + 1;
    this.counts = new Uint32Array(sizes);
    this.first = new Float64Array(sizes).fill(Infinity);
    this.last = new Float64Array(sizes).fill(-Infinity);
    this.samples = 0; // measured so far
    this.clipped = 0;
    this.level = -Ear.QUIETEST;
    this.run = [Ear.QUIETEST, Ear.QUIETEST, Ear.QUIETEST];
    this.frame = { sum: 0, count: 0 };
  }

  push(samples) {
    for (const sample of samples) {
      this.frame.sum += sample * sample;
      if (sample >= 0.999 || sample <= -0.999) this.clipped++;
      this.samples++;
      if (++this.frame.count === FRAME) this.#measured();
    }
  }

  #measured() {
    const loudness = Math.round(10 * Math.log10(this.frame.sum / FRAME + 1e-12));
    const below = Math.min(Ear.QUIETEST, Math.max(0, -loudness));
    this.level = -below;
    this.counts[below]++;
    this.run = [this.run[1], this.run[2], below];
    for (let d = Math.max(...this.run); d <= Ear.QUIETEST; d++) {
      this.first[d] = Math.min(this.first[d], this.samples - 3 * FRAME);
      this.last[d] = this.samples;
    }
    this.frame = { sum: 0, count: 0 };
  }

  /** In dB: the softest tenth is taken for the room, but no more than 0.3 s, for a held note. */
  get room() {
    let left = Math.min(0.1 * this.#frames, 15);
    let d = Ear.QUIETEST;
    while (d > 0 && (left -= this.counts[d]) > 0) d--;
    return -d;
  }

  /** In dB: the loudest twentieth is taken for the voice, but no more than 0.5 s, for few words. */
  get voice() {
    let left = Math.min(0.05 * this.#frames, 25);
    let d = 0;
    while (d < Ear.QUIETEST && (left -= this.counts[d]) > 0) d++;
    return -d;
  }

  get #frames() { return Math.floor(this.samples / FRAME); }
  get threshold() { return Math.max(-60, this.room + Math.min(12, (this.voice - this.room) / 2)); }

  /** Where speech was: [first, last] in samples with a margin, or null when there was none. */
  speech() {
    const d = Math.floor(-this.threshold);
    if (this.voice - this.room < 6 || this.last[d] < 0) return null;
    const margin = Math.round(MARGIN * RATE);
    return [Math.max(0, this.first[d] - margin), Math.min(this.samples, this.last[d] + margin)];
  }

  /** Seconds since speech was last heard; Infinity before it ever was. */
  silence() {
    const loud = Math.max(-50, this.room + 10);
    return (this.samples - this.last[Math.floor(-Math.min(0, loud))]) / RATE;
  }

  get silent() { return this.voice <= -65; }

  /** What is wrong with the sound, in words; empty when nothing is. */
  complaint() {
    if (this.samples < RATE / 2) return "";
    if (this.silent) return this.samples < 3 * RATE ? "" : "Silence: is the right microphone chosen, and not muted?";
    if (this.clipped > this.samples / 2000) return "Too loud, it is clipped: move back a little.";
    if (this.voice < -45) return "Very quiet: come closer.";
    if (this.room > -40 && this.voice - this.room < 15) return "Noisy: the room is almost as loud as the voice.";
    return "";
  }
}
