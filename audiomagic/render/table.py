"""A table that shows itself in a notebook and in a terminal."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import one_line
from .html import EDGE, FAINT, FONT, FRAME, INK, LIGHT, PAPER, as_html, visible

# What is wider than the page is scrolled in its frame.
BOX = f"display:inline-block;box-sizing:border-box;max-width:100%;overflow-x:auto;{FRAME};{LIGHT}"
SCROLLED = 'tabindex="0" role="group" aria-label="Table"'  # by keyboard too
TABLE = (
    f"margin:0;border:0;border-collapse:collapse;{FONT};font-size:13px;line-height:1.4;color:{INK}"
)
PLAIN = f"padding:5px 10px;border:0;text-align:left;background:{PAPER}"
HEAD = f"{PLAIN};color:{FAINT};font-weight:600"
CELL = f"{PLAIN};color:{INK};font-weight:400;border-top:1px solid {EDGE}"
AROUND = "margin:4px 0 8px"
NO_WRAP = "white-space:nowrap"
SHORT = 24  # characters of a row's name that stay on one line
HYPHENATED = re.compile(r"(\S*-\S*)")
CAPTION = f"{FONT};font-size:12px;overflow-wrap:break-word"


@dataclass(frozen=True)
class Table:
    """Rows of texts, and of objects that show themselves as HTML; or, without any, the caption."""

    heading: tuple[str, ...]
    rows: Sequence[tuple[Any, ...]]
    caption: str = ""

    def _repr_html_(self) -> str:
        head = "".join(map(_head, self.heading, range(len(self.heading))))
        rows = "".join(f"<tr>{''.join(map(_cell, row, range(len(row))))}</tr>" for row in self.rows)
        caption = f'<div style="{CAPTION}">{as_html(self.caption)}</div>' if self.caption else ""
        if caption and not self.rows:
            return caption
        return (
            f'<div style="{AROUND}"><div {SCROLLED} style="{BOX}"><table style="{TABLE}">'
            f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>{caption}</div>"
        )

    def __repr__(self) -> str:
        if self.caption and not self.rows:
            return visible(self.caption)
        cells = [
            tuple(map(visible, self.heading)),
            *(tuple(one_line(cell) for cell in row) for row in self.rows),
        ]
        widths = [max(len(row[i]) for row in cells) for i in range(len(self.heading))]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in cells
        ]
        return "\n".join([*lines, *([visible(self.caption)] if self.caption else [])])


def _head(name: str, column: int) -> str:
    tag = "th" if name else "td"  # a heading without words would puzzle a screen reader
    return f'<{tag} style="{HEAD}{_wrapping(name, column)}">{as_html(name)}</{tag}>'


def _cell(value: Any, column: int) -> str:
    to_html = getattr(value, "_repr_html_", None)
    text = "" if to_html else str(value)
    inside = to_html() if to_html else _unbroken(text)
    if column:
        return f'<td style="{CELL}">{inside}</td>'
    return f'<th scope="row" style="{CELL}{_wrapping(text, column)}">{inside}</th>'


def _wrapping(text: str, column: int) -> str:
    return f";{NO_WRAP}" if column == 0 and len(text) <= SHORT else ""


def _unbroken(text: str) -> str:
    """Escape a text for HTML; dates and the ids of models do not wrap at their hyphens."""
    parts = [(part, as_html(part)) for part in HYPHENATED.split(text)]
    return "".join(
        f'<span style="{NO_WRAP}">{html}</span>' if "-" in part and len(part) <= 40 else html
        for part, html in parts
    )
