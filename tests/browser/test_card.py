"""The card in a real JupyterLab and Notebook 7, in a real Chromium."""

import json
import shutil
from pathlib import Path

import pytest

from ..support.jupyter import Browser, JupyterServer, Notebook, opened, untrusted_copy

BROWSER = {"viewport": (1100, 1400)}
pytestmark = pytest.mark.models
SHIPPED = Path(__file__).parents[2] / "notebooks" / "question.mp3"
CELLS = [
    "%load_ext audiomagic",
    "%%speak --voice coral --verbatim\nGood morning, everybody.",
    "%%listen --file question.mp3 --out answer\nAnswer the question.",
    "answer.text",
    "%speak --voice corl Hello",
    "%audiomagic costs",
]


def _run(notebook: Notebook) -> None:
    for index in range(len(CELLS)):
        notebook.run_cell(index, check=index != 4, timeout=120)


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_speak_and_listen_save_and_reopen(
    server: JupyterServer, browser: Browser, app: str, tmp_path: Path
) -> None:
    path = f"{app}.ipynb"
    shutil.copy(SHIPPED, server.root)
    with opened(browser, server, *CELLS, app=app, path=path) as notebook:
        _run(notebook)
        for index, words in ((1, "Good morning, everybody."), (2, "Paris")):
            assert words in notebook.output_text(index)
            assert [output["output_type"] for output in notebook.outputs(index)] == ["display_data"]
            (played,) = notebook.play_all(index)
            assert played["ended"] and played["duration"] > 0.8, played
        assert "Paris" in notebook.output_text(3)
        error = notebook.output_text(4).strip()
        assert error == "OptionError: no voice 'corl'; did you mean 'coral'?"
        assert "2 calls" in notebook.output_text(5)
        if app == "lab":
            notebook.set_theme("JupyterLab Dark")
        notebook.output(1).locator("summary").click()
        assert "on gpt-audio-1.5 this would have cost" in notebook.output_text(1)
        notebook.screenshot(tmp_path / "card.png", cell=1)
        notebook.save()
        assert notebook.console_errors() == []
    assert "widgets" not in json.loads((server.root / path).read_text("utf-8"))["metadata"]
    _reopen(server, browser, path)  # no kernel runs any more
    untrusted_copy(server.root / path, server.root / "untrusted.ipynb")
    _reopen(server, browser, "untrusted.ipynb")
    assert browser.blocked == []


def _reopen(server: JupyterServer, browser: Browser, path: str) -> None:
    with Notebook.open(browser, server, path, wait_kernel=False) as notebook:
        assert "Good morning, everybody." in notebook.output_text(1)
        (played,) = notebook.play_all(1)
        assert played["ended"] and not played["error"], (path, played)
        assert notebook.console_errors() == []
