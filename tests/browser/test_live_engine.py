"""A live conversation with the local engine, in a real JupyterLab, without a key."""

import time
from collections.abc import Iterator

import numpy as np
import pytest

from audiomagic.engine import synthesize
from audiomagic.sound import Sound

from ..support.conversation_page import part, put_on_headphones, say, start, wait_state
from ..support.ipykernels import VERSIONS
from ..support.jupyter import Browser, JupyterServer, Notebook, ready

pytestmark = pytest.mark.models
LOAD = """%load_ext audiomagic
def weather(city: str) -> str:
    "The weather in a city."
    return "sunny\""""
CELL = "%%converse --engine local --tools weather --out talk"
QUIET = 8  # seconds before each question: the conversation has begun when the first is heard
PATIENCE = 120  # seconds for an answer: how fast a model is, is not tested here


@pytest.fixture(scope="module")
def question() -> Sound:
    return synthesize("What is the capital of Italy?", "verse").resample(48_000)


@pytest.fixture(scope="module")
def browser(question: Sound, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A Chromium whose microphone hears a question, again and again."""
    sound = np.concatenate([np.zeros(48_000 * QUIET, np.float32), question.samples])
    microphone = Sound(sound, 48_000).save(tmp_path_factory.mktemp("sound") / "question.wav")
    with Browser(mic_file=microphone, viewport=(1000, 1000)) as running:
        yield running


def mute(notebook: Notebook) -> None:
    """Press Mute, or once more."""
    part(notebook, ".am-mute").click()


def answered(notebook: Notebook) -> None:
    """Wait until the model has been heard to its end."""
    wait_state(notebook, "speaking", timeout=PATIENCE)
    wait_state(notebook, "listening", timeout=PATIENCE)


@pytest.mark.parametrize(("app", "version"), [("lab", VERSIONS[0]), ("notebook", VERSIONS[-1])])
def test_four_turns_with_a_tool_and_an_interruption(
    server: JupyterServer, browser: Browser, question: Sound, app: str, version: str
) -> None:
    kernel = f"ipykernel-{version}"
    with ready(browser, server, LOAD, CELL, app=app, kernel=kernel) as notebook:
        start(notebook)
        wait_state(notebook, "hearing")
        heard_at = time.monotonic()
        wait_state(notebook, "thinking", "speaking")
        mute(notebook)  # or the next question would cut in before a slow machine has answered
        answered(notebook)

        say(notebook, "Why is the sky blue?")  # which is answered at length
        wait_state(notebook, "speaking", timeout=PATIENCE)
        put_on_headphones(notebook)
        since = time.monotonic() - (heard_at - question.seconds)  # it was recognised a moment late
        if since % (QUIET + question.seconds) < 2 * question.seconds:
            notebook.sleep(2 * question.seconds)  # it is to be heard from its start
        mute(notebook)
        wait_state(notebook, "hearing")
        wait_state(notebook, "thinking", "speaking")
        mute(notebook)
        answered(notebook)

        say(notebook, "What is the weather in London?")
        answered(notebook)

        part(notebook, ".am-end").click()
        notebook.wait_text(1, "Conversation · 4 turns")
        shown = notebook.output_text(1)
        for words in ("Italy", "blue", "You interrupted it", "Italy", "weather(city='London')"):
            _, found, shown = shown.partition(words)
            assert found, f"{words!r} is not in its place in {notebook.output_text(1)!r}"
        assert all(one["ended"] and not one["error"] for one in notebook.play_all(1))
        assert notebook.console_errors() == []
