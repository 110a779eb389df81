"""What a call costs: its tokens times dated rates, in exact dollars."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from ..protocol.usage import Usage
from .prices import MINUTE_IN, MINUTE_OUT, Price, exact, listed

MINUTES = {"sound in": MINUTE_IN, "sound out": MINUTE_OUT}  # tokens


@exact()
def total(amounts: Iterable[Decimal]) -> Decimal:
    """Return the exact sum."""
    return sum(amounts, Decimal(0))


@exact()
def dollars(amount: Decimal) -> str:
    """Format US dollars to a hundredth of a cent, smaller amounts to two digits.

    >>> dollars(Decimal("0.0213")), dollars(Decimal("0.0000175"))
    ('$0.0213', '$0.000018')
    """
    if amount and amount < Decimal("0.0001"):
        return f"${amount:.2g}" if amount >= Decimal("0.000001") else "under $0.000001"
    return f"${amount.quantize(Decimal('0.0001'))}"


@dataclass(frozen=True)
class LineItem:
    """Tokens of one kind at their rate (US dollars per million tokens)."""

    kind: str
    tokens: int
    rate: Decimal

    @property
    @exact()
    def dollars(self) -> Decimal:
        return self.tokens * self.rate / 1_000_000

    @property
    def minute(self) -> Decimal | None:
        """Dollars for a minute of sound; None for text."""
        tokens = MINUTES.get(self.kind)
        return None if tokens is None else LineItem(self.kind, tokens, self.rate).dollars


@dataclass(frozen=True)
class Bill:
    """The line items of one call at a price, or the sum that the server says was `paid`."""

    lines: tuple[LineItem, ...]
    price: Price | None = None
    paid: Decimal | None = None

    @property
    def dollars(self) -> Decimal:
        return total(line.dollars for line in self.lines) if self.paid is None else self.paid

    @property
    def origin(self) -> str:
        return self.price.origin() if self.price else "the server's own bill"

    @property
    def assumed(self) -> bool:
        return self.price is not None and self.price.assumed


@exact()
def cost_of(usage: object, model: str) -> Decimal | None:
    """Return what a call cost in US dollars, or None when that cannot be known.

    `usage` is the client's usage object, a dict of its shape, or a `Usage`. A server that reports
    what it charged is believed. Otherwise the cost cannot be known for a model without a known
    price, if the counts contradict each other, or if the server did not report how many of the
    tokens were sound: those cost up to thirty times as much as text. Prices are OpenAI's; name
    another seller before the model, as in "azure/gpt-audio".

    >>> cost_of(completion.usage, "gpt-audio-1.5")
    """
    counted = Usage.of(usage)
    billed = bill(counted, listed().find(str(model))) if counted else None
    return billed.dollars if billed else None


cost_of.__module__ = "audiomagic"  # where users have it from


def bill(usage: Usage, price: Price | None) -> Bill | None:
    """Itemise a call, or return None when its cost cannot be known (see `cost_of`)."""
    if usage.server_cost is not None:
        return Bill((), paid=usage.server_cost)
    text_in, text_out = usage.input_text_tokens, usage.output_text_tokens
    audio_in, audio_out = usage.input_audio_tokens, usage.output_audio_tokens or 0
    if price is None or not usage.consistent:
        return None
    if text_in is None or text_out is None or audio_in is None:
        return None
    rates = price.rates
    # Chat Completions never reports which cached tokens were sound: count them as text first.
    cached = min(usage.cached_tokens, text_in) if rates.cached_in is not None else 0
    lines = (
        LineItem("text in", text_in - cached, rates.text_in),
        LineItem("cached text in", cached, rates.cached_in or Decimal(0)),
        LineItem("sound in", audio_in, rates.audio_in),
        LineItem("text out", text_out, rates.text_out),
        LineItem("sound out", audio_out, rates.audio_out),
    )
    return Bill(tuple(line for line in lines if line.tokens), price)
