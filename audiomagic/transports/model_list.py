"""Which models there are, and for how long: those of our table, and those that a server lists.

A live conversation has models of its own: `realtime` says that they are meant, not those of Chat
Completions.
"""

import json
import time
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING

from .. import suggestions
from ..catalogue import catalogue
from ..errors import OptionError, RequestFailed, one_line
from ..protocol import model_list
from .endpoint import Endpoint

if TYPE_CHECKING:
    import openai

Listing = Mapping[str, date | None]  # a server's models, and the day each is shut down, if known
WARNING_TIME = timedelta(days=90)  # before a model's shutdown
PATIENCE = 3.0  # seconds to wait for a list: it only helps
LARGEST_LIST = 5_000_000  # bytes
MOST_OFFERED = 12  # models named where none is near

# What servers have listed, for all sessions of a process.
_listed: dict[Endpoint, Listing] = {}


def ask(endpoint: Endpoint, connection: "openai.OpenAI") -> Listing | None:
    """Ask a server which models the key may use; None where it does not answer in time."""
    import httpx2
    import openai

    patient = connection.with_options(timeout=PATIENCE, max_retries=0)
    end, body = time.monotonic() + PATIENCE, bytearray()
    try:
        with patient.models.with_streaming_response.list() as response:
            for part in response.iter_bytes():
                body += part
                if len(body) > LARGEST_LIST or time.monotonic() > end:
                    return None
        listing = model_list.read(json.loads(body))
    except (openai.OpenAIError, httpx2.HTTPError, RequestFailed, ValueError, RecursionError):
        return None
    if listing:
        _listed[endpoint] = listing
    return listing


def shutdown(model: str, endpoint: Endpoint, *, realtime: bool = False) -> date | None:
    """Return the day on which a model is switched off, as far as known.

    The server's own list, once asked, knows better than our table, which is about the service.
    """
    entry = catalogue().table(realtime).get(model) if endpoint.is_service else None
    return (listed(endpoint) or {}).get(model) or (entry.shutdown if entry else None)


def warning(
    model: str, endpoint: Endpoint, today: date | None = None, *, realtime: bool = False
) -> str | None:
    """Warn, from 90 days before, that a model will be switched off, and name what to use then."""
    day = shutdown(model, endpoint, realtime=realtime)
    if day is None or day - (today or date.today()) > WARNING_TIME:
        return None
    return f"{model} is shut down on {day}{_instead(model, realtime)}."


def refuse_shut_down(
    model: str, endpoint: Endpoint, today: date | None = None, *, realtime: bool = False
) -> None:
    """Raise OptionError for a model that the service has switched off.

    Other servers are asked: Azure has dates of its own, and may still have it.
    """
    day = shutdown(model, endpoint, realtime=realtime) if endpoint.is_service else None
    if day and day <= (today or date.today()):
        off = f"was shut down on {day}{_instead(model, realtime)}"
        raise OptionError(f"'{one_line(model, 60)}' {off}")


def listed(endpoint: Endpoint) -> Listing | None:
    """Return what a server listed when it was asked last; None where it never did."""
    return _listed.get(endpoint)


def unknown(model: str, endpoint: Endpoint | None = None, *, realtime: bool = False) -> str:
    """Return the message about an unknown model: the nearest name, or its successor.

    >>> unknown("gpt-audio-15")
    "no model 'gpt-audio-15'; did you mean 'gpt-audio-1.5'?"
    """
    known = catalogue()
    if realtime and model in known.models:
        return f"'{model}' holds no live conversations; use '{known.default_realtime_model}'"
    if not realtime and model in known.realtime_models:
        return f"'{model}' is only for live conversations; use '{known.default_model}'"
    table = known.table(realtime)
    there = listed(endpoint) if endpoint else None
    # What the service has switched off says nothing about another server that lists its models.
    elsewhere = there and endpoint and not endpoint.is_service
    gone = [] if elsewhere else [name for name, entry in table.items() if entry.shut_down()]
    names = list(there) if there else [name for name in table if name not in gone]
    line = f"no model '{one_line(model, 60)}'"
    if model in names:
        return f"{line} for this key; %audiomagic models shows which it may use"
    if realtime:
        names = audio_models(names, realtime=True) or names
    close = model if model in gone else suggestions.nearest(model, [*names, *gone])
    if close is None:
        speaking = audio_models(there, realtime=realtime) if there else names
        return suggestions.unknown("model", model, (speaking or names)[:MOST_OFFERED])
    if close not in gone:
        return f"{line}; did you mean '{close}'?"
    off = f"was shut down on {table[close].shutdown}{_instead(close, realtime)}"
    if close == model:
        return f"{line}: it {off}"
    return f"{line}; did you mean '{close}'? ('{close}' {off})"


def audio_models(listing: Iterable[str], *, realtime: bool = False) -> list[str]:
    """Return the models of a list that may answer in sound, to judge by their names."""
    apart = ("transcribe", "translate", "tts", "whisper")
    sound = ("realtime",) if realtime else ("audio", "omni")
    lower = {name: name.lower() for name in listing}
    return [
        name
        for name, words in lower.items()
        if any(word in words for word in sound)
        and ("realtime" in words) == realtime
        and not any(word in words for word in apart)
    ]


def _instead(model: str, realtime: bool) -> str:
    entry = catalogue().table(realtime).get(model)
    return f"; use '{entry.successor}'" if entry and entry.successor else ""
