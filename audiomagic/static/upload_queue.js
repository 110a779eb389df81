// UploadQueue: numbered chunks of a recording on their way to the kernel, sent again when needed.

import { RATE } from "./audio_format.js";

const CHUNK_SECONDS = 0.1; // a closed tab loses no more than a few chunks

/** Cuts a stream of samples into chunks of pcm16, each a Uint8Array of `size` samples: at most, and at
 *  first, those that it was made for. */
export class Chunker {
  constructor(size = CHUNK_SECONDS * RATE) {
    this.chunk = new Int16Array(size);
    this.size = size;
    this.filled = 0;
  }

  push(samples) {
    const chunks = [];
    for (const sample of samples) {
      this.chunk[this.filled++] = Math.round(Math.max(-1, Math.min(1, sample)) * 32767);
      if (this.filled >= this.size) chunks.push(...this.flush());
    }
    return chunks;
  }

  /** Returns what is left: one shorter chunk, or none. */
  flush() {
    const chunks = this.filled ? [new Uint8Array(this.chunk.slice(0, this.filled).buffer)] : [];
    this.filled = 0;
    return chunks;
  }
}

/** Numbers the chunks of a take, and keeps each until the kernel has acknowledged it. */
export class UploadQueue {
  constructor(take, what, send) {
    this.take = take; // a random id
    this.send = send; // (message, buffers)
    this.start = { kind: "start", take, what }; // "sound" or "file"
    this.next = 0; // number of the first chunk that the kernel does not have
    this.pending = [];
    this.asText = false; // as base64: some front ends lose binary buffers (Positron)
    this.end = null;
    send(this.start);
  }

  push(chunk) {
    this.pending.push(chunk);
    this.#post(this.pending.length - 1);
  }

  /** Ends the take; `fields` are added to the message that says so. */
  finish(fields) {
    const count = this.next + this.pending.length;
    this.end = { kind: "end", take: this.take, count, ...fields };
    this.send(this.end);
  }

  /** The kernel has all chunks before number `next`. */
  acknowledge(next) {
    this.pending.splice(0, Math.max(0, next - this.next));
    this.next = Math.max(this.next, next);
  }

  /** Sends again all that the kernel does not have. */
  resend(asText = this.asText) {
    this.asText = asText;
    this.send(this.start);
    this.pending.forEach((_, i) => this.#post(i));
    if (this.end) this.send(this.end);
  }

  #post(i) {
    const message = { kind: "chunk", take: this.take, number: this.next + i };
    if (this.asText) this.send({ ...message, base64: base64(this.pending[i]) });
    else this.send(message, [this.pending[i].buffer]);
  }
}

export function base64(bytes) {
  let text = "";
  for (let i = 0; i < bytes.length; i += 0x8000) {
    text += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  }
  return btoa(text);
}
