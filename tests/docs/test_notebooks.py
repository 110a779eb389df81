"""The notebooks of the repository, executed from top to bottom on the local engine."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client import KernelManager
from nbclient import NotebookClient

from ..support.jupyter import Browser, find_browser

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
NEITHER = "/tmp/", "/home/", "/root/", "/Users/", "sk-"  # a machine's paths, a key
AFRESH = """get_ipython().reset()
get_ipython().extension_manager.unload_extension("audiomagic")
import os
for name in [name for name in os.environ if name.startswith(("OPENAI_", "AZURE_"))]:
    del os.environ[name]  # that the notebook before has set"""
# What the prose around a cell relies on: words of an output, its plain face or its HTML.
TOLD = {
    "01_hello": ["The capital of France is Paris."],
    "02_steering": [
        "The capital of Italy is Rome.",
        "Style: slower",
        "whispering",
        "accent of a Scottish",
    ],
    "03_listening": ["What is the capital of France?", "The museum is closed on Mondays."],
    "04_conversation": ["Chat italy · 3 turns", "forgot chat italy", "Chat rome · 3 turns"],
    "05_tools": ["The weather in Oslo is snow", "KeyError('Lima')", "<td", "sunny, 24 degrees"],
    "06_costs": ["max tokens", "the cap is $0.001 per call", "$0.50 per notebook", "True"],
    "07_comparing": ["The capital of Japan is Tokyo.", "vase-onyx.mp3", "gpt-audio-mini"],
    "08_pronunciation": ["“three” as “tree”", "“weather” as “wetter”", "not heard: “than”"],
    "09_cassettes": ["in made/tape (0", "replayed · free", "no recording of this", "Lisbon"],
    "12_other_servers": ["price unknown", "$0.0000", "The capital of France is Paris."],
    "13_live": [
        "Chat italy · 3 turns",
        "name='Ada'",
        "Spain right",
        "['$0.0",
        "the cap is $0.001",
    ],
    "11_flash_cards": ["The capital of France is Paris."],
    "10_lesson": ["“three” as “tree”", "next train to Oxford is 9:20, platform 4.", "True"],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the notebooks' folder, for what they save."""
    copy = tmp_path_factory.mktemp("notebooks")
    return shutil.copytree(FOLDER, copy, dirs_exist_ok=True)


@pytest.fixture(scope="module")
def kernel(folder: Path) -> Iterator[KernelManager]:
    """One kernel for all: to open the engine ten times would take half of the time."""
    mine = ("OPENAI_", "AZURE_", "AUDIOMAGIC_")
    environment = {name: v for name, v in os.environ.items() if not name.startswith(mine)}
    environment["AUDIOMAGIC_LEDGER"] = str(folder / "ledger.sqlite")
    manager = KernelManager()
    manager.start_kernel(env=environment, cwd=str(folder))
    yield manager
    manager.shutdown_kernel(now=True)


@pytest.fixture(scope="module", params=NOTEBOOKS, ids=lambda path: path.stem)
def executed(
    request: pytest.FixtureRequest, kernel: KernelManager
) -> Iterator[nbformat.NotebookNode]:
    notebook = nbformat.read(request.param, as_version=4)
    for cell in notebook.cells:
        cell.pop("outputs", None)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(AFRESH))
    client = NotebookClient(notebook, km=kernel, timeout=120)
    client.execute()
    yield notebook
    client.kc.stop_channels()


def _outputs(notebook: nbformat.NotebookNode) -> list[Any]:
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def _faces(notebook: nbformat.NotebookNode) -> list[str]:
    """What every output says, in each of its faces."""
    faces: list[str] = []
    for output in _outputs(notebook):
        faces += [output.get("text", ""), *map(str, output.get("data", {}).values())]
    return faces


def _styles(notebook: nbformat.NotebookNode) -> set[str]:
    html = [output.get("data", {}).get("text/html", "") for output in _outputs(notebook)]
    return set(re.findall(r'<\w+[^>]* style="([^"]*)"', "".join(html)))


def _told(notebook: nbformat.NotebookNode, name: str) -> None:
    words = [re.sub(r"</?span>", "", face) for face in _faces(notebook)]  # which keep `$` as it is
    for line in TOLD[name]:
        assert any(line in face for face in words), line


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_committed_with_its_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert path.stat().st_size < 1_000_000
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    kinds = [(output.output_type, output.get("name")) for output in _outputs(notebook)]
    assert all(kind != "error" and name != "stderr" for kind, name in kinds), kinds
    assert any("<audio" in face for face in _faces(notebook))
    assert not [face for face in _faces(notebook) for sign in NEITHER if sign in face]
    assert "widgets" not in notebook.metadata
    _told(notebook, path.stem)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_its_links_lead_somewhere(path: Path) -> None:
    cells = nbformat.read(path, as_version=4).cells
    prose = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    for target in re.findall(r"\]\(([^):]+)\)", prose):
        file, _, heading = target.partition("#")
        assert (FOLDER / file).is_file(), target
        titles = re.findall(r"^#+ (.*)$", (FOLDER / file).read_text("utf-8"), re.MULTILINE)
        assert not heading or heading in [title.lower().replace(" ", "-") for title in titles]


@pytest.mark.models
def test_it_runs_from_top_to_bottom(
    executed: nbformat.NotebookNode, request: pytest.FixtureRequest
) -> None:
    path = request.node.callspec.params["executed"]
    _told(executed, path.stem)
    # As they are committed, they show what the program shows now.
    assert _styles(executed) == _styles(nbformat.read(path, as_version=4))


@pytest.mark.models
@pytest.mark.browser
def test_its_page_plays_in_a_browser(tmp_path: Path) -> None:
    """Of the first one, as it is committed: the README's command makes such a page."""
    if not find_browser():
        pytest.skip("no Chromium was found; set $CHROMIUM")
    from nbconvert import HTMLExporter  # slow to import

    html, _ = HTMLExporter().from_notebook_node(nbformat.read(NOTEBOOKS[0], as_version=4))
    page = tmp_path / "hello.html"
    page.write_text(html, "utf-8")
    with Browser() as browser:
        tab = browser.open_file(page)
        played = tab.play_all()
        assert len(played) >= 3
        assert all(sound["ended"] and not sound["error"] for sound in played), played
        assert tab.console_errors() == []
