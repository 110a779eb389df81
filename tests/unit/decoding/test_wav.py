"""The header of a WAV file, and its samples."""

import io

import numpy as np
import pytest
import soundfile

from audiomagic.decoding.wav import SUBTYPES, Wav

from ...support.sound_files import written
from ...support.tones import sine

FRAMES = np.stack([sine(24_000).samples, 0.5 * sine(24_000, 880).samples], axis=1)


@pytest.mark.parametrize("container", ["WAV", "WAVEX", "RF64"])
@pytest.mark.parametrize("subtype", sorted(SUBTYPES.values()))
def test_samples_are_read_as_libsndfile_reads_them(container: str, subtype: str) -> None:
    file = written(FRAMES, 24_000, container, subtype)
    wav = Wav.of(file)
    assert wav is not None and (wav.subtype, wav.channels, wav.rate) == (subtype, 2, 24_000)
    whole, _ = soundfile.read(io.BytesIO(file), dtype="float32")
    assert np.array_equal(wav.frames(file[wav.begin : wav.begin + wav.size]), whole)


@pytest.mark.parametrize("subtype", sorted(SUBTYPES.values()))
def test_a_big_endian_file_is_read_likewise(subtype: str) -> None:
    file = written(FRAMES, 24_000, "WAV", subtype, endian="BIG")
    wav = Wav.of(file)
    assert file[:4] == b"RIFX" and wav is not None
    assert (wav.subtype, wav.channels, wav.rate) == (subtype, 2, 24_000)
    whole, _ = soundfile.read(io.BytesIO(file), dtype="float32")
    assert np.array_equal(wav.frames(file[wav.begin : wav.begin + wav.size]), whole)


def test_a_header_that_is_not_all_there_is_none() -> None:
    file = written(FRAMES, 24_000, "WAV", "PCM_16")
    assert [Wav.of(file[:size]) for size in range(44)] == [None] * 44
    assert Wav.of(b"RIFX" + file[4:]) is None


@pytest.mark.parametrize("subtype", ["IMA_ADPCM", "MS_ADPCM", "GSM610"])
def test_what_needs_a_decoder_is_named(subtype: str) -> None:
    wav = Wav.of(written(sine(24_000).samples, 24_000, "WAV", subtype))
    assert wav is not None and wav.subtype is None
    assert subtype.split("_")[-1].removesuffix("610") in wav.name and "24000 Hz" in wav.name
