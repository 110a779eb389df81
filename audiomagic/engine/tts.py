"""Synthesizer: text -> speech, thirteen voices made from the one that hibari carries.

hibari's network gives, per 12.5 ms frame, a spectrum and a melody (F0) that its vocoder turns into
sound. A voice here is that with the melody scaled, then everything resampled: the first moves the
pitch alone, the second pitch and formants together, as a longer or shorter throat would.
"""

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..sound import Sound

RATE = 24_000  # Hz, of hibari and of what comes out
UNSPEAKABLE = "I cannot pronounce this: I only read English letters."
FOREIGN = "(something I cannot pronounce)"

SEED = 1  # of the breath noise: the same text sounds the same, bit by bit
# The model rounds each sound to whole frames, so that its tempo follows `speed` by steps: what
# is heard (over ten sentences), and what has to be asked for; beyond the ends it stays there.
TEMPO = (0.25, 0.50, 0.71, 0.81, 0.95, 1.0, 1.04, 1.07, 1.15, 1.51, 1.59, 1.79, 2.11)
SPEED = (0.25, 0.50, 0.70, 0.80, 0.90, 1.0, 1.10, 1.18, 1.25, 1.40, 1.60, 2.00, 3.00)
BIN = 20.0  # Hz between two rows of the network's spectrum
VOICED = 40.0  # Hz: hibari marks frames without a melody by a lower F0
LOUDNESS = 0.1  # RMS of the speech: -20 dBFS
PEAK, KNEE = 0.95, 0.7  # nothing is louder than PEAK; the rare peaks above KNEE are bent
AUDIBLE = 0.005  # RMS of a 10 ms frame that counts as sound (-46 dBFS)
LEAD, RING, PAUSE = 0.04, 0.06, 0.22  # seconds kept before, after, and up to the next sentence
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
    """A loaded hibari model (0.6-1 s with its dictionary), usable from several threads at once."""

    def __init__(self, model: Path) -> None:
        import hibari

        # `model` is given always: for a voice without a file hibari would go and download one
        self._hibari = hibari.Hibari(voice="heart", model=str(model), threads=1)
        self.say(
            "Synthesizer.", "alloy"
        )  # reads the dictionary and warms the network: 0.4 s, here once

    def say(self, text: str, voice: Voice | str, pace: float = 1.0) -> Sound:
        """Return `text` spoken: mono at 24 kHz, -20 dBFS, the same on each call.

        `pace` multiplies the voice's own tempo; from about 0.25 to 2 it is followed. Text without
        anything to pronounce gives a Sound of no samples: see `pronounceable`. Raises KeyError
        for an unknown voice.
        """
        voice = voices()[voice] if isinstance(voice, str) else voice
        parts = [
            _polished(self._utter(phonemes, voice, pace))
            for phonemes in self._hibari.phonemize(text)
            if any(symbol.isalpha() for symbol in phonemes)  # a lone "..." would be noise
        ]
        return Sound(np.concatenate([*parts, np.zeros(0, np.float32)]), RATE)

    def _utter(self, phonemes: str, voice: Voice, pace: float) -> Floats:
        """Run network and vocoder on one sentence of phonemes; see `hibari.Hibari.from_ids`."""
        import soxr
        from hibari import dsp

        # resampling by `formant` also changes the tempo by it, which the model makes up for
        speed = np.interp(voice.pace * pace / voice.formant, TEMPO, SPEED)
        inputs = {
            "ids": np.asarray([self._hibari.ids(phonemes)], np.int64),
            "speed": np.asarray([speed], np.float32),
        }
        harmonic, phase, noise, free, free_phase, f0 = (
            output[0] for output in self._hibari.sess.run(None, inputs)
        )
        if voice.pitch != 1:
            harmonic, phase = _between_harmonics(harmonic, phase, f0)
        f0 = f0 * np.float32(voice.pitch)
        dice = np.random.default_rng(SEED)
        spoken = dsp.synth(harmonic, phase, noise, free, free_phase, f0, dice)
        return np.asarray(soxr.resample(spoken, RATE * voice.formant, RATE), np.float32)

    @staticmethod
    def sentences(text: str) -> list[str]:
        """Split into sentences, each of which `say` can speak alone."""
        from hibari import Hibari

        return [str(sentence) for sentence in Hibari.split_sentences(text)]

    @staticmethod
    def pronounceable(text: str) -> str:
        """Return `text` as it can be spoken: no markdown, other scripts replaced by FOREIGN.

        Where nothing is left to pronounce, the answer is UNSPEAKABLE; empty text stays empty.

        >>> Synthesizer.pronounceable("**Hello** is 你好.")
        'Hello is (something I cannot pronounce).'
        """
        if not text.strip():
            return ""
        text = _without_markdown(_plain_characters(text))
        text = re.sub(r"[^\W\d_]+", lambda m: m[0] if _is_latin(m[0]) else MARK, text)
        text = re.sub(f"(?<={MARK})(?=\\d)|(?<=\\d)(?={MARK})", " ", text)
        spoken = re.sub(f"{MARK}(?:[^\\w\n]*{MARK})?", FOREIGN, text)  # a run of words is one gap
        return spoken if re.search(r"\w", text) else UNSPEAKABLE


