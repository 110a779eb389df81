"""Events on their way to the client: written by a thread of their own, bounded together."""

import json
from collections import deque
from collections.abc import Callable, Mapping
from threading import Condition, Thread
from typing import Any

MOST_WAITING = 8_000_000  # characters: two minutes of sound
PATIENCE = 30.0  # seconds for which a client may read nothing


class Outbox:
    """Writes events in their order; `send` is how, and raises OSError once nobody listens.

    `put` waits where a client does not read; one that reads nothing for PATIENCE is left.
    """

    def __init__(self, send: Callable[[str], None], leave: Callable[[], None]):
        self._send, self._leave = send, leave
        self._waiting: deque[str] = deque()
        self._size = 0  # characters that wait
        self._changed = Condition()
        self._open = True
        self._thread = Thread(target=self._write, name="realtime-write", daemon=True)
        self._thread.start()

    def put(self, event: Mapping[str, Any]) -> None:
        """Have an event written; nothing happens once the connection is closed."""
        text = json.dumps(event)
        with self._changed:
            has_room = self._changed.wait_for(self._has_room, PATIENCE)
            if self._open and has_room:
                self._waiting.append(text)
                self._size += len(text)
                self._changed.notify_all()
        if not has_room:
            self._leave()

    def close(self) -> None:
        """Write what waits, then end."""
        with self._changed:
            self._open = False
            self._changed.notify_all()
        self._thread.join()

    def _has_room(self) -> bool:
        # One event may be larger than all that may wait.
        return not self._open or not self._waiting or self._size < MOST_WAITING

    def _write(self) -> None:
        while text := self._next():
            try:
                self._send(text)
            except OSError:
                with self._changed:
                    self._open = False
                    self._waiting.clear()
                    self._changed.notify_all()

    def _next(self) -> str | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or not self._open)
            if not self._waiting:
                return None
            text = self._waiting.popleft()
            self._size -= len(text)
            self._changed.notify_all()
            return text
