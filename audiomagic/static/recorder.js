// The recorder's half in the page: microphone, 24 kHz mono pcm16, small numbered pieces, kernel.
//
//   Capture     the microphone's samples, at whatever rate the device has
//   Resampler   the same at 24 kHz
//   Ear         how loud they are, where speech begins and ends, what is wrong with them
//   Chunker     pieces of 0.1 s
//   Delivery    sends pieces, keeps them until the kernel has them, sends them again if need be
//   Recording   one recorder: its state, what the buttons do, what the kernel says
//   Panel       what is seen of it; a recorder may be seen in several places, or in none
//
// place.js comes before it. What the kernel tells a page is in traits (see recorder.py); sound never is, it would be saved.

export const RATE = 24000; // Hz
const PIECE = 0.1; // seconds; a closed tab loses no more than a few of these
const FRAME = RATE / 50; // samples: 20 ms, in which loudness is measured
const MARGIN = 0.3; // seconds kept before and after speech
const FILE_PIECE = 500_000; // bytes; a message over 10 MiB vanishes without a word
const LARGEST_FILE = 200_000_000; // bytes
const PATIENCE = 5000; // ms without an answer, after which the reader is told
const UNSEEN = 10_000; // ms: a recorder that is nowhere to be seen does not record for longer
const SHORTEST = 0.2; // seconds: less is a button pressed twice
const AHEAD = 8; // pieces of a file that are on their way at a time

// ---- pure parts, tested by node --test -----------------------------------------------------------

/** Changes a stream's rate: a windowed sinc, its phases tabulated (48 kHz needs 1, 44.1 kHz 80). */
export class Resampler {
  constructor(from, to = RATE, zeros = 24) {
    const divisor = gcd(from, to);
    this.up = to / divisor;
    this.down = from / divisor;
    const cutoff = Math.min(1, to / from) * 0.96; // room for the filter's slope below half the rate
    this.half = Math.ceil(zeros / cutoff); // samples on either side that take part
    this.phases = Array.from({ length: this.up }, (_, p) => kernel(p / this.up, this.half, cutoff));
    this.kept = new Float32Array(this.half); // the silence before the first sample
    this.phase = 0;
  }

  /** Takes Float32Array samples; gives those of the new rate that can be told by now. */
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

  /** Gives what is left, at the end. */
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

/** Cuts a stream of samples into pieces of pcm16, each a Uint8Array. */
export class Chunker {
  constructor(size = PIECE * RATE) {
    this.piece = new Int16Array(size);
    this.filled = 0;
  }

  push(samples) {
    const pieces = [];
    for (const sample of samples) {
      this.piece[this.filled++] = Math.round(Math.max(-1, Math.min(1, sample)) * 32767);
      if (this.filled === this.piece.length) pieces.push(...this.flush());
    }
    return pieces;
  }

  /** What is left: a shorter piece, or none. */
  flush() {
    const pieces = this.filled ? [new Uint8Array(this.piece.slice(0, this.filled).buffer)] : [];
    this.filled = 0;
    return pieces;
  }
}

/** Numbers the pieces of a take, and keeps each until the kernel has acknowledged it. */
export class Delivery {
  constructor(take, what, send) {
    this.take = take;
    this.send = send; // (message, buffers)
    this.start = { kind: "start", take, what }; // "sound" or "file"
    this.next = 0; // the first piece that the kernel does not have
    this.waiting = [];
    this.text = false; // as base64: some front ends lose binary buffers (Positron)
    this.end = null;
    send(this.start);
  }

  put(piece) {
    this.waiting.push(piece);
    this.#post(this.waiting.length - 1);
  }

  /** Says that the take is whole; `more` goes with it. */
  finish(more) {
    const count = this.next + this.waiting.length;
    this.end = { kind: "end", take: this.take, count, ...more };
    this.send(this.end);
  }

  /** The kernel has all pieces before number `next`. */
  acknowledge(next) {
    this.waiting.splice(0, Math.max(0, next - this.next));
    this.next = Math.max(this.next, next);
  }

