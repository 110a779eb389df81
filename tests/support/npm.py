"""Packages of the npm registry that tests use, installed once into the user's cache."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import platformdirs


def find_node() -> str | None:
    """Node.js (20.19, 22.7 or newer), if npm, which the installation needs, is there too."""
    return shutil.which("node") if shutil.which("npm") else None


def installed(source: Path) -> Path:
    """The folder with a copy of `source` and the packages that it names, installed the first time.

    It is named after what the files of `source` say.
    """
    files = sorted(path for path in source.iterdir() if path.is_file())
    contents = b"".join(path.read_bytes() for path in files)
    cache = platformdirs.user_cache_path("audiomagic-tests")
    name = source.name.removesuffix("_js")
    ready = cache / f"{name}-{hashlib.sha256(contents).hexdigest()[:16]}"
    if ready.exists():
        return ready
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, ignore_cleanup_errors=True) as temporary:
        fresh = Path(temporary) / name
        fresh.mkdir()
        for path in files:
            shutil.copy(path, fresh)
        npm = shutil.which("npm") or "npm"
        run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], fresh)
        try:
            # Renaming is atomic: nobody sees half an installation, the first of two wins.
            os.rename(fresh, ready)
        except OSError:
            if not ready.exists():
                raise
    return ready


def run(command: list[str], folder: Path, stdin: str = "") -> str:
    """Run a command in a folder; return what it printed, or raise what it complained of."""
    done = subprocess.run(
        command, cwd=folder, input=stdin, capture_output=True, encoding="utf-8", timeout=300
    )
    if done.returncode:
        raise RuntimeError(f"{command} failed:\n{done.stderr[-3000:]}")
    return done.stdout