# -- sound ------------------------------------------------------------------------------------
def _between_harmonics(harmonic: Floats, phase: Floats, f0: Floats) -> tuple[Floats, Floats]:
    """Draw the spectrum (601, frames) through its values at the harmonics of `f0` (frames,) alone.

    The network was only ever heard at the harmonics of its own melody: in between its spectrum is
    arbitrary, up to 10 dB too loud, and a scaled melody would make just that audible.
    """
    voiced = f0 > VOICED
    spacing = f0[voiced] / BIN
    harmonic, phase = harmonic.copy(), phase.copy()
    harmonic[:, voiced] = _redrawn(harmonic[:, voiced], spacing)
    angle = np.pi * np.tanh(phase[:, voiced])  # how hibari stores an angle
    y, x = _redrawn(np.sin(angle), spacing), _redrawn(np.cos(angle), spacing)
    phase[:, voiced] = np.arctanh(np.clip(np.arctan2(y, x) / np.pi, -0.9999, 0.9999))
    return harmonic, phase


def _redrawn(rows: Floats, spacing: Floats) -> Floats:
    """Replace each column of `rows` by straight lines between its values every `spacing` rows."""
    last = len(rows) - 1
    columns = np.arange(rows.shape[1])

    def value(at: Floats) -> Floats:
        at = np.minimum(at, last)
        low = np.minimum(at.astype(np.int32), last - 1)
        part = at - low
        return np.asarray(rows[low, columns] * (1 - part) + rows[low + 1, columns] * part)

    position = np.maximum(np.arange(last + 1, dtype=np.float32)[:, None] / spacing, 1)
    below = np.floor(position)
    part = position - below
    return np.asarray(value(below * spacing) * (1 - part) + value((below + 1) * spacing) * part)


def _polished(samples: Floats) -> Floats:
    """Bring one sentence to LOUDNESS, cut its ends, fade them, and let a PAUSE follow."""
    frame = RATE // 100
    whole = np.pad(samples, (0, -len(samples) % frame)).reshape(-1, frame)
    power = np.mean(whole.astype(np.float64) ** 2, axis=1)
    if not power.any():
        return np.zeros(0, np.float32)
    gain = LOUDNESS / np.sqrt(power[power > power.max() / 1000].mean())  # of the speech, not gaps
    heard = np.flatnonzero(power * gain**2 > AUDIBLE**2)
    start = max(0, int(heard[0] * frame - LEAD * RATE))
    end = min(len(samples), int((heard[-1] + 1) * frame + RING * RATE))
    kept = _limited(samples[start:end] * np.float32(gain))
    for ramp, where in ((FADE_IN, kept), (FADE_OUT, kept[::-1])):
        n = min(int(ramp * RATE), len(kept))
        where[:n] *= np.linspace(0, 1, n, dtype=np.float32)
    return np.pad(kept, (0, max(0, int((PAUSE - RING) * RATE))))


def _limited(samples: Floats) -> Floats:
    """Bend what is louder than KNEE so that it stays below PEAK; leave the rest as it is."""
    size = np.abs(samples)
    bent = KNEE + (PEAK - KNEE) * np.tanh((size - KNEE) / (PEAK - KNEE))
    return np.where(size > KNEE, np.copysign(bent, samples), samples).astype(np.float32)


# -- text -------------------------------------------------------------------------------------
MARK = "\ue000"  # a private character in place of a word in other letters
URL = re.compile(r"\b(?:https?://|www\.)(\S*[\w/])")
MARKDOWN: tuple[tuple[str, str], ...] = (
    (r"^[ \t]*(?:```|~~~).*$", ""),  # the fence of a code block, not the code
    (r"^[ \t]*[-*_|:][-*_|: \t]*[-*_|:][ \t]*$", ""),  # a rule, or the second row of a table
    (r"^[ \t]*>+[ \t]?", ""),
    (r"^[ \t]*#{1,6}[ \t]+", ""),
    (r"^[ \t]*[-*+•‣][ \t]+", ""),
    (r"!?\[([^\]]*)\]\([^)\s]*(?:\s[^)]*)?\)", r"\1"),
    (r"^[ \t]*\||\|[ \t]*$", ""),
    (r"[ \t]*\|[ \t]*", ", "),
    (r"(?<=\d)\s*[*×]\s*(?=\d)", " times "),
    (r"(?<=\d) [-−–] (?=\d)", " minus "),  # hibari reads a range: "to"
    (r"(?<=\d) [/÷] (?=\d)", " divided by "),
    (r"\*+|`+|~~+", ""),
)


def _without_markdown(text: str) -> str:
    """Drop the signs that are for the eye; write a web address as it is said."""
    for pattern, replacement in MARKDOWN:
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    return URL.sub(lambda m: _said_address(m[1]), text)


def _said_address(address: str) -> str:
    return address.removeprefix("www.").rstrip("/").replace(".", " dot ")


def _plain_characters(text: str) -> str:
    """Drop accents that stand alone and invisible characters; make styled letters plain."""
    return "".join(_plain(character) for character in unicodedata.normalize("NFC", text))


def _plain(character: str) -> str:
    if ord(character) < 0x100 or character in "\u2018\u2019":  # Latin-1: "½" and "²" are read
        return character if character.isprintable() or character == "\n" else " "
    if unicodedata.category(character)[0] in "MC":  # marks, joiners, text direction, surrogates
        return ""
    folded = unicodedata.normalize("NFKC", character)  # "𝐇" -> "H", "①" -> "1", "ﬁ" -> "fi"
    if folded.isascii() and folded.isalnum():
        return folded
    return str(unicodedata.digit(character)) if character.isdigit() else character


def _is_latin(word: str) -> bool:
    names = (unicodedata.name(letter, "") for letter in word if letter.isalpha())  # "½" is none
    return all("LATIN" in name or name == "MICRO SIGN" or "ORDINAL" in name for name in names)
