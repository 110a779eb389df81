"""The pure parts of the JavaScript, by node's own test runner; no packages are needed."""

import shutil
import subprocess
from pathlib import Path

import pytest

NODE = shutil.which("node")


@pytest.mark.node
@pytest.mark.skipif(NODE is None, reason="node is not installed")
def test_the_pure_parts() -> None:
    files = sorted(str(path) for path in (Path(__file__).parents[2] / "js").glob("*.test.mjs"))
    assert files
    done = subprocess.run(
        [str(NODE), "--test", *files], capture_output=True, encoding="utf-8", timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
