"""HTML as balanced tags, of bounded depth and number, so that no parser is overwhelmed by it.

A sanitizer takes quadratic time for elements that stay open and for references (`&amp;`) in a
text, and repeats open bold and italics in every paragraph that follows. What is written here says
the same: the tags that may be shown, each closed in its place, without any references. Whether it
is harmless is not decided here.
"""

import re
from collections.abc import Collection, Iterator
from html import unescape
from itertools import islice

MOST_TAGS = 50_000
MOST_ATTRIBUTES = 32  # of a tag
DEEPEST = 32  # elements within each other; the tags of others are left out
VOID = {"area", "br", "col", "hr", "img", "source", "wbr"}
# Where the whole content is no text, its end:
UNREAD = {name: re.compile(f"</{name}", re.I) for name in ("script", "style")}
# Elements that end where another of their kind begins, since their end tags may be left out:
CELLS, ITEMS = {"td", "th"}, {"dt", "dd"}
ENDED_BY = {"li": {"li"}, "p": {"p"}, "td": CELLS, "th": CELLS, "dt": ITEMS, "dd": ITEMS}
ENDED_BY |= {"tr": CELLS | {"tr"}, "tbody": CELLS | {"tr", "thead", "tbody"}}
REFERENCES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\xa0": "&nbsp;"}
# Characters that Unicode leaves to anybody stand in their place.
STAND_INS = dict(zip(REFERENCES, "\ue000\ue001\ue002\ue003\ue004", strict=True))
STANDING_IN = str.maketrans(STAND_INS)
COMPLETED = str.maketrans({STAND_INS[sign]: name for sign, name in REFERENCES.items()})
# Each matches wherever it begins, so that nothing is read twice.
TAG = re.compile(
    r"""<(?:[!?][^>]*|(/?)([a-zA-Z][^\s/<>"']*)((?:[^<>"']|"[^"]*(?:"|\Z)|'[^']*(?:'|\Z))*+))>?"""
)
ATTRIBUTE = re.compile(r"""([a-zA-Z-]+)(?:\s*+=\s*+("[^"]*"?|'[^']*'?|[^\s"']*+))?""")


def outline(html: str, tags: Collection[str]) -> str:
    """Return HTML with these tags alone; `completed` puts its references back.

    Raises ValueError where it has more than MOST_TAGS.
    """
    first, *others = html.split("<!--")
    html = first + "".join(other.partition("-->")[2] for other in others)
    written, opened, at = list[str](), list[str](), 0
    for number, tag in enumerate(TAG.finditer(html)):
        if number > MOST_TAGS:
            raise ValueError("too many tags")
        if tag.start() < at:  # in a script
            continue
        written.append(_text(html[at : tag.start()]))
        at, name = tag.end(), (tag[2] or "").lower()
        if name in UNREAD and not tag[1]:
            end = UNREAD[name].search(html, at)
            at = end.start() if end else len(html)
        elif name in tags and tag[1]:
            written += _closed(opened, name) if name in opened else ()
        elif name in tags:
            while opened and opened[-1] in ENDED_BY.get(name, ()):
                written.append(f"</{opened.pop()}>")
            if name not in VOID:
                if len(opened) == DEEPEST:
                    continue
                opened.append(name)
            written.append(f"<{name}{''.join(_attributes(tag[3]))}>")
    written.append(_text(html[at:]))
    return "".join([*written, *_closed(opened, "")])


def completed(html: str) -> str:
    return html.translate(COMPLETED)


def _text(html: str) -> str:
    return unescape(html).translate(STANDING_IN)


def _closed(opened: list[str], name: str) -> Iterator[str]:
    """Close the open elements down to one of a name, or all."""
    while opened:
        last = opened.pop()
        yield f"</{last}>"
        if last == name:
            return


def _attributes(text: str) -> Iterator[str]:
    for name, value in islice(ATTRIBUTE.findall(text), MOST_ATTRIBUTES):
        value = value[1:].removesuffix(value[0]) if value[:1] in ("'", '"') else value
        yield f' {name.lower()}="{_text(value)}"'
