// Recording: one recorder, its state, what its buttons do, what the kernel says.
//
// What the kernel tells a page is in traits (see recorder.py); sound never is, it would be saved.

const FILE_PIECE = 500_000; // bytes; a message over 10 MiB vanishes without a word
const LARGEST_FILE = 200_000_000; // bytes
const UNSEEN = 10_000; // ms: a recorder that is nowhere to be seen does not record for longer
const SHORTEST = 0.2; // seconds: less is a button pressed twice
const AHEAD = 8; // pieces of a file that are on their way at a time
const GONE = "The kernel is gone; run this cell again to record.";
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

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
  get late() { return Date.now() - this.asked > PATIENCE; }
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
      const opened = await Capture.open(this.device, this.get("noise_suppression"), samples, lost);
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
    return Math.round(this.get("max_seconds") * RATE) - this.ear.samples;
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
    } else if (this.state === "armed" && Date.now() - this.begun > this.get("max_seconds") * 1000) {
      this.stop("No speech was heard.");
    }
    if (this.state === "finishing" && this.delivery && this.late) {
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
    const { file } = this;
    try {
      const samples = await decoded(file);
      if (this.file !== file) return;
      this.delivery = this.#delivery("sound");
      const chunker = new Chunker(FILE_PIECE / 2);
      for (const piece of [...chunker.push(samples), ...chunker.flush()]) this.delivery.put(piece);
      this.delivery.finish({ cut: null, complaint: "", send: true });
    } catch {
      if (this.file === file) this.#ended(`${file.name} is no sound that can be read here.`);
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
}
