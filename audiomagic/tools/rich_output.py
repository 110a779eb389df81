"""The picture, table or sound that an object shows of itself in a notebook, as safe HTML.

The object is the user's own, but the words in it may be anybody's: nothing passes that acts,
fetches, or styles the page. What is left survives an untrusted notebook too.
"""

import base64
import re
import warnings
from functools import cache
from html import escape
from typing import Any

import nh3
from IPython.core.formatters import DisplayFormatter, FormatterWarning
from IPython.core.pylabtools import print_figure

from ..errors import one_line
from .html_outline import completed, outline

MAX_HTML = 5_000_000  # characters, pictures included
PICTURES = ("image/png", "image/jpeg", "image/svg+xml")
# The colours of a card, since a page may be dark.
PAPER = "background:#f7f8fa"
CELL = f"padding:3px 8px;border:1px solid #c9d0d9;{PAPER};color:#1d2530;font-size:12px"
PICTURE = f"max-width:100%;{PAPER}"
STYLES = {"td": {"style": CELL}, "th": {"style": CELL}, "img": {"style": PICTURE}}
TAGS = nh3.ALLOWED_TAGS | {"audio"}
ATTRIBUTES = nh3.ALLOWED_ATTRIBUTES | {"audio": {"src", "controls"}}
TAG = re.compile(r"(<[^>]*>)")  # nh3 writes any other ">" as "&gt;"
FORMULA = re.compile(r"[$\\]")  # Jupyter would read `$5 or $6` as one
SOURCE = re.compile(r'(<audio[^>]*)>\s*<source\s+src="(data:audio/[^"]*)"[^>]*>')
SHOWN = re.compile(r"<(?:img|audio)[^>]* src=")


def rich_output(value: object) -> str:
    """Return HTML of a value that shows itself as a picture or HTML; else, or if it fails, ""."""
    try:
        with warnings.catch_warnings(action="ignore", category=FormatterWarning):
            shown, _ = _formatter().format(value, include=(*PICTURES, "text/html"))
        found = (_picture(mime, shown[mime], value) for mime in PICTURES if shown.get(mime))
        html = next(filter(None, found), "") or _clean(shown.get("text/html", ""))
    except Exception:
        return ""
    return html if len(html) <= MAX_HTML else ""


@cache
def _formatter() -> Any:
    formatter: Any = DisplayFormatter()  # it has no types
    formatter.ipython_display_formatter.enabled = False  # it would show a value here and now
    figures = formatter.formatters["image/png"]
    figures.for_type_by_name("matplotlib.figure", "Figure", print_figure)
    return formatter


def _picture(mime: str, data: bytes | str, value: object) -> str:
    if isinstance(data, str):  # an SVG is text; the others come as base64, or as they are
        try:
            encoded = "".join(data.split())
            data = data.encode() if "xml" in mime else base64.b64decode(encoded, validate=True)
        except ValueError:
            return ""
    source = f"data:{mime};base64,{base64.b64encode(data).decode('ascii')}"
    name = escape(one_line(type(value).__name__, 60))
    return f'<img alt="{name}" style="{PICTURE}" src="{source}">'


def _clean(html: str) -> str:
    if len(html) > MAX_HTML:
        return ""
    balanced = outline(html, TAGS | {"source"})
    clean = nh3.clean(
        SOURCE.sub(r'\1 src="\2">', balanced),  # an untrusted notebook drops a <source>
        tags=TAGS,
        attributes=ATTRIBUTES,
        attribute_filter=_kept,
        set_tag_attribute_values=STYLES,
        url_schemes={"data", "http", "https"},
    )
    if not TAG.sub("", clean).strip() and not SHOWN.search(clean):
        return ""  # it was all script
    parts = TAG.split(clean)  # text, tag, text, tag, ... text
    parts[::2] = [FORMULA.sub(r"<span>\g<0></span>", text) for text in parts[::2]]
    return f'<div style="overflow-x:auto">{completed("".join(parts))}</div>'


def _kept(tag: str, attribute: str, value: str) -> str | None:
    """Keep only a `src` that holds its data itself, and an `href` that does not."""
    schemes = {"src": ("data:image/", "data:audio/"), "href": ("http:", "https:")}
    return value if value.startswith(schemes.get(attribute, "")) else None
