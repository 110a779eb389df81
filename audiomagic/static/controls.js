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

/** Has a select offer the microphones of `listMicrophones`. */
export function offerDevices(select, devices, chosen) {
  const wanted = devices.map((device) => device.deviceId).join();
  if (select.dataset.devices === wanted) return;
  select.dataset.devices = wanted;
  select.replaceChildren(...devices.map((device) => new Option(device.label, device.deviceId)));
  if (chosen) select.value = chosen;
}

/** Formats seconds as m:ss. */
export const formatTime = (seconds) =>
  `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
