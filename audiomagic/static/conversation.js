// The panel of a live conversation: in several outputs of a page, or in none.

import { controlGroup, formatTime, offerDevices } from "./controls.js";
import { canMount, mount } from "./mount.js";
import { Talk } from "./talk.js";

const HTML = `
  <div class="am-row">
    <button type="button" class="am-start"></button>
    <button type="button" class="am-talk" aria-keyshortcuts="Space">Hold to talk</button>
    <button type="button" class="am-mute">Mute</button>
    <button type="button" class="am-interrupt" aria-keyshortcuts="Escape">Interrupt</button>
    <button type="button" class="am-end">End</button>
    <span class="am-meter" aria-hidden="true"><span></span></span>
    <span class="am-clock" role="timer" aria-live="off"></span>
    <span class="am-cost"></span>
  </div>
  <div class="am-row am-turn"><span class="am-dot" aria-hidden="true"></span><span class="am-who"></span></div>
  <div class="am-status" role="status" aria-live="polite"></div>
  <div class="am-row am-ears">
    <label class="am-headphones"><input type="checkbox"> I'm wearing headphones</label>
    <label class="am-device">Microphone <select></select></label>
  </div>
  <div class="am-words" role="log" aria-live="off" aria-label="What was said" tabindex="0"></div>
  <div class="am-row am-line">
    <input type="text" class="am-text" aria-label="Type instead of speaking" placeholder="Or type …" maxlength="4000" autocomplete="off">
    <button type="button" class="am-send">Send</button>
  </div>`;
const PRESS = { speak: "Press Start and speak.", hold: "Press Start, then hold the button to talk." };
const WHO = {
  connecting: "Connecting …",
  listening: "Listening",
  hearing: "You are speaking",
  thinking: "Thinking …",
  speaking: "The model is speaking",
};

class Panel {
  constructor(talk, host) {
    this.talk = talk;
    this.host = host;
    this.root = controlGroup("conversation", "Live conversation", HTML);
    this.root.tabIndex = -1; // the space bar talks wherever in it the focus is
    this.root.dataset.lmSuppressShortcuts = "true";
    for (const name of ["start", "mute", "interrupt", "end", "meter", "clock", "cost", "turn", "who", "status", "ears", "headphones", "device", "words", "text", "send"]) {
      this[name] = this.root.querySelector(`.am-${name}`);
    }
    this.hold = this.root.querySelector(".am-talk");
    this.shown = new Map(); // row -> its element
    this.#listen();
    host.replaceChildren(this.root);
    talk.panels.add(this);
    this.draw();
  }

  #listen() {
    const { talk } = this;
    const press = (button, act) => { button.onclick = () => { if (button.getAttribute("aria-disabled") !== "true") act(); }; };
    press(this.start, () => talk.start());
    press(this.mute, () => talk.mute());
    press(this.interrupt, () => talk.interrupt());
    press(this.end, () => talk.end());
    this.headphones.firstElementChild.onchange = ({ target }) => talk.useHeadphones(target.checked);
    press(this.send, () => this.#type());
    this.device.querySelector("select").onchange = ({ target }) => talk.choose(target.value);
    this.text.onkeydown = (event) => { if (event.key === "Enter" && !event.isComposing) this.#type(); };
    this.hold.onpointerdown = (event) => {
      this.hold.setPointerCapture(event.pointerId);
      talk.talk(true);
    };
    for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) {
      this.hold.addEventListener(name, () => talk.talk(false));
    }
    this.root.onkeydown = (event) => this.#onKey(event, true);
    this.root.onkeyup = (event) => this.#onKey(event, false);
    this.root.addEventListener("focusout", ({ relatedTarget }) => {
      if (talk.byButton && !this.root.contains(relatedTarget)) talk.talk(false);
    });
    this.root.addEventListener("focusin", () => talk.focus.keep(this.root.closest(".jp-OutputArea") ?? this.host));
  }

