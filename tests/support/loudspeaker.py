"""What a page sends to its loudspeaker, sample for sample, and when."""

import base64

import numpy as np
from numpy.typing import NDArray

from .browser import Tab

#: Before the page's own scripts: every context's way to its destination is tapped by a worklet,
#: whose audio clock tells when the first sample that is not silence passed.
TAP = """
(() => {
  const taps = window.loudspeaker = {pieces: [], rate: 0, contexts: 0, first: null, last: null};
  const code = `registerProcessor("test-tap", class extends AudioWorkletProcessor {
    process([[samples]]) {
      if (samples) this.port.postMessage([currentTime, samples.slice()]);
      return true;
    }
  });`;
  const url = URL.createObjectURL(new Blob([code], {type: "text/javascript"}));
  const connect = AudioNode.prototype.connect;
  const made = new WeakMap();
  const tap = async (context) => {
    await context.audioWorklet.addModule(url);
    const node = new AudioWorkletNode(context, "test-tap", {numberOfOutputs: 0});
    node.port.onmessage = ({data: [time, samples]}) => {
      taps.pieces.push(samples);
      if (!samples.some((v) => v)) return;
      taps.last = Date.now() / 1000;
      if (taps.first === null) {
        const {contextTime, performanceTime} = context.getOutputTimestamp();
        const now = contextTime ? performanceTime + (time - contextTime) * 1000 : performance.now();
        taps.first = (performance.timeOrigin + now) / 1000;
        taps.seen = Date.now() / 1000;
      }
    };
    return node;
  };
  AudioNode.prototype.connect = function (target, ...rest) {
    if (target instanceof AudioDestinationNode && target.context instanceof AudioContext) {
      if (!made.has(target.context)) {
        taps.contexts++;
        taps.rate = target.context.sampleRate;
        made.set(target.context, tap(target.context));
      }
      made.get(target.context).then((node) => connect.call(this, node));
    }
    return connect.call(this, target, ...rest);
  };
})();
"""
READ = """() => {
  const {pieces, rate, contexts, first, seen} = window.loudspeaker;
  const all = new Int16Array(pieces.reduce((n, piece) => n + piece.length, 0));
  let at = 0;
  for (const piece of pieces) for (const v of piece) all[at++] = Math.round(v * 32768);
  const bytes = new Uint8Array(all.buffer);
  let text = "";
  for (let i = 0; i < bytes.length; i += 32768) {
    text += String.fromCharCode(...bytes.subarray(i, i + 32768));
  }
  return [btoa(text), rate, contexts, first, seen];
}"""


def heard(tab: Tab) -> NDArray[np.int16]:
    """Return all samples that went to the loudspeaker, silence at both ends cut off."""
    data, *_ = tab.js(READ)
    samples = np.frombuffer(base64.b64decode(data), np.int16)
    loud = np.flatnonzero(samples)
    return samples[loud[0] : loud[-1] + 1] if len(loud) else samples[:0]


def first_sample(tab: Tab) -> float | None:
    """Return when the first sound passed (Unix seconds), by when the page's script saw it."""
    seen = tab.js("() => window.loudspeaker.seen ?? null")
    return None if seen is None else float(seen)


def last_sample(tab: Tab) -> float | None:
    """Return when the last sound passed so far (Unix seconds), by when the page's script saw it."""
    last = tab.js("() => window.loudspeaker.last ?? null")
    return None if last is None else float(last)


def contexts(tab: Tab) -> int:
    """Count the ways to the loudspeaker that the page has opened."""
    return int(tab.js("() => window.loudspeaker.contexts"))
