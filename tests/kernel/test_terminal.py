"""A plain IPython in a terminal: words as they come, the badge, no widgets."""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from audiomagic import Sound

from ..support.fake_server import KEY, FakeServer
from ..support.realtime_server import RealtimeServer

COMMAND = (sys.executable, "-m", "IPython", "--simple-prompt", "--no-banner", "--colors=NoColor")


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("saved") / "hello.mp3"


def printed(lines: Sequence[str], url: str, folder: Path) -> str:
    """What IPython prints of some lines."""
    env = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": url, "IPYTHONDIR": str(folder)}
    done = subprocess.run(
        COMMAND, input="\n".join(("%load_ext audiomagic", *lines, "exit", "")),
        capture_output=True, text=True, env=os.environ | env,
    )  # fmt: skip
    return re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)


@pytest.fixture(scope="module")
def shown(target: Path) -> str:
    with FakeServer() as server:
        server.say("Hello from the\x1b]0;x\x07 terminal.", b"\1\0" * 24_000)
        lines = (f"%speak --save {target} Hi", "_.seconds", "%listen")
        return printed(lines, server.url, target.parent)


def test_words_badge_and_saved_file_are_printed_once(shown: str, target: Path) -> None:
    assert shown.count("Hello from the]0;x terminal.") == 1  # the escape is not obeyed
    assert shown.count("gpt-audio-1.5") == 1 and "1.0 s out" in shown
    assert f"saved {target}" in shown and target.stat().st_size > 1000
    assert "Out[3]: 1.0" in shown  # it is the line's result
    assert "Player" not in shown and "<" not in shown


def test_there_is_no_recorder(shown: str) -> None:
    assert "NoMicrophone: a terminal has no microphone; use --file PATH or --sound NAME" in shown


def test_a_conversation_is_printed_as_it_is_held(tone: Sound, tmp_path: Path) -> None:
    path, page = tone.save(tmp_path / "question.wav"), tmp_path / "talk.html"
    with RealtimeServer() as server:
        server.say("Good\x1b]0;x\x07 morning, Ada.", tone.pcm16())
        server.hears("How are you?")
        server.say("Very well.", tone.pcm16())
        cell = f"%%converse --say 'I am Ada' --file {path} --say Bye --save {page}"
        said = printed((cell, "A tutor.", "", "len(_.turns)"), server.url, tmp_path)
    lines = [line for line in said.splitlines() if line]
    at = lines.index(next(line for line in lines if line.endswith("you: I am Ada")))
    assert lines[at + 1] == "model: Good]0;x morning, Ada."  # the escape is not obeyed
    assert lines[at + 2].startswith("[gpt-realtime-2.1 ") and "1.0 s out" in lines[at + 2]
    assert lines[at + 3 : at + 5] == ["you: [1.0 s of sound]", "model: Very well."]
    assert lines[at + 6 : at + 8] == ["you said: How are you?", "you: Bye"]
    assert lines[at + 8].startswith("Conversation · 2 turns · $"), lines
    assert lines[at + 9].startswith("Transcription of what you said, by ")
    assert "The test scripted no answer" in said and "<" not in said and not page.exists()
