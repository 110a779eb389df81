"""JupyterLab's own sanitizer: what an untrusted notebook leaves of an HTML output."""

from __future__ import annotations

from pathlib import Path

from .npm import find_node, installed, run

__all__ = ["find_node", "sanitize"]
SOURCE = Path(__file__).with_name("sanitizer_js")  # 4.5 MB, a few seconds


def sanitize(html: str) -> str:
    """The HTML that JupyterLab and Notebook 7 show for `html` in an untrusted notebook."""
    node = find_node()
    if node is None:
        raise RuntimeError("JupyterLab's sanitizer needs node and npm on PATH")
    return run([node, "sanitize.mjs"], installed(SOURCE), html)
