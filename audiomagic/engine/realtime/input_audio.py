"""The input audio buffer: what the client appended, and whose turn is heard in it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import soxr

from ...sound import WIRE_RATE
from ..stt import RATE, WINDOW, Floats
from .turn_detection import FRAME_MS, START_FRAMES, Change, TurnDetector
from .vad import VoiceActivity

SAMPLE = 2  # bytes
LONGEST = 10 * 60  # seconds that it holds: 28.8 MB
LONGEST_TURN = 5 * 60  # seconds after which a turn ends that has no pause


class InputBuffer:
    """pcm16 at 24 kHz by its time, in milliseconds of all that was ever appended.

    What is taken or forgotten is gone, but time goes on.
    """

    def __init__(self) -> None:
        self._pcm = bytearray()
        self._start = 0  # samples before the first that is there

    @property
    def end_ms(self) -> int:
        return _ms(self._start + len(self._pcm) // SAMPLE)

    @property
    def seconds(self) -> float:
        return len(self._pcm) / SAMPLE / WIRE_RATE

    def append(self, pcm: bytes) -> None:
        self._pcm += pcm

    def between(self, start_ms: int, end_ms: int) -> bytes:
        """Return what is still there of a time."""
        return bytes(self._pcm[self._at(start_ms) : self._at(end_ms)])

    def forget(self, before_ms: int) -> None:
        """Drop what is older."""
        cut = self._at(before_ms)
        del self._pcm[:cut]
        self._start += cut // SAMPLE

    def take(self) -> bytes:
        """Return all that is there, and drop it."""
        pcm = bytes(self._pcm)
        self._start += len(self._pcm) // SAMPLE
        self._pcm.clear()
        return pcm

    def _at(self, ms: int) -> int:
        offset = (ms * WIRE_RATE // 1000 - self._start) * SAMPLE
        return min(max(offset, 0), len(self._pcm))


@dataclass(frozen=True)
class Turn:
    """A change of whose turn it is; `start_ms` is where the turn began, its padding included."""

    change: Change
    start_ms: int
    at_ms: int


class TurnListener:
    """Hears whose turn it is in a stream of 24 kHz sound that begins at `now_ms`."""

    def __init__(self, now_ms: int, threshold: float, silence_ms: int, padding_ms: int):
        self._now_ms, self._padding_ms = now_ms, padding_ms
        self._first_ms = now_ms  # nothing is padded with what was another turn
        self._turn_ms = now_ms
        self._detector = TurnDetector(threshold, silence_ms)
        self._activity = VoiceActivity()
        self._resampler = soxr.ResampleStream(WIRE_RATE, RATE, 1, dtype="float32")
        self._rest: Floats = np.zeros(0, np.float32)

    @property
    def speaking(self) -> bool:
        return self._detector.speaking

    @property
    def needed_ms(self) -> int:
        """The time of the oldest sound that may still be part of a turn."""
        if self.speaking:
            return self._turn_ms
        before = self._now_ms - START_FRAMES * FRAME_MS - self._padding_ms
        return max(before, self._first_ms)

    @property
    def turn_ms(self) -> int:
        """When the turn began that goes on."""
        return self._turn_ms

    def hear(self, pcm: bytes) -> Iterator[Turn]:
        """Take the next sound; yield each change in it, as it is found."""
        samples = np.frombuffer(pcm, "<i2").astype(np.float32) / 2**15
        heard = np.concatenate([self._rest, self._resampler.resample_chunk(samples)])
        whole = len(heard) // WINDOW * WINDOW
        self._rest = heard[whole:]
        for start in range(0, whole, WINDOW):
            self._now_ms += FRAME_MS
            probability = self._activity.probability(heard[start : start + WINDOW])
            change = self._detector.step(probability)
            if change is None and self.speaking and self._is_too_long():
                self._detector.reset()
                change = Change.STOPPED
            if change is not None:
                yield self._turn(change)

    def reset(self) -> None:
        """Forget the turn that goes on: its sound was committed, or cleared."""
        self._detector.reset()
        self._first_ms = self._now_ms

    def _is_too_long(self) -> bool:
        return self._now_ms - self._turn_ms >= LONGEST_TURN * 1000

    def _turn(self, change: Change) -> Turn:
        if change is Change.STARTED:
            before = self._now_ms - START_FRAMES * FRAME_MS - self._padding_ms
            self._turn_ms = max(before, self._first_ms)
        if change is Change.STOPPED:
            self._first_ms = self._now_ms
        return Turn(change, self._turn_ms, self._now_ms)


def _ms(samples: int) -> int:
    return samples * 1000 // WIRE_RATE
