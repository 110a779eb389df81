"""The readers of sound files, each of which yields blocks of samples from the start to the end.

None seeks: mp3, Ogg and their like decode a block by what they remember of those before it.
"""

import io
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from itertools import chain, count, takewhile
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from ..errors import SoundError
from . import signature
from .stderr import muted
from .wav import Wav

BLOCK = 2**14  # samples of all channels at a time
# The containers that PyAV may open. FFmpeg knows others that name files to be read in their place.
CONTAINERS = (
    "aac", "aiff", "amr", "asf", "au", "caf", "flac", "matroska", "mov", "mp3", "mpegts", "ogg",
    "w64", "wav",
)  # fmt: skip
AU = (b".snd", b"dns.")  # big and little endian
Blocks = Iterator[NDArray[np.float32]]  # of shape (n, channels)


class Unreadable(Exception):
    """A file that a reader cannot read, or cannot read further."""


@dataclass(frozen=True)
class Stream:
    """An opened file."""

    rate: int
    channels: int
    blocks: Blocks


Reader = Callable[[bytes], AbstractContextManager[Stream]]


class _Bytes(io.BytesIO):
    """Where a damaged file seeks before the start it stays; an error there would be printed."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        with suppress(ValueError):
            super().seek(offset, whence)
        return self.tell()


@contextmanager
def wav(data: bytes) -> Iterator[Stream]:
    """Read WAV whose samples stand there as they are; its header may not know their number."""
    header = Wav.of(data)
    if header is None or header.subtype is None:
        raise Unreadable
    samples = memoryview(data)[header.begin : header.begin + header.size]
    samples = samples[: len(samples) // header.frame * header.frame]
    step = max(1, BLOCK // header.channels) * header.frame
    pieces = (samples[at : at + step] for at in range(0, len(samples), step))
    yield Stream(header.rate, header.channels, map(header.frames, pieces))


@contextmanager
def libsndfile(data: bytes) -> Iterator[Stream]:
    """Read mp3, FLAC, Ogg, AIFF, and whatever else libsndfile knows."""
    quiet = signature.kind(data) in (signature.FLAC, signature.OGG)
    # mpg123 writes of what is damaged, a notebook shows that, and libsndfile has no switch for it.
    with nullcontext() if quiet else muted():
        try:
            file = soundfile.SoundFile(_Bytes(_with_sizes(data)))
        except (soundfile.LibsndfileError, TypeError) as error:
            raise Unreadable from error
        with file:
            # After each read it would seek to where it is, which not all decoders survive.
            file.seekable = lambda: False
            frames = max(1, BLOCK // file.channels)
            blocks = (file.read(frames, "float32", always_2d=True) for _ in count())
            try:
                yield Stream(file.samplerate, file.channels, takewhile(len, blocks))
            except soundfile.LibsndfileError as error:
                raise Unreadable from error


def _with_sizes(data: bytes) -> bytes:
    """Return a file whose header does not say that it is empty because it was written first."""
    if header := Wav.of(data):
        return header.with_sizes(data)
    if data[:4] in AU and data[8:12] == bytes(4):
        return data[:8] + b"\xff" * 4 + data[12:]
    return data


@contextmanager
def pyav(data: bytes) -> Iterator[Stream]:
    """Read what libsndfile cannot (m4a, webm, mp4, AAC), where PyAV is installed."""
    try:
        import av
    except ImportError as error:
        hint = " (m4a, webm and mp4 need: pip install 'audiomagic[local]')" if data else ""
        raise Unreadable(hint) from error
    # Since 19, PyAV keeps tags in any encoding; before, it refuses them unless told not to.
    old = int(av.__version__.split(".")[0]) < 19
    tags: dict[str, Any] = {"metadata_errors": "ignore"} if old else {}
    allowed = {"format_whitelist": ",".join(CONTAINERS)}
    try:
        with av.open(io.BytesIO(data), mode="r", options=allowed, **tags) as container:
            decoded = container.decode(audio=0)
            first = next(decoded)
            rate, layout = first.sample_rate, first.layout
            same = av.AudioResampler(format="flt", layout=layout.name, rate=rate)
            packets = chain((first,), decoded, (None,))  # None flushes the resampler
            frames = chain.from_iterable(map(same.resample, packets))
            channels = layout.nb_channels
            blocks: Any = (frame.to_ndarray().reshape(-1, channels) for frame in frames)
            yield Stream(rate, channels, blocks)
    except SoundError:
        raise
    except (av.FFmpegError, IndexError, StopIteration, ValueError) as error:
        raise Unreadable from error


READERS: tuple[Reader, ...] = (wav, libsndfile, pyav)
