"""RateLimitGate: where the requests of this process to one server pass, or wait for it together."""

import time
from functools import cache

from .cancellation import pause
from .endpoint import Endpoint


class RateLimitGate:
    """Open, until the server limits the rate of requests: then it is shut to all of them."""

    def __init__(self) -> None:
        self.passed = 0  # requests that the server took
        self._opens = 0.0  # on the clock of `time.monotonic`

    def wait(self) -> None:
        """Wait until it is open. Raises HungUp when the line that the thread uses is cut."""
        while (left := self._opens - time.monotonic()) > 0:
            pause(left)

    def shut(self, seconds: float) -> None:
        """Keep every request back for so long, or longer where it is shut already."""
        self._opens = max(self._opens, time.monotonic() + seconds)


def gate(route: Endpoint) -> RateLimitGate:
    """Return the one gate to a server: it limits a key's requests, whichever session sends them."""
    return _gate(route.base_url, route.key)


@cache
def _gate(address: str, key: str | None) -> RateLimitGate:
    return RateLimitGate()
