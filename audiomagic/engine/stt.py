"""Transcriber: speech -> text, a recogniser behind a gate that hears whether anybody speaks.

The gate is needed: on silence and noise Whisper writes "you" or "Thank you." with conviction.
"""

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
MOST_THREADS = 4  # more do not make so small a model faster

FRAME = RATE // 50  # samples: 20 ms
LOUD_FRAMES = 5  # a level counts when it is reached for 0.1 s: a click is shorter, "up" longer
LEVEL = 0.1  # RMS that the loudest 0.1 s are brought to
SILENCE = 1e-5  # RMS (-100 dBFS): below is digital silence with dither

# Measured at LEVEL: noise, hum, tones, chords, clicks stay below 0.5; single words reach 0.7
SPEECH, LEAST_WINDOWS = 0.6, 2
MARGIN = RATE // 2  # samples of silence around: the gate needs a run-up, first words too
# Within a long recording the pauses are cut out; the margins keep soft first and last sounds.
FILTER = {"threshold": 0.35, "min_silence_duration_ms": 2000, "speech_pad_ms": 400}

Floats = NDArray[np.float32]


class Recogniser(Protocol):
    """What writes down speech; threads may use it at once."""

    def words(self, samples: Floats) -> str:
        """Return the words of float32 samples at RATE."""
        ...

    def count(self, text: str) -> int:
        """Count the tokens of a text."""
        ...


class Transcriber:
    """A recogniser and its gate, usable from several threads."""

    def __init__(self, recogniser: Recogniser) -> None:
        from faster_whisper.vad import get_vad_model

        self._recogniser = recogniser
        self._probabilities = get_vad_model()

    def transcribe(self, sound: Sound) -> str:
        """Return the words heard in `sound`, "" when nobody speaks in it."""
        samples = _levelled(sound.resample(RATE).samples)
        if samples is None or not self._anybody(samples):
            return ""
        heard = self._recogniser.words(samples).strip()
        return heard if any(character.isalnum() for character in heard) else ""

    def count(self, text: str) -> int:
        """Count the tokens of a text, as the recogniser's own tokenizer splits it."""
        return self._recogniser.count(text)

    def _anybody(self, samples: Floats) -> bool:
        """Tell whether anything in `samples` sounds like a voice."""
        whole = np.pad(samples, (0, -len(samples) % WINDOW))
        return int(np.sum(self._probabilities(whole) > SPEECH)) >= LEAST_WINDOWS


class Whisper:
    """A folder of a CTranslate2 Whisper model, opened (0.3-1 s and more); one call at a time.

    A multilingual one finds out the language by itself. Raises EngineError where the folder
    holds no such model.
    """

    def __init__(self, folder: Path) -> None:
        from faster_whisper import WhisperModel

        try:
            self._whisper = WhisperModel(
                str(folder),
                device="cpu",
                compute_type="int8",
                local_files_only=True,
                cpu_threads=min(_cores(), MOST_THREADS),
            )
        except (RuntimeError, ValueError) as error:
            why = one_line(error, 100)
            raise EngineError(
                f"{folder.name} holds no CTranslate2 Whisper model ({why})"
            ) from error
        self._one_at_a_time = Lock()  # two at once would only share the same cores

    def words(self, samples: Floats) -> str:
        """Return the words of float32 samples at RATE."""
        with self._one_at_a_time:
            segments, _ = self._whisper.transcribe(
                samples,
                beam_size=5,  # 0.05 s more than 1 on a short question, a sixth fewer errors
                temperature=0.0,  # hotter retries are slower, and differ from call to call
                condition_on_previous_text=False,  # one misheard window must not spoil the next
                vad_filter=True,
                vad_parameters=FILTER,
            )
            return " ".join(segment.text.strip() for segment in segments)

    def count(self, text: str) -> int:
        """Count the tokens of a text, as the recogniser's own tokenizer splits it."""
        return len(self._whisper.hf_tokenizer.encode(text, add_special_tokens=False).ids)


def _levelled(samples: Floats) -> Floats | None:
    """Bring speech of any loudness to one level, silence around it; None for digital silence."""
    samples = samples - samples.mean(dtype=np.float64) if len(samples) else samples
    frames = np.pad(samples, (0, -len(samples) % FRAME)).reshape(-1, FRAME).astype(np.float64)
    levels = np.sort(np.sqrt(np.mean(frames**2, axis=1)))
    if not len(levels) or levels[-1] < SILENCE:
        return None
    gain = LEVEL / max(levels[-LOUD_FRAMES:][0], SILENCE)
    return np.pad(np.clip(samples * gain, -1, 1).astype(np.float32), MARGIN)


def _cores() -> int:
    """Count the cores that this process may use: in a container often fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
