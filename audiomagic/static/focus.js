// Where the keyboard is, and what a screen reader says, when one thing takes another's place.

/** Has a screen reader say what appears where a recorder was, its own live region gone. */
function announce(text) {
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

/** What takes the keyboard's place over, the first that there is. */
const HEIRS = [".audiomagic-player .am-stop", ".audiomagic-card audio", ".audiomagic-card", ".audiomagic-recorder .am-main"];

class FocusHolder {
  hold(area) {
    if (this.area === area) return;
    this.letGo();
    this.area = area;
    this.observer = new MutationObserver(() => this.#pass());
    this.observer.observe(area, { childList: true, subtree: true });
    this.left = ({ target }) => { if (!area.contains(target)) this.letGo(); };
    document.addEventListener("focusin", this.left);
    document.addEventListener("pointerdown", this.left, true);
  }

  letGo() {
    this.observer?.disconnect();
    document.removeEventListener("focusin", this.left);
    document.removeEventListener("pointerdown", this.left, true);
    this.area = null;
  }

  #pass() {
    const lost = !document.activeElement || document.activeElement === document.body;
    if (!lost || !this.area.isConnected) return;
    const heir = HEIRS.map((name) => this.area.querySelector(name)).find(Boolean);
    if (heir?.matches(".audiomagic-card")) heir.tabIndex = -1;
    heir?.focus();
  }
}
