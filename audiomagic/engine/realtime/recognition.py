"""Speech recognition beside a conversation: in a thread of its own, one sound after the other."""

from concurrent.futures import Future, ThreadPoolExecutor
from threading import Condition

from ...sound import Sound
from ..stt import Transcriber

MOST_WAITING = 20 * 60  # seconds of sound: as much as two full input buffers


class Recognition:
    """Recognises sounds in the order in which they come."""

    def __init__(self, transcriber: Transcriber):
        self._transcriber = transcriber
        self._thread = ThreadPoolExecutor(1, "realtime-recognise")
        self._waiting = 0.0  # seconds of sound
        self._changed = Condition()

    def begin(self, sound: Sound) -> "Future[str]":
        """Return the words that are going to be known, "" where nobody speaks."""
        seconds, waiting = sound.seconds, [sound]
        with self._changed:
            self._waiting += seconds
        words = self._thread.submit(lambda: self._transcriber.transcribe(waiting.pop()))

        def done(_: "Future[str]") -> None:
            waiting.clear()  # what is cancelled stays in the thread's queue, but not its sound
            with self._changed:
                self._waiting -= seconds
                self._changed.notify_all()

        words.add_done_callback(done)
        return words

    def wait_for_room(self) -> None:
        """Wait while too much waits, which nobody can say as fast as that."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting <= MOST_WAITING)

    def close(self) -> None:
        """Give up what was not begun; wait for what was."""
        self._thread.shutdown(cancel_futures=True)
