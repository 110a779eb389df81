"""Sound: samples and a rate; read, written, mixed to mono, resampled, turned into PCM."""

import base64
import io
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from .decoding import decoder
from .decoding.decoder import NOT_FINITE
from .decoding.downmix import mixed
from .decoding.full_scale import scaled
from .decoding.limit import together
from .decoding.wav import MOST_CHANNELS
from .errors import SoundError, one_line
from .files import contents, file_path, is_url, nearby, reason

if TYPE_CHECKING:
    from typing import Self

WIRE_RATE = 24_000  # Hz: what the audio models send (`pcm16`), and the most worth sending them
SHORTEST = 0.1  # seconds: the service refuses less ("Provide at least 0.1 seconds")
LARGEST_FILE = 2_000_000_000  # bytes: 93 minutes, uncompressed, in stereo
LARGEST_WAV = 20_000_000  # bytes: the one documented limit of an upload (Azure's quickstart)
LONGEST = 40 * 60  # seconds: what fits into LARGEST_WAV bytes as SENT_MP3
HIGHEST_RATE = 655_350  # Hz: the most that flac holds
CARD_MP3: dict[str, Any] = {"bitrate_mode": "VARIABLE", "compression_level": 0.85}  # ~38 kbit/s
SENT_MP3: dict[str, Any] = {"bitrate_mode": "CONSTANT", "compression_level": 0.7}  # ~58 kbit/s

# ending -> (libsndfile container, subtype, further arguments)
FORMATS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "wav": ("WAV", "PCM_16", {}),
    "mp3": ("MP3", "MPEG_LAYER_III", {"bitrate_mode": "AVERAGE", "compression_level": 0.5}),
    "flac": ("FLAC", "PCM_16", {}),
    "ogg": ("OGG", "OPUS", {}),
}
RATES = {  # Hz that an encoder takes; the others take any
    "MPEG_LAYER_III": (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000),
    "OPUS": (8_000, 12_000, 16_000, 24_000, 48_000),
}
INT16 = 2**15  # full scale
INTEGERS = {"int16": (0, INT16), "int32": (0, 2**31), "uint8": (128, 128)}  # middle, full scale
MOST_PRINTED = 1_000  # numbers in a text: of more, arrays print their ends only
LOUDEST = 2.0  # of full scale: floats beyond are of another scale


