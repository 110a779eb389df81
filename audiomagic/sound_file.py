"""The bytes of a sound file, decoded: by libsndfile, or by PyAV where it is installed."""

import io
from collections.abc import Iterable
from itertools import chain, count, takewhile

import numpy as np
import soundfile
from numpy.typing import NDArray

from .errors import SoundError

MOST_SAMPLES = 2**28  # 93 minutes at 48 kHz, a gigabyte of memory
BLOCK = 2**18  # samples of all channels decoded at a time


def decoded(data: bytes) -> tuple[NDArray[np.float32], int]:
    """Return the samples, mixed to mono, and the rate. Raises SoundError."""
    try:
        return _decode_with_libsndfile(data)
    except (soundfile.LibsndfileError, TypeError) as error:
        return _decode_with_pyav(data, error)


class _Bytes(io.BytesIO):
    """Bytes in which a damaged file may seek before the start; an error there is printed."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Move, or stay where that is nowhere."""
        try:
            return super().seek(offset, whence)
        except ValueError:
            return self.tell()


def _decode_with_libsndfile(data: bytes) -> tuple[NDArray[np.float32], int]:
    with soundfile.SoundFile(_Bytes(data)) as file:
        frames = BLOCK // file.channels
        blocks = (file.read(frames, dtype="float32", always_2d=True) for _ in count())
        mixed = (block.mean(axis=1) for block in takewhile(len, blocks))
        return _joined(mixed, file.samplerate), file.samplerate


def _decode_with_pyav(data: bytes, reason: Exception) -> tuple[NDArray[np.float32], int]:
    """Decode what libsndfile cannot (m4a, webm, mp4), where PyAV is installed."""
    complaint = "not a sound file that can be read; try wav, mp3, flac or ogg"
    try:
        import av
    except ImportError:
        hint = " (m4a, webm and mp4 need: pip install 'audiomagic[local]')" if data else ""
        raise SoundError(complaint + hint) from reason
    try:
        with av.open(io.BytesIO(data), mode="r", metadata_errors="ignore") as container:
            mono = av.AudioResampler(format="flt", layout="mono", rate=48_000)
            packed = chain(container.decode(audio=0), (None,))  # None: give what is held back
            frames = (frame.to_ndarray()[0] for some in packed for frame in mono.resample(some))
            return _joined(frames, 48_000), 48_000
    except SoundError:
        raise
    except (av.FFmpegError, IndexError, ValueError) as error:
        raise SoundError(complaint) from error


def _joined(blocks: Iterable[NDArray[np.float32]], rate: int) -> NDArray[np.float32]:
    """Join decoded blocks; the length that a header gives is not relied on, it may be a lie."""
    kept, length = [np.zeros(0, np.float32)], 0
    for block in blocks:
        kept.append(block)
        length += len(block)
        if length > MOST_SAMPLES:
            raise SoundError(f"longer than {MOST_SAMPLES / rate / 60:.0f} minutes; cut it in parts")
    return np.concatenate(kept)
