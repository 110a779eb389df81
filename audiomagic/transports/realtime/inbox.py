"""Inbox: the events of a connection, received in a thread of its own until they are asked for.

That thread does nothing else, so that pings are answered while a tool runs, or nobody asks: a
server hangs up on who does not answer in time.
"""

from collections import deque
from collections.abc import Callable
from threading import Condition, Thread

from ...errors import ConnectionFailed, InvalidResponse, RequestFailed
from ...protocol.realtime import events
from ...protocol.realtime.events import Event
from .connection import RealtimeConnection

MOST = 300_000_000  # bytes that wait: the longest answer's sound, in base64
Observer = Callable[[Event], object]  # sees each event at once; it must not take time


class Inbox:
    def __init__(self, connection: RealtimeConnection, observer: Observer | None = None):
        self._connection, self._observer = connection, observer
        self._waiting: deque[tuple[Event, int]] = deque()
        self._size = 0  # bytes that wait
        self._failed: RequestFailed | None = None
        self._woken = False
        self._changed = Condition()
        self._thread = Thread(target=self._receive, name="realtime", daemon=True)
        self._thread.start()

    def get(self, seconds: float) -> Event | None:
        """Return the next event; None where none comes in time, or `wake` is called.

        Raises what ended the connection, after the last event: RequestFailed.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._failed or self._woken, seconds)
            self._woken = False
            if self._waiting:
                event, size = self._waiting.popleft()
                self._size -= size
                return event
            if self._failed:
                raise self._failed
            return None

    def wake(self) -> None:
        """End the wait for an event: there is something else to do."""
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    @property
    def ended(self) -> bool:
        """Whether nothing can come any more."""
        return self._failed is not None and not self._waiting

    def close(self) -> None:
        self._connection.close()
        self._thread.join()

    def _receive(self) -> None:
        try:
            while (data := self._connection.receive()) is not None:
                self._keep(events.read(data), len(data))
            failed: RequestFailed = ConnectionFailed("the conversation was closed; begin another")
        except RequestFailed as error:
            failed = error
            self._connection.close()
        with self._changed:
            self._failed = failed
            self._changed.notify_all()

    def _keep(self, event: Event, size: int) -> None:
        if self._observer:
            self._observer(event)
        with self._changed:
            self._waiting.append((event, size))
            self._size += size
            self._changed.notify_all()
        if self._size > MOST:
            raise InvalidResponse("the server sent more than any model; stopped listening")
