// Mounts a widget's panels in outputs that are plain HTML; see placement.py.

/** Keeps a panel in every element of a class, as such elements come and go; returns a function that
 *  ends this. `makePanel` gets the element, and makes a panel or none.
 *
 * In JupyterLab and Notebook 7 a widget's output is plain HTML, which still reads sensibly without a
 * kernel (a widget's own output then says "model not found"), and the panel lives in it.
 */
export function mount(className, makePanel) {
  const panels = new Map();
  const update = () => {
    for (const [host, panel] of panels) {
      if (host.isConnected) continue;
      panel.remove();
      panels.delete(host);
    }
    for (const host of document.getElementsByClassName(className)) {
      const panel = panels.has(host) ? null : makePanel(host);
      if (panel) panels.set(host, panel);
    }
  };
  const observer = new MutationObserver(update);
  observer.observe(document.body, { childList: true, subtree: true });
  update();
  return () => observer.disconnect();
}

/** Whether panels can be mounted in this page's outputs. */
export const canMount = () => Boolean(document.querySelector(".jp-OutputArea"));
