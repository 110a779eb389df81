"""Script: what this package runs in a page, one text of several files, and how that looks.

A widget's module and a card's script come to the page as text: they cannot import a neighbour.
"""

from pathlib import Path

STATIC = Path(__file__).parent
CARD = ("words", "follow")
PLAYER = ("words", "place", "ring", "playback", "player")
RECORDER = (
    "place", "resampler", "ear", "delivery", "microphone", "decoded", "focus", "status",
    "recording", "recorder",
)  # fmt: skip


def joined(*names: str) -> str:
    """Return files of `static/` in this order, named without their ending."""
    return "\n".join(read(f"{name}.js") for name in names)


def read(name: str) -> str:
    """Return a file of `static/`. By its path anywidget would watch it, and keep every widget."""
    return (STATIC / name).read_text("utf-8")
