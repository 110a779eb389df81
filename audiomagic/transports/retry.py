"""Retry: a request that came too early, or whose connection broke, is sent again."""

import random
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from math import isfinite
from typing import TypeVar

from ..errors import AudiomagicError, BudgetExceeded, RequestFailed
from ..protocol.error import ErrorBody
from .cancellation import sleep

# Faults of a server that the next try meets again: not implemented, version, storage, loop, ...
LASTING = (501, 505, 506, 507, 508, 510, 511)
Error = TypeVar("Error", bound=BaseException)
PAUSES = (0.5, 1.0, 2.0)  # seconds before the second, third and last try
LONGEST_PAUSE = 60.0  # seconds worth waiting for; a server that asks for more is not asked again


class RateLimitGate:
    """Holds back this process's requests to one server while that limits their rate."""

    def __init__(self) -> None:
        self.passed = 0  # requests that the server accepted
        self._opens = 0.0  # on the clock of `time.monotonic`

    def wait(self) -> None:
        """Raises Cancelled when the thread's cancellation is cancelled."""
        while (left := self._opens - time.monotonic()) > 0:
            sleep(left)

    def close(self, seconds: float) -> None:
        """Hold every request back for so long, or longer where it is closed already."""
        self._opens = max(self._opens, time.monotonic() + seconds)


@cache
def rate_limit_gate(base_url: str, key: str | None) -> RateLimitGate:
    """Return the gate of a server: it limits a key's requests, whichever session sends them."""
    return RateLimitGate()


class Retries:
    """The tries of one request, each of which is sent, and may be billed, by itself.

    >>> while True:
    ...     with retries.attempt():
    ...         retries.wait()
    ...         return send()

    While a server limits the rate of requests, all of them wait (see RateLimitGate). As long as it
    accepts others in the meantime, a request that it refuses for its rate is not given up.
    """

    def __init__(
        self, host: str, gate: RateLimitGate, report: Callable[[str], None] | None = None
    ) -> None:
        """`report` is told why, and for how long, a request waits."""
        self._host, self._gate, self._report = host, gate, report
        self._tries = 0
        self._pause = 0.0  # seconds before the next one
        self._passed = 0  # what the gate had let through before this one
        self._failed: RequestFailed | None = None

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Run one try; swallow a failure that the next one may not meet, and raise any other."""
        try:
            yield
        except BudgetExceeded:
            if self._failed and self._failed.may_be_billed:  # which leaves too little for another
                raise self._failed from None
            raise
        except RequestFailed as failed:
            if not self._may_try_again(failed):
                raise
            self._failed = failed

    def wait(self) -> None:
        """Wait until the next try is due. Raises Cancelled."""
        sleep(self._pause)
        self._gate.wait()
        self._pause, self._passed = 0.0, self._gate.passed

    def _may_try_again(self, failed: RequestFailed) -> bool:
        status = failed.status
        limited = status == 429
        if not (limited and self._gate.passed > self._passed):
            self._tries += 1
        if failed.retry_after is None or self._tries > len(PAUSES):
            return False
        usual = PAUSES[max(0, self._tries - 1)] * random.uniform(0.75, 1.25)  # a class asks at once
        seconds = failed.retry_after or usual
        why = "is limiting the rate of requests"
        if not limited:
            why = f"had an internal error ({status})" if status else "cannot be reached"
        if self._report:
            self._report(f"{self._host} {why}; trying again in {max(1, round(seconds))} s")
        if limited:
            self._gate.close(seconds)
        else:
            self._pause = seconds
        return True


def worth_another_try(error: Exception) -> float | None:
    """Return the seconds that the server asks to wait, 0 for the usual; None where it is no use."""
    import openai

    if not isinstance(error, openai.APIStatusError):
        return 0.0 if _may_pass(error) else None
    headers, status = error.response.headers, error.status_code
    busy = status in (408, 409, 429) or (status >= 500 and status not in LASTING)
    if not busy or ErrorBody.of(error.body).no_credit or headers.get("x-should-retry") == "false":
        return None
    asked = retry_after(headers) or 0.0
    return asked if asked <= LONGEST_PAUSE else None


def _may_pass(error: Exception) -> bool:
    """Whether a connection failed in a way that may be over in a second."""
    import httpx2

    if find_cause(error, httpx2.TimeoutException):
        return find_cause(error, httpx2.ConnectTimeout) is not None  # a late answer may be billed
    if name := find_cause(error, socket.gaierror):
        return name.errno == socket.EAI_AGAIN
    lasting = (ConnectionRefusedError, ssl.SSLError, httpx2.ProxyError, httpx2.UnsupportedProtocol)
    return not any(find_cause(error, kind) for kind in lasting)


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


def find_cause(error: BaseException | None, kind: type[Error]) -> Error | None:
    """Find an error of a kind among an error and what led to it.

    Stops at an OSError or an error of ours: what came before those is unrelated.
    """
    while error is not None and not isinstance(error, kind):
        ends = isinstance(error, OSError | AudiomagicError)
        error = None if ends else error.__cause__ or error.__context__
    return error