  /** Sends again all that the kernel does not have. */
  again(text = this.text) {
    this.text = text;
    this.send(this.start);
    this.waiting.forEach((_, i) => this.#post(i));
    if (this.end) this.send(this.end);
  }

  #post(i) {
    const message = { kind: "piece", take: this.take, number: this.next + i };
    if (this.text) this.send({ ...message, base64: base64(this.waiting[i]) });
    else this.send(message, [this.waiting[i].buffer]);
  }
}

export function base64(bytes) {
  let text = "";
  for (let i = 0; i < bytes.length; i += 0x8000) {
    text += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  }
  return btoa(text);
}

/** Why there is no microphone, and what to do, in words. `page` tells of window, document, location. */
export function refusal(error, page) {
  if (page.protocol === "vscode-webview:") {
    return "VS Code gives notebooks no microphone. Choose a file, or open the notebook in a browser.";
  }
  if (!page.secure) {
    return "Browsers give the microphone to https pages and to localhost only. Choose a file, or open the notebook by such an address.";
  }
  if (page.forbidden) {
    return "This page may not use the microphone: the site it is part of forbids it. Choose a file.";
  }
  switch (error?.name) {
    case "NotAllowedError":
      return "The microphone was refused. Allow it beside the page's address and press Record again, or choose a file.";
    case "NotFoundError":
    case "OverconstrainedError":
      return "No microphone was found. Connect one and press Record again, or choose a file.";
    case "NotReadableError":
      return "The microphone is in use by another program, or broken. Free it and press Record again, or choose a file.";
    default:
      return `The microphone does not work here (${error?.message || error}). Choose a file.`;
  }
}

// ---- the microphone ------------------------------------------------------------------------------

const TAP = `registerProcessor("audiomagic-tap", class extends AudioWorkletProcessor {
  constructor() {
    super();
    this.batch = new Float32Array(1024);
    this.filled = 0;
    this.port.onmessage = () => { this.post(); this.ended = true; this.port.postMessage(null); };
  }
  post() { this.port.postMessage(this.batch.slice(0, this.filled)); this.filled = 0; }
  process([[samples]]) {
    if (samples && !this.ended) {
      if (this.filled + samples.length > this.batch.length) this.post();
      this.batch.set(samples, this.filled);
      this.filled += samples.length;
    }
    return !this.ended;
  }
});`;

class Capture {
  /** Opens a microphone; `heard` gets Float32Array samples at 24 kHz, `lost` is called if it goes. */
  static async open(device, processing, heard, lost) {
    const capture = new Capture();
    try {
      await capture.#open(device, processing, heard, lost);
    } catch (error) {
      capture.#release();
      throw error;
    }
    return capture;
  }

  async #open(device, processing, heard, lost) {
    this.stream = await navigator.mediaDevices.getUserMedia({
      audio: {
        channelCount: 1,
        echoCancellation: processing,
        noiseSuppression: processing,
        autoGainControl: processing,
        ...(device && { deviceId: { ideal: device } }),
      },
    });
    // The device's own rate: Firefox refuses a context of another one for a microphone.
    this.context = new AudioContext();
    const url = URL.createObjectURL(new Blob([TAP], { type: "text/javascript" }));
    await this.context.audioWorklet.addModule(url);
    URL.revokeObjectURL(url);
    await this.context.resume();
    const tap = new AudioWorkletNode(this.context, "audiomagic-tap", {
      numberOfOutputs: 0,
      channelCount: 1,
      channelCountMode: "explicit",
    });
    const resampler = new Resampler(this.context.sampleRate);
    this.ended = new Promise((resolve) => {
      tap.port.onmessage = ({ data }) => {
        heard(data ? resampler.push(data) : resampler.flush());
        if (!data) resolve();
      };
    });
    this.tap = tap;
    this.stream.getAudioTracks()[0].onended = lost;
    this.context.createMediaStreamSource(this.stream).connect(tap);
  }

