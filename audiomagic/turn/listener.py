"""StreamListener: receives a reply while it arrives."""

from typing import Protocol

from ..protocol.response import Delta
from ..transports.cancellation import Cancellation


class StreamListener(Protocol):
    """Receives text and sound (24 kHz pcm16) as they arrive, and lines about what takes time.

    Its `cancellation` ends the reply's requests.
    """

    def on_delta(self, delta: Delta) -> None: ...
    def on_progress(self, line: str) -> None: ...
    @property
    def cancellation(self) -> Cancellation: ...


class NullListener:
    """Ignores what arrives; the thread's own cancellation can end its requests."""

    def on_delta(self, delta: Delta) -> None: ...
    def on_progress(self, line: str) -> None: ...
    @property
    def cancellation(self) -> Cancellation:
        return Cancellation.current()


class CancellableListener(NullListener):
    """Ignores what arrives; its own cancellation can end its requests, from any thread."""

    def __init__(self) -> None:
        self._cancellation = Cancellation()

    @property
    def cancellation(self) -> Cancellation:
        return self._cancellation
