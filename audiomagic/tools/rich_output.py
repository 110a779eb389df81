"""The picture, table or sound that an object shows of itself in a notebook, as safe HTML.

The object is the user's own, but the words in it may be anybody's: nothing is let through that
acts, fetches, or styles the page. What is left survives an untrusted notebook too.
"""

import base64
import re
from collections.abc import Mapping
from html import escape
from io import BytesIO

import nh3

from ..errors import one_line
from ..render.card import EDGE, FORMULA, INK, PAPER

LONGEST = 5_000_000  # characters of HTML, pictures included
PICTURES = {"image/png": "_repr_png_", "image/jpeg": "_repr_jpeg_", "image/svg+xml": "_repr_svg_"}
PICTURE = f"max-width:100%;background:{PAPER}"
CELL = f"padding:3px 8px;border:1px solid {EDGE};background:{PAPER};color:{INK};font-size:12px"
ATTRIBUTES = nh3.ALLOWED_ATTRIBUTES | {"audio": {"src", "controls"}}
STYLES = {"td": {"style": CELL}, "th": {"style": CELL}, "img": {"style": PICTURE}}
MARKUP = re.compile(r"<[^>]*>")  # nh3 writes ">" as "&gt;" wherever it is none
SOURCE = re.compile(r'(<audio[^>]*)>\s*<source\s+src="(data:audio/[^"]*)"[^>]*>')
SHOWN = re.compile(r"<(?:img|audio)[^>]* src=")


def rich_output(value: object) -> str:
    """Return HTML for what has a picture, or an HTML face; "" for everything else.

    Asks for the faces that Jupyter asks for, and saves a matplotlib figure (whatever has a
    `savefig`) as a PNG. Never raises: a face that fails, or is too large, is none.
    """
    if isinstance(value, type):  # its methods are for its objects
        return ""
    bundle = _asked(value, "_repr_mimebundle_")
    faces = bundle if isinstance(bundle, dict) else {}
    html = _picture(value, faces) or _markup(faces.get("text/html") or _asked(value, "_repr_html_"))
    return html if len(html) <= LONGEST else ""


def _picture(value: object, faces: Mapping[str, object]) -> str:
    for mime, method in PICTURES.items():
        if data := _bytes(mime, faces.get(mime) or _asked(value, method)):
            return _image(mime, data, value)
    return _image("image/png", data, value) if (data := _figure(value)) else ""


def _image(mime: str, data: bytes, value: object) -> str:
    source = f"data:{mime};base64,{base64.b64encode(data).decode('ascii')}"
    name = escape(one_line(type(value).__name__, 60))
    return f'<img alt="{name}" style="{PICTURE}" src="{source}">'


def _bytes(mime: str, data: object) -> bytes:
    if isinstance(data, str):  # an SVG is text; the others come as base64, or as they are
        try:
            encoded = "".join(data.split())
            return data.encode() if "xml" in mime else base64.b64decode(encoded, validate=True)
        except ValueError:
            return b""
    return data if isinstance(data, bytes) else b""


def _figure(value: object) -> bytes:
    file = BytesIO()
    try:
        value.savefig(file, format="png", bbox_inches="tight")  # type: ignore[attr-defined]
    except Exception:  # no figure, or one that cannot be drawn
        return b""
    return file.getvalue()


def _markup(html: object) -> str:
    if not isinstance(html, str) or len(html) > LONGEST:
        return ""
    clean = nh3.clean(
        SOURCE.sub(r'\1 src="\2">', html),  # an untrusted notebook drops a <source>
        tags=nh3.ALLOWED_TAGS | {"audio"},
        attributes=ATTRIBUTES,
        attribute_filter=_carried,
        set_tag_attribute_values=STYLES,
        url_schemes={"data", "http", "https"},
    )
    if not MARKUP.sub("", clean).strip() and not SHOWN.search(clean):
        return ""  # it was all script
    pieces = re.split(f"({MARKUP.pattern})", clean)  # text, tag, text, tag, ... text
    # Jupyter would read `$5 or $6` in the words as a formula.
    pieces[::2] = [FORMULA.sub(r"<span>\g<0></span>", text) for text in pieces[::2]]
    return f'<div style="overflow-x:auto">{"".join(pieces)}</div>'


def _carried(tag: str, attribute: str, value: str) -> str | None:
    """Let through only a `src` that holds its data itself, and an `href` that does not."""
    schemes = {"src": ("data:image/", "data:audio/"), "href": ("http:", "https:")}
    return value if value.startswith(schemes.get(attribute, "")) else None


def _asked(value: object, method: str) -> object:
    try:
        face = getattr(value, method)()
    except Exception:  # it has no such face, or one that fails
        return None
    return face[0] if isinstance(face, tuple) and face else face  # the rest is metadata