  /** Closes it, after `heard` has got the last sample. */
  async close() {
    this.tap.port.postMessage("end");
    await Promise.race([this.ended, new Promise((resolve) => setTimeout(resolve, 500))]);
    this.#release();
  }

  #release() {
    this.stream?.getTracks().forEach((track) => track.stop());
    if (this.context && this.context.state !== "closed") this.context.close();
  }
}

/** Microphones that may be chosen; browsers name them only once one of them was allowed. */
async function microphones() {
  const devices = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
  return devices.filter((device) => device.kind === "audioinput" && device.label);
}

// ---- one recorder --------------------------------------------------------------------------------

class Recording {
  constructor(model) {
    this.model = model;
    this.panels = new Set();
    this.state = "idle"; // asking, armed (hands-free: waits for speech), recording, finishing, over
    this.line = ""; // what went wrong in this page
    this.devices = [];
    this.device = "";
    model.on("msg:custom", (message, buffers) => this.#told(message, buffers));
    for (const trait of ["kept", "taking", "notice", "busy"]) {
      model.on(`change:${trait}`, () => { this.#watch(); this.changed(); });
    }
    model.on("comm_live_update", () => this.over(GONE));
    this.#watch();
    microphones().then((devices) => { this.devices = devices; this.changed(); }, () => {});
  }

  get(name) { return this.model.get(name); }
  get elsewhere() { return this.get("taking") && this.get("taking") !== this.delivery?.take; }
  get seconds() { return this.ear ? this.ear.samples / RATE : 0; }
  get live() { return this.state === "armed" || this.state === "recording"; }
  get open() { return (this.state === "idle" || this.state === "asking") && !this.elsewhere && !this.get("busy"); }

  /** Sends a message; false, and it is over, when there is no kernel to send it to. */
  say(message, buffers) {
    try {
      this.model.send(message, undefined, buffers);
      return true;
    } catch {
      this.over(GONE);
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
    if (this.state !== "idle" || !this.open || !this.say({ kind: "here", inhabits: false })) return;
    this.player = null;
    this.become("asking");
    const attempt = (this.attempt = {}); // another one, or a file, may come before the answer does
    const samples = (piece) => { this.#heard(piece); };
    const lost = () => { this.stop("The microphone went away; what it heard is kept."); };
    try {
      if (!navigator.mediaDevices) throw new TypeError("there is none");
      const opened = await Capture.open(this.device, this.get("processing"), samples, lost);
      if (this.attempt !== attempt || this.state !== "asking") return opened.close();
      this.capture = opened;
    } catch (error) {
      if (this.attempt === attempt && this.state === "asking") this.#unheard(refusal(error, whereabouts()));
      return;
    }
    this.#begin();
    this.devices = await microphones();
    this.changed();
  }

  /** Says why nothing was heard, also to whoever waits for it. */
  #unheard(line) {
    if (this.say({ kind: "unheard", line })) this.#ended(line);
  }

  #begin() {
    this.ear = new Ear();
    this.chunker = new Chunker();
    this.early = []; // hands-free: the moment before speech was noticed
    this.begun = this.seen = this.heard = Date.now();
    this.timer = setInterval(() => this.#tick(), 100);
    if (this.get("hands_free")) return this.become("armed");
    this.#start();
  }

  #start() {
    this.delivery = this.#delivery("sound");
    this.become("recording");
  }

  #delivery(what) {
    const take = [...crypto.getRandomValues(new Uint8Array(8))].map((b) => b.toString(16).padStart(2, "0")).join("");
    this.asked = Date.now();
    return new Delivery(take, what, (message, buffers) => this.say(message, buffers));
  }

  #heard(samples) {
    this.heard = Date.now();
    if (!this.live && this.state !== "finishing") return;
    if (this.state === "recording") samples = samples.slice(0, this.#room());
    this.ear.push(samples);
    if (this.state === "armed") return this.#waiting(samples);
    for (const piece of this.chunker.push(samples)) this.delivery.put(piece);
    if (this.state !== "recording") return;
    if (this.#room() <= 0) this.stop("The longest recording was reached.");
    else if (this.get("hands_free") && this.ear.silence() > this.get("silence")) this.stop();
  }

  /** Samples until the longest recording is reached. */
  #room() {
    return Math.round(this.get("seconds") * RATE) - this.ear.samples;
  }

  #waiting(samples) {
    this.early.push(...samples);
    this.early.splice(0, this.early.length - (MARGIN + 0.1) * RATE);
    if (this.ear.silence() > 0.02 || this.ear.samples < 0.3 * RATE) return;
    this.#start();
    const early = this.early;
    this.ear = new Ear();
    this.early = [];
    this.#heard(early);
  }

  #tick() {
    if (this.panels.size) this.seen = Date.now();
    if (this.state === "over") return;
    if (this.live && Date.now() - this.heard > PATIENCE) {
      this.stop("The microphone gives no sound; choose another one, or a file.");
    } else if (this.live && Date.now() - this.seen > UNSEEN) {
      this.stop("Stopped, because the recorder was out of sight.", false);
    } else if (this.state === "armed" && Date.now() - this.begun > this.get("seconds") * 1000) {
      this.stop("No speech was heard.");
    }
    if (this.state === "finishing" && this.delivery && Date.now() - this.asked > PATIENCE) {
      this.asked = Date.now();
      this.delivery.again();
    }
    for (const panel of this.panels) panel.tick();
  }

