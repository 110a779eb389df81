// What the controls of recorder and player have in common.

/** Makes the element that holds a widget's controls, of class `audiomagic-<name>`. */
export function controlGroup(name, label, html) {
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

/** Formats seconds as m:ss. */
export const formatTime = (seconds) =>
  `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
