// VoiceQueue: in the audio thread, the sound of a conversation's items, one after the other, each
// counted by itself: an interruption tells the model how much of which item was heard.

import { RATE } from "./audio_format.js";
import { RingBuffer } from "./ring_buffer.js";

export class VoiceQueue {
  constructor() {
    this.rings = new Map(); // item -> its sound, in the order in which they are played
    this.over = new Set(); // items that were played, or flushed
    this.paused = false;
  }

  /** Takes an Int16Array; drops what is late. */
  push(item, samples) {
    if (this.over.has(item)) return;
    if (!this.rings.has(item)) {
      for (const ring of this.rings.values()) ring.ended = true; // this one is not to wait for them
      this.rings.set(item, new RingBuffer());
    }
    this.rings.get(item).push(samples);
  }

  /** No more sound of an item will come. */
  end(item) {
    if (this.rings.has(item)) this.rings.get(item).ended = true;
  }

  /** Drops everything; returns [item, samples played] of each item that was not played to its end. */
  flush() {
    const positions = [...this.rings].map(([item, { played }]) => [item, played]);
    for (const [item] of positions) this.over.add(item);
    this.rings.clear();
    return positions;
  }

  /** Drops an item, whatever of it was played. */
  drop(item) {
    this.over.add(item);
    this.rings.delete(item);
  }

  /** Fills a Float32Array; returns { item, played, gaps, done } of the item that is playing, or null. */
  fill(output) {
    if (this.paused || !this.rings.size) return null;
    const [item, ring] = this.rings.entries().next().value;
    ring.fill(output);
    const { played, gaps, done } = ring;
    if (done) {
      this.rings.delete(item);
      this.over.add(item);
    }
    return { item, played, gaps, done };
  }
}

export const VOICE_PROCESSOR = `const RATE = ${RATE};
${RingBuffer}
${VoiceQueue}
registerProcessor("audiomagic-voice", class extends AudioWorkletProcessor {
  constructor() {
    super();
    this.queue = new VoiceQueue();
    this.second = 0;
    this.port.onmessage = ({ data }) => {
      if (data.samples) this.queue.push(data.item, data.samples);
      else if (data.flush) this.port.postMessage({ ...data, positions: this.queue.flush() });
      else if (data.drop) this.queue.drop(data.item);
      else if ("paused" in data) this.queue.paused = data.paused;
      else this.queue.end(data.item);
    };
  }
  process(_, [[output]]) {
    const progress = this.queue.fill(output);
    if (progress?.done || progress?.item !== this.item || progress?.played - this.reported >= 480) {
      if (progress) this.port.postMessage(progress);
      this.item = progress?.item;
      this.reported = progress?.played;
    }
    if (currentTime - this.second >= 1) this.port.postMessage({ second: (this.second = currentTime) });
    return true;
  }
});`;
