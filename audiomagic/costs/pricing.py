"""What a call costs: its tokens times dated rates, in exact dollars."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Context, Decimal
from functools import reduce

from ..protocol.usage import Usage
from .prices import MINUTE_IN, MINUTE_OUT, Price, listed

EXACT = Context(prec=100)  # a notebook may have set a precision of its own
MINUTES = {"sound in": MINUTE_IN, "sound out": MINUTE_OUT}  # tokens


def total(amounts: Iterable[Decimal]) -> Decimal:
    """Add up, exactly."""
    return reduce(EXACT.add, amounts, Decimal(0))


@dataclass(frozen=True)
class LineItem:
    """Tokens of one kind at their rate (US dollars per million tokens)."""

    kind: str
    tokens: int
    rate: Decimal

    @property
    def dollars(self) -> Decimal:
        """What they cost, exactly."""
        return EXACT.multiply(self.tokens, self.rate).scaleb(-6, EXACT)

    @property
    def minute(self) -> Decimal | None:
        """Dollars for a minute of it; None for text."""
        tokens = MINUTES.get(self.kind)
        return None if tokens is None else LineItem(self.kind, tokens, self.rate).dollars


@dataclass(frozen=True)
class Bill:
    """The lines of one call's cost at a price; or what the server says it was `paid`."""

    lines: tuple[LineItem, ...]
    price: Price | None = None
    paid: Decimal | None = None

    @property
    def dollars(self) -> Decimal:
        """The sum, exactly."""
        return total(line.dollars for line in self.lines) if self.paid is None else self.paid

    @property
    def origin(self) -> str:
        """Where the rates, or the sum, come from, in words; see `Price.origin`."""
        return self.price.origin() if self.price else "the server's own bill"

    @property
    def assumed(self) -> bool:
        """Whether the rates are another seller's, for lack of those of the server that answered."""
        return self.price is not None and self.price.assumed


def cost_of(usage: object, model: str) -> Decimal | None:
    """Return what a call cost in US dollars, or None when that cannot be known.

    `usage` is the client's usage object, a dict of its shape, or a `Usage`. A server that says
    what it charged is believed. Otherwise it cannot be known for a model without a known price,
    where the counts contradict each other, and where the server did not say how many of the tokens
    were sound: those cost up to thirty times as much as text. Prices are OpenAI's; another seller
    is named before the model, as in "azure/gpt-audio".

    >>> cost_of(completion.usage, "gpt-audio-1.5")
    """
    counted = Usage.of(usage)
    billed = bill(counted, listed().find(str(model))) if counted else None
    return billed.dollars if billed else None


def bill(usage: Usage, price: Price | None) -> Bill | None:
    """Itemise a call, or return None when its cost cannot be known (see `cost_of`)."""
    if usage.server_cost is not None:
        return Bill((), paid=usage.server_cost)
    if price is None or not usage.consistent:
        return None
    if (
        usage.input_text_tokens is None
        or usage.output_text_tokens is None
        or usage.input_audio_tokens is None
    ):
        return None
    rates = price.rates
    # Chat Completions never says which of the cached tokens were sound: count them as text first.
    cached = min(usage.cached_tokens, usage.input_text_tokens) if rates.cached_in is not None else 0
    lines = (
        LineItem("text in", usage.input_text_tokens - cached, rates.text_in),
        LineItem("cached text in", cached, rates.cached_in or Decimal(0)),
        LineItem("sound in", usage.input_audio_tokens, rates.audio_in),
        LineItem("text out", usage.output_text_tokens, rates.text_out),
        LineItem("sound out", usage.output_audio_tokens or 0, rates.audio_out),
    )
    return Bill(tuple(line for line in lines if line.tokens), price)
