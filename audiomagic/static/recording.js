// Recording: one recorder in this page: its state, what its buttons do, what the kernel sends.
//
// See recorder_protocol.py for the messages. What every page shows is in traits; sound never is, as
// traits are saved into notebooks.

import { RATE } from "./audio_format.js";
import { decodeFile } from "./decode_file.js";
import { FocusKeeper, announce } from "./focus.js";
import { LevelMeter, MARGIN } from "./level_meter.js";
import { Microphone, explainNoMicrophone, listMicrophones, pageContext } from "./microphone.js";
import { PATIENCE } from "./status.js";
import { Chunker, UploadQueue } from "./upload_queue.js";

const FILE_CHUNK = 500_000; // bytes; a message over 10 MiB vanishes silently
const LARGEST_FILE = 200_000_000; // bytes
const UNSEEN = 10_000; // ms: a recorder that no output shows records no longer than this
const SHORTEST = 0.2; // seconds: less is a double click
const AHEAD = 8; // chunks of a file that are under way at a time
const NO_KERNEL = "The kernel has stopped; run this cell again to record.";
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Recording {
  constructor(model) {
    this.model = model;
    this.panels = new Set();
    this.state = "idle"; // asking, armed (hands-free: waits for speech), recording, finishing, closed
    this.line = ""; // what went wrong in this page
    this.devices = [];
    this.device = "";
    this.focus = new FocusKeeper();
    model.on("msg:custom", (message, buffers) => this.#onMessage(message, buffers));
    for (const trait of ["kept", "state", "take", "notice"]) {
      model.on(`change:${trait}`, () => { this.#watch(); this.changed(); });
    }
    model.on("comm_live_update", () => this.close(NO_KERNEL));
    this.#watch();
    listMicrophones().then((devices) => { this.devices = devices; this.changed(); }, () => {});
  }

  get(name) { return this.model.get(name); }
  get elsewhere() { return this.get("state") === "recording" && this.get("take") !== this.queue?.take; }
  get seconds() { return this.meter ? this.meter.samples / RATE : 0; }
  get late() { return this.queue && Date.now() - this.answeredAt > PATIENCE; }
  get live() { return this.state === "armed" || this.state === "recording"; }
  get open() { return (this.state === "idle" || this.state === "asking") && !this.elsewhere && this.get("state") !== "busy"; }

  /** Sends a message; without a kernel to send it to, closes and returns false. */
  send(message, buffers) {
    try {
      this.model.send(message, undefined, buffers);
      return true;
    } catch {
      this.close(NO_KERNEL);
      return false;
    }
  }

  changed() { for (const panel of this.panels) panel.draw(); }

  become(state, line = "") {
    this.state = state;
    this.line = line;
    this.changed();
  }

  // -- what the buttons do --
  async record() {
    if (this.state !== "idle" || !this.open || !this.send({ kind: "shown", mountable: false })) return;
    this.player = null;
    this.become("asking");
    const attempt = (this.attempt = {}); // another one, or a file, may come before the answer does
    const onSamples = (samples) => this.#onSamples(samples);
    const onLost = () => this.stop("The microphone was disconnected; the recording is kept.");
    try {
      if (!navigator.mediaDevices) throw new TypeError("there is none");
      const microphone = await Microphone.open(this.device, this.get("noise_suppression"), onSamples, onLost);
      if (this.attempt !== attempt || this.state !== "asking") return microphone.close();
      this.microphone = microphone;
    } catch (error) {
      if (this.attempt === attempt && this.state === "asking") this.#fail(explainNoMicrophone(error, pageContext()));
      return;
    }
    this.#begin();
    this.devices = await listMicrophones();
    this.changed();
  }

  /** Says why there is no recording, also to the cell that waits for it. */
  #fail(line) {
    if (this.send({ kind: "failed", line })) this.#end(line);
  }

  #begin() {
    this.meter = new LevelMeter();
    this.chunker = new Chunker();
    this.early = []; // hands-free: the moment before speech was noticed
    this.begunAt = this.seenAt = this.heardAt = Date.now();
    this.timer = setInterval(() => this.#tick(), 100);
    if (this.get("hands_free")) return this.become("armed");
    this.#start();
  }

  #start() {
    this.queue = this.#newQueue("sound");
    this.become("recording");
  }

  #newQueue(what) {
    const take = [...crypto.getRandomValues(new Uint8Array(8))].map((b) => b.toString(16).padStart(2, "0")).join("");
    this.answeredAt = Date.now();
    return new UploadQueue(take, what, (message, buffers) => this.send(message, buffers));
  }

  #onSamples(samples) {
    this.heardAt = Date.now();
    if (!this.live && this.state !== "finishing") return;
    if (this.state === "recording") samples = samples.slice(0, this.#samplesLeft);
    this.meter.push(samples);
    if (this.state === "armed") return this.#awaitSpeech(samples);
    for (const chunk of this.chunker.push(samples)) this.queue.push(chunk);
    if (this.state !== "recording") return;
    if (this.#samplesLeft <= 0) this.stop("The maximum length was reached.");
    else if (this.get("hands_free") && this.meter.silence() > this.get("silence")) this.stop();
  }

  get #samplesLeft() { return Math.round(this.get("max_seconds") * RATE) - this.meter.samples; }

  #awaitSpeech(samples) {
    this.early.push(...samples);
    this.early.splice(0, this.early.length - (MARGIN + 0.1) * RATE);
    if (this.meter.silence() > 0.02 || this.meter.samples < 0.3 * RATE) return;
    this.#start();
    const early = this.early;
    this.meter = new LevelMeter();
    this.early = [];
    this.#onSamples(early);
  }

  #tick() {
    if (this.panels.size) this.seenAt = Date.now();
    if (this.state === "closed") return;
    if (this.live && Date.now() - this.heardAt > PATIENCE) {
      this.stop("The microphone sends no sound; choose another one, or a file.");
    } else if (this.live && Date.now() - this.seenAt > UNSEEN) {
      this.stop("Stopped because the recorder was no longer shown.", false);
    } else if (this.state === "armed" && Date.now() - this.begunAt > this.get("max_seconds") * 1000) {
      this.stop("No speech was heard.");
    }
    if (this.state === "finishing" && this.late) {
      this.answeredAt = Date.now();
      this.queue.resend();
    }
    for (const panel of this.panels) panel.tick();
  }

  /** Ends the recording; without `send` it is only kept. */
  async stop(line = "", send = true) {
    if (!this.live) return;
    if (this.state === "armed") return this.discard(line || "Stopped before anything was said.");
    if (this.seconds < SHORTEST) return this.discard("Too short: press Stop after you have spoken.");
    this.become("finishing", line);
    await this.microphone.close();
    for (const chunk of this.chunker.flush()) this.queue.push(chunk);
    this.answeredAt = Date.now();
    const silent = this.meter.silent; // sending it would cost money
    if (silent) this.line = "Only silence was recorded: is the right microphone selected and unmuted?";
    this.queue.finish({ cut: this.meter.speech(), complaint: this.meter.complaint(), send: send && !silent });
  }

  /** Discards what is under way: a recording, a file, the wait for permission. */
  async discard(line = "") {
    if (this.state === "asking") return this.#end();
    if (!this.live && !this.file) return;
    const { microphone, queue, state } = this;
    this.queue = this.file = null;
    this.become("finishing");
    await microphone?.close();
    if (queue) this.send({ kind: "discard", take: queue.take });
    if (state === "armed" && line) this.#fail(line);
    else this.#end(line);
  }

  async upload(file) {
    if (!file || !this.open) return;
    if (!file.size) return this.become("idle", `${file.name} is empty.`);
    if (file.size > LARGEST_FILE) return this.become("idle", `${file.name} is larger than 200 MB; split it into parts.`);
    this.player = this.attempt = null;
    this.file = file;
    const queue = (this.queue = this.#newQueue("file"));
    this.timer = setInterval(() => this.#tick(), 100);
    this.become("finishing");
    for (let at = 0; at < file.size; at += FILE_CHUNK) {
      this.read = at / file.size;
      while (queue.pending.length >= AHEAD && this.queue === queue) await wait(20);
      const bytes = await file.slice(at, at + FILE_CHUNK).arrayBuffer();
      if (this.queue !== queue) return;
      queue.push(new Uint8Array(bytes));
    }
    queue.finish({ cut: null, complaint: "", send: true });
  }

  /** Decodes here the file that the kernel could not (m4a, webm), and sends it as sound. */
  async #decode() {
    const { file } = this;
    this.queue = null; // the kernel is done with it
    try {
      const samples = await decodeFile(file);
      if (this.file !== file) return;
      const queue = (this.queue = this.#newQueue("sound"));
      const chunker = new Chunker(FILE_CHUNK / 2);
      for (const chunk of [...chunker.push(samples), ...chunker.flush()]) queue.push(chunk);
      queue.finish({ cut: null, complaint: "", send: true });
    } catch {
      if (this.file === file) this.#end(`${file.name} could not be read as audio.`);
    }
  }

  /** Tells the kernel that it is shown, until the kernel answers: Lab sends a widget's first messages
   *  to a queue that a busy kernel does not read, and those that follow to one that it does. */
  greet(mountable) {
    clearTimeout(this.greeting);
    if (this.send({ kind: "shown", mountable })) this.greeting = setTimeout(() => this.greet(mountable), 500);
  }

  /** While another tab records, asks the kernel whether it still does: it may have been closed. */
  #watch() {
    clearInterval(this.watching);
    if (this.elsewhere) this.watching = setInterval(() => this.send({ kind: "shown", mountable: false }), 1000);
  }

  // -- what the kernel sends --
  #onMessage(message, buffers) {
    if (message.kind === "ready") clearTimeout(this.greeting);
    if (message.kind === "ready" && message.arm) this.record();
    if (message.kind === "halt") this.stop("Interrupted; the recording is kept.", false);
    if (message.kind === "card") this.#showCard(message.html);
    if (message.kind === "sound") {
      this.player = new Blob([buffers[0]], { type: "audio/flac" });
      this.changed();
    }
    if (!this.queue || message.take !== this.queue.take) return; // another page's
    this.answeredAt = Date.now();
    if (message.kind === "ack") this.queue.acknowledge(message.next);
    if (message.kind === "resend") {
      this.queue.acknowledge(message.next);
      this.queue.resend(message.text || this.queue.asText);
    }
    if (message.kind === "decode") this.#decode();
    if (message.kind === "done") this.#onDone(message.line || this.line);
  }

  #showCard(html) {
    for (const panel of this.panels) panel.replace(html);
    const card = new DOMParser().parseFromString(html, "text/html");
    announce(card.querySelector("[dir]")?.textContent ?? "");
  }

  async #onDone(line) {
    if (this.live) await this.microphone.close();
    this.#end(line);
  }

  #end(line = "") {
    clearInterval(this.timer);
    this.queue = this.microphone = this.file = null;
    this.become("idle", line);
  }

  /** Closes it for good, and with it the microphone. */
  close(line) {
    if (this.state === "closed") return;
    clearInterval(this.timer);
    clearInterval(this.watching);
    clearTimeout(this.greeting);
    this.microphone?.close();
    this.become("closed", line);
  }
}
