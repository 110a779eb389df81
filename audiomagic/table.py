"""A table that shows itself in a notebook and in a terminal."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .card import EDGE, FAINT, FONT, INK, PAPER, as_html
from .errors import one_line

BOX = (
    f"border-collapse:collapse;{FONT};font-size:13px;background:{PAPER};color:{INK};"
    f"border:1px solid {EDGE}"
)
LINE = f"border:0;border-bottom:1px solid {EDGE}"
CELL = f"padding:4px 10px;{LINE};text-align:left;background:{PAPER}"
HEAD = f"{CELL};color:{FAINT};font-weight:600"


@dataclass(frozen=True)
class Table:
    """Rows under a heading; a cell is text, or whatever has an HTML face (a Sound's player)."""

    heading: tuple[str, ...]
    rows: Sequence[tuple[Any, ...]]
    caption: str = ""

    def _repr_html_(self) -> str:
        head = "".join(f'<th style="{HEAD}">{as_html(name)}</th>' for name in self.heading)
        rows = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in self.rows)
        caption = f'<div style="padding:4px 0;{FONT};font-size:12px">{as_html(self.caption)}</div>'
        return (
            f'<div style="overflow-x:auto"><table style="{BOX}"><thead><tr>{head}</tr></thead>'
            f"<tbody>{rows}</tbody></table>{caption if self.caption else ''}</div>"
        )

    def __repr__(self) -> str:
        cells = [self.heading, *(tuple(one_line(cell) for cell in row) for row in self.rows)]
        widths = [max(len(row[i]) for row in cells) for i in range(len(self.heading))]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in cells
        ]
        return "\n".join([*lines, *([self.caption] if self.caption else [])])


def _cell(value: Any) -> str:
    face = getattr(value, "_repr_html_", None)
    inside = face() if face else as_html(str(value))
    return f'<td style="{CELL};color:{INK}">{inside}</td>'
