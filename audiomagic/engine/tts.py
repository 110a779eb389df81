"""Speech synthesis: thirteen voices, made from the one that hibari has, and how they speak.

A voice scales the melody before the vocoder, which moves the pitch alone, and resamples the sound,
which moves formants, too.
"""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np

from ..sound import Sound
from .prosody import PLAIN, Prosody
from .vocoder import Floats, Frames

RATE = 24_000  # Hz, of hibari and of what comes out
UNNAMED_NUMBER = re.compile(r"\d(?:,?\d){36,}")  # hibari has names up to the decillions
# The model rounds each sound to whole frames, so that its tempo follows `speed` by steps, the
# largest at 4/3: what comes out (over twelve sentences), and the `speed` that it takes; beyond the
# ends it stays there.
TEMPO = (0.25, 0.50, 0.60, 0.71, 0.81, 0.90, 0.95, 1.0, 1.03, 1.10, 1.14,
         1.29, 1.30, 1.36, 1.49, 1.54, 1.58, 1.66, 1.77, 1.95, 2.05)  # fmt: skip
SPEED = (0.25, 0.50, 0.60, 0.70, 0.80, 0.85, 0.90, 1.0, 1.10, 1.20, 1.30,
         1.332, 1.335, 1.336, 1.40, 1.50, 1.60, 1.80, 2.00, 2.50, 3.00)  # fmt: skip
LOUDNESS = 0.1  # RMS of the speech: -20 dBFS
PEAK, KNEE = 0.95, 0.7  # nothing is louder than PEAK; the rare peaks above KNEE are bent
AUDIBLE = 0.005  # RMS of a 10 ms frame that counts as sound (-46 dBFS)
LEAD_IN, TAIL, PAUSE = 0.04, 0.06, 0.22  # seconds kept before, after, and up to the next sentence
AT_COMMA = 0.3  # seconds that the model pauses there
FADE_IN, FADE_OUT = 0.008, 0.03  # seconds
COMMA = re.compile(r"(?<=[,;:—–]) ")


@dataclass(frozen=True)
class Voice:
    """A way to speak: `formant` and `pitch` are factors on frequencies, `pace` on the tempo."""

    name: str
    formant: float
    pitch: float
    pace: float
    like: str


@cache
def voices() -> dict[str, Voice]:
    """Return the voices of voices.toml by name."""
    table = tomllib.loads((files(__package__) / "voices.toml").read_text(encoding="utf-8"))
    return {name: Voice(name, **entry) for name, entry in table.items()}


class Synthesizer:
    """A loaded hibari model (0.6-1 s with its dictionary); threads may use it at once."""

    def __init__(self, model: Path) -> None:
        import hibari

        # With `model`: for a voice without a file hibari would download one.
        self._hibari = hibari.Hibari(voice="heart", model=str(model), threads=1)
        self.synthesize("Hello.", "alloy")  # reads the dictionary, warms the network: 0.4 s

    def synthesize(self, text: str, voice: Voice | str, prosody: Prosody = PLAIN) -> Sound:
        """Return `text` spoken: mono at 24 kHz, the same in each call, at -20 dBFS unless the
        prosody makes it louder or quieter.

        Where there is nothing to pronounce the Sound has no samples: see `speakable`. Raises
        KeyError for an unknown voice.
        """
        voice = voices()[voice] if isinstance(voice, str) else voice
        parts = [
            _finish(self._render(phrase, voice, prosody), prosody, pause)
            for phonemes in self.phonemes(text)
            for phrase, pause in _phrases(phonemes, prosody)
            if any(symbol.isalpha() for symbol in phrase)  # a lone "..." would be noise
        ]
        return Sound(np.concatenate([*parts, np.zeros(0, np.float32)]), RATE)

    def phonemes(self, text: str) -> list[str]:
        """Return the phonemes of each sentence; a number without a name is read by its digits."""
        parted = UNNAMED_NUMBER.sub(lambda number: " ".join(number[0].replace(",", "")), text)
        return list(self._hibari.phonemize(parted))

    def _render(self, phonemes: str, voice: Voice, prosody: Prosody) -> Floats:
        """Run network and vocoder on one phrase of phonemes; see `hibari.Hibari.from_ids`."""
        import soxr

        # resampling by `formant` changes the tempo, too, for which the model makes up
        speed = np.interp(voice.pace * prosody.pace / voice.formant, TEMPO, SPEED)
        inputs = {
            "ids": np.asarray([self._hibari.ids(phonemes)], np.int64),
            "speed": np.asarray([speed], np.float32),
        }
        frames = Frames(*(output[0] for output in self._hibari.sess.run(None, inputs)))
        frames = frames.sung(voice.pitch * prosody.pitch, prosody.melody)
        spoken = frames.breathed(prosody.breath).tilted(prosody.brightness).samples()
        return np.asarray(soxr.resample(spoken, RATE * voice.formant, RATE), np.float32)

    @staticmethod
    def sentences(text: str) -> list[str]:
        """Split into sentences that `synthesize` can speak one by one."""
        from hibari import Hibari

        return [str(sentence) for sentence in Hibari.split_sentences(text)]


def _phrases(phonemes: str, prosody: Prosody) -> list[tuple[str, float]]:
    """Split a sentence where somebody makes a pause, and tell for how many seconds.

    By itself, the model pauses at a comma, at its own tempo.
    """
    longer = prosody.pauses / max(prosody.pace, 0.1)
    if prosody.pauses <= 1:
        return [(phonemes, PAUSE * longer)]
    return [(phrase, AT_COMMA * longer) for phrase in COMMA.split(phonemes)]


def _finish(samples: Floats, prosody: Prosody, pause: float) -> Floats:
    """Bring a phrase to its loudness, cut its ends, fade them, and let a pause follow."""
    frame = RATE // 100
    whole = np.pad(samples, (0, -len(samples) % frame)).reshape(-1, frame)
    power = np.mean(whole.astype(np.float64) ** 2, axis=1)
    if not power.any():
        return np.zeros(0, np.float32)
    gain = LOUDNESS / np.sqrt(power[power > power.max() / 1000].mean())  # of the speech, not gaps
    heard = np.flatnonzero(power * gain**2 > AUDIBLE**2)
    start = max(0, int(heard[0] * frame - LEAD_IN * RATE))
    end = min(len(samples), int((heard[-1] + 1) * frame + TAIL * RATE))
    kept = samples[start:end] * np.float32(gain * 10 ** (prosody.loudness / 20))
    size = np.abs(kept)
    bent = KNEE + (PEAK - KNEE) * np.tanh((size - KNEE) / (PEAK - KNEE))
    kept = np.where(size > KNEE, np.copysign(bent, kept), kept).astype(np.float32)
    for ramp, where in ((FADE_IN, kept), (FADE_OUT, kept[::-1])):
        n = min(int(ramp * RATE), len(kept))
        where[:n] *= np.linspace(0, 1, n, dtype=np.float32)
    return np.pad(kept, (0, max(0, int((pause - TAIL) * RATE))))
