"""Everything that is shown, looked through by axe-core in a real JupyterLab, light and dark."""

from typing import Literal

import pytest

from ..support import fake_server as scripted
from ..support.axe import violations
from ..support.conversation_page import LOAD, PANEL, START, say, start, wait_state
from ..support.fake_server import FakeServer, wants
from ..support.jupyter import Browser, JupyterServer, Notebook, opened, ready
from ..support.microphone import press, start_recording
from ..support.microphone import wait_state as wait_recorder
from ..support.npm import find_node

BROWSER = {"viewport": (1000, 1400)}
pytestmark = [
    pytest.mark.node,
    pytest.mark.skipif(find_node() is None, reason="node is not installed"),
]
PCM = b"\1\0" * 24_000
TOOL = "def weather(city: str) -> str:\n    '''Say the weather.'''\n    return '12 °C'"
DONE = {
    "tools": "%%speak --chat --tools weather\nHow is the weather?",
    "verbatim": "%%speak --verbatim\nThe train leaves at nine.",
    "grid": "%%speak --voice coral,xyz\nTell a joke",
    "chat": "%audiomagic chat main",
    "costs": "%audiomagic costs",
    "models": "%audiomagic models",
    "forecast": "%%speak --dry-run\nHello",
    "budget": "%audiomagic budget 100",
}
THEMES: tuple[Literal["JupyterLab Dark", "JupyterLab Light"], ...] = (
    "JupyterLab Dark",
    "JupyterLab Light",
)
OURS = '[data-windowed-list-index="{}"] .jp-RenderedHTML > *'


def test_what_stays(
    server: JupyterServer, browser: Browser, fake_server: FakeServer, listening: str
) -> None:
    fake_server.send_chunks(wants(("weather", '{"city": "Köln"}')))
    fake_server.say("It rains.", PCM)
    fake_server.say("The train stays at nine.", PCM)
    fake_server.say("A horse walks into a bar.", PCM)
    with opened(browser, server, f"{listening}\n{TOOL}", *DONE.values()) as notebook:
        for index in range(len(DONE) + 1):
            notebook.run_cell(index)
        notebook.sleep(1.5)  # until the last sound is over
        for theme in THEMES:
            notebook.set_theme(theme)
            _none(notebook)
        notebook.page.set_viewport_size({"width": 420, "height": 900})
        _none(notebook)


def _none(notebook: Notebook) -> None:
    found = {name: _seen(notebook, index) for index, name in enumerate(DONE, 1)}
    assert not any(found.values()), found


def _seen(notebook: Notebook, index: int) -> list[str]:
    folds = notebook.output(index).locator("details")
    folds.evaluate_all("(all) => { for (const one of all) one.open = true }")
    return violations(notebook, OURS.format(index))


def test_what_is_alive(
    server: JupyterServer, browser: Browser, fake_server: FakeServer, listening: str
) -> None:
    fake_server.stall(scripted.spoken(["One ", "small ", "robot."], PCM)[:-2])
    shown = f"{listening}\nfrom audiomagic import Recorder\nRecorder()"
    with ready(browser, server, shown, "%%speak\nTell a story") as notebook:
        _recorder(notebook)
        notebook.start_cell(1)
        notebook.wait(fake_server.silent.is_set, "the words")
        notebook.wait(lambda: "robot" in notebook.output_text(1), "the words in the page")
        found = violations(notebook, ".audiomagic-player")
        notebook.output(1).locator(".am-stop").click()
        notebook.wait_cell(1)
        assert found == [] == violations(notebook, ".audiomagic-card")


def test_a_conversation(server: JupyterServer, browser: Browser) -> None:
    with ready(browser, server, LOAD, START, START) as notebook:
        notebook.run_cell(2)
        seen = violations(notebook, PANEL)
        start(notebook)
        say(notebook, "20")
        wait_state(notebook, "speaking")
        for theme in THEMES:
            notebook.set_theme(theme)
            seen += violations(notebook, PANEL)
        narrow = f"(width) => {{ document.querySelector('{PANEL}').style.width = width }}"
        for width in ("172px", "640px"):
            notebook.js(narrow, width)
            seen += violations(notebook, PANEL)
            wide = (
                notebook.output(1).locator(PANEL).evaluate("(n) => n.scrollWidth - n.clientWidth")
            )
            assert wide <= 0
        assert seen == []


def _recorder(notebook: Notebook) -> None:
    """In its states, and a check that what is wrong is found."""
    seen = violations(notebook, ".audiomagic-recorder")
    start_recording(notebook, 0)
    seen += violations(notebook, ".audiomagic-recorder")
    notebook.sleep(1)
    press(notebook, 0)
    wait_recorder(notebook, 0, "idle")
    for theme in THEMES:
        notebook.set_theme(theme)
        seen += violations(notebook, ".audiomagic-recorder")
    assert seen == []
    nameless = "(recorder) => recorder.append(document.createElement('button'))"
    notebook.output(0).locator(".audiomagic-recorder").evaluate(nameless)
    (one,) = violations(notebook, ".audiomagic-recorder")  # it would have been found
    assert one.startswith("button-name: ")
