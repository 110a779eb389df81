"""The card: a reply as static HTML, markdown and plain text.

An untrusted notebook keeps `style`, `<details>` and an `<audio>` whose `src` is on the tag itself;
it strips ids, scripts, `<style>`, CSS variables' values and `<source>`. So colours are fixed (a
light card reads well on a dark page too), and nothing here needs more than that.
"""

import re
from functools import cache
from html import escape
from typing import TYPE_CHECKING

from .. import static
from ..costs.amounts import dollars
from ..costs.pricing import LineItem
from ..costs.receipt import Receipt
from ..errors import one_line
from ..protocol.usage import Usage
from ..sound import Sound

if TYPE_CHECKING:
    from ..speech.transcript_diff import TranscriptDiff
    from ..turn.reply import Reply

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
CELL = f"padding:1px 14px 1px 0;border:0;background:{PAPER};color:{INK};text-align:right"
CELL_LEFT = CELL.replace("right", "left")
MARKDOWN = str.maketrans(
    {c: "\\" + c for c in "`*_{}[]()#+-.!|~$="}
    | {"<": "&lt;", ">": "&gt;", "&": "&amp;", "\\": "&#92;"}  # "\\\\(" would start a formula
    | {"@": "&#64;"}  # an address, which Jupyter makes a link of
)
HOME = ("api.openai.com", "the local engine", "the cassette")  # the badge names all others
FORMULA = re.compile(r"[$\\]")
# Controls (a terminal obeys them) except tab and newline, bidi overrides, halves of characters.
HIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")


def html(reply: "Reply", place: str = "") -> str:
    """Return the card: player, transcript, badge.

    `place` is a class for the player's element, where a reply that is still heard plays on.
    """
    lang = ' lang="en"' if reply.receipt.engine == "local" else ""
    starts = f' data-starts="{" ".join(map(str, reply.word_starts))}"' if reply.word_starts else ""
    return "".join(
        (
            f'<div class="audiomagic-card" style="{CARD}">',
            f'<div class="{place}">{player(reply.sound)}</div>' if reply.sound else "",
            *(result.folded for result in reply.tool_results),
            f'<div dir="auto"{lang}{starts} style="{WORDS}">{as_html(reply.text)}</div>',
            _diction(reply.transcript_diff) if reply.transcript_diff else "",
            *(f'<div style="{NOTE}">{as_html(note)}</div>' for note in reply.notes),
            _badge(reply.receipt),
            f"<script>{follow_along()}</script>" if starts else "",
            "</div>",
        )
    )


@cache
def follow_along() -> str:
    """Return the script by which the transcript follows the sound, where scripts are let run."""
    lines = (line.strip() for line in static.joined(*static.CARD).split("\n"))
    kept = "\n".join(line for line in lines if line and not line.startswith("//"))
    return f"{{\n{kept}\n}}"  # a block: a page holds several cards


def markdown(reply: "Reply") -> str:
    """Return words and badge; the sound is in the HTML alone, once."""
    said = (_diction_in_words(reply.transcript_diff),) if reply.transcript_diff else ()
    texts = (*map(str, reply.tool_results), reply.text, *said, *reply.notes)
    return "\n\n".join((*map(unmarked, texts), f"*{unmarked(summary(reply.receipt))}*"))


def plain(reply: "Reply") -> str:
    """Return words and badge."""
    return "\n".join((visible(reply.text), *about(reply)))


def about(reply: "Reply") -> list[str]:
    """Return all that is to be known besides the words, a line each."""
    said = (_diction_in_words(reply.transcript_diff),) if reply.transcript_diff else ()
    lines = (*map(str, reply.tool_results), *said, *reply.notes, f"[{summary(reply.receipt)}]")
    return list(map(visible, lines))


def page(reply: "Reply") -> str:
    """Return a page of its own that plays anywhere."""
    title = escape(one_line(reply.text, 60) or "A reply")
    return (
        f'<!doctype html><html><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width"></head>'
        f"<body>{html(reply)}</body></html>"
    )


def summary(receipt: Receipt) -> str:
    """Return the badge in one line: model, seconds, tokens, dollars."""
    usage = receipt.usage
    tokens = (
        f"{usage.input_tokens} → {usage.output_tokens} tokens" if usage else "tokens not reported"
    )
    seconds = f"{receipt.seconds_in:.1f} s in · {receipt.seconds_out:.1f} s out"
    other = "" if receipt.host in HOME else f" at {one_line(receipt.host, 80)}"
    return f"{one_line(receipt.model, 80)}{other} · {seconds} · {tokens} · {price(receipt)}"


