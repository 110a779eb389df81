"""`%%converse` at the microphone, in a real JupyterLab: from the page to a server, and back."""

import numpy as np
import pytest

from ..support.conversation_page import PANEL, part, put_on_headphones, start
from ..support.fake_server import loading
from ..support.ipykernels import VERSIONS
from ..support.jupyter import Browser, JupyterServer, Notebook, Opener, untrusted_copy
from ..support.loudspeaker import TAP, heard
from ..support.realtime_server import RealtimeServer

BROWSER = {"init_script": TAP}
CELL = "%%converse --tools weather --out talk\nYou are a tutor."
TOOL = "def weather(city: str) -> str:\n    'The weather in a city.'\n    return 'sunny'"


@pytest.fixture
def listening(far_end: RealtimeServer) -> str:
    """A cell that sends conversations to the scripted server."""
    return loading(far_end.url, TOOL)


def level(value: int, seconds: float) -> bytes:
    """Make a sound that can be told from others wherever a sample of it is heard."""
    return np.full(int(24_000 * seconds), value, "<i2").tobytes()


@pytest.mark.parametrize(
    ("app", "version"), [("notebook", VERSIONS[-1]), *(("lab", version) for version in VERSIONS)]
)
def test_four_turns_with_a_tool_and_an_interruption(
    loaded: Opener,
    server: JupyterServer,
    browser: Browser,
    far_end: RealtimeServer,
    app: str,
    version: str,
) -> None:
    """The microphone hears a question again and again, with three seconds of silence between."""
    for words in ("Good morning.", "The weather in Paris?", "A story!", "Stop."):
        far_end.hears(words)
    far_end.say("Good morning to you.", level(1000, 1))
    far_end.call(("weather", {"city": "Paris"}))
    far_end.say("It is sunny.", level(2000, 1))
    far_end.say("It was a dark and stormy night; the rain fell in torrents.", level(3000, 30))
    far_end.say("As you wish.", level(4000, 1))
    path = f"live-{app}-{version}.ipynb"
    with loaded(CELL, app=app, kernel=f"ipykernel-{version}", path=path) as notebook:
        start(notebook)
        put_on_headphones(notebook)
        notebook.wait(lambda: 4000 in heard(notebook), "the answer after the interruption", 60)
        part(notebook, ".am-end").click()
        notebook.wait_text(1, "Conversation · ")
        sound = heard(notebook)
        (cut,) = far_end.of("conversation.item.truncate")
        assert abs(cut["audio_end_ms"] - np.count_nonzero(sound == 3000) / 24) < 100
        assert [len(far_end.of(f"response.{step}")) for step in ("create", "cancel")] in (
            [5, 1],
            [5, 0],
        )
        _shows(notebook)
        assert not part(notebook, PANEL).count() and notebook.console_errors() == []
        notebook.save()
    untrusted_copy(server.root / path, server.root / "untrusted.ipynb")
    with Notebook.open(browser, server, "untrusted.ipynb", wait_kernel=False) as notebook:
        _shows(notebook)


def _shows(notebook: Notebook) -> None:
    """The page of both sides, with what was heard of the answer that was interrupted."""
    notebook.wait_text(1, "As you wish.")
    text = notebook.output_text(1)
    said = ["Conversation · 4 turns · $", "Good morning.", "Good morning to you.", "The weather in",
            "weather(city='Paris')", "It is sunny.", "A story!", "You interrupted it after",
            "Stop.", "As you wish."]  # fmt: skip
    places = [text.index(words) for words in said]
    assert places == sorted(places) and "in torrents" not in text
    played = notebook.play_all(1)
    assert len(played) == 4 and all(one["ended"] and not one["error"] for one in played)
