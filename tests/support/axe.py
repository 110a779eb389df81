"""axe-core in a browser's page: what there keeps people with disabilities out."""

from __future__ import annotations

from pathlib import Path

from .browser import Tab
from .npm import installed

SOURCE = Path(__file__).with_name("axe_js")
_RUN = """async (inside) => {
  const about = {resultTypes: ["violations"]};
  const {violations} = await axe.run({include: inside}, about);
  return violations.flatMap(({id, nodes}) => nodes.map((node) =>
    `${id}: ${node.html.slice(0, 160)}: ${node.failureSummary}`));
}"""


def violations(tab: Tab, *inside: str) -> list[str]:
    """What axe objects to within the elements of some selectors, each of which there must be."""
    for selector in inside:
        assert tab.page.locator(selector).count(), selector
    if not tab.js("() => 'axe' in globalThis"):
        file = installed(SOURCE) / "node_modules" / "axe-core" / "axe.min.js"
        tab.js(f"() => {{ const define = undefined, module = undefined; {file.read_text()} }}")
    found: list[str] = tab.js(_RUN, list(inside))
    return found
