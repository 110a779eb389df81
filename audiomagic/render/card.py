"""The card of a reply, as static HTML, markdown and plain text."""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Protocol

from .. import static
from ..costs.pricing import LineItem, dollars
from ..costs.receipt import Receipt
from ..errors import SoundError, one_line
from ..protocol.usage import Usage
from ..sound import Sound
from ..tools.result import ToolResult
from . import tool_call, transcript_diff
from .html import BADGE, CARD, INK, PAPER, as_html, document, note, player, unmarked, visible, words

if TYPE_CHECKING:  # it takes a while to import, and most replies have none
    from ..speech.transcript_diff import TranscriptDiff

CELL = f"padding:1px 14px 1px 0;border:0;background:{PAPER};color:{INK};text-align:right"
CELL_LEFT = CELL.replace("right", "left")
SERVICE = "api.openai.com"  # the badge names every other server that is paid


class Reply(Protocol):
    @property
    def text(self) -> str: ...
    @property
    def sound(self) -> Sound | None: ...
    @property
    def receipt(self) -> Receipt: ...
    @property
    def notes(self) -> Sequence[str]: ...
    @property
    def tool_results(self) -> Sequence[ToolResult]: ...
    @property
    def transcript_diff(self) -> "TranscriptDiff | None": ...
    @property
    def word_starts(self) -> Sequence[float]: ...


def html(reply: Reply, place: str = "") -> str:
    """Return the card; a player that still plays the reply goes on in the element `place`."""
    receipt, starts = reply.receipt, " ".join(map(str, _starts(reply)))
    attributes = f' lang="{receipt.language}"' if receipt.language else ""
    attributes += f' data-starts="{starts}"' if starts else ""
    return "".join(
        (
            f'<div class="audiomagic-card" style="{CARD}">',
            f'<div class="{place}">{player(reply.sound)}</div>' if reply.sound else "",
            *map(tool_call.html, reply.tool_results),
            words(reply.text, attributes),
            transcript_diff.html(reply.transcript_diff) if reply.transcript_diff else "",
            *map(note, reply.notes),
            badge(receipt),
            f"<script>{follow_along()}</script>" if starts else "",
            "</div>",
        )
    )


def _starts(reply: Reply) -> Sequence[float]:
    """Return the second at which each word is said: of none where the sound is gone."""
    try:
        return reply.word_starts
    except SoundError:
        return ()


@cache
def follow_along() -> str:
    """Return the script by which the transcript follows the sound, where scripts may run."""
    lines = (line.strip() for line in static.script("follow_along.js").split("\n"))
    kept = "\n".join(line for line in lines if line and not line.startswith("//"))
    return f"{{\n{kept}\n}}"  # a block: a page holds several cards


def markdown(reply: Reply) -> str:
    texts = (*map(str, reply.tool_results), reply.text, *_compared(reply), *reply.notes)
    return "\n\n".join((*map(unmarked, texts), f"*{unmarked(summary(reply.receipt))}*"))


def plain(reply: Reply) -> str:
    return "\n".join((visible(reply.text), *about(reply)))


def about(reply: Reply) -> list[str]:
    """Return all that is to be known besides the words, a line each."""
    results, last = map(str, reply.tool_results), f"[{summary(reply.receipt)}]"
    return list(map(visible, (*results, *_compared(reply), *reply.notes, last)))


def _compared(reply: Reply) -> list[str]:
    return [transcript_diff.plain(reply.transcript_diff)] if reply.transcript_diff else []


def page(reply: Reply) -> str:
    return document(reply.text or "A reply", html(reply))


def summary(receipt: Receipt) -> str:
    """Return the badge in one line: model, seconds, tokens, dollars."""
    usage = receipt.usage
    tokens = (
        f"{usage.input_tokens} → {usage.output_tokens} tokens" if usage else "tokens not reported"
    )
    seconds = f"{receipt.seconds_in:.1f} s in · {receipt.seconds_out:.1f} s out"
    named = receipt.paid and receipt.host != SERVICE
    other = f" at {one_line(receipt.host, 80)}" if named else ""
    return f"{one_line(receipt.model, 80)}{other} · {seconds} · {tokens} · {price(receipt)}"


def price(receipt: Receipt) -> str:
    """Return what was paid, in words; `~` marks a cost by our own count, or at another's rates."""
    if not receipt.paid:
        return receipt.label
    if receipt.estimate is None:
        return "price unknown"
    billed = receipt.bill
    sure = billed is not None and not billed.assumed
    return ("" if sure else "~") + dollars(receipt.estimate)


def badge(receipt: Receipt) -> str:
    """Return the badge, which unfolds to the split of tokens and dollars."""
    sound = receipt.time_to_first_audio
    first = "" if sound is None else f"first sound after {sound:.2f} s, "
    voice = f" · voice {one_line(receipt.voice, 80)}" if receipt.voice else ""
    return (
        f'<details><summary style="{BADGE}">{as_html(summary(receipt))}</summary>'
        f'<table style="margin:6px 0;border-collapse:collapse;font-size:12px;color:{INK}">'
        f"{''.join(map(_row, _split(receipt)))}</table>"
        f"{note(f'{first}all after {receipt.duration:.2f} s{voice}')}{note(_source(receipt))}"
        "</details>"
    )


def _split(receipt: Receipt) -> list[tuple[str, ...]]:
    usage, priced = receipt.usage, receipt.bill
    if priced and priced.paid is None:
        rows = [(x.kind, str(x.tokens), _rate(x), dollars(x.dollars)) for x in priced.lines]
        return [*rows, ("in all", "", "", dollars(priced.dollars))]
    if usage is None or not usage.consistent:
        return []
    split = (
        ("text in", usage.input_text_tokens),
        ("sound in", usage.input_audio_tokens),
        ("text out", usage.output_text_tokens),
        ("sound out", usage.output_audio_tokens),
    )
    return [(kind, "not reported" if n is None else str(n)) for kind, n in split]


def _rate(line: LineItem) -> str:
    minute = f", {dollars(line.minute)} / minute" if line.minute is not None else ""
    return f"${line.rate:.2f} / million{minute}"


def _row(row: tuple[str, ...]) -> str:
    styles = (CELL_LEFT, *[CELL] * len(row))
    cells = (f'<td style="{s}">{as_html(c)}</td>' for s, c in zip(styles, row, strict=False))
    return f'<tr style="background:{PAPER}">{"".join(cells)}</tr>'


def _source(receipt: Receipt) -> str:
    priced = receipt.bill
    if priced is None:
        unknown = f"price unknown: {_missing(receipt.usage)}"
        if receipt.reserved:
            unknown += f"; up to {dollars(receipt.reserved)} may be billed, and counts under caps"
        return unknown if receipt.paid else f"free here; on the service: {unknown}"
    rates = f"rates: {priced.origin}" if priced.price else f"charged: {priced.origin}"
    if receipt.paid:
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
