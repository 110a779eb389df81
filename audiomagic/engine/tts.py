"""Speech synthesis: thirteen voices, made from the one that hibari has.

Per 12.5 ms frame, hibari's network gives its vocoder a spectrum and a melody (F0). A voice scales
the melody, which moves the pitch alone, then resamples the sound, which moves formants, too.
"""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..sound import Sound

RATE = 24_000  # Hz, of hibari and of what comes out
UNNAMED_NUMBER = re.compile(r"\d(?:,?\d){36,}")  # hibari has names up to the decillions
SEED = 1  # of the breath noise: the same text sounds the same, bit by bit
# The model rounds each sound to whole frames, so that its tempo follows `speed` by steps: what
# comes out (over ten sentences), and the `speed` that it takes; beyond the ends it stays there.
TEMPO = (0.25, 0.50, 0.71, 0.81, 0.95, 1.0, 1.04, 1.07, 1.15, 1.51, 1.59, 1.79, 2.11)
SPEED = (0.25, 0.50, 0.70, 0.80, 0.90, 1.0, 1.10, 1.18, 1.25, 1.40, 1.60, 2.00, 3.00)
BIN = 20.0  # Hz between two rows of the network's spectrum
VOICED = 40.0  # Hz: hibari marks unvoiced frames by a lower F0
LOUDNESS = 0.1  # RMS of the speech: -20 dBFS
PEAK, KNEE = 0.95, 0.7  # nothing is louder than PEAK; the rare peaks above KNEE are bent
AUDIBLE = 0.005  # RMS of a 10 ms frame that counts as sound (-46 dBFS)
LEAD_IN, TAIL, PAUSE = 0.04, 0.06, 0.22  # seconds kept before, after, and up to the next sentence
FADE_IN, FADE_OUT = 0.008, 0.03  # seconds

Floats = NDArray[np.float32]


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

    def synthesize(self, text: str, voice: Voice | str, pace: float = 1.0) -> Sound:
        """Return `text` spoken: mono at 24 kHz, -20 dBFS, the same in each call.

        `pace` (0.25 to 2) multiplies the voice's own tempo. Where there is nothing to pronounce the
        Sound has no samples: see `speakable`. Raises KeyError for an unknown voice.
        """
        voice = voices()[voice] if isinstance(voice, str) else voice
        parts = [
            _finish(self._render(phonemes, voice, pace))
            for phonemes in self.phonemes(text)
            if any(symbol.isalpha() for symbol in phonemes)  # a lone "..." would be noise
        ]
        return Sound(np.concatenate([*parts, np.zeros(0, np.float32)]), RATE)

    def phonemes(self, text: str) -> list[str]:
        """Return the phonemes of each sentence; a number without a name is read by its digits."""
        parted = UNNAMED_NUMBER.sub(lambda number: " ".join(number[0].replace(",", "")), text)
        return list(self._hibari.phonemize(parted))

    def _render(self, phonemes: str, voice: Voice, pace: float) -> Floats:
        """Run network and vocoder on one sentence of phonemes; see `hibari.Hibari.from_ids`."""
        import soxr
        from hibari import dsp

        # resampling by `formant` changes the tempo, too, for which the model makes up
        speed = np.interp(voice.pace * pace / voice.formant, TEMPO, SPEED)
        inputs = {
            "ids": np.asarray([self._hibari.ids(phonemes)], np.int64),
            "speed": np.asarray([speed], np.float32),
        }
        harmonic, phase, noise, free, free_phase, f0 = (
            output[0] for output in self._hibari.sess.run(None, inputs)
        )
        if voice.pitch != 1:
            harmonic, phase = _interpolate_harmonics(harmonic, phase, f0)
        f0 = f0 * np.float32(voice.pitch)
        random = np.random.default_rng(SEED)
        spoken = dsp.synth(harmonic, phase, noise, free, free_phase, f0, random)
        return np.asarray(soxr.resample(spoken, RATE * voice.formant, RATE), np.float32)

    @staticmethod
    def sentences(text: str) -> list[str]:
        """Split into sentences that `synthesize` can speak one by one."""
        from hibari import Hibari

        return [str(sentence) for sentence in Hibari.split_sentences(text)]


def _interpolate_harmonics(harmonic: Floats, phase: Floats, f0: Floats) -> tuple[Floats, Floats]:
    """Interpolate the spectrum (601, frames) between the harmonics of `f0` (frames,).

    The network was trained at the harmonics of its own melody only: in between its spectrum is
    arbitrary, up to 10 dB too loud, and a scaled melody would make just that audible.
    """
    voiced = f0 > VOICED
    spacing = f0[voiced] / BIN
    harmonic, phase = harmonic.copy(), phase.copy()
    harmonic[:, voiced] = _interpolate(harmonic[:, voiced], spacing)
    angle = np.pi * np.tanh(phase[:, voiced])  # how hibari stores an angle
    y, x = _interpolate(np.sin(angle), spacing), _interpolate(np.cos(angle), spacing)
    phase[:, voiced] = np.arctanh(np.clip(np.arctan2(y, x) / np.pi, -0.9999, 0.9999))
    return harmonic, phase


def _interpolate(rows: Floats, spacing: Floats) -> Floats:
    """Replace each column of `rows` by straight lines between its values every `spacing` rows."""
    at = np.arange(len(rows))
    lines = np.empty_like(rows)
    for column, step in enumerate(spacing):
        harmonics = np.arange(step, at[-1] + step, step)
        values = np.interp(harmonics, at, rows[:, column])
        lines[:, column] = np.interp(at, harmonics, values)
    return lines


def _finish(samples: Floats) -> Floats:
    """Bring one sentence to LOUDNESS, cut its ends, fade them, and let a PAUSE follow."""
    frame = RATE // 100
    whole = np.pad(samples, (0, -len(samples) % frame)).reshape(-1, frame)
    power = np.mean(whole.astype(np.float64) ** 2, axis=1)
    if not power.any():
        return np.zeros(0, np.float32)
    gain = LOUDNESS / np.sqrt(power[power > power.max() / 1000].mean())  # of the speech, not gaps
    heard = np.flatnonzero(power * gain**2 > AUDIBLE**2)
    start = max(0, int(heard[0] * frame - LEAD_IN * RATE))
    end = min(len(samples), int((heard[-1] + 1) * frame + TAIL * RATE))
    kept = samples[start:end] * np.float32(gain)
    size = np.abs(kept)
    bent = KNEE + (PEAK - KNEE) * np.tanh((size - KNEE) / (PEAK - KNEE))
    kept = np.where(size > KNEE, np.copysign(bent, kept), kept).astype(np.float32)
    for ramp, where in ((FADE_IN, kept), (FADE_OUT, kept[::-1])):
        n = min(int(ramp * RATE), len(kept))
        where[:n] *= np.linspace(0, 1, n, dtype=np.float32)
    return np.pad(kept, (0, max(0, int((PAUSE - TAIL) * RATE))))