  /** Ends the recording. `send`: what it is for may happen; else it is only kept. */
  async stop(line = "", send = true) {
    if (!this.live) return;
    if (this.state === "armed") return this.discard(line || "Stopped before anything was said.");
    if (this.seconds < SHORTEST) return this.discard("Too short: press Stop when you have spoken.");
    this.become("finishing", line);
    await this.capture.close();
    for (const piece of this.chunker.flush()) this.delivery.put(piece);
    this.asked = Date.now();
    const silent = this.ear.silent; // it would be paid for
    if (silent) this.line = "Only silence was heard: is the right microphone chosen, and not muted?";
    this.delivery.finish({ cut: this.ear.speech(), complaint: this.ear.complaint(), send: send && !silent });
  }

  /** Throws away what is under way: a recording, a file, the wait for a permission. */
  async discard(line = "") {
    if (this.state === "asking") return this.#ended();
    if (!this.live && !this.file) return;
    const { capture, delivery, state } = this;
    this.delivery = this.file = null;
    this.become("finishing");
    await capture?.close();
    if (delivery) this.say({ kind: "drop", take: delivery.take });
    if (state === "armed" && line) this.#unheard(line);
    else this.#ended(line);
  }

  async upload(file) {
    if (!file || !this.open) return;
    if (!file.size) return this.become("idle", `${file.name} is empty.`);
    if (file.size > LARGEST_FILE) return this.become("idle", `${file.name} is over 200 MB; cut it into parts.`);
    this.player = this.attempt = null;
    this.file = file;
    const delivery = (this.delivery = this.#delivery("file"));
    this.timer = setInterval(() => this.#tick(), 100);
    this.become("finishing");
    for (let at = 0; at < file.size; at += FILE_PIECE) {
      this.read = at / file.size;
      while (delivery.waiting.length >= AHEAD && this.delivery === delivery) await pause(20);
      const bytes = await file.slice(at, at + FILE_PIECE).arrayBuffer();
      if (this.delivery !== delivery) return;
      delivery.put(new Uint8Array(bytes));
    }
    delivery.finish({ cut: null, complaint: "", send: true });
  }

  /** The kernel cannot read the file (m4a, webm): the browser perhaps can. */
  async #decode() {
    const { name } = this.file;
    try {
      const decoder = new OfflineAudioContext(1, 1, RATE);
      const sound = await decoder.decodeAudioData(await this.file.arrayBuffer());
      const channels = Array.from({ length: sound.numberOfChannels }, (_, c) => sound.getChannelData(c));
      const mixed = channels[0].map((_, i) => channels.reduce((sum, c) => sum + c[i], 0) / channels.length);
      this.delivery = this.#delivery("sound");
      const chunker = new Chunker(FILE_PIECE / 2);
      for (const piece of [...chunker.push(mixed), ...chunker.flush()]) this.delivery.put(piece);
      this.delivery.finish({ cut: null, complaint: "", send: true });
    } catch {
      if (this.file) this.#ended(`${name} is no sound that can be read here.`);
    }
  }

  play() {
    this.say({ kind: "play" });
  }

  send() {
    this.say({ kind: "send" });
  }

  /** Says that it is on show, until the kernel answers: Lab sends a widget's first messages to a
   *  queue that a busy kernel does not look at, and those that follow to one that it does. */
  greet(inhabits) {
    clearTimeout(this.greeting);
    if (this.say({ kind: "here", inhabits })) this.greeting = setTimeout(() => this.greet(inhabits), 500);
  }

  /** Holds the keyboard's place in an output area, from when it is in the recorder until it goes
   *  elsewhere: what takes the recorder's place there, then gets it. */
  holdFocus(area) {
    this.holder ??= new FocusHolder();
    this.holder.hold(area);
  }

  /** While another tab records, asks whether it still does: it may have been closed. */
  #watch() {
    clearInterval(this.watching);
    if (this.elsewhere) this.watching = setInterval(() => this.say({ kind: "here", inhabits: false }), 1000);
  }

