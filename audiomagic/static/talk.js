// Talk: one live conversation in this page: its state, what its buttons do, what the kernel sends.
//
// See conversation_protocol.py for the messages. What every page shows is in traits; sound and words
// never are, as traits are saved into notebooks.

import { RATE } from "./audio_format.js";
import { Connection } from "./connection.js";
import { FocusKeeper, announce } from "./focus.js";
import { LevelMeter } from "./level_meter.js";
import { Microphone, explainNoMicrophone, listMicrophones, pageContext } from "./microphone.js";
import { dequeue, enqueue, placeToConverse } from "./speakers.js";
import { Chunker } from "./upload_queue.js";
import { Voice } from "./voice.js";
import { Words } from "./words.js";

const FRAME_SECONDS = 0.05; // of sound in a message, and
const QUIET_FRAME_SECONDS = 0.2; // of silence: each message makes kernel, server and page work
const PAUSES = 1500; // ms after speech in which a silence is part of it, or ends it
const REPORT = 0.25; // seconds of the model's sound between two reports of how much was heard
const ALIVE = 1000; // ms without a message, after which the kernel is told that this page is there
const STALLED = 500; // ms without a sample, after which silence stands for the microphone
const DEAF = 5000; // ms without a sample, after which the user is told
const UNHEARD = 15; // seconds of silence from the start, after which the user is told
const TAIL = 300; // ms after the model's last sound in which a microphone still hears it
const PAUSE = 0.7; // seconds of silence that end a turn
const RELEASE = 150; // ms for which a button to talk that was let go still counts: people are early
const LOUD = 200; // ms of loud input that may be the user, while the model speaks
const SOUNDLESS = 4000; // ms of sound that is not played, after which the user is told
const UNSEEN = 30_000; // ms: a conversation that no output shows ends
const LISTENS = ["listening", "hearing", "thinking", "speaking"]; // states in which there is a session
const NO_KERNEL = "The kernel has stopped; run this cell again to start a conversation.";

export class Talk {
  constructor(model) {
    this.model = model;
    this.panels = new Set();
    this.state = "idle"; // asking, starting, live (held in this page), closed
    this.line = ""; // what went wrong in this page
    this.devices = [];
    this.device = "";
    this.converses = true; // see speakers.js
    this.words = new Words();
    this.focus = new FocusKeeper();
    this.connection = new Connection(model);
    model.on("msg:custom", (message, buffers) => this.#onMessage(message, buffers));
    for (const trait of ["state", "cost", "notice"]) model.on(`change:${trait}`, () => this.#onTrait());
    model.on("comm_live_update", () => this.close(NO_KERNEL));
  }

  get(name) { return this.model.get(name); }
  get live() { return this.state === "live"; }
  get over() { return this.state === "closed" || this.get("state") === "ended"; }
  /** It goes on in the kernel, but not in this page: in another tab, or this one was reloaded. */
  get elsewhere() { return !this.live && !this.over && this.get("state") !== "idle"; }
  get listens() { return this.live && LISTENS.includes(this.get("state")); }
  get byButton() { return this.get("push_to_talk"); }
  get seconds() { return this.begunAt ? (performance.now() - this.begunAt) / 1000 : 0; }
  get sounding() { return Boolean(this.item); }
  /** Whose turn it is: words arrive long before they are heard, which only this page knows. */
  get turn() { return this.sounding ? "speaking" : this.held ? "hearing" : this.get("state"); }
  get level() { return this.microphone && !this.muted ? this.meter.level : -LevelMeter.FLOOR; }

  /** Whether the user can only interrupt by hand: the microphone would hear the model. */
  get halfDuplex() { return Boolean(this.microphone) && !this.byButton && !this.headphones && !this.microphone.cancelsEcho; }

  changed() { for (const panel of this.panels) panel.draw(); }

  become(state, line = "") {
    this.state = state;
    this.line = line;
    this.changed();
  }

  // -- what the buttons do --
  async start() {
    if (this.live) return this.#openMicrophone();
    if (this.state !== "idle" || this.over) return;
    // Now, within the click, which lets it sound.
    this.voice = new Voice((progress) => this.#onVoice(progress), () => this.#keepAlive());
    this.become("asking");
    await this.#openMicrophone();
    if (this.state !== "asking") return;
    this.become("starting", this.line);
    this.connection.restart();
    this.attempt = (this.attempt ?? 0) + 1;
    this.#ask();
  }

  /** Sends the start until it is answered: Lab may send a comm's first messages before there is one. */
  #ask() {
    clearTimeout(this.asking);
    if (this.state !== "starting") return;
    this.connection.send({ kind: "start", attempt: this.attempt });
    this.asking = setTimeout(() => this.#ask(), 500);
  }

  async #openMicrophone() {
    if (this.microphone || this.opening) return;
    this.opening = true;
    this.line = "";
    const onSamples = (samples) => this.#onSamples(samples);
    const onLost = () => this.#loseMicrophone();
    try {
      if (!navigator.mediaDevices) throw new TypeError("there is none");
      const microphone = await Microphone.open(this.device, "all", onSamples, onLost);
      if (!this.voice) return microphone.close(); // ended in the meantime
      this.meter = new LevelMeter();
      this.chunker = new Chunker(QUIET_FRAME_SECONDS * RATE);
      this.loudAt = -Infinity;
      this.heardAt = performance.now();
      this.microphone = microphone;
      this.devices = await listMicrophones();
    } catch (error) {
      this.line = explainNoMicrophone(error, pageContext(), "Use microphone", "type instead");
    } finally {
      this.opening = false;
      this.changed();
    }
  }

  /** Listens to another microphone. */
  async choose(device) {
    this.device = device;
    this.#closeMicrophone();
    await this.#openMicrophone();
  }

  #closeMicrophone() {
    this.#pad(PAUSE); // what was being said is over
    this.voice?.duck((this.ducked = false));
    this.microphone?.close();
    this.microphone = null;
  }

  #loseMicrophone() {
    this.#closeMicrophone();
    this.line = "The microphone was disconnected. Connect one and press Use microphone, or type.";
    this.changed();
  }

