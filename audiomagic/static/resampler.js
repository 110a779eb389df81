// Resampler: converts a microphone's samples from the device's own rate to 24 kHz.

import { RATE } from "./audio_format.js";

/** Resamples a stream by a windowed sinc with tabulated phases (48 kHz needs 1, 44.1 kHz 80). */
export class Resampler {
  constructor(from, to = RATE, zeros = 24) {
    const divisor = gcd(from, to);
    this.up = to / divisor;
    this.down = from / divisor;
    const cutoff = Math.min(1, to / from) * 0.96; // room for the filter's slope below half the rate
    this.half = Math.ceil(zeros / cutoff); // samples used on either side
    this.phases = Array.from({ length: this.up }, (_, p) => kernel(p / this.up, this.half, cutoff));
    this.kept = new Float32Array(this.half); // the silence before the first sample
    this.phase = 0;
  }

  /** Takes Float32Array samples; returns those of the new rate that are determined by now. */
  push(samples) {
    const input = new Float32Array(this.kept.length + samples.length);
    input.set(this.kept);
    input.set(samples, this.kept.length);
    const output = new Float32Array(Math.ceil((input.length * this.up) / this.down) + 1);
    let at = this.half;
    let count = 0;
    for (; at + this.half < input.length; count++) {
      const weights = this.phases[this.phase];
      const first = at - this.half;
      let sum = 0;
      for (let i = 0; i < weights.length; i++) sum += weights[i] * input[first + i];
      output[count] = sum;
      this.phase += this.down;
      at += Math.floor(this.phase / this.up);
      this.phase %= this.up;
    }
    this.kept = input.slice(at - this.half);
    return output.subarray(0, count);
  }

  /** Returns the last samples. */
  flush() {
    return this.push(new Float32Array(this.half));
  }
}

const gcd = (a, b) => (b ? gcd(b, a % b) : a);

function kernel(offset, half, cutoff) {
  const weights = Float64Array.from({ length: 2 * half + 1 }, (_, i) => {
    const x = i - half - offset;
    const window = 0.5 + 0.5 * Math.cos((Math.PI * x) / (half + 1)); // Hann
    return window * cutoff * (x ? Math.sin(Math.PI * cutoff * x) / (Math.PI * cutoff * x) : 1);
  });
  const sum = weights.reduce((a, b) => a + b);
  return weights.map((w) => w / sum);
}
