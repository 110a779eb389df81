"""Take the sound out of a notebook, and leave what was said and what it cost.

Only the outputs of code cells are looked at, and in them only `<audio>` elements that hold their
sound themselves, and faces of type `audio/...`. All else is written back as it was read.
"""

import contextlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .. import suggestions
from ..errors import OptionError, one_line
from ..files import contents, file_path, reason
from .soundless import GONE, without_sound

FACES = ("text/html", "text/markdown")
USAGE = "%audiomagic strip talk.ipynb"
BOM = "\ufeff"  # some editors begin a file with it
LARGEST = 1_000_000_000  # bytes of a notebook worth reading
INDENT = re.compile(r"\ufeff?\s*\{\r?\n([ \t]*)")


def strip(path: str) -> str:
    """Take the embedded sound out of a notebook; return a line that says what it saved.

    Raises OptionError for a file that is missing, no notebook, or cannot be written.

    >>> strip("talk.ipynb")
    'talk.ipynb: 3 sounds taken out, 1.9 MB → 0.12 MB'
    """
    file = file_path(path)
    text = _read(file)
    notebook = _parsed(text, file)
    count = sum(_strip_output(output) for output in _outputs(notebook))
    name = one_line(file.name, 80)
    if count == 0:
        return f"{name} holds no sound"
    try:
        written = _written(notebook, text)
    except RecursionError as error:
        raise _no_notebook(file, "it is nested too deep") from error
    _replace(file, written.encode())
    sounds = "1 sound" if count == 1 else f"{count} sounds"
    return f"{name}: {sounds} taken out, {_size(text)} → {_size(written)}"


# -- the file -----------------------------------------------------------------------------------
def _read(file: Path) -> str:
    name = one_line(file, 120)
    try:
        if file.is_dir():
            raise OptionError(f"{name} is a folder; name a notebook in it: {USAGE}")
        return contents(file, LARGEST).decode("utf-8")
    except FileNotFoundError:
        # Without their ending: for its sake any two would be alike.
        known = [other.stem for other in file.parent.glob("*.ipynb") if other.is_file()]
        close = suggestions.nearest(file.stem, known)
        nearest = file.with_name(f"{close}.ipynb")
        hint = f"did you mean '{one_line(nearest, 120)}'?" if close else "check the path"
        raise OptionError(f"there is no {name}; {hint}") from None
    except UnicodeDecodeError as error:
        raise _no_notebook(file, "it is no UTF-8 text") from error
    except OSError as error:
        raise OptionError(f"cannot read {name}: {reason(error)}") from error


def _parsed(text: str, file: Path) -> dict[str, Any]:
    try:
        notebook = json.loads(text.removeprefix(BOM))
    except (ValueError, RecursionError) as error:
        raise _no_notebook(file, "it is no JSON") from error
    if not isinstance(notebook, dict) or "nbformat" not in notebook:
        raise _no_notebook(file, "it has no nbformat")
    if not isinstance(notebook.get("cells"), list):
        if "worksheets" in notebook:
            name = one_line(file, 120)
            raise OptionError(f"{name} is of an old format; open and save it in Jupyter first")
        raise _no_notebook(file, "it has no cells")
    return notebook


def _no_notebook(file: Path, why: str) -> OptionError:
    return OptionError(f"{one_line(file, 120)} is not a notebook: {why}; name a file.ipynb")


def _written(notebook: dict[str, Any], text: str) -> str:
    """Write a notebook the way its text was written: its BOM, indent, line ends, last line."""
    indent = INDENT.match(text)
    written = json.dumps(notebook, indent=indent[1] if indent else None, ensure_ascii=False)
    # Half a character can stand in JSON as an escape alone.
    written = re.sub(r"[\ud800-\udfff]", lambda half: f"\\u{ord(half[0]):04x}", written)
    if "\r\n" in text:  # a string holds no line ends but as escapes
        written = written.replace("\n", "\r\n")
    return text[: text.startswith(BOM)] + written + text[len(text.rstrip()) :]


def _replace(file: Path, data: bytes) -> None:
    """Write a file anew, at once: whoever reads it, or pulls the plug, finds the old or the new."""
    target = Path(os.path.realpath(file))  # a link stays a link
    temporary = ""
    try:
        with target.open("r+b"):  # a file that is read-only is not replaced
            pass
        handle, temporary = tempfile.mkstemp(prefix=".strip-", dir=target.parent)
        with os.fdopen(handle, "wb") as fresh:
            fresh.write(data)
            fresh.flush()
            os.fsync(fresh.fileno())
        shutil.copymode(target, temporary)
        os.replace(temporary, target)
    except OSError as error:
        with contextlib.suppress(OSError):
            if temporary:
                os.unlink(temporary)
        line = f"cannot write {one_line(file, 120)}: {reason(error)}; it is as it was"
        raise OptionError(line) from error


def _size(text: str) -> str:
    size = len(text.encode())
    number, unit = (size / 1e6, "MB") if size >= 100_000 else (size / 1e3, "kB")
    return f"{number:.0f} {unit}" if number >= 9.95 else f"{number:.2g} {unit}"


# -- its outputs --------------------------------------------------------------------------------
def _outputs(notebook: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Give the outputs of code cells that have faces; what is malformed is left alone."""
    for cell in notebook["cells"]:
        if not isinstance(cell, dict) or cell.get("cell_type") != "code":
            continue
        outputs = cell.get("outputs")
        for output in outputs if isinstance(outputs, list) else ():
            if isinstance(output, dict) and isinstance(output.get("data"), dict):
                yield output["data"]


def _strip_output(faces: dict[str, Any]) -> int:
    """Take the sound out of the faces of an output; return how many sounds there were."""
    counts = [0]
    for kind in FACES:
        face = faces.get(kind)
        lines = isinstance(face, list) and all(isinstance(line, str) for line in face)
        whole = "".join(face) if lines and face else face
        if not isinstance(whole, str):
            continue
        without, count = without_sound(whole)
        if count:
            faces[kind] = without.splitlines(keepends=True) if lines else without
            counts.append(count)
    raw = [kind for kind in faces if kind.lower().startswith("audio/")]
    for kind in raw:
        del faces[kind]
    if raw and not faces:
        faces["text/plain"] = GONE
    return max(*counts, len(raw[:1]))  # several faces show the same sounds
