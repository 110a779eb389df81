// The recorder's pure parts, in node: no browser, no packages.

import assert from "node:assert/strict";
import { test } from "node:test";

import { RATE } from "../../audiomagic/static/audio_format.js";
import { LevelMeter } from "../../audiomagic/static/level_meter.js";
import { explainNoMicrophone } from "../../audiomagic/static/microphone.js";
import { Resampler } from "../../audiomagic/static/resampler.js";
import { Chunker, UploadQueue, base64 } from "../../audiomagic/static/upload_queue.js";

const sine = (rate, hertz, seconds, level = 0.5) =>
  Float32Array.from({ length: rate * seconds }, (_, i) => level * Math.sin((2 * Math.PI * hertz * i) / rate));
const joined = (parts) => Float32Array.from(parts.flatMap((part) => [...part]));
const resampled = (from, input, resampler = new Resampler(from)) => joined([resampler.push(input), resampler.flush()]);
const peak = (samples) => samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
const bytes = (length) => Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) & 255);

/** Noise of so many dB below full scale (rms), the same in every run. */
function noise(seconds, decibel) {
  let seed = 7;
  const level = 10 ** (decibel / 20) * Math.sqrt(3);
  return Float32Array.from({ length: Math.round(seconds * RATE) }, () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return level * (seed / 2 ** 31 - 1);
  });
}

/** A room with tones, "speech", at [from, to] in seconds. */
function scene(seconds, room, level, ...bursts) {
  const samples = noise(seconds, room);
  for (const [from, to] of bursts) {
    const tone = sine(RATE, 220, to - from, level);
    samples.subarray(from * RATE, to * RATE).forEach((_, i, part) => { part[i] += tone[i]; });
  }
  return samples;
}

function heard(samples) {
  const meter = new LevelMeter();
  meter.push(samples);
  return meter;
}
const near = (found, wanted, margin, what = "") => assert.ok(Math.abs(found - wanted) <= margin, `${what} ${found}, not ${wanted} ± ${margin}`);

for (const [rate, high] of [[44100, 9000], [48000, 9000], [16000, 6000], [22050, 9000], [24000, 9000], [96000, 9000], [8000, 3000]]) {
  test(`${rate} Hz: tones keep level, place and length`, () => {
    for (const hertz of [1000, high]) {
      const output = resampled(rate, sine(rate, hertz, 0.5));
      near(output.length, RATE / 2, 2, "samples:");
      const wanted = sine(RATE, hertz, 0.5);
      // A shift of 0.05 samples would tell at 9 kHz, as would 2 % of level.
      for (let i = 300; i < RATE / 2 - 300; i++) near(output[i], wanted[i], 0.01, `${hertz} Hz at ${i}:`);
    }
  });

  test(`${rate} Hz: a click stays where it is, and chunks of any size change nothing`, () => {
    const input = noise(0.2, -20);
    input.fill(0, 2000, 3000)[2500] = 1;
    const whole = resampled(rate, input);
    const at = (2500 * RATE) / rate;
    const quiet = whole.slice().fill(0, 0, at - 100).fill(0, at + 100);
    near(quiet.indexOf(peak(quiet)), at, 0.5, "click:");
    const resampler = new Resampler(rate);
    const parts = [];
    for (let i = 0, size = 1; i < input.length; i += size, size = 1 + ((size * 7) % 1031)) {
      parts.push(resampler.push(input.subarray(i, i + size)));
    }
    assert.deepEqual(joined([...parts, resampler.flush()]), whole);
  });
}

test("what 24 kHz cannot hold is gone, not folded", () => {
  for (const [rate, hertz] of [[48000, 15000], [48000, 13000], [44100, 15000], [48000, 20000]]) {
    near(peak(resampled(rate, sine(rate, hertz, 0.2, 1)).slice(300, -300)), 0, 0.003, `${hertz} Hz of ${rate}:`); // -50 dB
  }
});

test("no sound gives no sound, and a constant stays one", () => {
  assert.equal(resampled(44100, new Float32Array(0)).length, 0);
  for (const sample of resampled(44100, new Float32Array(4410).fill(0.25)).slice(100, -100)) near(sample, 0.25, 1e-5);
});

test("speech is found from its first word to its last, with a margin", () => {
  for (const [room, level] of [[-65, 0.3], [-80, 0.03], [-45, 0.3], [-100, 0.3]]) {
    const ends = heard(scene(6, room, level, [1.5, 2], [2.6, 3.2], [4, 4.4])).speech();
    [1.2, 4.7].forEach((wanted, i) => near(ends[i] / RATE, wanted, 0.05, `room of ${room} dB:`));
  }
});

test("speech never reaches beyond the recording, nor does a click count as speech", () => {
  assert.deepEqual(heard(scene(2, -70, 0.3, [0.2, 1.75])).speech(), [0, 2 * RATE]);
  near(heard(scene(4, -70, 0.3, [0.5, 0.53], [2, 3])).speech()[0] / RATE, 1.7, 0.05);
});

test("there is no speech in silence, in steady noise, in nothing", () => {
  for (const sound of [new Float32Array(3 * RATE), noise(3, -60), noise(3, -20), new Float32Array(0), [0.5]]) {
    assert.equal(heard(sound).speech(), null);
  }
});

test("silence is counted from the last word, and endless before the first", () => {
  for (const meter of [heard(noise(2, -65)), new LevelMeter()]) assert.equal(meter.silence(), Infinity);
  near(heard(scene(5, -65, 0.3, [1, 2], [2.5, 3])).silence(), 2, 0.03);
  assert.ok(heard(scene(3, -65, 0.3, [1, 3])).silence() < 0.03);
});

