"""Colours, fonts and escaping, and the small pieces of HTML that all pages are made of."""

import re
from html import escape

from ..errors import SoundError, one_line
from ..sound import Sound

INK, FAINT, PAPER, EDGE = "#1d2530", "#566273", "#f7f8fa", "#c9d0d9"
FONT = "font-family:system-ui,-apple-system,'Segoe UI',Roboto,sans-serif"
FRAME = f"border:1px solid {EDGE};border-radius:10px;background:{PAPER};color:{INK}"
LIGHT = "color-scheme:light"  # a dark page draws players dark, and an untrusted notebook still does
CARD = (
    f"box-sizing:border-box;max-width:640px;margin:4px 0;padding:12px 14px;{FRAME};{LIGHT};{FONT};"
    "font-size:14px;line-height:1.5;overflow-wrap:break-word"
)
TITLE = f"{FONT};font-size:14px;font-weight:600;margin:8px 0 4px"  # on the page: in its own colour
WORDS = f"margin:8px 0;color:{INK};font-size:15px;white-space:pre-wrap;overflow-wrap:break-word"
NOTE = f"margin:4px 0;color:{FAINT};font-size:12px"
BADGE = f"color:{FAINT};font-size:12px;cursor:pointer"
MARKDOWN = str.maketrans(
    {c: "\\" + c for c in "`*_{}[]()#+-.!|~$="}
    | {"<": "&lt;", ">": "&gt;", "&": "&amp;", "\\": "&#92;"}  # "\\\\(" would start a formula
    | {"@": "&#64;"}  # an address, which Jupyter makes a link of
)
FORMULA = re.compile(r"[$\\]")
# Controls (a terminal obeys them) except tab and newline, bidi overrides, lone surrogates.
HIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")


def visible(text: str) -> str:
    """Remove what cannot be seen but does something: foreign text is shown, never obeyed."""
    return HIDDEN.sub("", text)


def as_html(text: str) -> str:
    """Escape a text for HTML; Jupyter would read `$5 or $6` and `\\(x\\)` as formulas.

    It looks for them in one text node at a time, so each sign gets a node of its own.
    """
    return FORMULA.sub(r"<span>\g<0></span>", escape(visible(text)))


def unmarked(text: str) -> str:
    """Escape a text for markdown; a line that starts with spaces would be code."""
    lines = (line.strip() for line in visible(text).splitlines())
    return "\n".join(lines).translate(MARKDOWN).replace("://", "&#58;//")  # so with addresses


def counted(number: int, noun: str) -> str:
    """Return "1 call", "2 calls"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def title(text: str) -> str:
    return f'<div style="{TITLE}">{as_html(text)}</div>'


def document(title: str, body: str) -> str:
    """Return a page of its own."""
    return (
        f'<!doctype html><html><head><meta charset="utf-8"><title>{escape(one_line(title, 60))}'
        '</title><meta name="viewport" content="width=device-width"></head>'
        f"<body>{body}</body></html>"
    )


def words(text: str, attributes: str = "") -> str:
    return f'<div dir="auto"{attributes} style="{WORDS}">{as_html(text)}</div>'


def note(text: str) -> str:
    return f'<div style="{NOTE}">{as_html(text)}</div>'


def player(sound: Sound) -> str:
    """Return a player; a line in its place for a sound whose file was moved or deleted."""
    try:
        source = sound.data_url
    except SoundError as error:
        return note(f"There is no player: {error}.")
    # `controls` and a `src` on the tag itself: an untrusted notebook drops a <source>.
    return (
        '<audio controls preload="metadata" style="display:block;width:100%;height:40px" '
        f'src="{source}"></audio>'
    )
