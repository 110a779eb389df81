"""Cancellation of a request from another thread, even while nothing arrives for it.

A request waits for its server in one thread; Stop is pressed in another. Closing a socket that is
being read does not wake the reader, but shutting it down does; httpcore reports the sockets that it
opens through its `trace` extension.
"""

import socket
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx2

_bound: ContextVar["Cancellation | None"] = ContextVar("cancellation", default=None)


class Cancelled(BaseException):
    """Raised in the request's own thread. Not an Exception, so that the client does not retry."""


class Cancellation:
    """Cancels requests from any thread, before or while they run."""

    def __init__(self) -> None:
        self.cancelled = False
        self._socket: socket.socket | None = None

    @staticmethod
    def current() -> "Cancellation":
        """Return the cancellation that this thread is bound to, or a new one."""
        return _bound.get() or Cancellation()

    def cancel(self) -> None:
        """End the request: its connection is closed, nothing more is asked for."""
        self.cancelled = True
        if self._socket:
            with suppress(OSError):  # closed already
                # Not SSLSocket's own: that would take the cipher away from the thread that reads.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    @contextmanager
    def bound(self) -> Iterator[None]:
        """Make the requests of this thread cancellable; they then raise Cancelled."""
        before = _bound.set(self)
        try:
            yield
        finally:
            self._socket = None
            _bound.reset(before)

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Follow what httpcore does with a connection (its `trace` extension)."""
        # GeneratorExit: nobody reads on, and Python puts the response down.
        closed = isinstance(info.get("exception"), GeneratorExit)
        if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            self._socket = info["return_value"].get_extra_info("socket")
        elif ".receive_response" not in event or event.endswith(".started") or closed:
            return
        self.raise_if_cancelled()

    def raise_if_cancelled(self) -> None:
        """Raise Cancelled once it was cancelled."""
        if self.cancelled:
            raise Cancelled


def sleep(seconds: float) -> None:
    """Sleep, unless the thread's cancellation is or gets cancelled. Raises Cancelled."""
    end = time.monotonic() + seconds
    while True:
        if cancellation := _bound.get():
            cancellation.raise_if_cancelled()
        if (left := end - time.monotonic()) <= 0:
            return
        time.sleep(min(0.1, left))


def cancellable(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Pass on what arrives until it is cancelled: what was received may unpack into much more."""
    for part in parts:
        if cancellation := _bound.get():
            cancellation.raise_if_cancelled()
        yield part


def make_cancellable(request: "httpx2.Request") -> None:
    """Bind an HTTP request to its thread's cancellation: a request hook for httpx."""
    if cancellation := _bound.get():
        cancellation.raise_if_cancelled()
        request.extensions["trace"] = cancellation.trace
