"""What a call costs: its tokens times dated rates, in exact dollars."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache

from .catalogue import Rates, catalogue
from .wire.usage import Usage

MILLION = Decimal(1_000_000)


@dataclass(frozen=True)
class Line:
    """Tokens of one kind at their rate (US dollars per million tokens)."""

    kind: str
    tokens: int
    rate: Decimal

    @property
    def dollars(self) -> Decimal:
        """What they cost, exactly."""
        return self.tokens * self.rate / MILLION


@dataclass(frozen=True)
class Bill:
    """The lines of one call's price, and where and when the rates were found."""

    lines: tuple[Line, ...]
    source: str
    checked: date | None

    @property
    def dollars(self) -> Decimal:
        """The sum, exactly."""
        return sum((line.dollars for line in self.lines), Decimal(0))


def cost_of(usage: object, model: str) -> Decimal | None:
    """Return what a call cost in US dollars, or None when that cannot be known.

    `usage` is the client's usage object, a dict of its shape, or a `Usage`. It cannot be known
    for a model without a known price, and where the server did not say how many of the tokens
    were sound: those cost up to thirty times as much as text.
    """
    counted = Usage.of(usage)
    priced = bill(counted, model) if counted else None
    return priced.dollars if priced else None


def bill(usage: Usage, model: str) -> Bill | None:
    """Itemise a call, or return None when its cost cannot be known (see `cost_of`)."""
    found = rates(model)
    if found is None or not usage.consistent:
        return None
    if usage.text_in is None or usage.text_out is None or usage.audio_in is None:
        return None
    rate, source, checked = found
    # Chat Completions never says which of the cached tokens were sound: count them as text first.
    cached = min(usage.cached_in, usage.text_in) if rate.cached_in is not None else 0
    lines = (
        Line("text in", usage.text_in - cached, rate.text_in),
        Line("cached text in", cached, rate.text_in if rate.cached_in is None else rate.cached_in),
        Line("sound in", usage.audio_in, rate.audio_in),
        Line("text out", usage.text_out, rate.text_out),
        Line("sound out", usage.audio_out or 0, rate.audio_out),
    )
    return Bill(tuple(line for line in lines if line.tokens), source, checked)


@cache
def rates(model: str) -> tuple[Rates, str, date | None] | None:
    """Return a model's rates, their source, and the day they were checked; None when unknown.

    Our own data file answers first, then genai-prices, and only where it prices sound apart from
    text: for some models it knows the text's rates alone, which would be many times too low.
    """
    known = catalogue().models.get(model)
    if known and known.rates:
        return known.rates, known.source, known.checked
    found = _genai_rates(model)
    if found is None:
        return None
    import genai_prices

    source = f"genai-prices {genai_prices.__version__}"
    return found, source, known.checked if known else None


def _genai_rates(model: str) -> Rates | None:
    import genai_prices  # a fifth of a second: not at import

    tokens = genai_prices.Usage(
        input_tokens=2, output_tokens=2, input_audio_tokens=1, output_audio_tokens=1
    )
    try:
        prices = genai_prices.calc_price(tokens, model, provider_id="openai").model_price
    except LookupError:
        return None
    values = (
        prices.input_mtok,
        prices.output_mtok,
        prices.input_audio_mtok,
        prices.output_audio_mtok,
    )
    if not all(isinstance(value, Decimal) for value in values):
        return None
    cached = prices.cache_read_mtok
    return Rates(*values, cached if isinstance(cached, Decimal) else None)  # type: ignore[arg-type]
