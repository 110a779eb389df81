// Connection: what this page tells the kernel of a conversation; see conversation_protocol.py.
//
// By a comm that the page opens itself: a kernel that runs a cell hears it (ipykernel 7.1 and newer),
// but none of a widget's own messages. Where a front end has no such comms, those have to do.

const TARGET = "audiomagic.conversation";
const SUBSHELL = 2000; // ms within which a subshell is there, or none will be
const UNDERWAY = 20; // frames that the kernel may have yet to receive: a second of speech, four of silence

export class Connection {
  constructor(model) {
    this.model = model;
    this.page = [...crypto.getRandomValues(new Uint8Array(8))].map((b) => b.toString(16).padStart(2, "0")).join("");
    this.early = []; // what was to be sent before the comm was open
    this.restart();
  }

  /** Counts frames from 0, as the kernel does from a start on. */
  restart() {
    this.next = 0; // number of the next frame
    this.received = -1; // number of a frame that the kernel has, and of all before
    this.dropped = 0; // frames in a row that it did not get
  }

  async open(message) {
    const kernel = this.model.widget_manager?.kernel;
    this.comm = kernel?.createComm?.(TARGET);
    if (this.comm) {
      // Lab opens a subshell for it, where the kernel has such and the settings do not forbid it.
      const timeout = new Promise((resolve) => setTimeout(resolve, kernel.supportsSubshells === false ? 0 : SUBSHELL));
      await Promise.race([timeout, this.comm.subshellStarted?.catch?.(() => {})]);
      this.comm.open(this.#signed(message)).done.catch(() => {});
    } else {
      this.model.send(this.#signed(message));
    }
    this.opened = true;
    for (const rest of this.early.splice(0)) this.send(...rest);
  }

  #signed(message) { return { mount: this.model.get("mount_class"), page: this.page, ...message }; }

  send(message, buffers) {
    this.sentAt = performance.now();
    if (!this.opened) this.early.push([message, buffers]);
    else if (!this.comm) this.model.send(this.#signed(message), undefined, buffers);
    else if (!this.comm.isDisposed) this.comm.send(this.#signed(message), {}, buffers).done.catch(() => {});
  }

  /** Sends a frame of sound; drops it if the kernel is behind, as old sound is worth nothing. */
  sendFrame(frame) {
    if (this.next - this.received > UNDERWAY) return void this.dropped++;
    this.dropped = 0;
    this.send({ kind: "audio", number: this.next++ }, [frame.buffer]);
  }

  /** Frees the kernel's end of it. */
  close() {
    try {
      if (this.comm && !this.comm.isDisposed) this.comm.close().done.catch(() => {});
    } catch {
      // There is no kernel any more.
    }
  }

  acknowledge(number) { this.received = Math.max(this.received, number); }
}
