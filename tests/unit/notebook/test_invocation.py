"""What a line and a cell ask for: typed options, sources, comparisons, how it is sent."""

import inspect
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from audiomagic import Session
from audiomagic.errors import OptionError
from audiomagic.notebook.arguments import MagicOptions
from audiomagic.notebook.invocation import Invocation
from audiomagic.notebook.magics import load
from audiomagic.turn.conversation import CellRun

from ...support.fake_server import FarEnd, chunk
from ...support.listener import Listener


def read(line: str, magic: str = "speak", cell: str | None = None, **variables: Any) -> Invocation:
    settings = MagicOptions(voice="ash", file=["set.wav"] if magic == "listen" else [])
    return Invocation.read(magic, line, cell, settings, variables)


def test_options_go_over_settings_and_are_filled_in() -> None:
    found = read("-s {mood} --max-tokens 5 --prices mine Hi {who}", mood="sad", who="Ada", mine={})
    assert found.text == "Hi Ada" and found.options.style == "sad"
    assert found.session_options["voice"] == "ash" and found.session_options["max_tokens"] == 5
    assert found.session_options["prices"] == {} and "tools" not in found.session_options
    assert found.given() == "Hi Ada" and not found.records and found.audible


def test_sounds_of_a_line_replace_those_of_the_settings() -> None:
    assert read("Hi", "listen").sources == (("file", "set.wav"),)
    found = read("--sound a -f {name}.wav What?", "listen", a=1, name="b")
    assert found.sources == (("sound", "a"), ("file", "b.wav")) and found.given() == [1, "b.wav"]
    assert read("{sound} or {x}?", "listen", sound=3, x=4).text == "{sound} or 4?"


@pytest.mark.parametrize(
    ("magic", "line", "complaint"),
    [
        ("speak", "--chat a -v a,b Hi", "a comparison cannot continue a chat"),
        ("speak", "--each words --chat a {item}", "--each cannot be combined with --chat"),
        ("speak", "--each none {item}", "none is empty: --each needs at least one item"),
        ("listen", "--each words --sound words", "cannot be combined with --file and --sound"),
        ("speak", "-o a.b Hi", "--out needs a variable name, not 'a.b'"),
    ],
)
def test_options_that_do_not_go_together(magic: str, line: str, complaint: str) -> None:
    with pytest.raises(OptionError, match=complaint):
        Invocation.read(magic, line, None, MagicOptions(), {"words": ["un"], "none": []})


def test_a_call_is_followed_and_belongs_to_its_cell(far_end: FarEnd, key: str) -> None:
    session, listener = Session(), Listener()
    for run in (1, 2):
        far_end.say("Hello.", bytes(4_800))
        found = read("--chat main Hi")
        found.call(session, listener, CellRun("a", run))(found.given())
    assert len(listener.pcm) == 9_600
    assert len(session.chats.get("main").exchanges) == 1  # the second run replaces the first


def test_few_frames_lie_between_a_magic_and_the_session(far_end: FarEnd, key: str) -> None:
    shell = InteractiveShell()
    load(shell)
    shell.run_line_magic("speak", "--dry-run Hi")  # all is imported
    seen: list[str] = []

    def tool() -> str:
        """Look who calls."""
        frames = [frame for frame in inspect.stack() if "/audiomagic/" in frame.filename]
        seen.extend(frame.function for frame in frames)
        return "ok"

    shell.user_ns["tool"] = tool
    called = {"index": 0, "id": "a", "function": {"name": "tool", "arguments": "{}"}}
    far_end.send_chunks([chunk({"tool_calls": [called]}, finish_reason="tool_calls")])
    far_end.say("Done.", bytes(4_800))
    shell.run_line_magic("speak", "-q --tools tool Hi")
    ours = seen[::-1]
    assert ours[ours.index("speak") :][:3] == ["speak", "run", "speak"]