@dataclass(frozen=True, eq=False)
class Sound:
    """Mono sound: `samples`, float32 of shape (n,) in [-1, 1], at `rate` Hz.

    Several channels (shape (n, channels)) are mixed to one; int16, int32 and uint8 are scaled, as
    is what is a little too loud. `note` says what was changed in the samples, "" for nothing.

    >>> Sound.read("question.wav").resample(16_000).save("question.mp3")
    """

    __module__ = "audiomagic"  # where users have it from

    samples: NDArray[np.float32]
    rate: int
    note: str = field(default="", init=False)

    def __post_init__(self) -> None:
        samples = _array(self.samples)
        if samples.dtype.kind != "f":
            samples = _floats(samples)
        _check_range(samples)
        if samples.ndim == 2 and 1 <= samples.shape[1] <= MOST_CHANNELS:
            samples = mixed(samples)
        if samples.ndim != 1:
            raise SoundError(f"samples of shape {samples.shape}; use (n,) or (n, channels)")
        _check_rate(self.rate)
        samples, note = scaled(samples)
        object.__setattr__(self, "note", note)
        if samples.flags.writeable or samples.base is not None or samples.dtype != np.float32:
            samples = np.array(samples, dtype=np.float32)
            samples.setflags(write=False)
        object.__setattr__(self, "samples", samples)
        object.__setattr__(self, "rate", int(self.rate))

    @classmethod
    def read(cls, file: str | os.PathLike[str] | BinaryIO) -> "Self":
        """Read a file of any format that libsndfile knows (wav, mp3, flac, ogg, aiff, ...).

        Where PyAV is installed (the `local` extra brings it), m4a, webm and mp4 are read too.
        Raises SoundError when the file is missing, unreadable or empty, OptionError for a name that
        no file can have.
        """
        if not isinstance(file, str | os.PathLike):
            return cls.decode(_content(file))
        if isinstance(file, str) and is_url(file):
            shown = one_line(file, 80)
            raise SoundError(f"{shown} is no file; Session.listen and --file fetch an address")
        path = file_path(file)
        name = one_line(path, 120)
        try:
            return cls.decode(contents(path, LARGEST_FILE))
        except SoundError as error:
            raise SoundError(f"{name}: {error}") from error
        except OSError as error:
            raise SoundError(f"cannot read {name}: {reason(error)}") from error

    @classmethod
    def decode(cls, data: bytes) -> "Self":
        """Read the bytes of a sound file; see `read`."""
        if (whole := _bytes(data)) is None:
            raise SoundError(f"a file's bytes are needed, not {type(data).__name__}")
        decoded = decoder.decode(whole)
        decoded.samples.setflags(write=False)
        sound = cls(decoded.samples, decoded.rate)
        object.__setattr__(sound, "note", decoded.note)
        return sound

    @classmethod
    def from_pcm16(cls, data: bytes, rate: int = WIRE_RATE) -> "Self":
        """Make a sound of headerless signed 16-bit little-endian mono samples.

        Raises SoundError for what are no whole samples.
        """
        if _bytes(data) is None or len(data) % 2:
            raise SoundError("pcm16 is bytes, two for each sample")
        return cls(np.frombuffer(data, dtype="<i2"), rate)

    @classmethod
    def of(cls, value: object) -> "Self":
        """Take whatever holds a sound: a Sound, a path, `(rate, array)`, a file's bytes, an open
        file, an IPython Audio, a file uploaded to a widget, the audio of a row of `datasets`.

        Raises SoundError when it holds none.
        """
        if isinstance(value, cls):
            return value
        if isinstance(value, str | os.PathLike):
            return cls.read(value)
        if isinstance(value, tuple):
            return cls(*_pair(value))
        data, samples, rate = _entries(value) if isinstance(value, Mapping) else _attributes(value)
        if data is not None:
            return cls.decode(data)
        if samples is not None and rate is not None:
            return cls(*_pair((rate, _channels_last(samples))))
        if (path := _path(value)) is not None:
            return cls.read(path)
        if hasattr(value, "read"):
            return cls.decode(_content(value))
        sound = getattr(value, "sound", None)  # a Reply, or a Recorder
        if isinstance(sound, cls):
            return sound
        raise SoundError(_why_no_sound(value))

    @classmethod
    def list_of(cls, value: object) -> "list[Self]":
        """Return the sounds of a value, or of a list of values, bounded together; see `of`.

        Raises SoundError for a list of none, too.
        """
        given = value if isinstance(value, list) else [value]
        sounds = [sound for one in given for sound in _several(one)]
        if len(sounds) == 2 and isinstance(sounds[0], Real):
            raise SoundError("a rate and an array are a tuple, (rate, array), not a list")
        if not sounds:
            raise SoundError("there is no sound in an empty list; give one sound or more")
        with together():
            return [cls.of(sound) for sound in sounds]

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.rate

    def __repr__(self) -> str:
        return f"Sound({self.seconds:.2f} s at {self.rate} Hz)"

    def _repr_html_(self) -> str:
        return f'<audio controls preload="metadata" src="{self.data_url}"></audio>'

    @cached_property
    def data_url(self) -> str:
        """A compressed copy (mp3, about 4.6 kB a second) as a `data:` URL for an `<audio>` tag."""
        mp3 = self.resample(min(self.rate, WIRE_RATE))._write("MP3", "MPEG_LAYER_III", CARD_MP3)
        return "data:audio/mpeg;base64," + base64.b64encode(mp3).decode("ascii")

    def resample(self, rate: int) -> "Sound":
        """Return the same sound at `rate` Hz (soxr, high quality)."""
        _check_rate(rate)
        if rate == self.rate:
            return self
        samples = soxr.resample(self.samples, self.rate, rate)
        return Sound(np.clip(samples, -1.0, 1.0), rate)  # it overshoots

    def pcm16(self, rate: int = WIRE_RATE) -> bytes:
        """Return headerless signed 16-bit little-endian mono samples at `rate` Hz."""
        return int16(self.resample(rate).samples)

    def encode(self, ending: str) -> bytes:
        """Return the bytes of a file: `wav`, `mp3`, `flac` or `ogg` (Opus)."""
        if not isinstance(ending, str) or ending not in FORMATS:
            known = ", ".join("." + name for name in FORMATS)
            raise SoundError(f"cannot write '.{one_line(ending, 20)}'; use one of {known}")
        if len(self.samples) == 0:
            raise SoundError("there is no sound to write")
        return self._write(*FORMATS[ending])

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write a file in the format that its ending names; return its path."""
        target = file_path(path)
        data = self.encode(target.suffix.lstrip(".").lower())
        try:
            target.write_bytes(data)
        except OSError as error:
            raise SoundError(f"cannot write {one_line(target, 120)}: {reason(error)}") from error
        return target

    def upload(self) -> tuple[str, bytes]:
        """Return ("wav" or "mp3", bytes) to send to a model: mono, at most 24 kHz.

        Raises SoundError when it is shorter than 0.1 s or longer than 40 minutes.
        """
        if self.seconds < SHORTEST:
            seconds = math.floor(self.seconds * 100) / 100
            raise SoundError(f"{seconds:.2f} s of sound is too short; send at least 0.1 s")
        if self.seconds > LONGEST:
            raise SoundError(
                f"{math.ceil(self.seconds / 60)} minutes of sound are too long; "
                f"cut it into parts of at most {LONGEST // 60} minutes"
            )
        sound = self.resample(min(self.rate, WIRE_RATE))
        if 2 * len(sound.samples) < LARGEST_WAV:  # WAV is the safest; some valid mp3 is refused
            return "wav", sound.encode("wav")
        return "mp3", sound._write("MP3", "MPEG_LAYER_III", SENT_MP3)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """Let pydantic keep it in JSON, as the base64 of an mp3."""
        from pydantic_core import core_schema as schema

        def read(value: Any) -> Sound:
            if isinstance(value, dict) and isinstance(value.get("mp3"), str):
                return cls.decode(base64.b64decode(value["mp3"], validate=True))
            raise ValueError("there is no sound")

        written = schema.plain_serializer_function_ser_schema(
            lambda sound: {"mp3": sound.data_url.partition(",")[2]}
        )
        return schema.no_info_plain_validator_function(read, serialization=written)

    def _write(self, container: str, subtype: str, arguments: dict[str, Any]) -> bytes:
        buffer = io.BytesIO()
        rates = RATES.get(subtype, (self.rate,))
        rate = min((r for r in rates if r >= self.rate), default=max(rates))
        samples = self.resample(rate).samples
        soundfile.write(buffer, samples, rate, format=container, subtype=subtype, **arguments)
        return buffer.getvalue()


def int16(samples: NDArray[np.float32]) -> bytes:
    """Convert to signed 16-bit little-endian integers; what is too loud is clipped, NaN is 0."""
    finite = np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=-1.0)
    return (np.clip(finite, -1.0, 1.0) * 32767.0).round().astype("<i2").tobytes()


def pcm16_seconds(pcm: bytes | bytearray) -> float:
    """Return the length in seconds of headerless 24 kHz mono pcm16."""
    return len(pcm) / (2 * WIRE_RATE)


# -- what other libraries hold a sound in ------------------------------------------------------
def _array(samples: object) -> NDArray[Any]:
    try:
        return np.asarray(samples)
    except Exception as error:  # what a tensor on a GPU raises, say
        raise SoundError(f"the samples are not an array: {one_line(error, 80)}") from error


def _channels_last(samples: object) -> NDArray[Any]:
    """Return samples as (n, channels): torch and `datasets` have the channels first."""
    array = _array(samples)
    return array.T if array.ndim == 2 and array.shape[0] < array.shape[1] else array


def _pair(value: tuple[Any, ...]) -> tuple[NDArray[Any], int]:
    """Return the samples and the rate of `(rate, array)`. Raises SoundError for another tuple."""
    if len(value) != 2:
        raise SoundError(f"a tuple of {len(value)} is not a sound; use (rate, array)")
    rate, samples = value
    if isinstance(rate, int | np.integer) and not isinstance(rate, bool):
        return _array(samples), int(rate)
    if isinstance(samples, Real) and (isinstance(rate, list) or hasattr(rate, "__array__")):
        raise SoundError(f"the rate comes first: ({samples}, array), not (array, {samples})")
    shown = rate if isinstance(rate, float | bool) else type(rate).__name__
    raise SoundError(f"the rate must be a whole number of Hz, such as 16000, not {shown}")


def _several(value: object) -> list[Any]:
    """Return the sounds of a list, or of an upload: in ipywidgets and marimo a tuple of files, in
    ipywidgets 7 a dict of them by name.
    """
    files = getattr(value, "value", value)
    if isinstance(files, tuple) and all(map(_is_upload, files)):
        return list(files)
    if isinstance(files, Mapping) and files and all(map(_is_upload, files.values())):
        return list(files.values())
    return value if isinstance(value, list) else [value]


def _is_upload(value: object) -> bool:
    return isinstance(value, Mapping) or hasattr(value, "contents")


def undecoded(value: object) -> object:
    """Return what a sound may be taken of at any time: an open file's bytes, a Recorder's sound as
    it is now, or the value itself.

    Raises SoundError for a file that cannot be read.
    """
    if hasattr(value, "read") and hasattr(value, "seekable"):
        return _content(value)
    sound = getattr(value, "sound", None)
    return sound if isinstance(sound, Sound) else value


def is_sound(value: Mapping[Any, Any]) -> bool:
    """Whether a mapping is the audio of a row of `datasets`, or an uploaded file."""
    if {"array", "sampling_rate"} <= value.keys() or value.keys() == {"bytes", "path"}:
        return True
    return _bytes(value.get("content")) is not None


def holds_sound(value: object) -> bool:
    """Whether a value is a sound, or much of one: printed in a text, it would be noise."""
    if isinstance(value, Mapping):
        return is_sound(value)
    if isinstance(value, tuple):  # (rate, array)
        return len(value) == 2 and hasattr(value[1], "__array__")
    if isinstance(value, list):  # what a frame's arrays may have become
        return len(value) > MOST_PRINTED and all(isinstance(one, Real) for one in value)
    if hasattr(value, "__array__"):
        array = _array(value)
        return array.dtype.kind in "iuf" and array.size > MOST_PRINTED
    held = (getattr(value, name, None) for name in ("data", "content", "contents"))
    if isinstance(value, Sound) or _bytes(value, *held) is not None:
        return True
    return hasattr(value, "get_all_samples") or hasattr(value, "seekable")


def _path(value: object) -> str | os.PathLike[str] | None:
    """Return the file that a row of `datasets` only names: with `decode=False`, and no bytes."""
    path = value.get("path") if isinstance(value, Mapping) and "bytes" in value else None
    return path if isinstance(path, str | os.PathLike) else None


def _entries(value: Mapping[Any, Any]) -> tuple[bytes | None, object, object]:
    """Return a file's bytes, or samples and their rate, as far as a mapping has them.

    `bytes`, `array` and `sampling_rate` are what `datasets` has, `content` is an upload's;
    pipelines of `transformers` return `audio`, and take `raw`.
    """
    held = [value.get(name) for name in ("array", "audio", "raw")]
    samples = next((one for one in held if one is not None), None)
    rate = value.get("sampling_rate", value.get("sample_rate"))
    return _bytes(value.get("bytes"), value.get("content")), samples, rate


def _attributes(value: Any) -> tuple[bytes | None, object, object]:
    """Return the same of an object: a file's bytes, an IPython Audio, an HTTP response, an upload
    of marimo, a decoder of torchcodec, as rows of `datasets` have it, or what it decodes.
    """
    if hasattr(value, "__array__"):  # its `data` are samples, of an unknown rate
        return None, None, None
    decode = getattr(value, "get_all_samples", None)
    try:
        held = decode() if decode else value
    except Exception as error:  # whatever a decoder makes of a damaged file
        raise SoundError(f"the sound cannot be decoded: {one_line(error, 80)}") from error
    samples, rate = getattr(held, "data", None), getattr(held, "sample_rate", None)
    named = (getattr(held, name, None) for name in ("content", "contents"))
    return _bytes(value, samples, *named), samples, rate


def _bytes(*values: object) -> bytes | None:
    """Return the first that are bytes."""
    for value in values:
        if isinstance(value, bytes | bytearray | memoryview):
            return bytes(value)
    return None


def _content(file: Any) -> bytes:
    """Return all that is in an open file, wherever it stands: it may just have been written."""
    try:
        if file.seekable():
            file.seek(0)
        data = _bytes(file.read(LARGEST_FILE + 1))
    except AttributeError:
        kind = type(file).__name__
        raise SoundError(f"a file must be a path or an open file, not {kind}") from None
    except Exception as error:  # whatever it is a file of: an archive, a response
        raise SoundError(f"the open file cannot be read: {one_line(error, 80)}") from error
    if data is None:
        raise SoundError("the open file gives no bytes; open it with open(path, 'rb')")
    if len(data) > LARGEST_FILE:
        raise SoundError(f"the open file is larger than {LARGEST_FILE // 1_000_000} MB")
    return data


def _why_no_sound(value: Any) -> str:
    kind = type(value).__name__
    if address := getattr(value, "url", None):
        return f"this {kind} only names {one_line(address, 120)}; give that address itself"
    if hasattr(value, "sound"):
        return f"this {kind} holds no sound"
    if hasattr(value, "__array__"):
        return f"an array alone ({kind}) has no sample rate; use (rate, array)"
    if isinstance(value, Mapping):
        return f"a {kind} is a sound where it has array and sampling_rate, bytes, or content"
    return (
        f"a value of type {kind} is not a sound; use a Sound, (rate, array), an open file or its "
        "bytes, an IPython.display.Audio, or a path"
    )


def _floats(samples: NDArray[Any]) -> NDArray[np.float64]:
    """Return integers as floats in [-1, 1]."""
    kind = samples.dtype.name
    if kind not in INTEGERS:
        known = ", ".join(INTEGERS)
        raise SoundError(f"samples of type {samples.dtype}; use floats in [-1, 1], {known}")
    middle, scale = INTEGERS[kind]
    wide = samples.astype(np.float64) - middle
    peak = np.abs(wide).max(initial=0.0)
    if kind == "int32" and 0 < peak <= INT16:  # as a sound, -96 dB: silence
        raise SoundError(
            f"int32 samples of up to {peak:.0f}, where {scale} stands for 1; "
            "make samples of 16 bits int16"
        )
    return wide / scale


def _check_range(samples: NDArray[np.floating]) -> None:
    low, high = (float(end(samples, initial=0.0)) for end in (np.min, np.max))  # NaN, if any is
    if not (math.isfinite(low) and math.isfinite(high)):
        raise SoundError(NOT_FINITE)
    if (peak := max(-low, high)) > LOUDEST:
        raise SoundError(
            f"samples of up to {peak:.6g}; floats are in [-1, 1]: divide them by what stands for 1 "
            "(32768 in 16 bits)"
        )


def _check_rate(rate: int) -> None:
    if not isinstance(rate, Real):
        raise SoundError(f"the rate must be a number of Hz, not {type(rate).__name__}")
    if not 1_000 <= rate <= HIGHEST_RATE:
        raise SoundError(f"a sample rate of {rate} Hz; expected 1000 to {HIGHEST_RATE}")


class StoredSound(Sound):
    """A sound that stays in its file, or in what else holds it: see `Sound.of`.

    Only its `source`, rate and length are kept in memory. Whatever needs its samples reads them
    anew, and raises SoundError when the source is gone.
    """

    source: object
    _seconds: float
    _cut: Callable[[Sound], Sound] | None

    def __init__(
        self,
        source: object,
        rate: int,
        seconds: float,
        cut: Callable[[Sound], Sound] | None = None,
    ):
        """`cut`: what is done with the sound of the source."""
        vars(self).update(source=source, rate=rate, _seconds=seconds, _cut=cut)

    @property
    def samples(self) -> NDArray[np.float32]:
        # An mp3 may hold some milliseconds more than `seconds`.
        return self._read().resample(self.rate).samples

    @property
    def seconds(self) -> float:
        return self._seconds

    @property
    def path(self) -> Path | None:
        return self.source if isinstance(self.source, Path) else None

    @property
    def data_url(self) -> str:
        return self._read().data_url  # not kept

    def _repr_html_(self) -> str:
        try:
            return super()._repr_html_()
        except SoundError as error:
            return f"<div>{escape(str(error))}</div>"

    def _read(self) -> Sound:
        try:
            sound = Sound.of(self.source)
        except SoundError as error:
            where = f" from {one_line(nearby(self.path), 120)}" if self.path else ""
            raise SoundError(f"the sound can no longer be read{where}") from error
        return self._cut(sound) if self._cut else sound