  // -- what the kernel says --
  #told(message, buffers) {
    if (message.kind === "welcome") clearTimeout(this.greeting);
    if (message.kind === "welcome" && message.arm) this.record();
    if (message.kind === "halt") this.stop("Interrupted; what was recorded is kept.", false);
    if (message.kind === "card") this.#answered(message.html);
    if (message.kind === "sound") {
      this.player = new Blob([buffers[0]], { type: "audio/flac" });
      this.changed();
    }
    if (!this.delivery || message.take !== this.delivery.take) return; // another page's
    this.asked = Date.now();
    if (message.kind === "ack") this.delivery.acknowledge(message.next);
    if (message.kind === "again") {
      this.delivery.acknowledge(message.next);
      this.delivery.again(message.text || this.delivery.text);
    }
    if (message.kind === "decode") this.#decode();
    if (message.kind === "done") this.#done(message.line || this.line);
  }

  #answered(html) {
    for (const panel of this.panels) panel.replace(html);
    const answer = new DOMParser().parseFromString(html, "text/html");
    announce(answer.querySelector("[dir]")?.textContent ?? "");
  }

  async #done(line) {
    if (this.live) await this.capture.close();
    this.#ended(line);
  }

  #ended(line = "") {
    clearInterval(this.timer);
    this.delivery = this.capture = this.file = null;
    this.become("idle", line);
  }

  /** For good: the microphone is let go. */
  over(line) {
    if (this.state === "over") return;
    clearInterval(this.timer);
    clearInterval(this.watching);
    clearTimeout(this.greeting);
    this.capture?.close();
    this.become("over", line);
  }

  // -- in words --
  get status() {
    const stop = this.get("sends") ? "Stop and send" : "Stop";
    switch (this.state) {
      case "asking": return "Waiting for the microphone: your browser may ask for permission.";
      case "armed": return "Listening: speak, it stops by itself when you are silent.";
      case "recording":
        if (Date.now() - this.asked > PATIENCE && this.delivery.waiting.length > 20) {
          return "Recording. The kernel is busy and will get it later; nothing is lost.";
        }
        return this.ear.complaint() || (this.get("hands_free") ? "Recording: it stops when you are silent." : `Recording. Press ${stop} when you are done.`);
      case "finishing":
        if (Date.now() - this.asked > PATIENCE) return "Waiting for the kernel: it is busy with another cell.";
        return this.file ? `Reading ${this.file.name}: ${Math.round(100 * this.read)} % …` : "One moment …";
      case "over": return this.line;
    }
    if (this.elsewhere) return "A recording is running in another tab.";
    if (this.get("busy")) return "Sent; the answer is on its way.";
    if (this.line || this.get("notice")) return [this.line, this.get("notice")].filter(Boolean).join(" ");
    if (this.get("kept")) return `Recorded ${this.get("kept").toFixed(1)} s.`;
    return "Press Record and speak.";
  }
}

