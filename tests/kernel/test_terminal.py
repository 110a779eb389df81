"""A plain IPython in a terminal: words as they come, the badge, no widgets."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..support.fake_server import KEY, FakeServer

COMMAND = (sys.executable, "-m", "IPython", "--simple-prompt", "--no-banner", "--colors=NoColor")


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("saved") / "hello.mp3"


@pytest.fixture(scope="module")
def shown(target: Path) -> Iterator[str]:
    """What IPython prints of some lines."""
    lines = ("%load_ext audiomagic", f"%speak --save {target} Hi", "_.seconds", "%listen", "exit")
    with FakeServer() as server:
        server.say("Hello from the\x1b]0;x\x07 terminal.", b"\1\0" * 24_000)
        env = {
            "OPENAI_API_KEY": KEY,
            "OPENAI_BASE_URL": server.url,
            "IPYTHONDIR": str(target.parent),
        }
        done = subprocess.run(
            COMMAND, input="\n".join((*lines, "")), capture_output=True, text=True,
            env=os.environ | env | {"IPYTHONDIR": str(target.parent)},
        )  # fmt: skip
        yield re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)


def test_words_badge_and_saved_file_are_printed_once(shown: str, target: Path) -> None:
    assert shown.count("Hello from the]0;x terminal.") == 1  # the escape is not obeyed
    assert shown.count("gpt-audio-1.5") == 1 and "1.0 s out" in shown
    assert f"saved {target}" in shown and target.stat().st_size > 1000
    assert "Out[3]: 1.0" in shown  # it is the line's result
    assert "Player" not in shown and "<" not in shown


def test_there_is_no_recorder(shown: str) -> None:
    assert "NoMicrophone: a terminal has no recorder; use --file PATH or --sound NAME" in shown
