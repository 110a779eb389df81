"""The notebook of flash cards: committed with its outputs, and executed on the local engine."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "11_flash_cards.ipynb"


def _outputs(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def _check(notebook: nbformat.NotebookNode) -> None:
    outputs = _outputs(notebook)
    assert not [one for one in outputs if one.output_type in ("error", "stream")]
    faces = [str(one.get("data", {}).get("text/html", "")) for one in outputs]
    assert sum(face.count("<audio") for face in faces) == 3 + 1 + 3 + 1
    assert any("The capital of Norway is Oslo." in face for face in faces)
    assert not any("widget" in kind for one in outputs for kind in one.get("data", {}))


def test_it_is_committed_with_its_outputs() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert NOTEBOOK.stat().st_size < 1_000_000 and "widgets" not in notebook.metadata
    _check(notebook)


@pytest.mark.models
def test_it_makes_and_plays_the_cards(tmp_path: Path) -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": tmp_path}}).execute()
    _check(notebook)
    names = sorted(file.name for file in (tmp_path / "cards").iterdir())
    assert names[0] == "00-question.mp3" and names[-1] == "Peru.mp3" and len(names) == 12
