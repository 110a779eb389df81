"""What the whole suite wrote, searched for the key that its tests use."""

import json
import mmap
import traceback
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from .fake_server import KEY

PIECES = (KEY[:13].encode(), KEY[8:24].encode())  # the key's beginning, its middle
TYPED = ("history.sqlite",)  # IPython's own, of what was typed: some tests type the key


def assert_no_key(said: object) -> None:
    """Neither what is said nor what Python prints of an error and its causes holds the key."""
    if isinstance(said, BaseException):
        said = f"{said!r} {vars(said)} {''.join(traceback.format_exception(said))}"
    found = [part for part in (KEY[:9], KEY[8:16], KEY[-8:]) if part in str(said)]
    assert found == [], str(said)


def leaks(folders: Iterable[Path]) -> list[Path]:
    """Return the files that hold the key, or its beginning, otherwise than in a cell's source."""
    return [path for folder in folders for path in _files(folder) if _holds(path)]


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink() and path.name not in TYPED:
            yield path


def _holds(path: Path) -> bool:
    with suppress(OSError):
        if path.stat().st_size == 0:
            return False
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            found = any(data.find(piece) >= 0 for piece in PIECES)
        return found and not (path.suffix == ".ipynb" and _typed(path))
    return False


def _typed(path: Path) -> bool:
    """Whether a notebook holds it in the source of its cells alone, where a test typed it."""
    notebook = json.loads(path.read_text("utf-8"))
    for cell in notebook["cells"]:
        del cell["source"]
    left = json.dumps(notebook).encode()
    return not any(piece in left for piece in PIECES)
