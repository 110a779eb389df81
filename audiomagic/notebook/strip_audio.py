"""Take the sound out of a notebook, and leave what was said and what it cost.

Only the outputs of code cells are looked at, and in them only `<audio>` elements that hold their
sound themselves, and data of type `audio/...`. All else is written back as it was read.
"""

import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import OptionError, one_line
from ..files import contents, file_path, reason
from ..render.html import counted

REMOVED = "(sound taken out)"
BOM = "\ufeff"  # some editors begin a file with it
LARGEST = 1_000_000_000  # bytes of a notebook worth reading
INDENT = re.compile(r"\ufeff?\s*\{\r?\n([ \t]*)")
CARD = '<div class="audiomagic-card"'
ATTRIBUTES = r"""(?:[^<>=]++|=\s*+(?:"[^"]*+"|'[^']*+'|[^\s<>"']*+))*+"""
# What a page is read as, from left to right: `audio` alone is looked into. What stands in a
# comment, a script or a quoted value is not an element. Nothing goes back (`++`, `*+`), so that
# no page makes this slow.
TOKEN = re.compile(
    rf"""<!--.*?(?:-->|\Z)
    | <(script|style|textarea|title|iframe)\b.*?(?:</\1\b[^<>]*+>|\Z)
    | (?P<audio><audio(?=[\s/>]){ATTRIBUTES}>[^<]*+(?:<(?!/?audio\b)[^<]*+)*+</audio\s*+>)
    | <[a-z]{ATTRIBUTES}>?""",
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
SOURCE = re.compile(r"""\ssrc\s*+=\s*+["']?\s*+data:""", re.IGNORECASE)


def strip(path: str) -> str:
    """Take the embedded sound out of a notebook; return a line that says what it saved."""
    file = file_path(path)
    name, shown = one_line(file.name, 80), one_line(file, 120)
    try:
        text = contents(file, LARGEST).decode()
        notebook = json.loads(text.removeprefix(BOM))
        if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
            raise ValueError
        count = sum(map(_strip_output, _outputs(notebook["cells"])))
        written = _written(notebook, text)
    except OSError as error:
        raise OptionError(f"cannot read {shown}: {reason(error)}") from error
    except (ValueError, RecursionError) as error:
        raise OptionError(f"{shown} is not a notebook of format 4; name a file.ipynb") from error
    if count == 0:
        return f"{name} holds no sound"
    try:
        _replace(file, written.encode())
    except OSError as error:
        line = f"cannot write {shown}: {reason(error)}; the notebook is unchanged"
        raise OptionError(line) from error
    return f"{name}: {counted(count, 'sound')} taken out, {_size(text)} → {_size(written)}"


def _outputs(cells: list[Any]) -> Iterator[dict[str, Any]]:
    for cell in cells:
        if isinstance(cell, dict) and cell.get("cell_type") == "code":
            outputs = cell.get("outputs")
            for output in outputs if isinstance(outputs, list) else ():
                if isinstance(output, dict) and isinstance(output.get("data"), dict):
                    yield output["data"]


def _strip_output(data: dict[str, Any]) -> int:
    counts = [0]
    for kind in ("text/html", "text/markdown"):
        page = data.get(kind)
        lines = isinstance(page, list) and all(isinstance(line, str) for line in page)
        whole = "".join(page) if lines and page else page
        without, count = without_sound(whole) if isinstance(whole, str) else ("", 0)
        if count:
            data[kind] = without.splitlines(keepends=True) if lines else without
            counts.append(count)
    sounds = [kind for kind in data if kind.lower().startswith("audio/")]
    for kind in sounds:
        del data[kind]
    if sounds and not data:
        data["text/plain"] = REMOVED
    return max(*counts, len(sounds[:1]))  # several types show the same sounds


def without_sound(page: str) -> tuple[str, int]:
    """Return HTML, or markdown, with a note in the place of each sound; and how many there were."""
    total, parts = 0, []
    for part in re.split(f"(?={CARD})", page):
        count = 0

        def note(match: re.Match[str]) -> str:
            nonlocal count
            if not SOURCE.search(match["audio"] or ""):
                return match[0]
            count += 1
            return f"<em>{REMOVED}</em>"

        part = TOKEN.sub(note, part)
        if count and part.startswith(CARD):  # what made its transcript follow its sound goes too
            part = re.sub(r' data-starts="[^"]*+"', "", part, count=1)
            part = re.sub(r"<script>\{.*?</script>(?=</div>)", "", part, count=1, flags=re.DOTALL)
        total += count
        parts.append(part)
    return "".join(parts), total


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
    target = Path(os.path.realpath(file))  # a link stays a link
    with target.open("r+b"):  # a file that is read-only is not replaced
        pass
    handle, temporary = tempfile.mkstemp(prefix=".strip-", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as fresh:
            fresh.write(data)
            fresh.flush()
            os.fsync(fresh.fileno())
        shutil.copymode(target, temporary)
        os.replace(temporary, target)
    finally:
        Path(temporary).unlink(missing_ok=True)


def _size(text: str) -> str:
    size = len(text.encode())
    number, unit = (size / 1e6, "MB") if size >= 100_000 else (size / 1e3, "kB")
    return f"{number:.0f} {unit}" if number >= 9.95 else f"{number:.2g} {unit}"
