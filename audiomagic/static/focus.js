// Keyboard focus, and what a screen reader says, when one element takes another's place.

/** Has a screen reader announce what replaces a recorder, whose own live region is gone. */
export function announce(text) {
  let region = document.querySelector(".audiomagic-announcer");
  if (!region) {
    region = document.createElement("div");
    region.className = "audiomagic-announcer";
    region.setAttribute("role", "status");
    document.body.append(region);
  }
  region.textContent = "";
  setTimeout(() => { region.textContent = text; }, 100);
}

/** What gets the focus next: the first of these that is there. */
const SUCCESSORS = [".audiomagic-player .am-stop", ".audiomagic-card audio", ".audiomagic-card", ".audiomagic-recorder .am-main"];

/** Keeps the focus in an output area while its content is replaced, until the user moves it away. */
export class FocusKeeper {
  keep(area) {
    if (this.area === area) return;
    this.release();
    this.area = area;
    this.observer = new MutationObserver(() => this.#restore());
    this.observer.observe(area, { childList: true, subtree: true });
    this.onLeave = ({ target }) => { if (!area.contains(target)) this.release(); };
    document.addEventListener("focusin", this.onLeave);
    document.addEventListener("pointerdown", this.onLeave, true);
  }

  release() {
    this.observer?.disconnect();
    document.removeEventListener("focusin", this.onLeave);
    document.removeEventListener("pointerdown", this.onLeave, true);
    this.area = null;
  }

  #restore() {
    const lost = !document.activeElement || document.activeElement === document.body;
    if (!lost || !this.area.isConnected) return;
    const successor = SUCCESSORS.map((name) => this.area.querySelector(name)).find(Boolean);
    if (successor?.matches(".audiomagic-card")) successor.tabIndex = -1;
    successor?.focus();
  }
}