  mute() {
    this.muted = !this.muted;
    this.changed();
  }

  useHeadphones(headphones) {
    this.headphones = headphones;
    this.changed();
  }

  async interrupt() {
    if (!this.live) return;
    await this.#flush();
    this.connection.send({ kind: "interrupt" });
  }

  async type(text) {
    if (!this.live || !text.trim()) return;
    await this.#flush();
    this.connection.send({ kind: "text", text });
  }

  /** The button to talk goes down, or up. */
  async talk(down) {
    if (down === Boolean(this.held && !this.released)) return;
    if (down && !(this.listens && this.microphone)) return;
    clearTimeout(this.releasing);
    this.released = !down;
    if (!down) {
      this.releasing = setTimeout(() => this.#release(), RELEASE);
    } else if (!this.held) {
      this.held = true;
      this.pressing = this.#flush();
      await this.pressing;
      this.connection.send({ kind: "talk", down: true });
      this.talking = true;
    }
    this.changed();
  }

  async #release() {
    if (!this.held) return;
    await this.pressing;
    for (const chunk of this.chunker.flush()) this.connection.sendFrame(chunk);
    this.talking = this.held = false;
    this.connection.send({ kind: "talk", down: false });
    this.changed();
  }

  /** Ends the conversation, in the kernel too. */
  end() {
    this.connection.send({ kind: "end" });
    this.#leave();
    this.changed();
  }

  // -- the microphone --
  #onSamples(samples) {
    this.heardAt = performance.now();
    if (!this.microphone) return;
    this.meter.push(samples);
    this.#duck(samples.length / RATE);
    if (!this.listens || (this.byButton && !this.talking)) return;
    const silent = this.muted || (this.halfDuplex && this.#echoes);
    if (!silent && this.meter.level > this.meter.speechLevel) this.loudAt = this.heardAt;
    this.chunker.size = RATE * (this.heardAt - this.loudAt < PAUSES ? FRAME_SECONDS : QUIET_FRAME_SECONDS);
    this.#push(silent ? new Float32Array(samples.length) : samples);
  }

  get #echoes() { return this.sounding || performance.now() - this.soundedAt < TAIL + this.voice.latency; }

