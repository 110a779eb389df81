"""A live conversation with the local engine, in a real JupyterLab, without a key."""

from collections.abc import Iterator

import numpy as np
import pytest

from audiomagic.engine import synthesize
from audiomagic.sound import Sound

from ..support.conversation_page import part, say, start, wait_state
from ..support.jupyter import Browser, JupyterServer, ready

pytestmark = pytest.mark.models
QUESTIONS = ("What is the capital of Italy?", "What is the capital of France?")
LOAD = """%load_ext audiomagic
def weather(city: str) -> str:
    "The weather in a city."
    return "sunny\""""
CELL = "%%converse --engine local --tools weather --out talk"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A Chromium whose microphone hears the questions, again and again."""
    pause = np.zeros(48_000 * 4, np.float32)
    spoken = [synthesize(question, "verse").resample(48_000).samples for question in QUESTIONS]
    sound = np.concatenate([part for samples in spoken for part in (pause, samples)])
    microphone = Sound(sound, 48_000).save(tmp_path_factory.mktemp("sound") / "questions.wav")
    with Browser(mic_file=microphone, viewport=(1000, 1000)) as running:
        yield running


def test_spoken_and_typed_turns_a_tool_and_an_end(server: JupyterServer, browser: Browser) -> None:
    with ready(browser, server, LOAD, CELL, "len(talk.turns)") as notebook:
        start(notebook)
        notebook.wait_text(1, "Rome", 60)
        notebook.wait_text(1, "Paris", 60)
        part(notebook, ".am-mute").click()
        wait_state(notebook, "listening")
        say(notebook, "What is the weather in London?")
        notebook.wait_text(1, "sunny", 60)
        part(notebook, ".am-end").click()
        notebook.wait_text(1, "Conversation · ")
        assert int(notebook.value(2)) >= 3 and "weather(city='London')" in notebook.output_text(1)
        assert all(one["ended"] and not one["error"] for one in notebook.play_all(1))
        assert notebook.console_errors() == []
