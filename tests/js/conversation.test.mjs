// The pure parts of a conversation's panel, in node: no browser, no packages.

import assert from "node:assert/strict";
import { test } from "node:test";

import { RATE } from "../../audiomagic/static/audio_format.js";
import { Connection } from "../../audiomagic/static/connection.js";
import { dequeue, enqueue, placeToConverse } from "../../audiomagic/static/speakers.js";
import { VoiceQueue } from "../../audiomagic/static/voice_queue.js";
import { Words } from "../../audiomagic/static/words.js";

const QUANTUM = 128;
const speech = (count, from = 1) => Int16Array.from({ length: count }, (_, i) => ((from + i) % 30000) + 1);

/** Runs the audio thread for some seconds; returns what is heard, and what it reports. */
function run(queue, seconds) {
  const heard = [];
  const reports = [];
  for (let i = 0; i < (seconds * RATE) / QUANTUM; i++) {
    const output = new Float32Array(QUANTUM);
    const report = queue.fill(output);
    heard.push(...output);
    if (report) reports.push(report);
  }
  return { heard: heard.map((v) => Math.round(v * 32768)).filter((v) => v), reports };
}

test("items sound one after the other, sample for sample, each counted from 0", () => {
  const queue = new VoiceQueue();
  const [first, second] = [speech(9000), speech(5000, 11000)];
  queue.push("a", first.slice(0, 4000));
  queue.push("a", first.slice(4000));
  queue.end("a");
  queue.push("b", second);
  queue.end("b");
  const { heard, reports } = run(queue, 1);
  assert.deepEqual(heard, [...first, ...second]);
  const ends = reports.filter((report) => report.done).map(({ item, played }) => [item, played]);
  assert.deepEqual(ends, [["a", 9000], ["b", 5000]]);
  assert.ok(reports.every(({ item, played }) => played <= { a: 9000, b: 5000 }[item]));
});

test("a flush says how much of each was played, and what is late is dropped", () => {
  const queue = new VoiceQueue();
  queue.push("a", speech(RATE));
  queue.push("b", speech(RATE));
  const { heard } = run(queue, 0.5);
  assert.deepEqual(queue.flush(), [["a", heard.length], ["b", 0]]);
  assert.ok(heard.length > 0.4 * RATE && heard.length <= 0.5 * RATE + QUANTUM);
  queue.push("a", speech(RATE)); // still on its way when the flush came
  queue.push("b", speech(RATE));
  queue.end("a");
  assert.deepEqual(run(queue, 1), { heard: [], reports: [] });
  assert.deepEqual(queue.flush(), []);
  queue.push("c", speech(1000)); // the next answer
  queue.end("c");
  assert.deepEqual(run(queue, 0.5).heard, [...speech(1000)]);
});

test("an item that has not ended waits for more, but not once the next one sounds", () => {
  const queue = new VoiceQueue();
  queue.push("a", speech(2400));
  assert.equal(run(queue, 1).heard.length, 2400);
  queue.push("a", speech(2400));
  assert.deepEqual(run(queue, 1).reports.filter((report) => report.done), []);
  queue.push("b", speech(2400));
  queue.push("a", speech(2400));
  const { heard, reports } = run(queue, 1);
  assert.equal(heard.length, 7200);
  assert.deepEqual(reports.findLast(({ item }) => item === "a"), { item: "a", played: 7200, gaps: 1, done: true });
});

test("one item may be dropped by itself", () => {
  const queue = new VoiceQueue();
  queue.push("a", speech(2400));
  queue.push("b", speech(2400, 5000));
  queue.drop("a");
  queue.push("a", speech(2400));
  queue.end("b");
  assert.deepEqual(run(queue, 0.5).heard, [...speech(2400, 5000)]);
});

test("paused it is silent, loses nothing, and can be flushed", () => {
  const queue = new VoiceQueue();
  queue.push("a", speech(RATE));
  const before = run(queue, 0.5).heard.length;
  queue.paused = true;
  queue.end("a");
  assert.deepEqual(run(queue, 1).heard, []);
  queue.paused = false;
  assert.equal(run(queue, 0.1).reports[0].played, before + QUANTUM);
  queue.paused = true;
  assert.equal(queue.flush()[0][0], "a");
});

const item = (words) => [...words.rows.values()].at(-1);
const spoken = (words) => item(words).text.slice(0, item(words).shown);

test("words are shown as they are spoken", () => {
  const words = new Words();
  const text = "One small robot counted the birds"; // 33 characters: 2.2 s at the usual pace
  words.add("a", text.slice(0, 12));
  words.add("a", text.slice(12));
  assert.equal(spoken(words), "");
  words.receive("a", 0.5); // words run ahead of their sound
  words.play("a", 0.25);
  assert.equal(spoken(words), "One small");
  words.receive("a", 3.5);
  words.end("a");
  words.play("a", 0.2); // a late report takes nothing back
  assert.equal(spoken(words), "One small");
  words.play("a", 2);
  assert.equal(spoken(words), "One small robot counted");
  words.finish("a");
  assert.equal(spoken(words), text);
});

