"""A conversation by voice in a real JupyterLab: recorded, answered with a tool's help, taken back.

A fake microphone speaks; the server is scripted, and once the local engine.
"""

import time
from typing import Any

import pytest

from ..support import fake_server as scripted
from ..support.fake_server import FakeServer, wants
from ..support.jupyter import Browser, JupyterServer, Notebook, Opener, opened
from ..support.microphone import record, wait_state

TOOL = '''def weather(city: str) -> str:
    """Say how the weather is.

    Args:
        city: where
    """
    return f"12 °C and rain in {city}"'''
TURN = "%%listen --chat --tools weather"
CALLED = "weather(city='Köln') → 12 °C and rain in Köln"
FIRST, SECOND, THIRD = 2, 3, 4  # the cells of the turns


def say(fake_server: FakeServer, number: int, text: str) -> None:
    """Answer the next request in half a second of sound, known by this number for an hour."""
    chunks = scripted.spoken([word + " " for word in text.split(" ")], b"\1\0" * 12_000)
    for one in chunks:
        for choice in one.get("choices", ()):
            if "id" in (audio := choice["delta"].get("audio", {})):
                audio["id"] = f"audio_{number:032x}"
            if "expires_at" in audio:
                audio["expires_at"] = int(time.time()) + 3600
    fake_server.send_chunks(chunks)


def speak_to(notebook: Notebook, cell: int, seconds: float, answer: str) -> None:
    """Run a cell, record, and wait for the answer's card."""
    notebook.run_cell(cell)
    wait_state(notebook, cell, "idle")
    record(notebook, cell, seconds)
    notebook.wait_text(cell, answer)
    card = notebook.output(cell).locator(".audiomagic-card")
    notebook.wait(card.count, "the card")


def said(request: dict[str, Any]) -> list[str]:
    """The messages of a request, in short."""
    return [_short(message) for message in request["messages"]]


def _short(message: dict[str, Any]) -> str:
    if message.get("audio"):
        return f"its answer {int(message['audio']['id'].removeprefix('audio_'), 16)}"
    if calls := message.get("tool_calls"):
        return f"calls {calls[0]['function']['name']}"
    content = message["content"]
    parts = content if isinstance(content, list) else [{"type": "text"}]
    return f"{message['role']}: {' '.join(part['type'] for part in parts)}"


def test_three_turns_with_a_tool_and_one_said_again(
    server: JupyterServer, browser: Browser, fake_server: FakeServer, listening: str
) -> None:
    say(fake_server, 1, "Paris, of course.")
    fake_server.send_chunks(wants(("weather", '{"city": "Köln"}')))
    say(fake_server, 2, "It rains in Cologne.")
    say(fake_server, 3, "Take an umbrella.")
    chat = "%audiomagic chat main"
    with opened(browser, server, listening, TOOL, TURN, TURN, TURN, chat) as notebook:
        for cell in (0, 1):
            notebook.run_cell(cell)
        speak_to(notebook, FIRST, 1.2, "Paris, of course.")
        speak_to(notebook, SECOND, 1.2, "It rains in Cologne.")
        assert CALLED in notebook.output_text(SECOND)
        speak_to(notebook, THIRD, 1.2, "Take an umbrella.")
        heard = "user: input_audio"
        tool = ["calls weather", "tool: text"]
        assert said(fake_server.requests[3]) == [
            heard, "its answer 1", heard, *tool, "its answer 2", heard,
        ]  # fmt: skip
        _shows(notebook, ["Paris, of course.", "It rains in Cologne.", "Take an umbrella."])
        assert CALLED in notebook.output_text(5)

        say(fake_server, 4, "It is dry by now.")
        speak_to(notebook, SECOND, 1.2, "It is dry by now.")
        assert said(fake_server.requests[4]) == [heard, "its answer 1", heard]
        dropped = "Re-ran turn 2 of chat main: turn 3 was removed."
        assert dropped in notebook.output_text(SECOND)
        _shows(notebook, ["Paris, of course.", "It is dry by now."])
        assert notebook.console_errors() == []


def _shows(notebook: Notebook, answers: list[str]) -> None:
    """The chat's page: each turn as it was spoken, heard at a press of its player."""
    notebook.run_cell(5)
    text = notebook.output_text(5)
    assert f"Chat main · {len(answers)} turns" in text
    places = [text.index(answer) for answer in answers]
    assert places == sorted(places) and text.count("You") == len(answers)
    players = notebook.play_all(5)
    assert len(players) == 2 * len(answers)
    assert all(one["ended"] and not one["error"] for one in players)


FOCUS = "() => `${document.activeElement.localName} ${document.activeElement.className}`.trim()"


def test_the_keyboards_place_goes_from_the_recorder_to_the_card(
    loaded: Opener, fake_server: FakeServer
) -> None:
    places = {"": "audio", " --no-autoplay": "audio", " --text": "div audiomagic-card"}
    cells = [f"%%listen{options}\nAnswer." for options in places]
    for number in (1, 2):
        say(fake_server, number, "Paris.")
    fake_server.send_chunks(scripted.written(["Paris."]))
    with loaded(*cells) as notebook:
        for cell, place in enumerate(places.values(), 1):
            notebook.run_cell(cell)
            wait_state(notebook, cell, "idle")
            notebook.output(cell).locator(".am-main").press("Enter")
            wait_state(notebook, cell, "recording")
            notebook.sleep(1)
            notebook.page.keyboard.press("Enter")
            notebook.wait_text(cell, "Paris.")
            notebook.wait(lambda at=place: notebook.js(FOCUS) == at, f"the focus in {place}", 10)
            notebook.sleep(0.3)
            assert notebook.js(FOCUS) == place  # and there it stays
        assert notebook.console_errors() == []


@pytest.mark.models
def test_the_local_engine_keeps_up_a_conversation(server: JupyterServer, browser: Browser) -> None:
    cells = ("%load_ext audiomagic", TOOL, TURN, TURN, TURN, "%audiomagic chat main")
    with opened(browser, server, *cells) as notebook:
        for cell in (0, 1):
            notebook.run_cell(cell)
        for cell in (FIRST, SECOND, THIRD):
            speak_to(notebook, cell, 3.4, "local · free")
        notebook.run_cell(5)
        assert "Chat main · 3 turns" in notebook.output_text(5)
        assert "Paris" in notebook.output_text(FIRST)
        assert notebook.console_errors() == []
