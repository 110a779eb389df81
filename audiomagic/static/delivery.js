// Delivery: pieces of sound on their way to the kernel, numbered, and sent again if need be.

const PIECE = 0.1; // seconds; a closed tab loses no more than a few of these

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