test("what was not spoken is not shown, now or later", () => {
  const words = new Words();
  words.add("a", "One small robot counted the birds");
  words.receive("a", 3);
  words.play("a", 0.5);
  words.cut("a");
  assert.deepEqual([spoken(words), item(words).cut, words.isOver("a")], ["One small", true, true]);
  words.add("a", " and more");
  words.play("a", 3);
  assert.equal(item(words).text, "One small");
  words.set({ side: "model", item: "a", text: "One", final: true, cut: true }); // the kernel knows better
  assert.equal(spoken(words), "One");
});

test("words without sound are shown when they are complete", () => {
  const words = new Words();
  words.add("a", "Hello \u202e<b>");
  assert.equal(spoken(words), "");
  words.end("a");
  assert.equal(spoken(words), "Hello <b>");
});

test("where nothing can be heard words are shown as they arrive", () => {
  const words = new Words();
  words.receive("a", 1);
  for (const text of ["Hello, ", "who is there?"]) {
    words.add("a", text);
    words.reveal("a");
  }
  assert.equal(spoken(words), "Hello, who is there?");
});

test("what the user said comes whole, and keeps its place", () => {
  const words = new Words();
  words.set({ side: "user", item: "u", text: "", final: false, cut: false });
  words.add("a", "An answer");
  words.set({ side: "user", item: "u", text: "A question?", final: true, cut: false });
  const rows = [...words.rows.values()].map(({ side, text, shown, final }) => [side, text.slice(0, shown), final]);
  assert.deepEqual(rows, [["user", "A question?", true], ["model", "", false]]);
});

/** A front end whose kernel can be deaf. */
function frontEnd() {
  const sent = [];
  const note = (data, _, buffers) => { sent.push({ ...data, buffers }); return { done: Promise.resolve() }; };
  const comm = { open: note, send: note, isDisposed: false };
  comm.close = () => { comm.isDisposed = true; return { done: Promise.reject(new Error("there is no kernel")) }; };
  const kernel = { createComm: (target) => { comm.target = target; return comm; } };
  return { sent, comm, model: { get: () => "mount", widget_manager: { kernel } } };
}

test("messages wait for the comm, are signed, and keep their order", async () => {
  const { sent, comm, model } = frontEnd();
  let ready;
  comm.subshellStarted = new Promise((resolve) => { ready = resolve; });
  const connection = new Connection(model);
  const opened = connection.open({ kind: "shown", mountable: true });
  connection.send({ kind: "start" });
  assert.deepEqual(sent, []);
  ready();
  await opened;
  connection.send({ kind: "text", text: "Hi" });
  assert.equal(comm.target, "audiomagic.conversation");
  assert.deepEqual(sent.map(({ kind, mount, page }) => [kind, mount, page]), ["shown", "start", "text"].map((kind) => [kind, "mount", connection.page]));
  assert.match(connection.page, /^[0-9a-f]{16}$/);
  connection.close();
  assert.ok(comm.isDisposed);
  connection.close(); // again
  connection.send({ kind: "end" });
  assert.equal(sent.length, 3);
});

test("without such comms the widget's own messages have to do", async () => {
  const sent = [];
  const connection = new Connection({ get: () => "mount", send: (data) => sent.push(data.kind) });
  await connection.open({ kind: "shown" });
  connection.send({ kind: "text" });
  assert.deepEqual(sent, ["shown", "text"]);
});

test("to a deaf kernel no more than a second of sound is sent, and none of it later", async () => {
  const { sent, model } = frontEnd();
  const connection = new Connection(model);
  await connection.open({ kind: "shown" });
  sent.length = 0;
  const frames = (count) => { for (let i = 0; i < count; i++) connection.sendFrame(new Uint8Array(2400)); };
  const numbers = () => sent.splice(0).map(({ kind, number, buffers }) => kind === "audio" && buffers[0].byteLength === 2400 && number);
  frames(100);
  assert.deepEqual(numbers(), [...Array(20).keys()]);
  assert.equal(connection.dropped, 80);
  connection.acknowledge(15); // it hears again
  frames(2);
  assert.deepEqual(numbers(), [20, 21]);
  assert.equal(connection.dropped, 0);
  connection.acknowledge(10); // an older one, late
  frames(100);
  assert.deepEqual(numbers().at(-1), 35);
  connection.restart();
  frames(1);
  assert.deepEqual(numbers(), [0]);
});

test("one sounds at a time: a conversation before replies, behind other conversations", () => {
  const turns = [];
  const speaker = (name, converses) => ({ name, converses, takeTurn: (isTurn) => { turns.push([name, isTurn]); } });
  const [reply, talk, other] = [speaker("reply"), speaker("talk", true), speaker("other", true)];
  const now = () => Object.entries(Object.fromEntries(turns.splice(0))).filter(([, isTurn]) => isTurn).map(([name]) => name);
  enqueue(reply);
  assert.deepEqual(now(), ["reply"]);
  enqueue(talk, placeToConverse());
  assert.deepEqual(now(), ["talk"]);
  enqueue(other, placeToConverse());
  assert.deepEqual(now(), ["talk"]);
  dequeue(talk);
  assert.deepEqual(now(), ["other"]);
  dequeue(other);
  assert.deepEqual(now(), ["reply"]);
  dequeue(other); // again
  enqueue(talk, placeToConverse());
  enqueue(reply, 0); // by a click
  assert.deepEqual(now(), ["reply"]);
  dequeue(reply);
  dequeue(talk);
});
