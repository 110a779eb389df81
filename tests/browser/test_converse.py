"""`%%converse` in a real JupyterLab: one answer sounds after the other; a page of both stays."""

from typing import Any

import numpy as np
import pytest

from ..support.fake_server import loading
from ..support.ipykernels import VERSIONS
from ..support.jupyter import Browser, JupyterServer, Notebook, Opener, untrusted_copy
from ..support.loudspeaker import TAP, first_sample, heard
from ..support.player_page import STATE
from ..support.realtime_server import RealtimeServer

BROWSER = {"init_script": TAP}
CELL = "%%converse --say Hi --sound clip --say Bye --out talk\nYou are a tutor."
CLIP = "clip = (24000, [0.1, -0.1] * 24000)"


@pytest.fixture
def listening(far_end: RealtimeServer) -> str:
    """A cell that sends conversations to the scripted server."""
    return loading(far_end.url, CLIP)


def level(value: int, seconds: float) -> bytes:
    """Make a sound that can be told from others wherever a sample of it is heard."""
    return np.full(int(24_000 * seconds), value, "<i2").tobytes()


@pytest.mark.parametrize("version", VERSIONS)
def test_answers_are_heard_one_after_the_other_and_a_page_stays(
    loaded: Opener, server: JupyterServer, browser: Browser, far_end: RealtimeServer, version: str
) -> None:
    far_end.hears("How are you?")
    for number, words in enumerate(("Good morning.", "I am well.", "Goodbye."), 1):
        far_end.say(words, level(1000 * number, 2), pause=0.05)
    path = f"converse-{version}.ipynb"
    with loaded(CELL, kernel=f"ipykernel-{version}", path=path) as notebook:
        notebook.start_cell(1)
        notebook.wait(lambda: first_sample(notebook), "the first sound")
        notebook.wait_cell(1)
        notebook.wait(lambda: notebook.js(STATE) is None, "all to be heard")
        samples = heard(notebook)
        assert samples[samples != 0].tobytes() == level(1000, 2) + level(2000, 2) + level(3000, 2)
        _shows(notebook)
        assert notebook.console_errors() == []
        notebook.save()
    text = (server.root / path).read_text("utf-8")
    assert "widget-view" not in text and text.count("base64,") == 3
    untrusted_copy(server.root / path, server.root / "untrusted.ipynb")
    with Notebook.open(browser, server, "untrusted.ipynb", wait_kernel=False) as notebook:
        _shows(notebook)
        assert notebook.console_errors() == []


def _shows(notebook: Notebook) -> None:
    """The page of both sides, whose answers can be played."""
    notebook.wait_text(1, "Goodbye.")
    text = notebook.output_text(1)
    said = ["Conversation · 3 turns · $", "Hi", "Good morning.", "How are you?", "I am well.",
            "Bye", "Goodbye."]  # fmt: skip
    places = [text.index(words) for words in said]
    assert places == sorted(places)
    assert [text.count(words) for words in said[2:5]] == [1, 1, 1]
    played = notebook.play_all(1)
    assert len(played) == 3 and all(one["ended"] and not one["error"] for one in played)


@pytest.mark.parametrize("version", VERSIONS)
def test_stop_ends_the_conversation_and_keeps_what_was_said(
    loaded: Opener, far_end: RealtimeServer, version: str
) -> None:
    far_end.say("Good morning.", level(1000, 1))
    far_end.hears("Tell a story.")
    far_end.say("Once upon a time", level(2000, 4), done_after="response.cancel")
    with loaded(CELL, "len(talk.turns)", kernel=f"ipykernel-{version}") as notebook:
        notebook.start_cell(1)
        notebook.wait(lambda: 2000 in heard(notebook), "the second answer")
        assert "Good morning." in notebook.output_text(1)
        notebook.output(1).locator(".am-stop").last.click()
        notebook.wait_cell(1)
        error: dict[str, Any] = notebook.outputs(1)[-1]
        assert error["ename"] == "Interrupted" and len(error["traceback"]) == 1
        notebook.wait(lambda: notebook.js(STATE) is None, "silence", 5)
        text = notebook.output_text(1)
        assert text.index("Good morning.") < text.index("Once upon a time") < text.index("Stopped")
        assert len(far_end.of("response.create")) == 2
        assert notebook.value(2) == "2"
        assert notebook.console_errors() == []
