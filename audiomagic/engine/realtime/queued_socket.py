"""A socket whose sender never waits: what is sent is queued, for a thread of its own."""

import socket
from collections import deque
from contextlib import suppress
from threading import Condition, Thread
from typing import Any

MOST_WAITING = 8_000_000  # bytes: two minutes of sound
END = b""  # in the queue: nothing more will be sent


class QueuedSocket(socket.socket):
    """Another end of the same connection as `sock`, both of which are to be closed.

    websockets holds one lock while it sends and while it takes what was received. Where both sides
    send more than their system buffers, each would wait for the other to read. So the queue has no
    bound of its own: whoever adds much to it waits for room first.
    """

    def __init__(self, sock: socket.socket):
        super().__init__(sock.family, sock.type, sock.proto, socket.dup(sock.fileno()))
        self._waiting: deque[bytes] = deque()
        self._size = 0  # bytes that wait
        self._is_open = True
        self._changed = Condition()
        self._thread = Thread(target=self._send, name="realtime-send", daemon=True)
        self._thread.start()

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        """Queue bytes. Raises BrokenPipeError once the connection is closed."""
        self._queue(bytes(data))

    def wait_for_room(self, timeout: float) -> bool:
        """Wait while too much is queued; return whether there is room, or no connection."""
        with self._changed:
            return self._changed.wait_for(self._has_room, timeout)

    def shutdown(self, how: int, /) -> None:
        """Send what is queued, then no more; or, for reading too, end the connection at once."""
        if how == socket.SHUT_WR:
            self._queue(END)
        else:
            self._stop()
            super().shutdown(how)

    def close(self) -> None:
        with suppress(OSError):  # it is closed
            self.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        super().close()

    def _has_room(self) -> bool:
        return not self._is_open or self._size < MOST_WAITING

    def _queue(self, data: bytes) -> None:
        with self._changed:
            if not self._is_open:
                raise BrokenPipeError
            self._waiting.append(data)
            self._size += len(data)
            self._changed.notify_all()

    def _stop(self) -> None:
        with self._changed:
            self._is_open = False
            self._waiting.clear()
            self._changed.notify_all()

    def _send(self) -> None:
        try:
            while data := self._next():
                super().sendall(data)
            super().shutdown(socket.SHUT_WR)
        except OSError:  # nobody listens: who waits for room, or to receive, is to know
            with suppress(OSError):
                self.shutdown(socket.SHUT_RDWR)

    def _next(self) -> bytes:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or not self._is_open)
            if not self._waiting:
                return END
            data = self._waiting.popleft()
            self._size -= len(data)
            self._changed.notify_all()
            return data
