// What the recorder's and the player's half in the page share; place.py tells of places.

export const RATE = 24000; // Hz, of all sound on its way

/** A widget's controls: an element of class `audiomagic-<name>`, whose name is told as `label`. */
function group(name, label, html) {
  const root = document.createElement("div");
  root.className = `audiomagic-${name}`;
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", label);
  root.innerHTML = html;
  for (const node of root.querySelectorAll("button, select, input, audio")) {
    node.dataset.lmSuppressShortcuts = "true"; // Lab's own keys (D D deletes the cell) stay out
  }
  return root;
}

/** Puts a panel into every element of a class, whenever one comes or goes, until it is told to end.
 *
 * `make` gets the element, and makes a panel or none. In JupyterLab and Notebook 7 a widget's output
 * is plain HTML, which reads sensibly when there is no kernel any more (a widget's own output then
 * says "model not found"), and the panel lives in it.
 */
function inhabit(place, make) {
  const panels = new Map();
  const look = () => {
    for (const [host, panel] of panels) {
      if (host.isConnected) continue;
      panel.remove();
      panels.delete(host);
    }
    for (const host of document.getElementsByClassName(place)) {
      const panel = panels.has(host) ? null : make(host);
      if (panel) panels.set(host, panel);
    }
  };
  const observer = new MutationObserver(look);
  observer.observe(document.body, { childList: true, subtree: true });
  look();
  return () => observer.disconnect();
}

/** Whether this page lets outputs be inhabited. */
const inhabits = () => Boolean(document.querySelector(".jp-OutputArea"));

export const clock = (seconds) =>
  `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
