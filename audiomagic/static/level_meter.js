// LevelMeter: how loud a recording is, where speech starts and ends in it, and what is wrong with it.

import { RATE } from "./audio_format.js";

const FRAME = RATE / 50; // samples: 20 ms, over which loudness is measured
export const MARGIN = 0.3; // seconds kept before and after speech

/** Measures a stream of 24 kHz samples in constant memory, however long it gets.
 *
 * Loudness is in dB below full scale, a whole number per 20 ms frame. For each loudness it keeps how
 * many frames had it, and when three frames in a row were first and last as loud: so the start and
 * end of speech can be found afterwards, once it is known how loud the room is.
 */
export class LevelMeter {
  static FLOOR = 90; // dB below full scale; anything softer counts as this

  constructor() {
    const sizes = LevelMeter.FLOOR + 1;
    this.counts = new Uint32Array(sizes);
    this.first = new Float64Array(sizes).fill(Infinity);
    this.last = new Float64Array(sizes).fill(-Infinity);
    this.samples = 0; // measured so far
    this.clipped = 0;
    this.level = -LevelMeter.FLOOR;
    this.recent = [LevelMeter.FLOOR, LevelMeter.FLOOR, LevelMeter.FLOOR]; // the last three frames
    this.frame = { sum: 0, count: 0 };
  }

  push(samples) {
    for (const sample of samples) {
      this.frame.sum += sample * sample;
      if (sample >= 0.999 || sample <= -0.999) this.clipped++;
      this.samples++;
      if (++this.frame.count === FRAME) this.#endFrame();
    }
  }

  #endFrame() {
    const loudness = Math.round(10 * Math.log10(this.frame.sum / FRAME + 1e-12));
    const below = Math.min(LevelMeter.FLOOR, Math.max(0, -loudness));
    this.level = -below;
    this.counts[below]++;
    this.recent = [this.recent[1], this.recent[2], below];
    for (let d = Math.max(...this.recent); d <= LevelMeter.FLOOR; d++) {
      this.first[d] = Math.min(this.first[d], this.samples - 3 * FRAME);
      this.last[d] = this.samples;
    }
    this.frame = { sum: 0, count: 0 };
  }

  /** Background level in dB: the softest tenth, but at most 0.3 s, in case of one held note. */
  get room() {
    let left = Math.min(0.1 * this.#frames, 15);
    let d = LevelMeter.FLOOR;
    while (d > 0 && (left -= this.counts[d]) > 0) d--;
    return -d;
  }

  /** Voice level in dB: the loudest twentieth, but at most 0.5 s, in case of few words. */
  get voice() {
    let left = Math.min(0.05 * this.#frames, 25);
    let d = 0;
    while (d < LevelMeter.FLOOR && (left -= this.counts[d]) > 0) d++;
    return -d;
  }

  get #frames() { return Math.floor(this.samples / FRAME); }
  get threshold() { return Math.max(-60, this.room + Math.min(12, (this.voice - this.room) / 2)); }

  /** Where speech was: [first, last] in samples with a margin, or null if there was none. */
  speech() {
    const d = Math.floor(-this.threshold);
    if (this.voice - this.room < 6 || this.last[d] < 0) return null;
    const margin = Math.round(MARGIN * RATE);
    return [Math.max(0, this.first[d] - margin), Math.min(this.samples, this.last[d] + margin)];
  }

  /** Level in dB above which sound counts as speech. */
  get speechLevel() { return Math.max(-50, this.room + 10); }

  /** Seconds since speech was last heard; Infinity before the first. */
  silence() {
    return (this.samples - this.last[Math.floor(-Math.min(0, this.speechLevel))]) / RATE;
  }

  get silent() { return this.voice <= -65; }

  /** What is wrong with the sound, for the user; empty if nothing is. */
  complaint() {
    if (this.samples < RATE / 2) return "";
    if (this.silent) return this.samples < 3 * RATE ? "" : "No sound: is the right microphone selected and unmuted?";
    if (this.clipped > this.samples / 2000) return "Too loud, the sound is clipping: move back a little.";
    if (this.voice < -45) return "Very quiet: move closer.";
    if (this.room > -40 && this.voice - this.room < 15) return "Noisy: the background is almost as loud as the voice.";
    return "";
  }
}
