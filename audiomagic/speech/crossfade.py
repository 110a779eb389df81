"""The sounds of chunks one after another, as if they were spoken in one go.

Between two chunks, silence becomes the pause that is asked for, and the speech beside it fades, so
that no sample jumps. All else passes as it came: speech 10 ms later; quiet once it is known that
the chunk goes on, a second later at most. What is heard live is thus what is kept.
"""

import numpy as np
from numpy.typing import NDArray

from ..sound import WIRE_RATE
from .silence import frame_size, levels, threshold

FRAME = frame_size(WIRE_RATE)  # samples, over which loudness is measured, and speech fades
LEAD, TAIL = 6 * FRAME, 10 * FRAME  # samples of quiet kept before and after speech: its edges
HELD = WIRE_RATE  # samples of quiet, at most, that wait for the end of a chunk

Samples = NDArray[np.int16]
NOTHING: Samples = np.zeros(0, np.int16)


class Crossfader:
    """Joins 24 kHz pcm16: `feed` a chunk bit by bit, `part`, feed the next, ..., `end`.

    Each of them returns the pcm16 that is due, if any.
    """

    def __init__(self) -> None:
        self._rest = b""  # of the chunk: less than a frame
        self._held = NOTHING  # the last frame of speech and the quiet since; or before the first
        self._loudest = 0.0  # RMS of a frame so far
        self._between = False  # whether a chunk has ended, and the next one's speech not begun
        self._silence = 0  # samples that are then still to come before it

    def feed(self, pcm: bytes) -> bytes:
        data = self._rest + pcm
        whole = len(data) - len(data) % (2 * FRAME)
        self._rest = data[whole:]
        samples = np.frombuffer(data[:whole], "<i2")
        loudness = levels(samples / 32_768, FRAME)
        frames = zip(samples.reshape(-1, FRAME), loudness, strict=True)
        return b"".join(self._due(frame, float(level)).tobytes() for frame, level in frames)

    def part(self, pause: float) -> bytes:
        """End the chunk: `pause` seconds after its last sound the next chunk's first is due."""
        tail, wanted = self._tail(), round(pause * WIRE_RATE)
        if self._between:  # it had no sound
            self._silence = max(self._silence, wanted)
            return b""
        kept = tail[: FRAME + min(TAIL, wanted // 2)].copy()
        faded = kept[-FRAME:]
        faded[:] = faded * np.linspace(1, 0, len(faded))
        self._between, self._silence = True, wanted - max(0, len(kept) - FRAME)
        return kept.tobytes()

    def end(self) -> bytes:
        tail = self._tail()
        return b"" if self._between else tail.tobytes()

    def _due(self, frame: Samples, level: float) -> Samples:
        """Take a frame; return what the end of the chunk cannot change any more."""
        self._loudest = max(self._loudest, level)
        if level <= threshold(self._loudest):
            self._held = np.concatenate((self._held, frame))
            if self._between:
                self._held, due = self._held[-LEAD:], NOTHING
            else:
                due, self._held = np.split(self._held, [max(0, len(self._held) - HELD)])
            return due
        due = self._begun(frame) if self._between else np.concatenate((self._held, frame))
        self._held, self._between = due[-FRAME:], False
        return due[:-FRAME]

    def _begun(self, frame: Samples) -> Samples:
        """Return what leads to a chunk's first sound: silence, then the edge of the speech."""
        lead = min(len(self._held), self._silence)
        edge = np.concatenate((self._held[len(self._held) - lead :], frame))
        edge[:FRAME] = edge[:FRAME] * np.linspace(0, 1, FRAME)
        return np.concatenate((np.zeros(self._silence - lead, np.int16), edge))

    def _tail(self) -> Samples:
        rest = self._rest[: len(self._rest) // 2 * 2]  # without half a sample
        tail = np.concatenate((self._held, np.frombuffer(rest, "<i2")))
        self._rest, self._held = b"", NOTHING
        return tail
