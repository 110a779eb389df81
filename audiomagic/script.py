"""Script: what this package runs in a page, one text of several files.

A widget's module and a card's script come to the page as text: they cannot import a neighbour.
"""

from pathlib import Path

STATIC = Path(__file__).with_name("static")


def joined(*names: str) -> str:
    """Return files of `static/` in this order, named without their ending."""
    return "\n".join((STATIC / f"{name}.js").read_text("utf-8") for name in names)
