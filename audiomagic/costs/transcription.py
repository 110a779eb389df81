"""What it costs to write down what the user says in a live conversation: by the minute.

The service leaves that to a second model, and bills it apart from the answer.
"""

import math
import tomllib
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files

from ..protocol.usage import Usage
from .estimate import Estimate
from .pricing import DATED, LEAST, OPENAI, Price, Rates, exact, listed

LONGEST = 24 * 60 * 60  # seconds worth believing: a conversation ends after an hour


@dataclass(frozen=True)
class MinutePrice:
    """US dollars for a minute of speech, their source, and when they were compared with it."""

    minute: Decimal
    source: str
    checked: date


@cache
def prices() -> dict[str, MinutePrice]:
    """Read the data file, once: prices by "seller/model"."""
    text = files(__package__).joinpath("transcription.toml").read_text("utf-8")
    entries = tomllib.loads(text, parse_float=Decimal)
    return {name: MinutePrice(**entry) for name, entry in entries.items()}


@exact()
def transcription_cost(model: str, seconds: float, host: str = "") -> Decimal | None:
    """Return what it costs in US dollars to transcribe so many seconds of speech at a server.

    None where the price is not known, or the length cannot be right. A server without prices of
    its own is assumed to charge what OpenAI does. A sixtieth of a price may have digits without
    end: they are rounded to a trillionth of a dollar.
    """
    seller = (listed().seller(host) if host else None) or OPENAI
    found = (prices().get(f"{seller}/{name}") for name in (model, DATED.sub("", model)))
    price = next(filter(None, found), None)
    if price is None or not 0 <= seconds <= LONGEST:
        return None
    return (price.minute * Decimal(str(seconds)) / 60).quantize(LEAST)


def estimate(model: str, seconds: float, host: str = "") -> Estimate:
    """Return what it will cost: the service counts whole seconds, those begun as well."""
    cost = transcription_cost(model, math.ceil(seconds) + 1, host)
    # Nothing of it is counted in tokens; but one makes it a call that a cap can refuse.
    usage = Usage(0, 1, 0, 0, server_cost=cost)
    price = None if cost is None else Price(Rates(*[Decimal(0)] * 4), "by the minute")
    return Estimate(usage, usage, usage, price)