def price(receipt: Receipt) -> str:
    """Return what was paid, in words; `~` marks a cost by our own count, or at another's rates."""
    if receipt.free:
        return f"{'replayed' if receipt.engine == 'replay' else 'local'} · free"
    if receipt.estimate is None:
        return "price unknown"
    billed = receipt.bill
    sure = billed is not None and not billed.assumed
    return ("" if sure else "~") + dollars(receipt.estimate)


def visible(text: str) -> str:
    """Take out what cannot be seen but does something: foreign text is shown, never obeyed."""
    return HIDDEN.sub("", text)


def as_html(text: str) -> str:
    """Escape a text for HTML; Jupyter would read `$5 or $6` and `\\(x\\)` as formulas.

    It looks for them in one piece of text at a time, so each sign gets a piece of its own.
    """
    return FORMULA.sub(r"<span>\g<0></span>", escape(visible(text)))


def unmarked(text: str) -> str:
    """Escape a text for markdown; a line that starts with spaces would be code."""
    lines = (line.strip() for line in visible(text).splitlines())
    return "\n".join(lines).translate(MARKDOWN).replace("://", "&#58;//")  # so with addresses


def player(sound: Sound) -> str:
    """Return a player of a sound, which is in it, compressed."""
    # `controls` and a `src` on the tag itself: an untrusted notebook drops a <source>.
    return (
        '<audio controls preload="metadata" style="display:block;width:100%;height:40px" '
        f'src="{sound.data_url}"></audio>'
    )


def _diction(diction: "TranscriptDiff") -> str:
    """What was to be said, its differences marked; when there are none, the score alone."""
    if diction.score < 1:
        return diction.html()
    return f'<div style="{NOTE}">{as_html(diction.summary)}</div>'


def _diction_in_words(diction: "TranscriptDiff") -> str:
    return diction.plain() if diction.score < 1 else diction.summary


def _badge(receipt: Receipt) -> str:
    return (
        f'<details><summary style="{BADGE}">{as_html(summary(receipt))}</summary>'
        f'<table style="margin:6px 0;border-collapse:collapse;font-size:12px;color:{INK}">'
        f"{''.join(_rows(receipt))}</table>"
        f'<div style="{NOTE}">{as_html(_timing(receipt))}</div>'
        f'<div style="{NOTE}">{as_html(_source(receipt))}</div></details>'
    )


def _rows(receipt: Receipt) -> list[str]:
    """The split: a row for each kind of token, with its rate."""
    if (priced := receipt.bill) and priced.paid is None:
        rows = [
            (line.kind, f"{line.tokens}", _rate(line), dollars(line.dollars))
            for line in priced.lines
        ]
        return [_row(*row) for row in [*rows, ("in all", "", "", dollars(priced.dollars))]]
    usage = receipt.usage
    if usage is None or not usage.consistent:
        return []
    split = (
        ("text in", usage.input_text_tokens),
        ("sound in", usage.input_audio_tokens),
        ("text out", usage.output_text_tokens),
        ("sound out", usage.output_audio_tokens),
    )
    return [_row(kind, "not reported" if n is None else str(n)) for kind, n in split]


def _rate(line: LineItem) -> str:
    minute = f", {dollars(line.minute)} / minute" if line.minute is not None else ""
    return f"${line.rate:.2f} / million{minute}"


def _row(first: str, *rest: str) -> str:
    cells = "".join(f'<td style="{CELL}">{as_html(cell)}</td>' for cell in rest)
    head = f'<td style="{CELL_LEFT}">{as_html(first)}</td>'
    return f'<tr style="background:{PAPER}">{head}{cells}</tr>'


def _timing(receipt: Receipt) -> str:
    sound = receipt.time_to_first_audio
    first = "" if sound is None else f"first sound after {sound:.2f} s, "
    voice = f" · voice {one_line(receipt.voice, 80)}" if receipt.voice else ""
    return f"{first}all after {receipt.duration:.2f} s{voice}"


def _source(receipt: Receipt) -> str:
    priced = receipt.bill
    if priced is None:
        unknown = f"price unknown: {_missing(receipt.usage)}"
        return f"free here; on the service: {unknown}" if receipt.free else unknown
    rates = f"rates: {priced.origin}" if priced.price else f"charged: {priced.origin}"
    if not receipt.free:
        return rates
    asked = one_line(receipt.requested_model, 80)
    return f"on {asked} this would have cost {dollars(priced.dollars)} ({rates})"


def _missing(usage: Usage | None) -> str:
    if usage is None:
        return "the server did not say how many tokens were used"
    if not usage.consistent:
        return "the server's counts of tokens contradict each other"
    if usage.input_text_tokens is None or usage.output_text_tokens is None:
        return "the server did not say how many tokens were sound"
    return "no rates for this model"
