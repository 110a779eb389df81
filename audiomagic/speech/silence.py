"""How loud a sound is, where that is speech, and silence that need not be sent and paid for."""

import numpy as np
from numpy.typing import NDArray

from ..sound import Sound

FRAME = 0.01  # seconds over which loudness is measured
SILENCE = 0.001  # RMS of a silent frame at most: -60 dBFS, ...
BELOW = 0.02  # ... or as a part of the loudest frame, -34 dB: a room is never quite still
LASTING = 25  # frames: what is louder for less time is a clap or a knock, not speech
STILL = 2  # per cent of the frames are as quiet as the room alone, or quieter, ...
ROOM = 4.0  # ... and its noise is never louder than so many times that, +12 dB
MARGIN = 0.5  # seconds kept at both ends: some short clips are only heard with silence around
WORTH = 0.5  # seconds: less is not worth cutting


def frame_size(rate: int) -> int:
    return max(1, round(FRAME * rate))


def levels(samples: NDArray[np.floating], size: int) -> NDArray[np.float64]:
    """Return the RMS of each frame of `size` samples; the last one is filled up with silence."""
    frames = np.pad(samples, (0, -len(samples) % size)).reshape(-1, size)
    rms: NDArray[np.float64] = np.sqrt(np.mean(np.square(frames, dtype=np.float64), axis=1))
    return rms


def threshold(loudest: float) -> float:
    """Return the level above which a frame is speech, if the loudest one is this loud."""
    return max(SILENCE, BELOW * loudest)


def _silent(loudness: NDArray[np.float64]) -> float:
    """Return the level up to which frames of a whole sound are silence.

    Above SILENCE that is the noise of the room, and only if speech is much louder: a whisper, the
    beginning of music, and its end are heard, too. Of a quiet sound, less is silence.
    """
    heard = np.sort(loudness[loudness > 0])
    if len(heard) == 0:
        return 0.0
    room = ROOM * float(np.percentile(heard, STILL))
    speech = float(heard[-LASTING:][0])
    return max(min(SILENCE, BELOW * speech), min(threshold(speech), room))


def trim_silence(sound: Sound) -> Sound:
    """Cut silence off both ends, but for half a second; leave a silent sound as it is."""
    size = frame_size(sound.rate)
    loudness = levels(sound.samples, size)
    speech = np.flatnonzero(loudness > _silent(loudness))
    if len(speech) == 0:
        return sound
    margin = round(MARGIN * sound.rate)
    first = max(0, int(speech[0]) * size - margin)
    last = min(len(sound.samples), (int(speech[-1]) + 1) * size + margin)
    cut = len(sound.samples) - (last - first)
    return Sound(sound.samples[first:last], sound.rate) if cut >= WORTH * sound.rate else sound


def note(seconds: float) -> str:
    return f"{seconds:.1f} s of silence not sent."
