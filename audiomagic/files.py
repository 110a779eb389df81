"""A file that the user names: its path, its contents within bounds, whether it can be written.

Failures are OSErrors; `reason` gives what follows "cannot read x: ".
"""

import errno
import os
import re
import stat
from contextlib import suppress
from itertools import islice
from pathlib import Path

from .errors import OptionError, one_line
from .suggestions import nearest

LONGEST_PART = 80  # characters of a name that a text fills in
MOST_NAMES = 10_000  # files of a folder that are compared with a name that is not in it


def nearby(path: Path) -> Path:
    """Return a path from the working directory on, where it is in there: a shared notebook must
    not show a home folder.
    """
    with suppress(OSError):  # the working directory may be gone
        if path.is_relative_to(here := Path.cwd()):
            return path.relative_to(here)
    return path


def file_path(name: str | os.PathLike[str]) -> Path:
    """Return a path with `~` expanded. Raises OptionError for a name that no file can have."""
    if not isinstance(name, str | os.PathLike) or not isinstance(os.fspath(name), str):
        raise OptionError(f"a file's name must be a string or a Path, not {type(name).__name__}")
    path, valid = Path(name), bool(os.fspath(name))
    try:
        path = Path(os.path.expanduser(name))
        os.lstat(path)
    except OSError as error:  # EINVAL is what Windows says
        valid = valid and error.errno not in (errno.ENAMETOOLONG, errno.EINVAL)
    except ValueError:  # a zero byte, a lone surrogate
        valid = False
    if not valid:
        raise OptionError(f"'{one_line(name, 60)}' is not a valid file name")
    return path


def is_url(name: str) -> bool:
    """Whether a name is an address on a network (`https://...`), not a file's (`C://a.wav`)."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", name.strip()) is not None


def safe_name(words: str) -> str:
    """Return words as a part of a file's name: nothing in it leads to another folder."""
    kept = "".join(c if c.isalnum() or c in ".-_+" else " " for c in words)
    return "-".join(kept.split()).lstrip(".") or "_"


def name_part(value: object, spec: str = "") -> str:
    """Return a value, in a format such as "03", as a part of a file's name.

    Only a path leads to another folder. Raises ValueError, TypeError for a format that is not the
    value's.
    """
    text = format(value, spec) if spec else str(value)  # numpy's float32 has digits of a double
    return text if isinstance(value, os.PathLike) else safe_name(text[:LONGEST_PART])


def contents(path: Path, limit: int, follow_symlinks: bool = True) -> bytes:
    """Read a regular file of at most `limit` bytes: a device or a pipe may have no end."""
    status = path.stat(follow_symlinks=follow_symlinks)
    _check_regular(status.st_mode)
    if status.st_size > limit:
        raise OSError(errno.EFBIG, f"it is larger than {limit // 1_000_000} MB")
    return path.read_bytes()


def check_writable(path: Path) -> None:
    """Raise OSError where a file cannot be written, without touching it."""
    if path.exists():
        _check_regular(path.stat().st_mode)
    elif not path.parent.is_dir():
        raise OSError(errno.ENOTDIR, f"{one_line(path.parent, 60)} is not a folder")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))


def reason(error: OSError) -> str:
    """Return the system's words; for a file that is not there, the name that may be meant, too."""
    words = error.strerror or one_line(error, 80)
    if isinstance(error, FileNotFoundError) and error.filename:
        path = Path(error.filename)
        with suppress(OSError):
            names = [found.name for found in islice(path.parent.iterdir(), MOST_NAMES)]
            if close := nearest(path.name, names):
                return f"{words}; did you mean '{one_line(close, 60)}'?"
    return words


def _check_regular(mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise OSError(errno.EISDIR, "it is a folder")
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is not a regular file")
