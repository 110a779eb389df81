"""Upload: one recording, or one file, that arrives from a page in numbered chunks."""

import time

from ..errors import SoundError
from ..sound import LONGEST, WIRE_RATE, Sound

LARGEST_FILE = 200_000_000  # bytes; the page says the same
LARGEST_PCM = 2 * WIRE_RATE * LONGEST
PATIENCE = 3.0  # seconds without a chunk, after which the tab must have been closed


class Upload:
    """Collects chunks in their order: pcm16 at 24 kHz mono, or the bytes of a sound file."""

    def __init__(self, take: str, is_file: bool):
        self.take = take  # the page's own random id
        self.is_file = is_file
        self.next = 0  # number of the first chunk that is missing
        self.requested: int | None = None  # the last missing chunk that was requested
        self._data = bytearray()
        self._touched = time.monotonic()

    @property
    def seconds(self) -> float:
        """Length so far; 0 for a file."""
        return 0.0 if self.is_file else len(self._data) / (2 * WIRE_RATE)

    @property
    def abandoned(self) -> bool:
        """Whether chunks have stopped coming."""
        return time.monotonic() - self._touched > PATIENCE

    def add(self, number: int, chunk: bytes) -> bool:
        """Add a chunk, unless it is there already; return False if one before it is missing.

        Raises SoundError when the sound gets larger than a message may be.
        """
        self._touched = time.monotonic()
        if number == self.next:
            size = len(self._data) + len(chunk)
            if self.is_file and size > LARGEST_FILE:
                raise SoundError("the file is larger than 200 MB; split it into parts")
            if not self.is_file and size > LARGEST_PCM:
                raise SoundError("the recording is longer than 40 minutes; record it in parts")
            self._data += chunk
            self.next += 1
        return number < self.next

    def sound(self, span: tuple[int, int] | None = None) -> Sound:
        """Return what arrived; `span` is the first sample to keep, and the first one not to.

        Raises SoundError for a file that cannot be read, or if nothing arrived.
        """
        if self.is_file:
            return Sound.decode(bytes(self._data))
        whole = len(self._data) // 2
        first, last = span or (0, whole)
        sound = Sound.from_pcm16(bytes(self._data[2 * first : 2 * min(last, whole)]))
        if len(sound.samples) == 0:
            raise SoundError("nothing was recorded")
        return sound
