"""One connection of a Realtime server: events in and out, in order, and how it may end."""

import json
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import parse_qsl, urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection

from .realtime_dialects import Dialect, Event
from .realtime_items import new_id

PATIENCE = 20  # seconds that a gate waits for the client: a test that takes them has failed


class Gone(Exception):
    """The connection has ended."""


class Wire:
    """A connection: its `query` and `headers`, and the client's events so far, `received`.

    Whoever holds `changed` is alone: nothing is received, and nothing sent by another thread.
    """

    def __init__(
        self, connection: ServerConnection, dialect: Dialect, log: Callable[[Event], None]
    ):
        assert connection.request is not None
        self.query = dict(parse_qsl(urlsplit(connection.request.path).query))
        self.headers = {name.lower(): value for name, value in connection.request.headers.items()}
        self.received: list[Event] = []
        self.changed = threading.Condition()  # reentrant
        self.closed = False
        self._connection = connection
        self._dialect = dialect
        self._log = log

    def receive(self, handle: Callable[[Event], None]) -> None:
        """Handle the client's events until the connection ends."""
        try:
            with suppress(ConnectionClosed, Gone):
                for message in self._connection:
                    event = json.loads(message)
                    with self.changed:
                        self.received.append(event)
                        self._log(event)
                        handle(event)
                        self.changed.notify_all()
        finally:
            with self.changed:
                self.closed = True
                self.changed.notify_all()

    def ping(self) -> bool:
        """Whether the client answers a ping."""
        return self._connection.ping().wait(PATIENCE)

    def send(self, event: Event) -> None:
        """Send an event; it gets an `event_id`."""
        with self.changed:
            for one in self._dialect.wire(event):
                self.send_frame(json.dumps({"event_id": new_id("event")} | one))

    def send_frame(self, frame: str | bytes) -> None:
        """Send a frame that need not be an event."""
        with self.changed:
            try:
                self._connection.send(frame)
            except ConnectionClosed as end:
                raise Gone from end

    def refuse(
        self, code: str | None, message: str, param: str | None = None, event_id: str | None = None,
        kind: str = "invalid_request_error",
    ) -> None:  # fmt: skip
        """Send an error of the service's shape; `event_id` is that of the client's event."""
        error = {"type": kind, "code": code, "message": message, "param": param}
        self.send({"type": "error", "error": error | {"event_id": event_id}})

    def wait_for(self, kind: str, seen: int, cut: Callable[[], bool]) -> int:
        """Wait for the client's event of a type, after the first `seen`, or for `cut`.

        Returns how many are seen then.
        """

        def found() -> int | None:
            for count, event in enumerate(self.received[seen:], seen + 1):
                if event.get("type") == kind:
                    return count
            return None

        with self.changed:
            came = self.changed.wait_for(lambda: found() or cut() or self.closed, PATIENCE)
            count = found()
            if count is None and self.closed:
                raise Gone
            assert came, f"No {kind} came within {PATIENCE} s."
            return seen if count is None else count

    def pause(self, seconds: float, cut: Callable[[], bool]) -> None:
        """Wait, but not beyond `cut` or the connection's end."""
        with self.changed:
            self.changed.wait_for(lambda: cut() or self.closed, seconds)

    def close(self, code: int = 1000, reason: str = "") -> None:
        """End the connection with a close frame."""
        self._connection.close(code, reason)

    def expire(self) -> None:
        """End it as the service does after an hour."""
        self.refuse("session_expired", "Your session hit the maximum duration of 60 minutes.")
        self.close(1001)

    def refuse_beta(self, event_id: str | None = None) -> None:
        """End it as the service does for a client of the Beta."""
        words = "The Realtime Beta API is no longer supported. Please use /v1/realtime."
        self.refuse("beta_api_shape_disabled", words, event_id=event_id)
        self.close(4000, "invalid_request_error.beta_api_shape_disabled")

    def abort(self) -> None:
        """End it without a word: the other side sees 1006."""
        with suppress(OSError):  # it was closed already
            self._connection.socket.shutdown(socket.SHUT_RDWR)
