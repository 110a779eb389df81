"""Take the README's picture, from a real JupyterLab: `python -m tests.benchmarks.picture`."""

import shutil
import tempfile
from pathlib import Path

from ..support.jupyter import Browser, JupyterServer, Notebook, make_notebook
from . import figures

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
CELLS = ["%load_ext audiomagic", "%%listen --file question.mp3\nAnswer the question."]


def main() -> None:
    """Run a cell, unfold its badge, write notebooks/card.png."""
    figures.command(__doc__).parse_args()
    root = Path(tempfile.mkdtemp())
    shutil.copy(NOTEBOOKS / "question.mp3", root)
    make_notebook(root / "card.ipynb", CELLS)
    with (
        JupyterServer(root) as server,
        Browser(viewport=(1000, 700)) as browser,
        Notebook.open(browser, server, "card.ipynb") as notebook,
    ):
        for index in range(len(CELLS)):
            notebook.run_cell(index)
        live = notebook.output(1).locator(".audiomagic-player")
        notebook.wait(lambda: not live.count(), "the answer to be played")
        notebook.output(1).locator("summary").click()
        notebook.screenshot(NOTEBOOKS / "card.png", cell=1)
    shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    main()
