"""Prices: what tokens cost at one seller, as dated data that a user may extend; and what a call
costs at them, in exact dollars.
"""

import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import (
    ROUND_HALF_EVEN,
    Context,
    Decimal,
    DivisionByZero,
    InvalidOperation,
    Overflow,
    localcontext,
)  # fmt: skip
from functools import cache
from importlib.resources import files
from typing import Any

from .. import suggestions
from ..errors import OptionError, one_line
from ..files import contents, file_path, reason
from ..protocol.usage import AUDIO_IN_PER_SECOND, AUDIO_OUT_PER_SECOND, Usage

OPENAI = "openai"  # the seller of models whose name has none
LARGEST = 1_000_000  # bytes of a price file
LONGEST_LINE = 10_000  # characters: a name of many parts (a.a.a) takes their square of memory
LEAST = Decimal("1e-12")  # US dollars; less is as good as nothing
OLD = 90  # days after which a price mentions its age
DATED = re.compile(r"-\d{4}-\d{2}-\d{2}$")
MINUTES = {"sound in": 60 * AUDIO_IN_PER_SECOND, "sound out": 60 * AUDIO_OUT_PER_SECOND}  # tokens
REQUIRED = ("text_in", "text_out", "audio_in", "audio_out")
RATES = (*REQUIRED, "cached_in", "cached_audio_in")
KEYS = (*RATES, "source", "checked")
EXACT = Context(100, ROUND_HALF_EVEN, traps=[InvalidOperation, DivisionByZero, Overflow])


@contextmanager
def exact() -> Iterator[None]:
    """Compute exactly, as a decorator too: a notebook may have set a low precision or a trap."""
    with localcontext(EXACT):
        yield


@dataclass(frozen=True)
class Rates:
    """US dollars per million tokens.

    `cached_in`, of text, and `cached_audio_in` are None where no such price is listed: what was
    cached costs as much as the rest.
    """

    text_in: Decimal
    text_out: Decimal
    audio_in: Decimal
    audio_out: Decimal
    cached_in: Decimal | None = None
    cached_audio_in: Decimal | None = None

    @property
    @exact()
    def minute(self) -> tuple[Decimal, Decimal]:
        """Dollars for a minute of sound that is sent, and received (without its transcript)."""
        sent, received = MINUTES.values()
        return self.audio_in * sent / 1_000_000, self.audio_out * received / 1_000_000


@dataclass(frozen=True)
class Price:
    """A model's rates, their source, and when they were last compared with it."""

    rates: Rates
    source: str
    checked: date | None = None
    assumed: bool = False  # another seller's price, since this server's own is not known

    def day(self, today: date | None = None) -> str:
        """Return when it was checked, with its age if it is old; "" if that is not known."""
        days = ((today or date.today()) - self.checked).days if self.checked else 0
        age = f" ({days} days ago, it may have changed)" if days > OLD else ""
        return f"{self.checked or ''}{age}"

    def origin(self, today: date | None = None) -> str:
        source = f"not this server's own but {self.source}" if self.assumed else self.source
        return f"{source}, checked {self.day(today)}" if self.checked else source


@dataclass(frozen=True)
class Prices:
    """Prices by (seller, model), and sellers by host; a price without a seller is any server's.

    >>> listed().extended({"my-model": {"text_in": "2.5", "text_out": "10", "audio_in": "32",
    ...                                 "audio_out": "64"}, "llm.example.org": "openai"})
    """

    prices: Mapping[tuple[str, str], Price] = field(repr=False)
    sellers: Mapping[str, str]

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the listed prices by name: every reply carries its prices."""
        return (listed, ()) if self is listed() else (Prices, (self.prices, self.sellers))

    def find(self, model: str, host: str = "") -> Price | None:
        """Return the price of a model at a server, or None if it is not known.

        Without a host, the seller is the one that the model's name begins with ("azure/…"), or
        OpenAI. A server without prices of its own is assumed to charge the same, and the price
        says so (`assumed`): most such servers pass requests on.
        """
        named, name = _split(model, set(self.sellers.values()))
        seller = self.seller(host) if host else named or OPENAI
        for model_id in (name, DATED.sub("", name)):
            for key in ((seller or "", model_id), ("", model_id)):
                if key in self.prices:
                    return self.prices[key]
        if seller is None:
            found = self.find(f"{named or OPENAI}/{name}")
            return found and replace(found, assumed=True)
        return _from_genai_prices(name) if seller == OPENAI else None

    def seller(self, host: str) -> str | None:
        """Return whose prices a server charges; None where it has none of its own."""
        hosts = (h for h in self.sellers if host == h or (h[:1] == "." and host.endswith(h)))
        return self.sellers.get(next(hosts, ""))

    def extended(self, given: Mapping[str, Any] | str | os.PathLike[str]) -> "Prices":
        """Return these prices with a user's over them: a mapping, or the path of a TOML file.

        Raises OptionError for a file that cannot be read and for an invalid price.
        """
        if not isinstance(given, Mapping | str | os.PathLike):
            shown = one_line(given, 40)
            raise OptionError(f"prices must be a dict or the path of a TOML file, not '{shown}'")
        entries = given if isinstance(given, Mapping) else _read(given)
        hosts = {host: name for host, name in entries.items() if isinstance(name, str)}
        sellers = {**self.sellers, **hosts}
        fresh = {
            _split(str(key), set(sellers.values())): _price(key, entry)
            for key, entry in entries.items()
            if not isinstance(entry, str)
        }
        kept = {key: price for key, price in self.prices.items() if ("", key[1]) not in fresh}
        prices = {**kept, **fresh}
        for host, seller in sellers.items():
            if seller not in {name for name, _ in prices}:
                raise OptionError(
                    f"'{one_line(host, 80)}' charges the prices of '{one_line(seller, 80)}', which "
                    'has none; add one as "seller/model"'
                )
        return Prices(prices, sellers)


@cache
def listed() -> Prices:
    """Return the prices that come with the package."""
    text = files(__package__).joinpath("prices.toml").read_text("utf-8")
    return Prices({}, {}).extended(tomllib.loads(text, parse_float=Decimal))


def _split(name: str, sellers: set[str]) -> tuple[str, str]:
    """Split a model's name into seller and model; a relay's name may hold the maker's too."""
    found = ""
    while (first := name.partition("/")[0]) in sellers and first != name:
        found, name = found or first, name.partition("/")[2]
    return found, name


