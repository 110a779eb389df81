"""Prices: what a model's tokens cost at one seller, as dated data that a user may extend."""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cache
from importlib.resources import files
from typing import Any

from .. import suggestions
from ..errors import OptionError, one_line
from ..files import contents, file_path, reason
from ..protocol.usage import AUDIO_IN_PER_SECOND, AUDIO_OUT_PER_SECOND

OPENAI = "openai"  # the seller of models that are named without one
LARGEST = 1_000_000  # bytes of a file of prices
OLD = 90  # days after which a price says its age
DATED = re.compile(r"-\d{4}-\d{2}-\d{2}$")
MINUTE_IN, MINUTE_OUT = 60 * AUDIO_IN_PER_SECOND, 60 * AUDIO_OUT_PER_SECOND  # tokens of sound
NEEDED = ("text_in", "text_out", "audio_in", "audio_out")
KNOWN = (*NEEDED, "cached_in", "source", "checked")


@dataclass(frozen=True)
class Rates:
    """US dollars per million tokens; `cached_in` is None where no cached price is listed."""

    text_in: Decimal
    text_out: Decimal
    audio_in: Decimal
    audio_out: Decimal
    cached_in: Decimal | None = None

    @property
    def minute_in(self) -> Decimal:
        """Dollars for a minute of sound sent."""
        return self.audio_in * MINUTE_IN / 1_000_000

    @property
    def minute_out(self) -> Decimal:
        """Dollars for a minute of sound received, without its transcript."""
        return self.audio_out * MINUTE_OUT / 1_000_000


@dataclass(frozen=True)
class Price:
    """A model's rates, where they were found, and when they were last compared with that."""

    rates: Rates
    source: str
    checked: date | None = None
    assumed: bool = False  # another seller's, for lack of the prices of the server that answered

    def day(self, today: date | None = None) -> str:
        """Say when it was checked, "" when nobody knows; an old price says its age."""
        if self.checked is None:
            return ""
        days = ((today or date.today()) - self.checked).days
        return f"{self.checked}" + (
            f" ({days} days ago, it may have changed)" if days > OLD else ""
        )

    def origin(self, today: date | None = None) -> str:
        """Say where it comes from, and of what day it is."""
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
        """Pickle those that everyone has by their name: a reply carries its prices."""
        return (listed, ()) if self is listed() else (Prices, (self.prices, self.sellers))

    def find(self, model: str, host: str = "") -> Price | None:
        """Return the price of a model at a server, or None when it is not known.

        Without a host it is that of the seller whom the model's name begins with ("azure/…"), or
        OpenAI's. A server without prices of its own is taken to charge the same, and the price
        says so (`assumed`): most such servers hand requests on.
        """
        named, name = _split(model, set(self.sellers.values()))
        seller = self._seller(host) if host else named or OPENAI
        for model_id in (name, DATED.sub("", name)):
            for key in ((seller or "", model_id), ("", model_id)):
                if key in self.prices:
                    return self.prices[key]
        if seller is None:
            found = self.find(f"{named or OPENAI}/{name}")
            return found and replace(found, assumed=True)
        return _elsewhere(name) if seller == OPENAI else None

    def _seller(self, host: str) -> str | None:
        for known, seller in self.sellers.items():
            if host == known or (known.startswith(".") and host.endswith(known)):
                return seller
        return None

    def extended(self, given: Mapping[str, Any] | str | os.PathLike[str]) -> "Prices":
        """Return these with a user's over them: a mapping, or the path of a TOML file of its form.

        Raises OptionError for a file that cannot be read, and for what is no price.
        """
        if not isinstance(given, Mapping | str | os.PathLike):
            raise OptionError(f"prices are a dict or a TOML file, not '{one_line(given, 40)}'")
        entries = given if isinstance(given, Mapping) else _file(given)
        sellers = {host: name for host, name in entries.items() if isinstance(name, str)}
        sellers = {**self.sellers, **sellers}
        fresh = {
            _split(str(key), set(sellers.values())): _price(key, entry)
            for key, entry in entries.items()
            if not isinstance(entry, str)
        }
        kept = {key: price for key, price in self.prices.items() if ("", key[1]) not in fresh}
        prices = {**kept, **fresh}
        for host, seller in sellers.items():
            if seller not in {name for name, _ in prices}:
                raise OptionError(f"'{one_line(host, 80)}': no prices of '{one_line(seller, 80)}'")
        return Prices(prices, sellers)


@cache
def listed() -> Prices:
    """Return the prices that come with the package."""
    text = files(__package__).joinpath("prices.toml").read_text("utf-8")
    return Prices({}, {}).extended(tomllib.loads(text, parse_float=Decimal))


def _split(name: str, sellers: set[str]) -> tuple[str, str]:
    """Take the seller off a model's name; a relay's name may hold the maker's too."""
    found = ""
    while (first := name.partition("/")[0]) in sellers and first != name:
        found, name = found or first, name.partition("/")[2]
    return found, name


def _file(path: str | os.PathLike[str]) -> dict[str, Any]:
    try:
        text = contents(file_path(path), LARGEST).decode("utf-8")
        return tomllib.loads(text, parse_float=Decimal)
    except OptionError:
        raise
    except (OSError, ValueError) as error:
        said = reason(error) if isinstance(error, OSError) else one_line(error, 100)
        raise OptionError(f"cannot read prices from {one_line(path, 120)}: {said}") from error


def _price(key: str, entry: object) -> Price:
    name = one_line(key, 80)
    if not isinstance(entry, Mapping):
        raise OptionError(f"the price of '{name}' is a table of {', '.join(KNOWN)}")
    for word in entry:
        if word not in KNOWN:
            raise OptionError(
                suggestions.unknown(f"key of the price of '{name}'", str(word), KNOWN)
            )
    if missing := [kind for kind in NEEDED if kind not in entry]:
        raise OptionError(f"the price of '{name}' lacks {', '.join(missing)} (dollars a million)")
    rates = {kind: _rate(name, kind, entry[kind]) for kind in KNOWN[:5] if kind in entry}
    try:
        checked = date.fromisoformat(str(entry["checked"])[:10]) if "checked" in entry else None
    except ValueError as error:
        raise OptionError(f"the price of '{name}': checked takes a day, as 2026-11-22") from error
    return Price(Rates(**rates), one_line(entry.get("source", "your own prices")), checked)


def _rate(name: str, kind: str, value: object) -> Decimal:
    try:
        rate = Decimal(str(value))
        if not isinstance(value, bool) and rate.is_finite() and 0 <= rate <= 1_000_000:
            return rate
    except InvalidOperation:
        pass
    raise OptionError(f"the price of '{name}': {kind} takes dollars per million tokens, as '2.50'")


@cache
def _elsewhere(model: str) -> Price | None:
    """Ask genai-prices for a model that came after us; where it prices sound apart from text.

    For some models it knows the text's rates alone, which would be many times too low.
    """
    import genai_prices  # a fifth of a second: not at import

    tokens = genai_prices.Usage(
        input_tokens=2, output_tokens=2, input_audio_tokens=1, output_audio_tokens=1
    )
    try:
        found = genai_prices.calc_price(tokens, model, provider_id=OPENAI).model_price
    except LookupError:
        return None
    rates = (found.input_mtok, found.output_mtok, found.input_audio_mtok, found.output_audio_mtok)
    if not all(isinstance(rate, Decimal) for rate in rates):
        return None
    cached = found.cache_read_mtok
    return Price(
        Rates(*rates, cached if isinstance(cached, Decimal) else None),  # type: ignore[arg-type]
        f"genai-prices {genai_prices.__version__}",
    )
