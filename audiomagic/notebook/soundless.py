"""HTML, or markdown with HTML in it, without its sound.

A page is read in one pass, by the rules a browser reads it by where they matter: a `>` in a quoted
value ends no tag, and what stands in a comment or a script is no element. Patterns never go back
(`++`, `*+`), so that nothing in a page makes them slow.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from ..errors import SoundError
from ..sound import Sound

GONE = "(sound taken out)"
CARD = "audiomagic-card"
VALUE = r"""(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z)|(?!["'])[^\s<>]*+)"""
# A tag to its `>`. Where that is missing it is none, and what follows may be one.
TAG = re.compile(
    rf"<(?P<closing>/?)(?P<name>[a-z][^\s/<>]*+)(?P<rest>(?:[^<>=]++|=\s*+{VALUE})*+)(?P<ends>>?)",
    re.I,
)
ATTRIBUTE = re.compile(rf"(?P<name>[^\s=/<>]++)(?:\s*+=\s*+(?P<value>{VALUE}))?+")
TEXT_ONLY = ("script", "style", "textarea", "title", "iframe")  # what is in them is no element

Cut = tuple[int, int, str]  # from, to, what stands there instead


@dataclass(frozen=True)
class Tag:
    """A tag and where it stands; of a script, all from `<script>` to `</script>`."""

    name: str
    closing: bool
    start: int
    end: int
    inside: tuple[int, int]  # where its attributes stand

    def attributes(self, html: str) -> dict[str, tuple[str, int, int]]:
        """Return the value of each attribute, and from where to where the attribute stands."""
        found: dict[str, tuple[str, int, int]] = {}
        for match in ATTRIBUTE.finditer(html, *self.inside):
            value = match["value"] or ""
            value = value[1:].removesuffix(value[0]) if value[:1] in ('"', "'") else value
            found.setdefault(match["name"].lower(), (value.strip(), *match.span()))
        return found


def without_sound(html: str) -> tuple[str, int]:
    """Return a page with a note in the place of each sound, and how many sounds it held."""
    if not re.search("<audio", html, re.I):
        return html, 0
    found = list(_tags(html))
    sounds = [_cuts(html, element, url) for element, url in _sounds(html, found)]
    cuts = [cut for some in sounds for cut in some]
    for card in _cards(html, found):
        if next(_sounds(html, card), None):
            cuts += _following(html, card)
    kept, at = [], 0
    for start, end, instead in sorted(cuts):
        if start >= at:  # not within what is cut already
            kept += [html[at:start], instead]
            at = end
    return "".join([*kept, html[at:]]), len(sounds)


def _tags(html: str) -> Iterator[Tag]:
    at = html.find("<")
    while at >= 0:
        end = at + 1
        if html.startswith("<!--", at):
            close = html.find("-->", at + 2)
            if close < 0:
                return
            end = close + 3
        elif match := TAG.match(html, at):
            end, name = match.end(), match["name"].lower()
            if match["ends"]:
                if name in TEXT_ONLY and not match["closing"]:
                    close_tag = re.compile(rf"</{name}(?=[\s/>])[^<>]*+>", re.I).search(html, end)
                    if not close_tag:
                        return
                    end = close_tag.end()
                yield Tag(name, bool(match["closing"]), at, end, match.span("rest"))
        at = html.find("<", end)


def _sounds(html: str, found: list[Tag]) -> Iterator[tuple[list[Tag], str]]:
    """Give the tags of each `<audio>` that holds its sound, and the `data:` URL it is in."""
    for element in _players(found):
        for tag in element:
            url = tag.attributes(html).get("src", ("",))[0]
            if url[:5].lower() == "data:":
                yield element, url
                break


def _players(found: list[Tag]) -> Iterator[list[Tag]]:
    """Give the tags of each `<audio>`: its own, `<source>` in it, and `</audio>` if it has one."""
    element: list[Tag] = []
    for tag in found:
        if tag.name == "audio":
            if element:
                yield [*element, tag] if tag.closing else element
            element = [] if tag.closing else [tag]
        elif element and tag.name == "source":
            element.append(tag)
    if element:
        yield element


def _cuts(html: str, element: list[Tag], url: str) -> list[Cut]:
    seconds = _seconds(url)
    length = "" if seconds is None else f": {seconds:.1f} s"
    note = f"<em>{GONE[:-1]}{length})</em>"
    first, *rest = element
    if element[-1].closing:
        return [(first.start, element[-1].end, note)]
    # Never closed: what follows may be anything, so its tags alone go.
    return [(first.start, first.end, note), *((tag.start, tag.end, "") for tag in rest)]


def _seconds(url: str) -> float | None:
    """Return how long the sound in a `data:` URL is, or None where it cannot be read."""
    head, _, data = url.partition(",")
    if not head.lower().endswith(";base64"):
        return None
    try:
        return Sound.decode(base64.b64decode(unquote_to_bytes(data))).seconds
    except (binascii.Error, SoundError):
        return None


def _cards(html: str, found: list[Tag]) -> Iterator[list[Tag]]:
    """Give the tags of each card, from its own `<div>` to `</div>`."""
    card: list[Tag] = []
    depth = 0
    for tag in found:
        if card or (tag.name == "div" and _is_card(html, tag)):
            card.append(tag)
            depth += (tag.name == "div") * (-1 if tag.closing else 1)
            if depth == 0:
                yield card
                card = []
    if card:
        yield card


def _is_card(html: str, tag: Tag) -> bool:
    return CARD in tag.attributes(html).get("class", ("",))[0].split()


def _following(html: str, card: list[Tag]) -> Iterator[Cut]:
    """Give what a card has for its transcript to follow its sound."""
    for tag in card:
        if tag.name == "script":
            yield tag.start, tag.end, ""
        elif tag.name == "div" and (found := tag.attributes(html).get("data-starts")):
            _, start, end = found
            yield start - (html[start - 1] == " "), end, ""  # with the space before it
