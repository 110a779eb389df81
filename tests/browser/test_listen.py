"""%%listen recorded in a real JupyterLab and Notebook 7, by a fake microphone that speaks."""

import json
from pathlib import Path

import pytest

from ..support.ipykernels import VERSIONS
from ..support.jupyter import Browser, JupyterServer, Notebook, opened
from ..support.microphone import press, start_recording, wait_state

pytestmark = pytest.mark.models
EVERYWHERE = [("lab", version) for version in VERSIONS] + [("notebook", "6.31.0")]
EVERYWHERE += [("notebook", VERSIONS[-1])]
CARD = "local · free"


@pytest.mark.parametrize(("app", "version"), EVERYWHERE)
def test_a_spoken_question_gets_a_card_in_the_recorders_place(
    server: JupyterServer, browser: Browser, app: str, version: str
) -> None:
    path = f"spoken-{app}-{version}.ipynb"
    cells = [
        "%load_ext audiomagic\nimport ipykernel; ipykernel.__version__",
        "%%listen --out answer\nAnswer the question.",
        "answer",
        "answer.text",
    ]
    kernel = f"ipykernel-{version}"
    with opened(browser, server, *cells, app=app, kernel=kernel, path=path) as notebook:
        (shown,) = notebook.run_cell(0)
        assert version in shown["data"]["text/plain"]
        notebook.run_cell(1)
        wait_state(notebook, 1, "idle")
        (error,) = notebook.run_cell(3, check=False)
        assert error["ename"] == "ReplyPending" and "press Record" in error["evalue"]
        start_recording(notebook, 1)
        (pending,) = notebook.run_cell(2)
        assert pending["data"] == {"text/plain": "<no reply yet>"}
        notebook.sleep(3)
        press(notebook, 1)
        notebook.wait_text(1, CARD)
        assert "Paris" in notebook.output_text(1)
        notebook.run_cell(3)
        assert "Paris" in notebook.output_text(3)
        (card,) = notebook.outputs(1)
        assert sorted(card["data"]) == ["text/html", "text/markdown", "text/plain"]
        notebook.save()
        assert notebook.console_errors() == []
    _holds_no_recording(server.root / path)
    with Notebook.open(browser, server, path, wait_kernel=False) as notebook:
        assert "Paris" in notebook.output_text(1)
        (played,) = notebook.play_all(1)
        assert played["ended"] and not played["error"]
        assert notebook.console_errors() == []


def _holds_no_recording(path: Path) -> None:
    """The reply's own player is the one sound that a saved notebook holds, and it is small."""
    text = path.read_text("utf-8")
    assert "widgets" not in json.loads(text)["metadata"] and "widget-view" not in text
    assert text.count("base64,") == text.count("data:audio/mpeg") == 1
    assert len(text) < 40_000


@pytest.mark.parametrize(("app", "version"), EVERYWHERE)
def test_run_all_waits_for_a_hands_free_recording(
    server: JupyterServer, browser: Browser, app: str, version: str
) -> None:
    path = f"waits-{app}-{version}.ipynb"
    cells = [
        "%load_ext audiomagic",
        "%%listen --hands-free --wait --out answer\nAnswer the question.",
        "text = answer.text; text, type(answer).__name__, type(_).__name__",
        "%listen --hands-free --wait --out r Answer the question.",
        "r.text",
    ]
    kernel = f"ipykernel-{version}"
    with opened(browser, server, *cells, app=app, kernel=kernel, path=path) as notebook:
        notebook.cell(0).locator(".cm-content").click()
        notebook.command("notebook:run-all-cells")
        notebook.wait_cell(4, 60)
        outputs = notebook.outputs(1)
        assert [output["output_type"] for output in outputs] == ["display_data"]  # shown once
        assert CARD in notebook.output_text(1)
        (told,) = notebook.outputs(2)
        assert told["data"]["text/plain"] == "('The capital of France is Paris.', 'Reply', 'Reply')"
        assert "Paris" in notebook.outputs(4)[-1]["data"]["text/plain"]
        notebook.save()
        assert notebook.console_errors() == []
