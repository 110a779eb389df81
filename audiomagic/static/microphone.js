// Capture: the microphone, at 24 kHz by way of a Resampler; and why there is none, in words.

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

function whereabouts() {
  const policy = document.permissionsPolicy ?? document.featurePolicy;
  return {
    protocol: location.protocol,
    secure: globalThis.isSecureContext && Boolean(navigator.mediaDevices),
    forbidden: policy?.allowsFeature?.("microphone") === false,
  };
}
