"""Crossfader: the sounds of passages one after another, as if they were spoken in one go.

At a seam, silence becomes the pause that is asked for, and the speech beside it fades, so that no
sample jumps. All else passes as it came: speech 10 ms later, what is quiet once it is known that
no seam follows, a second later at most. What is heard live is thus what is kept.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..sound import WIRE_RATE, Sound

FRAME = WIRE_RATE // 100  # samples: 10 ms, of which loudness is measured, and over which it fades
AUDIBLE = 0.001  # RMS of a frame of speech, at the least: -60 dBFS, ...
BELOW = 0.02  # ... and as a part of the loudest frame so far, -34 dB: a room's noise is no speech
LEAD, RING = 6 * FRAME, 10 * FRAME  # samples of quiet kept before and after speech: its edges
HELD = WIRE_RATE  # samples of quiet, at most, that wait for a seam

Samples = NDArray[np.int16]
NOTHING: Samples = np.zeros(0, np.int16)


class Crossfader:
    """Joins 24 kHz pcm16: `feed` a passage piece by piece, `part`, feed the next, ..., `end`.

    Each of them returns the pcm16 that is due, perhaps none.
    """

    def __init__(self) -> None:
        self._rest = b""  # of the passage: less than a frame
        self._held = NOTHING  # the last frame of speech and the quiet since; or before the first
        self._loudest = 0.0  # RMS of a frame so far
        self._parted = False  # whether the speech behind a seam is still to begin
        self._silence = 0  # samples that are then still to come before it

    def feed(self, pcm: bytes) -> bytes:
        """Take a piece of the passage, of any size."""
        data = self._rest + pcm
        whole = len(data) - len(data) % (2 * FRAME)
        self._rest = data[whole:]
        frames = np.frombuffer(data[:whole], "<i2").reshape(-1, FRAME)
        return b"".join(self._due(frame).tobytes() for frame in frames)

    def part(self, pause: float) -> bytes:
        """End the passage: `pause` seconds after its last sound the next one's first is due.

        A passage without any sound leaves the longer one of the pauses around it.
        """
        tail, wanted = self._tail(), round(pause * WIRE_RATE)
        if self._parted:
            self._silence = max(self._silence, wanted)
            return b""
        kept = tail[: FRAME + min(RING, wanted // 2)].copy()
        faded = kept[-FRAME:]
        faded[:] = faded * np.linspace(1, 0, len(faded))
        self._parted, self._silence = True, wanted - max(0, len(kept) - FRAME)
        return kept.tobytes()

    def end(self) -> bytes:
        """End the last passage, as it is."""
        tail = self._tail()
        return b"" if self._parted else tail.tobytes()

    def _due(self, frame: Samples) -> Samples:
        """Take a frame; return what no seam can change any more."""
        loudness = float(np.sqrt(np.mean((frame / 32_768) ** 2)))
        self._loudest = max(self._loudest, loudness)
        if loudness <= max(AUDIBLE, BELOW * self._loudest):
            self._held = np.concatenate((self._held, frame))
            if self._parted:
                self._held, due = self._held[-LEAD:], NOTHING
            else:
                due, self._held = np.split(self._held, [max(0, len(self._held) - HELD)])
            return due
        due = self._begun(frame) if self._parted else np.concatenate((self._held, frame))
        self._held, self._parted = due[-FRAME:], False
        return due[:-FRAME]

    def _begun(self, frame: Samples) -> Samples:
        """What leads to the first sound behind a seam: silence, then the edge of the speech."""
        lead = min(len(self._held), self._silence)
        edge = np.concatenate((self._held[len(self._held) - lead :], frame))
        edge[:FRAME] = edge[:FRAME] * np.linspace(0, 1, FRAME)
        return np.concatenate((np.zeros(self._silence - lead, np.int16), edge))

    def _tail(self) -> Samples:
        rest = self._rest[: len(self._rest) // 2 * 2]  # half a sample is none
        tail = np.concatenate((self._held, np.frombuffer(rest, "<i2")))
        self._rest, self._held = b"", NOTHING
        return tail


def join(sounds: Sequence[Sound], pauses: Sequence[float]) -> Sound:
    """Return sounds as one at 24 kHz; `pauses` are the seconds between each and the next."""
    seam = Crossfader()
    joined = [
        seam.feed(sound.pcm16()) + seam.part(pause)
        for sound, pause in zip(sounds[:-1], pauses, strict=True)
    ]
    joined += [seam.feed(sound.pcm16()) for sound in sounds[-1:]]
    return Sound.from_pcm16(b"".join((*joined, seam.end())))
