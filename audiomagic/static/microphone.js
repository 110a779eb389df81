// Microphone: its samples at 24 kHz; and why there is none, for the user.

import { Resampler } from "./resampler.js";

const TAP_PROCESSOR = `registerProcessor("audiomagic-tap", class extends AudioWorkletProcessor {
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

const STARTED = 1000; // ms within which a context has started, or will not

export class Microphone {
  /** Opens a microphone; `onSamples` gets Float32Array samples at 24 kHz, `onLost` is called if it is
   *  disconnected. `processing`: whether the browser cancels echo, suppresses noise, sets the level; with
   *  "all" it is to cancel all that the computer plays, not only the sound of calls (Chromium 141). */
  static async open(device, processing, onSamples, onLost) {
    const microphone = new Microphone();
    try {
      await microphone.#open(device, processing, onSamples, onLost);
    } catch (error) {
      microphone.#release();
      throw error;
    }
    return microphone;
  }

  async #open(device, processing, onSamples, onLost) {
    this.stream = await navigator.mediaDevices.getUserMedia({
      audio: {
        channelCount: 1,
        echoCancellation: processing,
        noiseSuppression: Boolean(processing),
        autoGainControl: Boolean(processing),
        ...(device && { deviceId: { ideal: device } }),
      },
    });
    // The device's own rate: Firefox refuses a context of another one for a microphone.
    this.context = new AudioContext();
    const url = URL.createObjectURL(new Blob([TAP_PROCESSOR], { type: "text/javascript" }));
    await this.context.audioWorklet.addModule(url);
    URL.revokeObjectURL(url);
    // Firefox never answers where there is no sound output.
    await Promise.race([this.context.resume(), new Promise((resolve) => setTimeout(resolve, STARTED))]);
    const tap = new AudioWorkletNode(this.context, "audiomagic-tap", {
      numberOfOutputs: 0,
      channelCount: 1,
      channelCountMode: "explicit",
    });
    const resampler = new Resampler(this.context.sampleRate);
    this.ended = new Promise((resolve) => {
      tap.port.onmessage = ({ data }) => {
        onSamples(data ? resampler.push(data) : resampler.flush());
        if (!data) resolve();
      };
    });
    this.tap = tap;
    this.stream.getAudioTracks()[0].onended = onLost;
    this.context.createMediaStreamSource(this.stream).connect(tap);
  }

  /** Whether it keeps out what the computer plays: browsers that cannot open it all the same. */
  get cancelsEcho() { return this.stream.getAudioTracks()[0].getSettings().echoCancellation === "all"; }

  /** Closes it once `onSamples` has got the last sample. */
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

/** The microphones to choose from; browsers name them only after one was allowed. */
export async function listMicrophones() {
  const devices = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
  return devices.filter((device) => device.kind === "audioinput" && device.label);
}

/** Explains why there is no microphone, and what to do: `press` a button again, or something `instead`;
 *  `page` is what `pageContext` returns. */
export function explainNoMicrophone(error, page, press = "Record", instead = "choose a file") {
  const Instead = instead[0].toUpperCase() + instead.slice(1);
  if (page.protocol === "vscode-webview:") {
    return `VS Code does not let notebooks use the microphone. ${Instead}, or open the notebook in a browser.`;
  }
  if (!page.secure) {
    return `Browsers allow the microphone only on https pages and on localhost. ${Instead}, or open the notebook at such an address.`;
  }
  if (page.forbidden) {
    return `This page may not use the microphone: the site that embeds it forbids it. ${Instead}.`;
  }
  const again = `press ${press} again, or ${instead}.`;
  switch (error?.name) {
    case "NotAllowedError":
      return `Microphone access was denied. Allow it in the address bar and ${again}`;
    case "NotFoundError":
    case "OverconstrainedError":
      return `No microphone was found. Connect one and ${again}`;
    case "NotReadableError":
      return `The microphone is in use by another program, or broken. Free it and ${again}`;
    default:
      return `The microphone does not work here (${error?.message || error}). ${Instead}.`;
  }
}

export function pageContext() {
  const policy = document.permissionsPolicy ?? document.featurePolicy;
  return {
    protocol: location.protocol,
    secure: globalThis.isSecureContext && Boolean(navigator.mediaDevices),
    forbidden: policy?.allowsFeature?.("microphone") === false,
  };
}
