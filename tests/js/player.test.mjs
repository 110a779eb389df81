// The player's pure parts, in node: no browser, no packages.

import assert from "node:assert/strict";
import { test } from "node:test";

import { RATE } from "../../audiomagic/static/audio_format.js";
import { formatTime } from "../../audiomagic/static/controls.js";
import { RingBuffer } from "../../audiomagic/static/ring_buffer.js";
import { visible } from "../../audiomagic/static/visible.js";

const QUANTUM = 128;
const speech = (count, from = 1) => Int16Array.from({ length: count }, (_, i) => ((from + i) % 30000) + 1);

/** Runs the audio thread for some seconds; `arrivals` are [second, samples], in order. */
function run(ring, seconds, arrivals) {
  const heard = [];
  for (let now = 0; now < seconds; now += QUANTUM / RATE) {
    while (arrivals.length && arrivals[0][0] <= now) ring.push(arrivals.shift()[1]);
    if (!arrivals.length) ring.ended = true;
    const output = new Float32Array(QUANTUM);
    ring.fill(output);
    heard.push(...output);
  }
  return heard.map((v) => Math.round(v * 32768));
}

const trimmed = (heard) => heard.slice(heard.findIndex((v) => v), heard.findLastIndex((v) => v) + 1);

test("samples come out as they went in, whatever the chunks", () => {
  const all = speech(2 * RATE);
  for (const size of [1, 127, 128, 129, 4800, all.length]) {
    const chunks = [];
    for (let i = 0; i < all.length; i += size) chunks.push([0, all.slice(i, i + size)]);
    assert.deepEqual(trimmed(run(new RingBuffer(), 2.2, chunks)), [...all]);
  }
});

test("it begins soon after the first chunk", () => {
  const ring = new RingBuffer();
  const heard = run(ring, 0.3, [[0, speech(4800)], [0.2, speech(4800)]]);
  assert.ok(heard.findIndex((v) => v) / RATE < 0.05);
});

test("it begins at once with a quarter of a second", () => {
  const heard = run(new RingBuffer(), 0.1, [[0, speech(RATE / 4)], [9, speech(1)]]);
  assert.equal(heard.findIndex((v) => v), 0);
});

test("chunks in real time, each a little late, leave no gap", () => {
  const ring = new RingBuffer();
  const arrivals = Array.from({ length: 20 }, (_, i) => [0.2 * i + (i % 3) * 0.015, speech(4800, 4800 * i)]);
  run(ring, 4.5, arrivals);
  assert.equal(ring.gaps, 0);
  assert.equal(ring.played, 20 * 4800);
});

test("a slow stream pauses seldom, loses nothing, and its gaps are counted", () => {
  const ring = new RingBuffer();
  const arrivals = Array.from({ length: 50 }, (_, i) => [0.125 * i, speech(2400, 2400 * i)]); // 0.8 x
  const heard = run(ring, 9, arrivals).filter((v) => v);
  assert.deepEqual(heard, [...speech(50 * 2400, 0)]);
  assert.ok(ring.gaps > 0 && ring.gaps < 12, `${ring.gaps} gaps`);
});

test("paused it is silent and goes on where it was", () => {
  const ring = new RingBuffer();
  const first = run(ring, 0.5, [[0, speech(RATE)], [9, speech(1)]]).filter((v) => v);
  ring.paused = true;
  assert.ok(run(ring, 0.5, [[9, speech(1)]]).every((v) => v === 0));
  ring.paused = false;
  const rest = run(ring, 1, []).filter((v) => v);
  assert.deepEqual([...first, ...rest], [...speech(RATE)]);
  assert.ok(ring.done);
});

test("times are minutes and seconds", () => {
  assert.deepEqual([0, 9.99, 59.9, 60, 61.5, 599, 2400].map(formatTime), ["0:00", "0:09", "0:59", "1:00", "1:01", "9:59", "40:00"]);
});

test("it goes back to any sample, and on from there to the end", () => {
  const ring = new RingBuffer();
  const all = speech(RATE);
  const first = run(ring, 0.5, [[0, all.slice(0, 7000)], [0, all.slice(7000)], [9, speech(1)]]).filter((v) => v);
  for (const sample of [0, 6999, 7000, 7001, 20000]) {
    ring.seek(sample);
    assert.deepEqual(run(ring, 0.1, [[9, speech(1)]]), [...all.slice(sample, sample + 19 * QUANTUM)]);
  }
  ring.seek(-5);
  assert.equal(ring.played, 0);
  ring.seek(9 * RATE); // what is not there yet is waited for
  assert.deepEqual([ring.played, ring.available], [RATE, 0]);
  assert.ok(run(ring, 0.1, [[9, speech(1)]]).every((v) => v === 0));
  ring.push(speech(480));
  assert.equal(run(ring, 1, []).filter((v) => v).length, 480);
  assert.ok(first.length > 0.4 * RATE && ring.done);
});

test("text is shown without what is not seen but takes effect", () => {
  assert.equal(visible("\x1b[2J\u202edrowssap\u2069 \ufeff\x00\x85\r<b>ok</b>\tand\nmore"), "[2Jdrowssap <b>ok</b>\tand\nmore");
  assert.equal(visible("👩\u200d🚀 \u200f עברית"), "👩\u200d🚀 \u200f עברית");
});
