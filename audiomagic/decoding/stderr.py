"""What C libraries write to the standard error."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock

STDERR = 2


class Muted:
    """Sends it nowhere while at least one thread asks for that."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._users, self._kept = 0, -1

    @contextmanager
    def __call__(self) -> Iterator[None]:
        with self._lock:
            self._users += 1
            if self._users == 1:
                self._mute()
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if self._users == 0 and self._kept >= 0:
                    os.dup2(self._kept, STDERR)
                    os.close(self._kept)
                    self._kept = -1

    def _mute(self) -> None:
        with suppress(OSError):  # a process may have none
            self._kept = os.dup(STDERR)
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, STDERR)
            os.close(nowhere)


muted = Muted()
