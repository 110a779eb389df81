"""The files of a cassette: found in order, read with care, written whole or not at all."""

import io
import re
import unicodedata
from contextlib import suppress
from pathlib import Path

import numpy as np
import soundfile

from ...errors import CassetteError, one_line
from ...files import contents
from ...protocol.pcm import LARGEST_ANSWER
from ...sound import WIRE_RATE
from .recording import LARGEST, Recording, checksum

LONGEST_SLUG = 40  # characters of a file's name taken from the user's words


def recordings(folder: Path, key: str = "") -> list[Path]:
    """Return the JSON files, or those for a request's key, in the order of their numbers."""
    found = folder.glob(f"*-{key[:6]}.json" if key else "*.json")
    visible = (path for path in found if not path.name.startswith("."))
    return sorted(visible, key=lambda path: (_number(path), path.name))


def read(path: Path) -> Recording:
    """Read a recording. Raises CassetteError for a damaged or hostile file."""
    return Recording.decode(_contents(path, LARGEST), one_line(path.name, 80))


def read_sound(path: Path, sha256: str) -> bytes:
    """Return the pcm16 beside a recording's file. Raises CassetteError if it is not the same."""
    path = path.with_suffix(".flac")
    data, name = _contents(path, LARGEST_ANSWER), one_line(path.name, 80)
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            # Bounded: a small file may unpack into gigabytes.
            frames = LARGEST_ANSWER // 2 if file.channels == 1 else 0
            pcm = bytes(file.read(frames, dtype="int16").astype("<i2").tobytes())
    except (soundfile.SoundFileError, OSError, TypeError) as error:
        raise CassetteError(f"{name} is not a sound: {one_line(error, 80)}") from error
    if checksum(pcm) != sha256:
        raise CassetteError(f"{name} is not the sound that was recorded; record it again")
    return pcm


def write(folder: Path, recording: Recording, pcm: bytes) -> str:
    """Write a recording under a new name; return the name. Raises CassetteError."""
    data = recording.encode()
    try:
        folder.mkdir(exist_ok=True)
        part = _reserve(folder, recording)
        path, sound = part.with_suffix(".json"), part.with_suffix(".flac")
        try:
            if pcm:
                sound.write_bytes(_flac(pcm))
            part.write_bytes(data)
            part.replace(path)
        except BaseException:
            sound.unlink(missing_ok=True)
            part.unlink(missing_ok=True)
            raise
    except OSError as error:
        name, why = one_line(folder.name, 80), error.strerror or error
        raise CassetteError(f"cannot record in {name}: {why}; not kept") from error
    return path.name


def _reserve(folder: Path, recording: Recording) -> Path:
    """Make an empty file; the process that made it may write the others of its name."""
    label = "-".join(filter(None, (_slug(recording.request.words), recording.request.key[:6])))
    number = max(map(_number, folder.iterdir()), default=0)
    while True:
        number += 1
        part = folder / f"{number:04}-{label}.part"
        with suppress(FileExistsError):
            part.touch(exist_ok=False)
            if not (part.with_suffix(".json").exists() or part.with_suffix(".flac").exists()):
                return part
            part.unlink()


def _contents(path: Path, limit: int) -> bytes:
    try:
        return contents(path, limit, follow_symlinks=False)
    except OSError as error:
        name = one_line(path.name, 80)
        raise CassetteError(f"{name} cannot be read: {error.strerror or error}") from error


def _flac(pcm: bytes) -> bytes:
    file, samples = io.BytesIO(), np.frombuffer(pcm, "<i2").astype(np.int16)
    soundfile.write(file, samples, WIRE_RATE, format="FLAC", subtype="PCM_16")
    return file.getvalue()


def _number(path: Path) -> int:
    digits = re.match(r"[0-9]{1,9}", path.name)
    return int(digits[0]) if digits else 0


def _slug(words: str) -> str:
    """Return words that every file system can hold; "" if there are none."""
    ascii_words = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", re.sub("['`]", "", ascii_words)).strip("-")
    return slug if len(slug) <= LONGEST_SLUG else slug[: LONGEST_SLUG + 1].rpartition("-")[0]
