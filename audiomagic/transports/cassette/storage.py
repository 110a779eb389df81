"""The files of a cassette: found in order, read with care, written whole or not at all."""

import io
import re
import stat
import unicodedata
from pathlib import Path

import numpy as np
import soundfile

from ...errors import CassetteError, one_line
from ...files import reason
from ...protocol.response import LARGEST_ANSWER
from ...sound import WIRE_RATE
from .exchange import LARGEST, Exchange

LONGEST_SLUG = 40  # characters of a file's name taken from the user's words


def recordings(folder: Path) -> list[Path]:
    """Return the JSON files in the order of their numbers."""
    found = [path for path in folder.glob("*.json") if not path.name.startswith(".")]
    return sorted(found, key=lambda path: (_number(path), path.name))


def of_key(folder: Path, key: str) -> list[Path]:
    """Return the JSON files whose names say that they answer the request of a key."""
    ending = f"-{key[:6]}.json"
    found = (
        [path for path in folder.iterdir() if path.name.endswith(ending)] if folder.is_dir() else []
    )
    return sorted(found, key=lambda path: (_number(path), path.name))


def read(path: Path) -> Exchange:
    """Read one exchange. Raises CassetteError, one line, for a damaged or hostile file."""
    return Exchange.decode(_plain(path, LARGEST).read_bytes(), _name(path))


def read_sound(path: Path, exchange: Exchange) -> bytes:
    """Return the pcm16 beside an exchange's file. Raises CassetteError where it is another."""
    track = exchange.answer
    if not track.sound:
        return b""
    beside = _plain(path.with_suffix(".flac"), LARGEST_ANSWER)
    try:
        with soundfile.SoundFile(beside) as file:
            # A sample more than should be there: a file that unpacks into gigabytes stops here.
            frames = track.samples + 1 if file.channels == 1 else 0
            pcm = bytes(file.read(frames, dtype="int16").astype("<i2").tobytes())
    except (soundfile.SoundFileError, OSError, TypeError) as error:
        raise CassetteError(f"{_name(beside)} is no sound: {one_line(error, 80)}") from error
    if not track.holds(pcm):
        raise CassetteError(f"{_name(beside)} is not the sound that was recorded; record it again")
    return pcm


def write(folder: Path, exchange: Exchange, pcm: bytes) -> Path:
    """Write an exchange under a name that nobody else has; return its path.

    Raises CassetteError where it cannot be written.
    """
    label = "-".join(filter(None, (_slug(exchange.request.words), exchange.request.key[:6])))
    data = exchange.encode()
    try:
        folder.mkdir(exist_ok=True)
        part = _claimed(folder, label)
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
        why = f"cannot record in {_name(folder)}: {reason(error)}; not kept"
        raise CassetteError(why) from error
    return path


def _claimed(folder: Path, label: str) -> Path:
    """Make an empty file whose name, with any ending, is ours: who holds it writes the others."""
    number = max(map(_number, folder.iterdir()), default=0)
    while True:
        number += 1
        part = folder / f"{number:04}-{label}.part"
        try:
            part.open("xb").close()
        except FileExistsError:
            continue
        if not (part.with_suffix(".json").exists() or part.with_suffix(".flac").exists()):
            return part
        part.unlink()


def _plain(path: Path, most: int) -> Path:
    """Check that it is a file of its own, neither link nor device, of at most `most` bytes."""
    try:
        state = path.lstat()
    except OSError as error:
        raise CassetteError(f"cannot read {_name(path)}: {reason(error)}") from error
    if not stat.S_ISREG(state.st_mode):
        raise CassetteError(f"{_name(path)} is no plain file")
    if state.st_size > most:
        raise CassetteError(f"{_name(path)} is larger than {most // 1_000_000} MB")
    return path


def _flac(pcm: bytes) -> bytes:
    file = io.BytesIO()
    samples = np.frombuffer(pcm, "<i2").astype(np.int16)
    soundfile.write(file, samples, WIRE_RATE, format="FLAC", subtype="PCM_16")
    return file.getvalue()


def _number(path: Path) -> int:
    digits = re.match(r"[0-9]{1,9}", path.name)
    return int(digits[0]) if digits else 0


def _slug(words: str) -> str:
    """Take words that every file system can hold; "" where there are none."""
    ascii_words = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", re.sub("['`]", "", ascii_words)).strip("-")
    return slug if len(slug) <= LONGEST_SLUG else slug[: LONGEST_SLUG + 1].rpartition("-")[0]


def _name(path: Path) -> str:
    return one_line(path.name, 80)
