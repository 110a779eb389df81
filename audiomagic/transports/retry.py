"""Retry: a request that came too early, or met a connection that broke, is sent again."""

import random
import socket
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import TYPE_CHECKING, TypeVar

from ..errors import AudiomagicError
from ..protocol.error import ErrorBody
from .cancellation import pause
from .endpoint import Endpoint
from .rate_limit import gate

if TYPE_CHECKING:
    import openai

Kind = TypeVar("Kind", bound=BaseException)
Sent = TypeVar("Sent")
PAUSES = (0.5, 1.0, 2.0)  # seconds before the second, third and last try
LONGEST_PAUSE = 60.0  # seconds worth waiting for; a server that asks for more is not asked again


def with_retries(
    send: Callable[[], Sent], route: Endpoint, report: Callable[[str], None] | None = None
) -> Sent:
    """Call `send` until it succeeds, a few times; tell `report` why, and for how long it waits.

    A server that limits the rate of requests is given a rest by all of them (see Gate). While it
    takes others in the meantime, one that it refuses for that is not given up.
    Raises what the client does, as soon as another try cannot help.
    """
    import openai

    way, tries = gate(route), 0
    while True:
        way.wait()
        passed = way.passed
        try:
            sent = send()
        except openai.APIError as error:
            limited = getattr(error, "status_code", None) == 429
            if not (limited and way.passed > passed):
                tries += 1
            usual = PAUSES[max(0, min(tries, len(PAUSES)) - 1)]
            seconds = _pause(error, usual * random.uniform(0.75, 1.25))  # a class asks as one
            if seconds is None or tries > len(PAUSES):
                raise
            if report:
                report(_progress(error, route, seconds))
            if limited:
                way.shut(seconds)
            else:
                pause(seconds)
        else:
            way.passed += 1
            return sent


def _pause(error: "openai.APIError", usual: float) -> float | None:
    """Return the seconds to wait, as the server asks or as is usual; None where it is no use."""
    import openai

    if not isinstance(error, openai.APIStatusError):
        return usual if _passing(error) else None
    headers, status = error.response.headers, error.status_code
    busy = status in (408, 409, 429) or (status >= 500 and status != 501)
    if not busy or ErrorBody.of(error.body).no_credit or headers.get("x-should-retry") == "false":
        return None
    asked = retry_after(headers)
    if asked is None:
        return usual
    return asked if asked <= LONGEST_PAUSE else None


def _passing(error: Exception) -> bool:
    """Whether a connection failed in a way that may be over in a second."""
    import httpx2

    if within(error, httpx2.TimeoutException):
        return within(error, httpx2.ConnectTimeout) is not None  # a late answer may be paid for
    if name := within(error, socket.gaierror):
        return name.errno == socket.EAI_AGAIN
    lasting = (ConnectionRefusedError, ssl.SSLError, httpx2.ProxyError, httpx2.UnsupportedProtocol)
    return not any(within(error, kind) for kind in lasting)


def _progress(error: "openai.APIError", route: Endpoint, seconds: float) -> str:
    status = getattr(error, "status_code", None)
    if status == 429:
        why = "is limiting the rate of requests"
    else:
        why = f"had an error of its own ({status})" if status else "cannot be reached"
    return f"{route.host} {why}; trying again in {max(1, round(seconds))} s"


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a server asks to wait, or None."""
    for name, unit in (("retry-after-ms", 1000), ("retry-after", 1)):
        with suppress(KeyError, ValueError):
            if isfinite(seconds := float(headers[name]) / unit):
                return max(0.0, seconds)
    with suppress(KeyError, ValueError, TypeError):  # a date; TypeError: one without a zone
        day = parsedate_to_datetime(headers["retry-after"])
        return max(0.0, (day - datetime.now(UTC)).total_seconds())
    return None


def within(error: BaseException | None, kind: type[Kind]) -> Kind | None:
    """Find an error of a kind among an error and what led to it.

    Beyond the system's own error, or one of ours, is what the caller was about: another story.
    """
    while error is not None and not isinstance(error, kind):
        ends = isinstance(error, OSError | AudiomagicError)
        error = None if ends else error.__cause__ or error.__context__
    return error
