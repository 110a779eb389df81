// The recorder's panel: in several outputs of a page, or in none.

import { controlGroup, formatTime, offerDevices } from "./controls.js";
import { canMount, mount } from "./mount.js";
import { Recording } from "./recording.js";
import { statusText } from "./status.js";

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
    this.root = controlGroup("recorder", "Recorder", HTML);
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
    this.play.onclick = () => recording.send({ kind: "play" });
    this.send.onclick = () => recording.send({ kind: "send" });
    this.file.onchange = () => { recording.upload(this.file.files[0]); this.file.value = ""; };
    this.device.querySelector("select").onchange = ({ target }) => { recording.device = target.value; };
    this.root.onkeydown = (event) => { if (event.key === "Escape" && !this.discard.hidden) this.discard.click(); };
    this.root.addEventListener("focusin", () => recording.focus.keep(this.root.closest(".jp-OutputArea") ?? this.host));
    this.root.ondragover = (event) => { event.preventDefault(); this.root.classList.add("am-over"); };
    this.root.ondragleave = () => this.root.classList.remove("am-over");
    this.root.ondrop = (event) => {
      event.preventDefault();
      this.root.classList.remove("am-over");
      const [file] = event.dataTransfer.files;
      if (file) recording.upload(file);
      else if (recording.open) recording.become("idle", "That is not a file; drop an audio file.");
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
    offerDevices(this.device.querySelector("select"), recording.devices, recording.device);
    this.tick();
  }

  // `disabled` would lose the keyboard focus.
  #enable(button, enabled) {
    button.setAttribute("aria-disabled", String(!enabled));
  }

  #open(sound) {
    if (this.audio.src) URL.revokeObjectURL(this.audio.src);
    this.shown = sound;
    this.audio.src = URL.createObjectURL(sound);
    this.audio.play().catch(() => {}); // no gesture in this tab yet: its own button plays it
  }

  /** Called ten times a second while something is under way. */
  tick() {
    const { recording } = this;
    const line = statusText(recording);
    if (this.status.textContent !== line) this.status.textContent = line;
    if (!recording.live) return;
    const seconds = recording.state === "recording" ? recording.seconds : 0;
    this.clock.textContent = `${formatTime(seconds)} / ${formatTime(recording.get("max_seconds"))}`;
    const level = Math.max(0, Math.min(1, (recording.meter.level + 60) / 60));
    this.meter.firstElementChild.style.transform = `scaleX(${level.toFixed(3)})`;
    this.meter.classList.toggle("am-hot", recording.meter.level > -3);
  }

  /** Shows the reply's card here: a page that was reloaded does not see outputs being updated. */
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
      const unmount = mount(model.get("mount_class"), (host) => new Panel(recording, host));
      return () => {
        unmount();
        recording.close("This recorder is closed; run the cell again to record.");
      };
    },
    render({ model, el }) {
      const panel = new Panel(recording, el);
      recording.greet(canMount());
      return () => panel.remove();
    },
  };
};
