"""What a page with a live conversation is asked: its listener is `loopback.py`, run as a cell."""

import ast
import base64
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Locator

from .jupyter import Notebook

LOAD = Path(__file__).with_name("loopback.py").read_text()
START = "talk = Loopback()"
CALLS = "talk.calls"
SOUND = """import base64  # of the microphone, since this cell was last run
frames, talk.frames = talk.frames, []
base64.b64encode(b"".join(frames)).decode()"""
PANEL = ".audiomagic-conversation"


def part(notebook: Notebook, name: str, cell: int = 1) -> Locator:
    """Part of the panel below a cell."""
    return notebook.output(cell).locator(name)


def wait_state(notebook: Notebook, *states: str, cell: int = 1, timeout: float = 30) -> None:
    """Wait until a panel shows one of these states of the conversation."""
    selectors = (f'{PANEL}[data-state="{state}"]' for state in states)
    shown = part(notebook, ", ".join(selectors), cell)
    notebook.wait(shown.count, " or ".join(states), timeout)


def start(notebook: Notebook, cell: int = 1) -> None:
    """Run the cell of a conversation, and press Start."""
    notebook.run_cell(cell)
    # A click while the widget's own output gives way to plain HTML would be lost.
    notebook.wait(part(notebook, f".jp-RenderedHTML {PANEL}", cell).count, "its place")
    part(notebook, ".am-start", cell).click()
    wait_state(notebook, "listening", cell=cell)


def put_on_headphones(notebook: Notebook) -> None:
    """Say so, where the panel asks: in a browser that cannot cancel the echo of a loudspeaker."""
    headphones = part(notebook, ".am-headphones input")
    if headphones.is_visible():
        headphones.check()


def say(notebook: Notebook, text: str, cell: int = 1) -> None:
    """Type a turn; the answer to a number is a tone of so many seconds."""
    part(notebook, ".am-text", cell).fill(text)
    notebook.page.keyboard.press("Enter")


def calls(notebook: Notebook, cell: int = 2) -> list[tuple[Any, ...]]:
    """What the listener was called with; runs the cell that shows it."""
    return list(ast.literal_eval(notebook.value(cell)))


def microphone_sound(notebook: Notebook, cell: int = 3) -> NDArray[np.int16]:
    """What came of the microphone since this was last called."""
    return np.frombuffer(base64.b64decode(ast.literal_eval(notebook.value(cell))), "<i2")


def tone(seconds: float) -> NDArray[np.int16]:
    """What the loopback answers."""
    functions: dict[str, Any] = {}
    exec(LOAD.partition("class Loopback")[0], functions)
    return np.frombuffer(functions["tone"](seconds), "<i2")
