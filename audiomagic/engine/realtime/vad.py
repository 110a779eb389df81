"""Voice activity, frame by frame: how likely it is that somebody speaks."""

from typing import Any

import numpy as np

from ..stt import LEVEL, RATE, Floats

CONTEXT = 64  # samples of the frame before, with which each is read
LOUDEST_GAIN = 30.0  # 30 dB: what is quieter than 1/30 of LEVEL is not speech near a microphone
RISE, FALL = 0.1, 10.0  # seconds in which the level follows what is louder, and what is quieter


class VoiceActivity:
    """Silero's model, one frame after the other of one stream of sound; for one thread at a time.

    Its probabilities are those of the whole sound at once: it carries the same state (measured:
    they differ by 0.0). One frame takes some 0.1 ms.
    """

    def __init__(self) -> None:
        from faster_whisper.vad import get_vad_model

        self._model: Any = get_vad_model().session
        self._hidden = self._cell = np.zeros((1, 1, 128), np.float32)
        self._before = np.zeros(CONTEXT, np.float32)
        self._gain = Gain()

    def probability(self, frame: Floats) -> float:
        """Return the probability of speech in the next 512 samples (`stt.WINDOW`) at 16 kHz."""
        frame = self._gain.level(frame)
        inputs = {
            "input": np.concatenate([self._before, frame])[np.newaxis],
            "h": self._hidden,
            "c": self._cell,
        }
        found, self._hidden, self._cell = self._model.run(None, inputs)
        self._before = frame[-CONTEXT:]
        return float(np.ravel(found)[0])


class Gain:
    """Brings a stream slowly to LEVEL, at which the thresholds of the detection were measured.

    It follows a voice up at once, lest it distort, and down over seconds, lest pauses grow loud.
    """

    def __init__(self) -> None:
        self._level = 0.0  # RMS of the loudest parts of late

    def level(self, frame: Floats) -> Floats:
        """Return the next frame of a stream, scaled, within [-1, 1]."""
        seconds = len(frame) / RATE
        rms = float(np.sqrt(np.mean(np.square(frame, dtype=np.float64))))
        slowness = RISE if rms > self._level else FALL
        self._level += (rms - self._level) * min(1.0, seconds / slowness)
        gain = min(LEVEL / max(self._level, LEVEL / LOUDEST_GAIN), LOUDEST_GAIN)
        scaled: Floats = np.clip(frame * np.float32(gain), -1, 1)
        return scaled
