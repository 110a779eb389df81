"""The vocoder's frames: what hibari's network hands it, where a melody can be changed.

Per frame of 12.5 ms there are a spectrum (harmonic, free and noise parts, logarithms of magnitudes
at every 20 Hz) and a frequency of the melody (F0). Changed there, speech stays free of artefacts.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

SEED = 1  # of the breath noise: the same text sounds the same, bit by bit
BIN = 20.0  # Hz between two rows of the spectrum
VOICED = 40.0  # Hz: unvoiced frames are marked by a lower F0
LOWEST_F0 = 50.0  # Hz, of a melody that is scaled: no voiced frame must become an unvoiced one
BREATH = 500.0  # Hz: what is below is not heard as breath
BREATHED = 0.5  # magnitude of a harmonic that has become breath: as noise it sounds louder
LOWEST, TURN, HIGHEST = 125.0, 1_000.0, 8_000.0  # Hz: where a tilt begins, turns and ends
SILENT = 1e-9  # share of a magnitude, of which nothing is heard

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Frames:
    """One phrase: rows are frequencies, columns are frames; `f0` has one value a frame."""

    harmonic: Floats
    phase: Floats
    noise: Floats
    free: Floats
    free_phase: Floats
    f0: Floats

    def sung(self, pitch: float, melody: float) -> "Frames":
        """Return them with the melody scaled, and its range, in semitones, about its median."""
        voiced = self.f0 > VOICED
        if (pitch, melody) == (1.0, 1.0) or not voiced.any():
            return self
        harmonic, phase = self._between_harmonics()
        f0 = self.f0.copy()
        median = np.median(f0[voiced])
        scaled = pitch * median * (f0[voiced] / median) ** melody
        f0[voiced] = np.maximum(scaled, LOWEST_F0)
        return replace(self, harmonic=harmonic, phase=phase, f0=f0.astype(np.float32))

    def breathed(self, share: float) -> "Frames":
        """Return them with a share of the voice made breath."""
        if share == 0:
            return self
        from hibari import dsp

        voice = BREATHED * dsp.ex(self.harmonic) * (self.f0 > VOICED) + dsp.ex(self.free)
        noise = dsp.ex(self.noise) + share * self._heights / (self._heights + BREATH) * voice
        left = np.float32(np.log(max(1 - share, SILENT)))
        return replace(
            self,
            harmonic=self.harmonic + left,
            free=self.free + left,
            noise=np.log(noise).astype(np.float32),
        )

    def tilted(self, slope: float) -> "Frames":
        """Return them brighter by so many dB per octave, or duller; what is at TURN stays."""
        if slope == 0:
            return self
        octaves = np.log2(np.clip(self._heights, LOWEST, HIGHEST) / TURN)
        gain = slope * octaves * np.float32(np.log(10) / 20)
        return replace(
            self, harmonic=self.harmonic + gain, noise=self.noise + gain, free=self.free + gain
        )

    def samples(self) -> Floats:
        """Return their sound, at 24 kHz."""
        from hibari import dsp

        random = np.random.default_rng(SEED)
        spoken: Any = dsp.synth(
            self.harmonic, self.phase, self.noise, self.free, self.free_phase, self.f0, random
        )
        return np.asarray(spoken, np.float32)

    @property
    def _heights(self) -> Floats:  # Hz of each row
        return BIN * np.arange(len(self.harmonic), dtype=np.float32)[:, None]

    def _between_harmonics(self) -> tuple[Floats, Floats]:
        """Interpolate the harmonic spectrum and its phase between the harmonics of the melody.

        The network was trained at the harmonics of its own melody only: in between its spectrum is
        arbitrary, up to 10 dB too loud, and a changed melody would make just that audible.
        """
        voiced = self.f0 > VOICED
        spacing = self.f0[voiced] / BIN
        harmonic, phase = self.harmonic.copy(), self.phase.copy()
        harmonic[:, voiced] = _interpolated(harmonic[:, voiced], spacing)
        angle = np.pi * np.tanh(phase[:, voiced])  # how hibari stores an angle
        angle = np.angle(_interpolated(np.exp(1j * angle), spacing))
        phase[:, voiced] = np.arctanh(np.clip(angle / np.pi, -0.9999, 0.9999))
        return harmonic, phase


def _interpolated(rows: NDArray[Any], spacing: Floats) -> NDArray[Any]:
    """Replace each column of `rows` by straight lines between its values every `spacing` rows."""
    at = np.arange(len(rows))
    lines = np.empty_like(rows)
    for column, step in enumerate(spacing):
        harmonics = np.arange(step, at[-1] + step, step)
        values = np.interp(harmonics, at, rows[:, column])
        lines[:, column] = np.interp(at, harmonics, values)
    return lines
