"""When the user spoke, on the clock of the server's voice detection: sound that was appended."""

from dataclasses import dataclass, field
from threading import Lock

from ...sound import WIRE_RATE, pcm16_seconds
from .events import Event, item_id
from .transcripts import COMMITTED

STARTED, STOPPED = "input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped"
LONGEST = 600  # seconds of sound that are kept: more than anybody speaks without a pause
MILLISECOND = 2 * WIRE_RATE // 1000  # bytes


@dataclass(frozen=True)
class SpokenItem:
    """What the user said: an item of the conversation, and its sound (24 kHz pcm16)."""

    item: str
    pcm: bytes = field(repr=False)

    @property
    def seconds(self) -> float:
        return pcm16_seconds(self.pcm)


class SpeechClock:
    """Keeps the last sound that was appended, until an item is made of it.

    A server names the item when speech starts, and counts milliseconds of all that was appended.
    """

    def __init__(self) -> None:
        self._changing = Lock()  # sound comes from another thread than events
        self._pcm = bytearray()
        self._dropped = 0  # bytes before it
        self._spans: dict[str, tuple[int, int | None]] = {}  # by item, milliseconds

    def append(self, pcm: bytes) -> None:
        with self._changing:
            self._pcm += pcm
            if (surplus := len(self._pcm) - LONGEST * 1000 * MILLISECOND) > 0:
                self._drop(surplus)

    def add(self, event: Event) -> SpokenItem | None:
        """Take an event; return what the user said once it is committed."""
        item = item_id(event)
        if event["type"] == STARTED:
            self._spans[item] = _milliseconds(event, "audio_start_ms"), None
        elif event["type"] == STOPPED and item in self._spans:
            start, _ = self._spans[item]
            self._spans[item] = start, _milliseconds(event, "audio_end_ms")
        elif event["type"] == COMMITTED:
            start, end = self._spans.pop(item, (0, None))
            with self._changing:
                return SpokenItem(item, self._take(start, end))
        return None

    def _take(self, start: int, end: int | None) -> bytes:
        """Return the sound between two milliseconds, and drop what is before its end."""
        first = max(0, start * MILLISECOND - self._dropped)
        last = len(self._pcm) if end is None else max(0, end * MILLISECOND - self._dropped)
        pcm = bytes(self._pcm[first:last])
        self._drop(last)
        return pcm

    def _drop(self, count: int) -> None:
        dropped = min(count, len(self._pcm))
        del self._pcm[:dropped]
        self._dropped += dropped


def _milliseconds(event: Event, name: str) -> int:
    value = event.get(name)
    return value if type(value) is int and value >= 0 else 0
