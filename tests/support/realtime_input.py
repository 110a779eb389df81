"""The user's sound at a Realtime server: a buffer, and a gate that takes loud for speech."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

FRAME = 960  # bytes: 20 ms of 24 kHz pcm16
MS = 48  # bytes
LOUD = 500  # root mean square of 16 bits: -36 dB
SHORTEST = 100 * MS  # that may be committed


class Speech(NamedTuple):
    """Speech began, or has ended with this sound; `ms` counts all sound ever appended."""

    ms: int
    sound: bytes | None = None


class InputBuffer:
    """Sound that was appended and not committed."""

    def __init__(self) -> None:
        self.kept = bytearray()
        self.speaking = False
        self._appended = 0  # bytes, in whole frames
        self._quiet = 0  # bytes since something was loud
        self._rest = b""  # less than a frame

    def append(self, pcm: bytes, detection: dict[str, Any] | None) -> Iterator[Speech]:
        """Take sound in; without detection, it is only kept."""
        if detection is None:
            self.kept += pcm
            self._appended += len(pcm)
            return
        pcm = self._rest + pcm
        whole = len(pcm) - len(pcm) % FRAME
        self._rest = pcm[whole:]
        for start in range(0, whole, FRAME):
            yield from self._frame(pcm[start : start + FRAME], detection)

    def _frame(self, frame: bytes, detection: dict[str, Any]) -> Iterator[Speech]:
        samples = np.frombuffer(frame, "<i2").astype(np.float64)
        loud = bool(np.sqrt(np.mean(samples**2)) > LOUD)
        self.kept += frame
        self._appended += len(frame)
        self._quiet = 0 if loud else self._quiet + len(frame)
        if not self.speaking:
            if loud:
                self.speaking = True
                yield Speech((self._appended - len(self.kept)) // MS)
            else:  # silence is dropped, and not billed
                del self.kept[
                    : max(0, len(self.kept) - detection.get("prefix_padding_ms", 300) * MS)
                ]
        elif self._quiet >= detection.get("silence_duration_ms", 500) * MS:
            yield Speech(self._appended // MS, self.take())

    def take(self) -> bytes:
        """Empty the buffer."""
        taken = bytes(self.kept)
        self.kept.clear()
        self.speaking = False
        return taken