test("a long held note is no silence: hands-free does not stop in it", () => {
  assert.ok(heard(scene(10.4, -65, 0.3, [0.4, 10.4])).silence() < 0.5);
});

test("each fault is named, a good recording is not blamed", () => {
  const words = (room, level) => scene(4, room, level, [0.5, 1.5], [2, 3]);
  for (const [sound, complaint] of [
    [new Float32Array(3 * RATE), /^No sound: /], [new Float32Array(RATE), /^$/], [words(-65, 1.5), /^Too loud/], [words(-80, 0.004), /^Very quiet/],
    [words(-30, 0.1), /^Noisy/], [words(-65, 0.3), /^$/], [new Float32Array(RATE / 2 - 1), /^$/], // too early to tell
  ]) assert.match(heard(sound).complaint(), complaint);
});

test("a short sentence in a long recording is neither silence nor overlooked", () => {
  const meter = heard(scene(60, -75, 0.3, [20, 22]));
  assert.equal(meter.complaint(), "");
  near(meter.speech()?.[0] / RATE, 19.7, 0.05);
});

test("ten minutes take no more memory than a second", () => {
  const size = (meter) => JSON.stringify(Object.values(meter).map((v) => v.length ?? Object.keys(v)));
  const second = scene(1, -65, 0.3, [0.2, 0.8]);
  const [meter, before] = [heard(second), size(heard(second))];
  for (let i = 0; i < 600; i++) meter.push(second);
  assert.equal(size(meter), before);
  assert.equal(meter.samples, 601 * RATE);
  assert.deepEqual(meter.speech(), [0, 601 * RATE]);
});

test("samples become pcm16 in full chunks and a rest", () => {
  const chunker = new Chunker(4);
  assert.deepEqual(chunker.push([0, 0.5]), []);
  const chunks = [...chunker.push([1, -1, 2, -7, 1 / 32767, -1 / 32767, -0.25]), ...chunker.flush()];
  assert.deepEqual(chunks.map((chunk) => chunk.length), [8, 8, 2]);
  assert.deepEqual(chunks.flatMap((chunk) => [...new Int16Array(chunk.buffer)]), [0, 16384, 32767, -32767, 32767, -32767, 1, -1, -8192]);
  assert.deepEqual(chunker.flush(), []);
  assert.deepEqual(new Chunker().push(new Float32Array(7300)).map((p) => p.length), [4800, 4800, 4800]);
});

function posted() {
  const sent = [];
  const queue = new UploadQueue("t", "sound", (message, buffers) => sent.push({ ...message, buffers }));
  assert.deepEqual(sent.splice(0), [{ kind: "start", take: "t", what: "sound", buffers: undefined }]);
  return [sent, queue];
}

test("chunks become as small as they are to be, with what has come", () => {
  const chunker = new Chunker(4800);
  assert.deepEqual(chunker.push(new Float32Array(3000)), []);
  chunker.size = 1200;
  const chunks = chunker.push(new Float32Array(2000)).map((chunk) => chunk.length / 2);
  assert.deepEqual(chunks, [3001, 1200]);
  chunker.size = 4800;
  assert.deepEqual(chunker.push(new Float32Array(4002)).map((chunk) => chunk.length / 2), [4800]);
});

test("chunks are numbered, dropped when acknowledged, sent again when not", () => {
  const [sent, queue] = posted();
  for (let i = 0; i < 5; i++) queue.push(bytes(i + 1));
  assert.deepEqual(sent.map((m) => [m.kind, m.take, m.number, m.buffers[0].byteLength]), [0, 1, 2, 3, 4].map((i) => ["chunk", "t", i, i + 1]));
  queue.acknowledge(3);
  queue.acknowledge(1); // an older one, late
  queue.finish({ send: true, cut: null });
  assert.deepEqual(sent.splice(0).at(-1), { kind: "end", take: "t", count: 5, send: true, cut: null, buffers: undefined });
  queue.resend();
  assert.deepEqual(sent.map((m) => m.what ?? m.number ?? m.count), ["sound", 3, 4, 5]);
  for (let i = 5; i < 500; i++) { queue.push(bytes(9)); queue.acknowledge(i); }
  assert.equal(queue.pending.length, 1);
});

test("without buffers the same bytes go as text, from then on", () => {
  const [sent, queue] = posted();
  queue.push(bytes(4800));
  queue.resend(true);
  queue.push(bytes(7));
  const texts = sent.slice(2); // after the chunk, and the start that goes with all that is sent again
  assert.deepEqual(texts.map((m) => Buffer.from(m.base64, "base64")), [bytes(4800), bytes(7)].map((b) => Buffer.from(b)));
  assert.ok(texts.every((m) => m.buffers === undefined));
  assert.deepEqual(Buffer.from(base64(bytes(200_000)), "base64"), Buffer.from(bytes(200_000)));
});

test("a refusal says why, and what to do", () => {
  const page = { protocol: "https:", secure: true, forbidden: false };
  for (const [name, change, why] of [
    ["NotAllowedError", { protocol: "vscode-webview:" }, /VS Code .* Choose a file, or open .* browser/],
    ["TypeError", { secure: false }, /https .* localhost\. Choose a file/],
    ["NotAllowedError", { forbidden: true }, /forbids it\. Choose a file/],
    ["NotAllowedError", {}, /was denied\. Allow it .* Record again, or choose a file/],
    ["NotFoundError", {}, /No microphone was found\./], ["OverconstrainedError", {}, /No microphone was found\./],
    ["NotReadableError", {}, /in use by another program/],
    ["OddError", {}, /does not work here \(so it is\)\. Choose a file/],
  ]) assert.match(explainNoMicrophone({ name, message: "so it is" }, { ...page, ...change }), why);
  assert.match(explainNoMicrophone("broken", page), /\(broken\)/);
});
