"""A file that the user names: its path, what is in it, whether it can be written.

What goes wrong is an OSError whose `strerror` goes after "cannot read x: "; whoever needs the file
words the rest.
"""

import errno
import os
import stat
from contextlib import suppress
from itertools import islice
from pathlib import Path

from .errors import OptionError, one_line
from .suggestions import nearest

MOST_NAMES = 10_000  # of a folder that are looked at for the one that was meant
NO_NAME = (errno.ENAMETOOLONG, errno.EINVAL)  # the latter on Windows


def file_path(name: str | os.PathLike[str]) -> Path:
    """Return a path with `~` expanded. Raises OptionError for a name that no file can have."""
    path = Path(name)
    with suppress(RuntimeError):  # there is no such user
        path = path.expanduser()
    if not _possible(path) or not os.fspath(name):
        raise OptionError(f"'{one_line(name, 60)}' is no file name")
    return path


def _possible(path: Path) -> bool:
    try:
        os.lstat(path)
    except OSError as error:
        return error.errno not in NO_NAME
    except ValueError:  # a zero byte, half a character
        return False
    return True


def contents(path: Path, most: int) -> bytes:
    """Read a plain file of at most `most` bytes: no device, which has no end, and no pipe."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError as error:
        raise _error(errno.ENOENT, f"{error.strerror}{_nearest(path)}") from None
    if not stat.S_ISREG(mode):
        raise _error(errno.EINVAL, "it is a folder" if path.is_dir() else "it is no plain file")
    with path.open("rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise _error(errno.EFBIG, f"it is larger than {most // 1_000_000} MB")
    return data


def _nearest(path: Path) -> str:
    """Ask whether the file of its folder that is called most like it is meant."""
    try:
        names = [found.name for found in islice(path.parent.iterdir(), MOST_NAMES)]
    except OSError:
        return ""
    close = nearest(path.name, names)
    return f"; did you mean '{one_line(close, 60)}'?" if close else ""


def check_writable(path: Path) -> None:
    """Look whether a file can be written in its folder, without touching it."""
    if path.parent.exists() and not path.parent.is_dir():
        raise _error(errno.ENOTDIR, f"{one_line(path.parent, 60)} is no folder")
    if path.is_dir():
        raise _error(errno.EISDIR, "it is a folder")
    if path.exists() and not path.is_file():
        raise _error(errno.EINVAL, "it is no plain file")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise _error(errno.EACCES, os.strerror(errno.EACCES))


def reason(error: OSError) -> str:
    """Say what went wrong, in the system's words."""
    return error.strerror or one_line(error, 80)


def _error(number: int, words: str) -> OSError:
    return OSError(number, words)
