"""Sound files in each format of the API."""

import numpy as np
import pytest

from audiomagic import Sound
from audiomagic.decoding import signature
from audiomagic.engine.api.audio_files import audio_file

TONE = Sound(0.3 * np.sin(np.arange(24_000) / 10), 24_000)


@pytest.mark.parametrize(
    ("form", "kind"),
    [("mp3", "mp3"), ("opus", "Ogg"), ("aac", "AAC"), ("flac", "FLAC"), ("wav", "WAV")],
)
def test_a_file_holds_the_sound(form: str, kind: str) -> None:
    file = audio_file(TONE.pcm16(), form)
    sound = Sound.decode(file)
    assert signature.kind(file) == kind
    assert sound.rate in (24_000, 48_000) and 1 <= sound.seconds < 1.1
    assert np.abs(sound.samples).max() == pytest.approx(0.3, abs=0.03)
    assert Sound.decode(audio_file(b"\0\0", form)).seconds < 0.1