def _read(path: str | os.PathLike[str]) -> dict[str, Any]:
    file = file_path(path)
    try:
        text = contents(file, LARGEST).decode("utf-8")
        if max(map(len, text.split("\n"))) <= LONGEST_LINE:
            return tomllib.loads(text, parse_float=Decimal)
        why = f"a line of more than {LONGEST_LINE} characters"
    except OSError as error:
        why = reason(error)
    except UnicodeDecodeError:
        why = "it is not text in UTF-8"
    except tomllib.TOMLDecodeError as error:
        why = str(error)
    except (ValueError, ArithmeticError, RecursionError):
        why = "a number is too large, or lists are too deep"
    raise OptionError(f"cannot read prices from {one_line(path, 120)}: {why}")


def _price(key: str, entry: object) -> Price:
    name = f"the price of '{one_line(key, 80)}'"
    if not isinstance(entry, Mapping):
        raise OptionError(f"{name} must be a table with {', '.join(KEYS)}")
    for word in entry:
        if word not in KEYS:
            raise OptionError(f"{name}: {suggestions.unknown('key', str(word), KEYS)}")
    if any(isinstance(value, list | Mapping) for value in entry.values()):  # absurdly deep, too
        raise OptionError(f"{name} must be a table of numbers and texts")
    if missing := [kind for kind in REQUIRED if kind not in entry]:
        raise OptionError(f"{name} lacks {', '.join(missing)} (US dollars per million tokens)")
    form = "must be US dollars per million tokens, such as '2.50'"
    given = [kind for kind in RATES if kind in entry]
    rates = {kind: read_amount(entry[kind], f"{name}: {kind} {form}") for kind in given}
    try:
        checked = date.fromisoformat(str(entry["checked"])[:10]) if "checked" in entry else None
    except ValueError as error:
        raise OptionError(f"{name}: checked must be a date such as 2026-11-22") from error
    return Price(Rates(**rates), one_line(entry.get("source", "your own prices")), checked)


def read_amount(value: object, otherwise: str) -> Decimal:
    """Read US dollars, from 0 to a million; else raise OptionError with the message `otherwise`."""
    with suppress(InvalidOperation, ValueError):  # ValueError: an int of too many digits
        amount = Decimal(str(value))
        if amount.is_finite() and (amount == 0 or LEAST <= amount <= 1_000_000):
            return amount
    raise OptionError(otherwise)


@cache
@exact()
def _from_genai_prices(model: str) -> Price | None:
    """Look up a model newer than this package, if genai-prices prices its sound separately.

    For some models it knows only the rates of text, which would be many times too low.
    """
    import genai_prices  # takes a fifth of a second

    tokens = genai_prices.Usage(
        input_tokens=2, output_tokens=2, input_audio_tokens=1, output_audio_tokens=1
    )
    try:
        found = genai_prices.calc_price(tokens, model, provider_id=OPENAI).model_price
    except LookupError:
        return None
    mtok = (found.input_mtok, found.output_mtok, found.input_audio_mtok, found.output_audio_mtok)
    rates = [rate for rate in mtok if isinstance(rate, Decimal)]
    if len(rates) < len(mtok):
        return None
    cached, cached_audio = (
        rate if isinstance(rate, Decimal) else None
        for rate in (found.cache_read_mtok, found.cache_audio_read_mtok)
    )
    full = replace(Rates(*rates), cached_in=cached, cached_audio_in=cached_audio)
    return Price(full, f"genai-prices {genai_prices.__version__}")


@exact()
def total(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal(0))


@exact()
def dollars(amount: Decimal) -> str:
    """Format US dollars to a hundredth of a cent, smaller amounts to two digits: `$0.000018`."""
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
    def minute(self) -> Decimal | None:  # dollars for a minute of sound; None for text
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
    audio_in, audio_out = usage.input_audio_tokens, usage.output_audio_tokens
    if price is None or not usage.consistent:
        return None
    if text_in is None or text_out is None or audio_in is None or audio_out is None:
        return None
    rates, cached, cached_audio = price.rates, usage.cached_tokens, usage.cached_audio_tokens

    def itemised(sound: int) -> Bill:  # with so many tokens of cached sound
        cached_text = 0 if rates.cached_in is None else cached - sound
        cached_sound = 0 if rates.cached_audio_in is None else sound
        lines = (
            LineItem("text in", text_in - cached_text, rates.text_in),
            LineItem("cached text in", cached_text, rates.cached_in or Decimal(0)),
            LineItem("sound in", audio_in - cached_sound, rates.audio_in),
            LineItem("cached sound in", cached_sound, rates.cached_audio_in or Decimal(0)),
            LineItem("text out", text_out, rates.text_out),
            LineItem("sound out", audio_out, rates.audio_out),
        )
        return Bill(tuple(line for line in lines if line.tokens), price)

    if cached_audio is not None:
        return itemised(cached_audio)
    # Nobody said how much was sound: from the fewest tokens to the most, whichever costs more.
    fewest, most = itemised(max(cached - text_in, 0)), itemised(min(cached, audio_in))
    return max(fewest, most, key=lambda bill: bill.dollars)
