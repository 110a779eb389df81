"""Microphone: sends its sound to a session, in a thread of its own.

Sound comes in a thread that must not wait for a network. What is a second late is dropped: nobody
converses with the past.
"""

from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread

from ..errors import ConnectionFailed
from ..sound import pcm16_seconds
from ..transports.realtime.session import RealtimeSession

LATE = 1.0  # seconds


class Microphone:
    def __init__(self, session: RealtimeSession, late: Callable[[], object]):
        """`late` is called when sound was dropped, since the network does not keep up."""
        self._session, self._late = session, late
        self._queue: SimpleQueue[bytes | None] = SimpleQueue()  # None ends a turn
        self._open = True
        self._thread = Thread(target=self._send, name="microphone", daemon=True)
        self._thread.start()

    def append(self, pcm: bytes) -> None:
        """Send 24 kHz pcm16."""
        if self._queue.qsize() * pcm16_seconds(pcm) > LATE:  # frames are of one length
            self._late()
        else:
            self._queue.put(pcm)

    def commit(self) -> None:
        """Make a turn of what was appended."""
        self._queue.put(None)

    def close(self) -> None:
        self._open = False
        self._queue.put(b"")
        self._thread.join()

    def _send(self) -> None:
        while self._open:
            pcm = self._queue.get()
            try:
                if pcm is None:
                    self._session.commit()
                elif pcm:
                    self._session.append(pcm)
            except ConnectionFailed:  # whoever reads the session learns of it, too
                return
