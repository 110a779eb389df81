"""Inbox: the events of a connection, received in a thread of its own until they are asked for.

That thread does nothing else, so that pings are answered while a tool runs, or nobody asks: a
server hangs up on who does not answer in time.
"""

from collections import deque
from threading import Condition, Thread

from ...errors import InvalidResponse, RequestFailed
from ...protocol.realtime import events
from ...protocol.realtime.events import Event
from .connection import RealtimeConnection

MOST = 300_000_000  # bytes that wait: the longest answer's sound, in base64


class Inbox:
    def __init__(self, connection: RealtimeConnection):
        self._connection = connection
        self._waiting: deque[bytes] = deque()
        self._size = 0  # bytes that wait
        self._failed: RequestFailed | None = None
        self._changed = Condition()
        self._thread = Thread(target=self._receive, name="realtime", daemon=True)
        self._thread.start()

    def get(self, seconds: float) -> Event | None:
        """Return the next event; None where none comes in time.

        Raises what ended the connection, after the last event: RequestFailed.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._failed, seconds)
            if self._waiting:
                data = self._waiting.popleft()
                self._size -= len(data)
            elif self._failed:
                raise self._failed
            else:
                return None
        return events.read(data)

    @property
    def ended(self) -> bool:
        """Whether nothing can come any more."""
        return self._failed is not None and not self._waiting

    def close(self) -> None:
        self._connection.close()
        self._thread.join()

    def _receive(self) -> None:
        failed: RequestFailed | None = None
        while not failed:
            try:
                data = self._connection.receive()
            except RequestFailed as error:
                data, failed = None, error
            with self._changed:
                if data is None:
                    self._failed = failed
                    self._changed.notify_all()
                    return
                self._waiting.append(data)
                self._size += len(data)
                self._changed.notify_all()
            if self._size > MOST:
                failed = InvalidResponse("the server sent more than any model; stopped listening")
                self._connection.close()
        with self._changed:
            self._failed = failed
            self._changed.notify_all()