const GONE = "The kernel is gone; run this cell again to record.";
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Has a screen reader say what appears where a recorder was, its own live region gone. */
function announce(text) {
  let region = document.querySelector(".audiomagic-announcer");
  if (!region) {
    region = document.createElement("div");
    region.className = "audiomagic-announcer";
    region.setAttribute("role", "status");
    document.body.append(region);
  }
  region.textContent = "";
  setTimeout(() => { region.textContent = text; }, 100);
}

/** What takes the keyboard's place over, the first that there is. */
const HEIRS = [".audiomagic-player .am-stop", ".audiomagic-card audio", ".audiomagic-card", ".audiomagic-recorder .am-main"];

class FocusHolder {
  hold(area) {
    if (this.area === area) return;
    this.letGo();
    this.area = area;
    this.observer = new MutationObserver(() => this.#pass());
    this.observer.observe(area, { childList: true, subtree: true });
    this.left = ({ target }) => { if (!area.contains(target)) this.letGo(); };
    document.addEventListener("focusin", this.left);
    document.addEventListener("pointerdown", this.left, true);
  }

  letGo() {
    this.observer?.disconnect();
    document.removeEventListener("focusin", this.left);
    document.removeEventListener("pointerdown", this.left, true);
    this.area = null;
  }

  #pass() {
    const lost = !document.activeElement || document.activeElement === document.body;
    if (!lost || !this.area.isConnected) return;
    const heir = HEIRS.map((name) => this.area.querySelector(name)).find(Boolean);
    if (heir?.matches(".audiomagic-card")) heir.tabIndex = -1;
    heir?.focus();
  }
}

function whereabouts() {
  const policy = document.permissionsPolicy ?? document.featurePolicy;
  return {
    protocol: location.protocol,
    secure: globalThis.isSecureContext && Boolean(navigator.mediaDevices),
    forbidden: policy?.allowsFeature?.("microphone") === false,
  };
}

// ---- what is seen --------------------------------------------------------------------------------

const HTML = `
  <div class="am-row">
    <button type="button" class="am-main"></button>
    <button type="button" class="am-discard">Discard</button>
    <button type="button" class="am-play">Play</button>
    <button type="button" class="am-send">Send again</button>
    <span class="am-meter" aria-hidden="true"><span></span></span>
    <span class="am-clock" role="timer" aria-live="off"></span>
  </div>
  <div class="am-status" role="status" aria-live="polite"></div>
  <audio class="am-audio" controls aria-label="The recording"></audio>
  <div class="am-row am-ways">
    <label class="am-device">Microphone <select></select></label>
    <label class="am-file">Choose a file<input type="file" accept="audio/*,video/mp4,video/webm,.aiff,.au,.caf,.flac,.m4a,.mp3,.ogg,.opus,.wav"></label>
    <span>or drop one here</span>
  </div>`;

class Panel {
  constructor(recording, host) {
    this.recording = recording;
    this.host = host;
    this.root = group("recorder", "Recorder", HTML);
    const part = (name) => this.root.querySelector(name);
    this.main = part(".am-main");
    this.discard = part(".am-discard");
    this.play = part(".am-play");
    this.send = part(".am-send");
    this.meter = part(".am-meter");
    this.clock = part(".am-clock");
    this.status = part(".am-status");
    this.audio = part(".am-audio");
    this.device = part(".am-device");
    this.file = part(".am-file input");
    this.#listen();
    host.replaceChildren(this.root);
    recording.panels.add(this);
    this.draw();
  }