  #type() {
    this.talk.type(this.text.value);
    this.text.value = "";
  }

  #onKey(event, down) {
    const { key, target } = event;
    if (down && key === "Escape" && !this.interrupt.hidden) return this.interrupt.click();
    const elsewhere = target.closest("button, input, select") && target !== this.hold;
    if (!this.talk.byButton || elsewhere || !(key === " " || (key === "Enter" && target === this.hold))) return;
    event.preventDefault(); // the page would scroll
    if (!event.repeat) this.talk.talk(down);
  }

  draw() {
    const { talk } = this;
    const { live, over, microphone } = talk;
    const focused = this.root.contains(document.activeElement) && document.activeElement;
    this.root.dataset.state = live ? talk.turn : over ? "ended" : talk.state;
    this.start.textContent = live ? "Use microphone" : talk.elsewhere && talk.state === "idle" ? "Resume" : "Start";
    this.start.hidden = over || (live && Boolean(microphone));
    this.#enable(this.start, live || talk.state === "idle");
    this.hold.hidden = !(live && talk.byButton && microphone);
    this.hold.setAttribute("aria-pressed", String(Boolean(talk.held)));
    this.#enable(this.hold, talk.listens);
    this.mute.hidden = !(live && microphone && !talk.byButton);
    this.mute.setAttribute("aria-pressed", String(Boolean(talk.muted)));
    this.interrupt.hidden = !live;
    this.#enable(this.interrupt, ["thinking", "speaking"].includes(talk.turn));
    this.end.hidden = over || !(live || talk.elsewhere);
    this.meter.hidden = !(live && microphone);
    this.headphones.hidden = !(live && (talk.halfDuplex || talk.headphones));
    this.device.hidden = !(live && microphone && talk.devices.length > 1);
    this.ears.hidden = this.headphones.hidden && this.device.hidden;
    offerDevices(this.device.querySelector("select"), talk.devices, talk.device);
    this.headphones.firstElementChild.checked = Boolean(talk.headphones);
    this.text.disabled = !live;
    this.#enable(this.send, live);
    this.cost.textContent = talk.get("cost");
    this.who.textContent = live ? this.#who(talk.turn) : "";
    this.turn.hidden = !this.who.textContent;
    if (focused?.hidden) (this.hold.hidden ? (this.mute.hidden ? this.text : this.mute) : this.hold).focus();
    this.tick();
  }

  #who(turn) {
    if (turn !== "listening") return WHO[turn] ?? "";
    if (this.talk.byButton) return "Hold the button, or the space bar, to talk";
    return this.talk.muted ? "Muted" : WHO.listening;
  }

  // `disabled` would lose the keyboard focus.
  #enable(button, enabled) { button.setAttribute("aria-disabled", String(!enabled)); }

  #rows() {
    const log = this.words;
    let atEnd; // known before the first change; the page is not laid out for none
    for (const row of this.talk.words.rows.values()) {
      if (!this.shown.has(row)) this.shown.set(row, makeRow(log, row.side));
      const seen = this.shown.get(row);
      const unfinished = row.cut || (row.side === "user" && !row.final);
      const words = row.text.slice(0, row.shown);
      const line = words + (unfinished && (words || row.side === "user") ? " …" : "");
      if (seen.line === line) continue;
      atEnd ??= log.scrollHeight - log.scrollTop - log.clientHeight < 40;
      seen.line = seen.text.textContent = line;
      seen.root.hidden = !line;
    }
    log.hidden = !this.talk.words.rows.size;
    if (atEnd) log.scrollTop = log.scrollHeight;
  }

  /** Called ten times a second while it is live. */
  tick() {
    const { talk } = this;
    this.#rows();
    const line = this.#line();
    if (this.status.textContent !== line) this.status.textContent = line;
    this.clock.textContent = talk.seconds && !talk.over ? formatTime(talk.seconds) : "";
    this.root.dataset.gaps = talk.gaps ?? 0;
    const level = Math.max(0, Math.min(1, (talk.level + 60) / 60));
    this.meter.firstElementChild.style.transform = `scaleX(${level.toFixed(3)})`;
  }

  #line() {
    const { talk } = this;
    const notice = talk.get("notice");
    if (talk.state === "closed") return talk.line;
    if (talk.over) return [notice, "The conversation has ended."].filter(Boolean).join(" ");
    if (talk.state === "asking") return "Waiting for the microphone: your browser may ask for permission.";
    if (talk.state === "starting") return "Starting: waiting for the kernel …";
    if (talk.elsewhere) return talk.line || "The conversation is running, but not on this page. Press Resume to continue it here.";
    if (!talk.live) return [talk.line, notice].filter(Boolean).join(" ") || PRESS[talk.byButton ? "hold" : "speak"];
    if (talk.late) return "The kernel is busy and cannot hear you right now.";
    if (talk.soundless) return "The browser is not playing any sound. Is a loudspeaker connected?";
    if (talk.stalled) return "No sound comes from the microphone. Choose another one, or type.";
    if (talk.unheard) return "Nothing has been heard yet: is the right microphone selected and unmuted?";
    const headphones = talk.halfDuplex ? "To interrupt by voice, put on headphones and tick the box below." : "";
    return [talk.line, notice, headphones].filter(Boolean).join(" ");
  }

  /** Shows what stays here: a page that was reloaded does not see outputs being updated. */
  replace(html) {
    this.host.innerHTML = html;
    this.remove();
  }

  remove() { this.talk.panels.delete(this); }
}

function makeRow(log, side) {
  const root = document.createElement("p");
  root.dataset.side = side;
  const [name, text] = [document.createElement("b"), document.createElement("span")];
  name.textContent = side === "user" ? "You: " : "Model: ";
  text.dir = "auto";
  root.append(name, text);
  log.append(root);
  root.hidden = true;
  return { root, text, line: "" };
}

export default () => {
  let talk;
  return {
    initialize({ model }) {
      talk = new Talk(model);
      const makePanel = (host) => {
        talk.greet(false);
        return new Panel(talk, host);
      };
      const unmount = mount(model.get("mount_class"), makePanel);
      return () => {
        unmount();
        talk.close("This conversation is closed; run the cell again to start a conversation.");
      };
    },
    render({ el }) {
      const panel = new Panel(talk, el);
      talk.greet(canMount());
      return () => panel.remove();
    },
  };
};
