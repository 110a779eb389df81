"""Speech recognition, behind voice activity detection: Whisper hears "Thank you." in noise."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import EngineError, one_line
from ..sound import Sound

if TYPE_CHECKING:
    from faster_whisper.transcribe import Segment

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


@dataclass(frozen=True)
class Hints:
    """What a caller knows of the speech: its language ("en"; None: detect it), words before it."""

    language: str | None = None
    prompt: str | None = None
    temperature: float = 0.0


@dataclass(frozen=True)
class Transcript:
    """What was said: segments with their times, from the sound's start, and the language."""

    segments: tuple["Segment", ...] = ()
    language: str = "en"

    @property
    def text(self) -> str:
        return " ".join(segment.text.strip() for segment in self.segments)


class Recognizer(Protocol):
    """A model that writes down float32 samples at RATE; threads may use it at once."""

    def words(self, samples: Floats) -> str: ...


class Transcriber:
    """A recognizer behind voice activity detection; threads may use it at once."""

    def __init__(self, recognizer: Recognizer) -> None:
        from faster_whisper.vad import get_vad_model

        self._recognizer = recognizer
        self._speech_probabilities = get_vad_model()

    @property
    def languages(self) -> Sequence[str] | None:
        """The languages that may be named, as ISO 639-1 codes; None for a model on a server."""
        return self._recognizer.languages if isinstance(self._recognizer, Whisper) else None

    def transcribe(self, sound: Sound) -> str:
        """Return the words that are spoken in `sound`, "" when nobody speaks."""
        samples = self._speech(sound)
        return _spoken(self._recognizer.words(samples)) if samples is not None else ""

    def transcript(self, sound: Sound, hints: Hints, word_times: bool = False) -> Transcript:
        """Return what is spoken with its times. Raises EngineError for a model on a server."""
        if not isinstance(self._recognizer, Whisper):
            raise EngineError("speech recognition on a server tells no times, and takes no hints")
        samples = self._speech(sound)
        if samples is None:
            return Transcript((), hints.language or "en")
        heard = self._recognizer.transcript(samples, hints, word_times)
        if not _spoken(heard.text):
            return replace(heard, segments=())
        return replace(heard, segments=tuple(_shifted(s, sound.seconds) for s in heard.segments))

    def _speech(self, sound: Sound) -> Floats | None:
        """Return samples for the recognizer, with a MARGIN around; None when nobody speaks."""
        samples = _normalized(sound.resample(RATE).samples)
        if samples is None:
            return None
        padded = np.pad(samples, (0, -len(samples) % WINDOW))
        windows = np.sum(self._speech_probabilities(padded) > SPEECH)
        return samples if windows >= MIN_WINDOWS else None


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

    @property
    def languages(self) -> Sequence[str]:
        return list(self._whisper.supported_languages)

    def words(self, samples: Floats) -> str:
        return self.transcript(samples, Hints()).text

    def transcript(self, samples: Floats, hints: Hints, word_times: bool = False) -> Transcript:
        with self._lock:
            segments, found = self._whisper.transcribe(
                samples,
                language=hints.language,
                initial_prompt=hints.prompt,
                beam_size=5,  # 0.05 s more than 1 on a short question, a sixth fewer errors
                # By default 0: hotter retries are slower, and differ from call to call.
                temperature=hints.temperature,
                condition_on_previous_text=False,  # one misheard window must not spoil the next
                word_timestamps=word_times,
                vad_filter=True,
                vad_parameters=FILTER,
            )
            return Transcript(tuple(segments), found.language)


def _spoken(words: str) -> str:
    words = words.strip()
    return words if any(character.isalnum() for character in words) else ""


def _shifted(segment: "Segment", seconds: float) -> "Segment":
    """Count a segment's times from the start of the sound, not from that of its margin."""

    def at(time: float) -> float:
        return round(min(max(time - MARGIN / RATE, 0.0), seconds), 2)

    words = [replace(w, start=at(w.start), end=at(w.end)) for w in segment.words or ()]
    return replace(segment, start=at(segment.start), end=at(segment.end), words=words)


def _normalized(samples: Floats) -> Floats | None:
    """Scale speech to LEVEL and pad it with silence; None for digital silence."""
    centred = samples - (samples.mean(dtype=np.float64) if len(samples) else 0)
    frames = np.pad(centred, (0, -len(samples) % FRAME)).reshape(-1, FRAME).astype(np.float64)
    levels = np.sort(np.sqrt(np.mean(frames**2, axis=1)))
    if not len(levels) or levels[-1] < SILENCE:
        return None
    gain = LEVEL / max(levels[-LOUD_FRAMES:][0], SILENCE)
    return np.pad(np.clip(centred * gain, -1, 1).astype(np.float32), MARGIN)
