"""Speech recognition, behind voice activity detection: Whisper hears "Thank you." in noise."""

import os
from pathlib import Path
from threading import Lock
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import EngineError, one_line
from ..sound import Sound

RATE = 16_000  # Hz, of both models
WINDOW = 512  # samples (32 ms) that get one probability of speech
MAX_THREADS = 4  # more do not make so small a model faster

FRAME = RATE // 50  # samples: 20 ms
LOUD_FRAMES = 5  # 0.1 s: a click is shorter, the word "up" longer
LEVEL = 0.1  # RMS to which the loudest 0.1 s are scaled
SILENCE = 1e-5  # RMS (-100 dBFS): below is digital silence with dither

# Measured at LEVEL: noise, hum, tones, chords, clicks stay below 0.5; single words reach 0.7
SPEECH, MIN_WINDOWS = 0.6, 2
MARGIN = RATE // 2  # samples of silence around, which the detection and first words need
# Within a long recording the pauses are cut out; the margins keep soft first and last sounds.
FILTER = {"threshold": 0.35, "min_silence_duration_ms": 2000, "speech_pad_ms": 400}

Floats = NDArray[np.float32]


class Recognizer(Protocol):
    """A model that writes down float32 samples at RATE; threads may use it at once."""

    def words(self, samples: Floats) -> str: ...


class Transcriber:
    """A recognizer behind voice activity detection; threads may use it at once."""

    def __init__(self, recognizer: Recognizer) -> None:
        from faster_whisper.vad import get_vad_model

        self._recognizer = recognizer
        self._speech_probabilities = get_vad_model()

    def transcribe(self, sound: Sound) -> str:
        """Return the words that are spoken in `sound`, "" when nobody speaks."""
        samples = _normalized(sound.resample(RATE).samples)
        if samples is None:
            return ""
        padded = np.pad(samples, (0, -len(samples) % WINDOW))
        if np.sum(self._speech_probabilities(padded) > SPEECH) < MIN_WINDOWS:
            return ""
        words = self._recognizer.words(samples).strip()
        return words if any(character.isalnum() for character in words) else ""


class Whisper:
    """A CTranslate2 Whisper model, opened from its folder (0.3-1 s and more).

    A multilingual model detects the language. Raises EngineError when it cannot be opened.
    """

    def __init__(self, folder: Path) -> None:
        from faster_whisper import WhisperModel

        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        threads = min(cores or 1, MAX_THREADS)
        try:
            self._whisper = WhisperModel(str(folder), "cpu", 0, "int8", threads)
        except (RuntimeError, ValueError) as error:
            line = f"{folder.name} is not a CTranslate2 Whisper model ({one_line(error, 100)})"
            raise EngineError(line) from error
        self._lock = Lock()  # two calls at once would only share the same cores

    def words(self, samples: Floats) -> str:
        with self._lock:
            segments, _ = self._whisper.transcribe(
                samples,
                beam_size=5,  # 0.05 s more than 1 on a short question, a sixth fewer errors
                temperature=0.0,  # hotter retries are slower, and differ from call to call
                condition_on_previous_text=False,  # one misheard window must not spoil the next
                vad_filter=True,
                vad_parameters=FILTER,
            )
            return " ".join(segment.text.strip() for segment in segments)


def _normalized(samples: Floats) -> Floats | None:
    """Scale speech to LEVEL and pad it with silence; None for digital silence."""
    centred = samples - (samples.mean(dtype=np.float64) if len(samples) else 0)
    frames = np.pad(centred, (0, -len(samples) % FRAME)).reshape(-1, FRAME).astype(np.float64)
    levels = np.sort(np.sqrt(np.mean(frames**2, axis=1)))
    if not len(levels) or levels[-1] < SILENCE:
        return None
    gain = LEVEL / max(levels[-LOUD_FRAMES:][0], SILENCE)
    return np.pad(np.clip(centred * gain, -1, 1).astype(np.float32), MARGIN)
