"""Other versions of ipykernel, each in a folder of its own before the rest of the environment."""

import json
import os
import subprocess
import sys
import tempfile
from importlib.metadata import version as installed_version
from pathlib import Path

import platformdirs

#: 6 has one loop for cells and messages, 7.1 to 7.3 a thread for messages, 7.4 again another way.
VERSIONS = ("6.31.0", "7.3.0", "7.4.0")
NEEDED = "nest-asyncio"  # by 6.31 alone


def folder(version: str) -> Path | None:
    """Return a version's folder, installed now if this is the first time; None: it is ours."""
    if version == installed_version("ipykernel"):
        return None
    cache = platformdirs.user_cache_path("audiomagic-tests")
    ready = cache / f"ipykernel-{version}-{sys.version_info[0]}.{sys.version_info[1]}"
    if not ready.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as temporary:
            pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target"]
            fresh = Path(temporary) / "fresh"
            subprocess.run([*pip, fresh, f"ipykernel=={version}", NEEDED], check=True)
            os.rename(fresh, ready)  # nobody sees half an installation
    return ready


def environment(version: str) -> dict[str, str]:
    """Return what a process needs to import that version."""
    place = folder(version)
    rest = os.environ.get("PYTHONPATH")
    return {"PYTHONPATH": os.pathsep.join(filter(None, (str(place), rest)))} if place else {}


def write_kernelspec(version: str, data: Path) -> None:
    """Put a kernel called `ipykernel-<version>` into a Jupyter data folder."""
    spec = data / "kernels" / f"ipykernel-{version}" / "kernel.json"
    spec.parent.mkdir(parents=True)
    launch = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    about = {"display_name": f"ipykernel {version}", "language": "python"}
    spec.write_text(json.dumps({"argv": launch, "env": environment(version), **about}))
