"""Upload: one recording, or one file, arriving from a page in numbered pieces."""

import time

from ..errors import SoundError
from ..sound import LONGEST, WIRE_RATE, Sound

LARGEST_FILE = 200_000_000  # bytes; the page says the same
LARGEST_PCM = 2 * WIRE_RATE * LONGEST
LEFT_ALONE = 3.0  # seconds without a piece, after which nobody records any more: a closed tab


class Upload:
    """Gathers pieces in their order: pcm16 at 24 kHz mono, or the bytes of a sound file."""

    def __init__(self, name: str, is_file: bool):
        self.name = name  # the page's own, random
        self.is_file = is_file
        self.next = 0  # number of the first piece that is not there
        self.asked_for: int | None = None  # the last missing piece that was asked for
        self._data = bytearray()
        self._touched = time.monotonic()

    @property
    def seconds(self) -> float:
        """Length so far; 0 for a file."""
        return 0.0 if self.is_file else len(self._data) / (2 * WIRE_RATE)

    @property
    def left_alone(self) -> bool:
        """Whether pieces have stopped coming."""
        return time.monotonic() - self._touched > LEFT_ALONE

    def add(self, number: int, piece: bytes) -> bool:
        """Upload a piece; one that is there already is passed over. False: one before it is missing.

        Raises SoundError when it gets longer than a message may be.
        """
        self._touched = time.monotonic()
        if number > self.next:
            return False
        if number == self.next:
            self._check_size(len(self._data) + len(piece))
            self._data += piece
            self.next += 1
        return True

    def sound(self, cut: tuple[int, int] | None = None) -> Sound:
        """Return what came; `cut` are the first and last sample to keep.

        Raises SoundError for a file that cannot be read, or when nothing came.
        """
        if self.is_file:
            return Sound.decode(bytes(self._data))
        whole = len(self._data) // 2
        first, last = cut or (0, whole)
        sound = Sound.from_pcm16(bytes(self._data[2 * first : 2 * min(last, whole)]))
        if len(sound.samples) == 0:
            raise SoundError("nothing was recorded")
        return sound

    def _check_size(self, size: int) -> None:
        if self.is_file and size > LARGEST_FILE:
            raise SoundError("the file is over 200 MB; cut it into parts")
        if not self.is_file and size > LARGEST_PCM:
            raise SoundError("the recording is longer than 40 minutes; make it in parts")


def span(value: object) -> tuple[int, int] | None:
    """Read what a page says of the first and last sample; None when it makes no sense."""
    match value:
        case [int(first), int(last)] if 0 <= first < last:
            return first, last
    return None
