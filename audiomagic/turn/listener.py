"""StreamListener: receives a reply while it arrives."""

from typing import Protocol

from ..protocol.response import Delta
from ..transports.cancellation import Cancellation


class StreamListener(Protocol):
    """Receives a streaming reply."""

    def on_delta(self, delta: Delta) -> None:
        """Receive text and sound (24 kHz pcm16) as they arrive."""

    def on_progress(self, line: str) -> None:
        """Receive a line about what takes time."""

    @property
    def cancellation(self) -> Cancellation:
        """Cancels the reply's requests."""
        ...


class NullListener:
    """Ignores what arrives; its requests can be cancelled all the same."""

    def __init__(self, cancellation: Cancellation | None = None) -> None:
        self.cancellation = cancellation or Cancellation.current()

    def on_delta(self, delta: Delta) -> None:
        """Ignore it."""

    def on_progress(self, line: str) -> None:
        """Ignore it."""