  #listen() {
    const recording = this.recording;
    this.main.onclick = () => (recording.live ? recording.stop() : recording.record());
    this.discard.onclick = () => { recording.discard(); this.main.focus(); };
    this.play.onclick = () => recording.play();
    this.send.onclick = () => recording.send();
    this.file.onchange = () => { recording.upload(this.file.files[0]); this.file.value = ""; };
    this.device.querySelector("select").onchange = ({ target }) => { recording.device = target.value; };
    this.root.onkeydown = (event) => { if (event.key === "Escape" && !this.discard.hidden) this.discard.click(); };
    this.root.addEventListener("focusin", () => recording.holdFocus(this.root.closest(".jp-OutputArea") ?? this.host));
    this.root.ondragover = (event) => { event.preventDefault(); this.root.classList.add("am-over"); };
    this.root.ondragleave = () => this.root.classList.remove("am-over");
    this.root.ondrop = (event) => {
      event.preventDefault();
      this.root.classList.remove("am-over");
      const [file] = event.dataTransfer.files;
      if (file) recording.upload(file);
      else if (recording.open) recording.become("idle", "That is no file; drop a sound file.");
    };
  }

  draw() {
    const { recording } = this;
    const { state, live } = recording;
    const idle = state === "idle" && recording.open;
    const kept = idle && recording.get("kept") > 0;
    const sends = recording.get("sends");
    this.root.dataset.state = state;
    this.main.textContent = live ? (sends ? "Stop and send" : "Stop") : kept ? "Record again" : "Record";
    this.#enable(this.main, idle || live);
    this.discard.hidden = !(live || state === "asking" || (state === "finishing" && recording.file));
    this.discard.textContent = live ? "Discard" : "Cancel";
    this.play.hidden = !kept;
    this.send.hidden = !(kept && sends);
    this.send.textContent = recording.get("notice") ? "Send again" : "Send";
    this.meter.hidden = this.clock.hidden = !live;
    this.audio.hidden = !(idle && recording.player);
    if (idle && recording.player && this.shown !== recording.player) this.#open(recording.player);
    this.device.hidden = recording.devices.length < 2;
    this.root.classList.toggle("am-idle", recording.open);
    this.#devices();
    this.tick();
  }

  // `disabled` would drop the keyboard's place on the page.
  #enable(button, enabled) {
    button.setAttribute("aria-disabled", String(!enabled));
  }

  #open(sound) {
    if (this.audio.src) URL.revokeObjectURL(this.audio.src);
    this.shown = sound;
    this.audio.src = URL.createObjectURL(sound);
    this.audio.play().catch(() => {}); // without a gesture in this tab: its own button plays it
  }

  #devices() {
    const select = this.device.querySelector("select");
    const wanted = this.recording.devices.map((device) => device.deviceId).join();
    if (select.dataset.devices === wanted) return;
    select.dataset.devices = wanted;
    select.replaceChildren(...this.recording.devices.map((d) => new Option(d.label, d.deviceId)));
    if (this.recording.device) select.value = this.recording.device;
  }

  /** Ten times a second while something is under way. */
  tick() {
    const { recording } = this;
    const line = recording.status;
    if (this.status.textContent !== line) this.status.textContent = line;
    if (!recording.live) return;
    const seconds = recording.state === "recording" ? recording.seconds : 0;
    this.clock.textContent = `${clock(seconds)} / ${clock(recording.get("seconds"))}`;
    const level = Math.max(0, Math.min(1, (recording.ear.level + 60) / 60));
    this.meter.firstElementChild.style.transform = `scaleX(${level.toFixed(3)})`;
    this.meter.classList.toggle("am-hot", recording.ear.level > -3);
  }

  /** Shows the answer here: a page that was reloaded is not told of outputs that change. */
  replace(html) {
    this.host.innerHTML = html;
    this.remove();
  }

  remove() {
    if (this.audio.src) URL.revokeObjectURL(this.audio.src);
    this.recording.panels.delete(this);
  }
}

export default () => {
  let recording;
  return {
    initialize({ model }) {
      recording = new Recording(model);
      const leave = inhabit(model.get("place"), (host) => new Panel(recording, host));
      return () => {
        leave();
        recording.over("This recorder is closed; run the cell again to record.");
      };
    },
    render({ model, el }) {
      const panel = new Panel(recording, el);
      recording.greet(inhabits());
      return () => panel.remove();
    },
  };
};