  #push(samples) {
    for (const chunk of this.chunker.push(samples)) this.connection.sendFrame(chunk);
  }

  /** Silence instead of the microphone: the model's clock is the sound that it gets. */
  #pad(seconds) {
    if (this.listens && this.chunker && !this.byButton) this.#push(new Float32Array(seconds * RATE));
  }

  /** Lowers the voice while the user may be speaking; the kernel knows, and silences it. */
  #duck(seconds) {
    const loud = this.meter.level > Math.max(-40, this.meter.room + 15);
    this.loudFor = loud ? (this.loudFor ?? 0) + 1000 * seconds : Math.max(0, (this.loudFor ?? 0) - 400 * seconds);
    const ducked = this.sounding && !this.muted && !this.halfDuplex && !this.byButton && this.loudFor > LOUD;
    this.loudFor = Math.min(this.loudFor, 2 * LOUD);
    if (ducked !== Boolean(this.ducked)) this.voice?.duck((this.ducked = ducked));
  }

  // -- the model's voice --
  #onVoice({ item, played, gaps, done }) {
    if (!this.live) return;
    const seconds = played / RATE;
    this.gaps = gaps;
    const before = this.item;
    if (before !== item && played) {
      this.item = item;
      this.reported = 0;
    }
    this.soundedAt = performance.now();
    if (done) this.words.finish(item);
    else this.words.play(item, seconds);
    if (done || seconds - this.reported >= REPORT) {
      this.reported = seconds;
      const ms = Math.round(Math.max(0, 1000 * seconds - (done ? 0 : this.voice.latency)));
      this.connection.send({ kind: "played", item, ms, done });
    }
    if (done) this.#silence(item);
    if (this.item !== before) this.changed();
  }

  /** An item does not sound any more. */
  #silence(item) {
    if (this.item === item) this.item = null;
    this.voiced.delete(item);
    if (!this.voiced.size) dequeue(this);
  }

  /** Sounds if it is its turn. */
  takeTurn(isTurn) { this.voice?.pause(!isTurn); }

  #play(item, view) {
    if (this.words.isOver(item)) return; // it was flushed
    const samples = new Int16Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
    this.words.receive(item, samples.length / RATE);
    if (!this.voiced.size) {
      for (const audio of document.querySelectorAll("audio")) audio.pause();
      enqueue(this, placeToConverse());
    }
    this.voiced.add(item);
    this.voice.play(item, samples);
  }

  /** What is left of it was on its way when it was flushed. */
  #drop(item) {
    this.voice.drop(item);
    this.#silence(item);
  }

  /** Falls silent, and tells the kernel what was heard. */
  async #flush(number = 0) {
    const positions = await this.voice.flush();
    for (const item of Object.keys(positions)) {
      this.words.cut(item);
      this.#silence(item);
    }
    this.connection.send({ kind: "flushed", number, positions });
    this.changed();
  }

  // -- what the kernel sends --
  #onMessage(message, buffers) {
    if (message.page && message.page !== this.connection.page) return;
    switch (message.kind) {
      case "ready":
        clearTimeout(this.greeting);
        for (const row of message.rows) if (!this.live || !this.words.rows.has(row.item)) this.words.set(row);
        if (message.seconds) this.begunAt = performance.now() - 1000 * message.seconds;
        break;
      case "started":
        if (this.state === "starting") this.#begin();
        return;
      case "refused":
        this.#leave();
        this.line = message.line;
        break;
      case "ack": return this.connection.acknowledge(message.number);
      case "row":
        this.words.set(message);
        if (this.live && message.cut) this.#drop(message.item);
        break;
      case "words":
        this.words.add(message.item, message.text);
        break;
      case "pcm":
        if (this.live) this.#play(message.item, buffers[0]);
        return;
      case "done":
        this.words.end(message.item);
        this.voice?.end(message.item);
        break;
      case "flush":
        if (this.live) this.#flush(message.number);
        return;
      case "card": return this.#showCard(message.html);
    }
    this.changed();
  }

  #begin() {
    this.voiced = new Set(); // items that sound, or are to
    this.item = null; // the one that sounds
    this.soundedAt = -Infinity;
    this.muted = this.held = this.talking = false;
    this.begunAt ??= performance.now();
    this.seenAt = this.soundlessSince = performance.now();
    this.timer = setInterval(() => this.#tick(), 100);
    this.become("live", this.line);
  }

  #onTrait() {
    if (this.get("state") === "ended") this.#leave();
    this.changed();
  }

  #tick() {
    const now = performance.now();
    if (this.panels.size) this.seenAt = now;
    if (now - this.seenAt > UNSEEN) return this.end();
    this.#keepAlive();
    if (this.microphone && now - this.heardAt > STALLED) this.#pad(0.1);
    if (!this.voiced.size || this.voice.running) this.soundlessSince = now;
    if (this.soundless) for (const item of this.voiced) this.words.reveal(item); // it is not heard
    for (const panel of this.panels) panel.tick();
  }

  #keepAlive() {
    if (this.live && performance.now() - this.connection.sentAt > ALIVE) this.connection.send({ kind: "alive" });
  }

  get unheard() { return this.microphone && !this.muted && !this.byButton && this.meter.silent && this.meter.samples > UNHEARD * RATE; }
  get stalled() { return Boolean(this.microphone) && performance.now() - this.heardAt > DEAF; }
  get soundless() { return performance.now() - this.soundlessSince > SOUNDLESS; }
  get late() { return this.connection.dropped > 0; }

  /** Tells the kernel that it is shown, until the kernel answers. */
  greet(mountable) {
    const message = { kind: "shown", mountable };
    if (this.greeted) this.connection.send(message);
    else this.connection.open(message);
    this.greeted = true;
    clearTimeout(this.greeting);
    this.greeting = setTimeout(() => this.greet(mountable), 500);
  }

  #showCard(html) {
    for (const panel of this.panels) panel.replace(html);
    announce("The conversation has ended.");
  }

  /** Lets go of microphone and loudspeaker. */
  #leave() {
    clearInterval(this.timer);
    clearTimeout(this.releasing);
    dequeue(this);
    this.microphone?.close();
    this.voice?.close();
    this.microphone = this.voice = this.item = null;
    this.held = this.talking = false;
    if (this.state !== "closed") this.state = "idle";
  }

  /** Closes it for good. */
  close(line) {
    if (this.state === "closed") return;
    clearTimeout(this.greeting);
    this.#leave();
    this.connection.close();
    this.become("closed", line);
  }
}
