"""The notebooks of the repository, executed from top to bottom on the embedded engine."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter

from .jupyter import Browser, find_browser

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


@pytest.fixture(scope="module", params=NOTEBOOKS, ids=lambda path: path.stem)
def executed(request: pytest.FixtureRequest) -> nbformat.NotebookNode:
    notebook = nbformat.read(request.param, as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": FOLDER}}).execute()
    return notebook


def _cards(notebook: nbformat.NotebookNode) -> list[str]:
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    faces = [str(output.get("data", {}).get("text/html", "")) for output in outputs]
    return [face for face in faces if "<audio" in face]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_committed_with_its_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert path.stat().st_size < 1_000_000
    assert len(_cards(notebook)) >= 3
    assert not [
        output
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output["output_type"] in ("error", "stream")
    ]
    assert "widgets" not in notebook.metadata


@pytest.mark.models
def test_it_runs_from_top_to_bottom(executed: nbformat.NotebookNode) -> None:
    cards = _cards(executed)
    assert len(cards) >= 3
    assert any("The capital of France is Paris." in card for card in cards)


@pytest.mark.models
@pytest.mark.browser
def test_its_page_plays_in_a_browser(executed: nbformat.NotebookNode, tmp_path: Path) -> None:
    if not find_browser():
        pytest.skip("no Chromium was found; set $CHROMIUM")
    html, _ = HTMLExporter().from_notebook_node(executed)
    page = tmp_path / "hello.html"
    page.write_text(html, "utf-8")
    with Browser() as browser:
        tab = browser.open_file(page)
        played = tab.play_all()
        assert len(played) >= 3
        assert all(sound["ended"] and not sound["error"] for sound in played), played
        assert tab.console_errors() == []
