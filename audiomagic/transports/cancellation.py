"""Cancellation: a call's connection, which another thread may cut while nothing comes over it.

A call waits for its server in one thread; "stop" is said in another. Closing a socket that is being
read wakes nobody, shutting it down does; httpcore tells of the sockets it opens by its `trace`.
"""

import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx2

_in_use: ContextVar["Cancellation | None"] = ContextVar("line", default=None)


class Cancelled(BaseException):
    """Raised in the call's own thread. No Exception: upon one the client would ask again."""


class Cancellation:
    """Cuts one call off, from any thread, before or while it runs."""

    def __init__(self) -> None:
        self.cancelled = False
        self._socket: socket.socket | None = None

    def cancel(self) -> None:
        """End the call: its connection is closed, nothing more is asked for."""
        self.cancelled = True
        if self._socket:
            with suppress(OSError):  # it is closed already
                # Not SSLSocket's own: that takes the cipher away from the thread that reads.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    @contextmanager
    def used(self) -> Iterator[None]:
        """Be the line of the requests of this thread; ends silently when it was cut."""
        before = _in_use.set(self)
        try:
            yield
        except Cancelled:
            pass
        finally:
            self._socket = None
            _in_use.reset(before)

    def traced(self, event: str, info: Mapping[str, Any]) -> None:
        """Take note of what httpcore does with a connection."""
        if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            self._socket = info["return_value"].get_extra_info("socket")
        elif ".receive_response" not in event or event.endswith(".started"):
            return
        self.raise_if_cancelled()

    def raise_if_cancelled(self) -> None:
        """Raise Cancelled when it was cut."""
        if self.cancelled:
            raise Cancelled


def pause(seconds: float) -> None:
    """Wait, for as long as the line that the thread uses is not cut. Raises Cancelled."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if line := _in_use.get():
            line.raise_if_cancelled()
        time.sleep(min(0.1, left))


def watch(request: "httpx2.Request") -> None:
    """Let a request be cut off by the line that its thread uses: a request hook of httpx."""
    if line := _in_use.get():
        line.raise_if_cancelled()
        request.extensions["trace"] = line.traced
