"""JupyterLab's own sanitizer: what an untrusted notebook leaves of an HTML output.

The JavaScript in `sanitizer_js` is installed once (4.5 MB, a few seconds, from the npm registry)
into the user's cache, in a folder named after what its files say.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import platformdirs

SOURCE = Path(__file__).with_name("sanitizer_js")
FILES = ("package.json", "package-lock.json", "sanitize.mjs")


def find_node() -> str | None:
    """Node.js (20.19, 22.7 or newer), if npm, which the installation needs, is there too."""
    return shutil.which("node") if shutil.which("npm") else None


def sanitize(html: str) -> str:
    """The HTML that JupyterLab and Notebook 7 show for `html` in an untrusted notebook."""
    node = find_node()
    if node is None:
        raise RuntimeError("JupyterLab's sanitizer needs node and npm on PATH")
    return _run([node, "sanitize.mjs"], _installed(), html)


def _installed() -> Path:
    """The folder with the sanitizer, installed now if this is the first time."""
    contents = b"".join((SOURCE / name).read_bytes() for name in FILES)
    cache = platformdirs.user_cache_path("audiomagic-tests")
    ready = cache / f"sanitizer-{hashlib.sha256(contents).hexdigest()[:16]}"
    if ready.exists():
        return ready
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, ignore_cleanup_errors=True) as temporary:
        fresh = Path(temporary) / "sanitizer"
        fresh.mkdir()
        for name in FILES:
            shutil.copy(SOURCE / name, fresh)
        npm = shutil.which("npm") or "npm"
        _run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], fresh)
        try:
            # Renaming is atomic: nobody sees half an installation, the first of two wins.
            os.rename(fresh, ready)
        except OSError:
            if not ready.exists():
                raise
    return ready


def _run(command: list[str], folder: Path, stdin: str = "") -> str:
    done = subprocess.run(
        command, cwd=folder, input=stdin, capture_output=True, encoding="utf-8", timeout=300
    )
    if done.returncode:
        raise RuntimeError(f"{command} failed:\n{done.stderr[-3000:]}")
    return done.stdout
