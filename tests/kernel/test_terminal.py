"""A plain IPython in a terminal: words as they come, the badge, no widgets."""

import os
import re
import subprocess
import sys
from pathlib import Path

from ..support.fake_server import FarEnd


def ipython(*lines: str) -> str:
    """Type lines into IPython; return what it printed."""
    command = [
        sys.executable,
        "-m",
        "IPython",
        "--simple-prompt",
        "--no-banner",
        "--colors=NoColor",
    ]
    typed = "\n".join(("%load_ext audiomagic", *lines, "exit", ""))
    done = subprocess.run(command, input=typed, capture_output=True, text=True, env=os.environ)
    return re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)


def test_words_badge_and_saved_file_are_printed_once(
    far_end: FarEnd, key: str, tmp_path: Path
) -> None:
    far_end.say("Hello from the\x1b]0;x\x07 terminal.", b"\1\0" * 24_000)
    target = tmp_path / "hello.mp3"
    shown = ipython(f"%speak --save {target} Hi", "_.seconds")
    assert shown.count("Hello from the]0;x terminal.") == 1  # the escape is not obeyed
    assert shown.count("gpt-audio-1.5") == 1 and "1.0 s out" in shown
    assert f"saved {target}" in shown and target.stat().st_size > 1000
    assert "Out[3]: 1.0" in shown  # it is the line's result
    assert "Player" not in shown and "<" not in shown


def test_there_is_no_recorder(key: str) -> None:
    shown = ipython("%listen")
    assert "NoMicrophone: a terminal has no recorder; send a sound with --file PATH" in shown
