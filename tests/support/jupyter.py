"""A real Jupyter server and its notebook pages, driven as a person would.

Playwright's synchronous API allows one `Browser` at a time in a thread, and none inside a running
event loop.

    with JupyterServer(folder) as server, Browser() as browser:
        with opened(browser, server, "%load_ext audiomagic", ("markdown", "*Hi*")) as notebook:
            notebook.run_cell(0)
            assert all(audio["ended"] for audio in notebook.play_all(0))
            assert notebook.console_errors() == []
        assert browser.blocked == []  # nothing was asked of the network
"""

from __future__ import annotations

import contextlib
import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, cast
from urllib.parse import quote

import nbformat
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Locator, Page

from .browser import Browser, Tab, find_browser
from .lab_server import JupyterServer

__all__ = [
    "Browser",
    "JupyterServer",
    "Notebook",
    "Opener",
    "Tab",
    "find_browser",
    "make_notebook",
    "opened",
    "ready",
    "untrusted_copy",
]

App = Literal["lab", "notebook"]
Cell = str | tuple[Literal["code", "markdown", "raw"], str] | nbformat.NotebookNode
Output = dict[str, Any]
files: Any = nbformat  # its functions carry no types
v4: Any = nbformat.v4
_PANEL = "window.jupyterapp.shell.currentWidget"
_SESSION = f"{_PANEL}.sessionContext"
_RENDERED = f"""i => {{
  const cell = {_PANEL}.content.widgets[i];
  const shown = [...cell.node.querySelectorAll(".jp-Cell-outputArea .jp-OutputArea-output")];
  const expected = Math.min(cell.model.outputs?.length ?? 0, 50);  // Lab shows no more than 50
  return shown.length >= expected && shown.every(node => node.hasChildNodes());
}}"""


def make_notebook(path: Path, cells: Sequence[Cell], kernel: str = "python3") -> Path:
    """Write a notebook; a cell is code, or a pair of its type and source, or an nbformat node."""
    make = {"code": v4.new_code_cell, "markdown": v4.new_markdown_cell, "raw": v4.new_raw_cell}
    spec = {"name": kernel, "display_name": kernel, "language": "python"}
    notebook = v4.new_notebook(metadata={"kernelspec": spec})
    for cell in cells:
        if isinstance(cell, str):
            cell = ("code", cell)
        notebook.cells.append(make[cell[0]](cell[1]) if isinstance(cell, tuple) else cell)
    files.write(notebook, path)
    return path


def untrusted_copy(source: Path, target: Path) -> Path:
    """Copy a notebook so that Jupyter does not trust it (a bare copy has the trusted hash)."""
    notebook = files.read(source, 4)
    notebook.metadata["copy"] = secrets.token_hex(8)
    files.write(notebook, target)
    return target


class Notebook(Tab):
    """A notebook open in JupyterLab or Notebook 7; cells are counted from 0.

    After `shutdown_kernel()` and `reload(wait_kernel=False)` a page shows what was saved; Jupyter
    itself then starts a new kernel, which knows nothing of the widgets and variables before.
    """

    benign: tuple[str, ...] = (
        r"status of 404.*/api/(contents|me|workspaces)",  # Lab asks before these exist
        r"favicon",
    )
    #: Thrown by Notebook 7.6.5 itself, on a notebook without any widget too.
    benign_notebook7 = (
        r"uncaught: Cannot read properties of undefined \(reading 'schema'\)",
        r"uncaught: Command 'filebrowser:open-path' not registered",
    )

    def __init__(self, page: Page, server: JupyterServer, path: str, app: App) -> None:
        super().__init__(page)
        self.server, self.path, self.app = server, path, app
        if app == "notebook":
            self.benign = self.benign + self.benign_notebook7

    @classmethod
    def open(
        cls,
        browser: Browser,
        server: JupyterServer,
        path: str,
        app: App = "lab",
        *,
        wait_kernel: bool = True,
        timeout: float = 90.0,
    ) -> Notebook:
        """Open a notebook (`path` below the server's root) and wait until it can be used."""
        if wait_kernel:  # it starts while the page is loaded; the page then finds it
            spec = files.read(server.root / path, 4).metadata.kernelspec
            about = {"path": path, "name": path, "type": "notebook", "kernel": {"name": spec.name}}
            server.api("POST", "api/sessions", about)
        self = cls(browser.new_page(), server, path, app)
        folder = "lab/tree" if app == "lab" else "notebooks"
        # reset: Lab would otherwise bring back what an earlier tab had open.
        query = f"?token={server.token}" + ("&reset" if app == "lab" else "")
        address = f"{server.url.replace('127.0.0.1', browser.host)}{folder}/{quote(path)}{query}"
        self.page.goto(address, wait_until="domcontentloaded", timeout=timeout * 1000)
        self._wait_until_usable(wait_kernel, timeout)
        return self

    def __enter__(self) -> Notebook:
        return self

    def __exit__(self, *_: object) -> None:
        # A closed tab leaves its kernel running; a long test run would gather dozens of them.
        with contextlib.suppress(PlaywrightError):
            self.shutdown_kernel()
        self.close()

    def reload(self, *, wait_kernel: bool = True, timeout: float = 90.0) -> None:
        """Reload the page, as one does who comes back to a notebook."""
        self.page.reload(wait_until="domcontentloaded", timeout=timeout * 1000)
        self._wait_until_usable(wait_kernel, timeout)

    def _wait_until_usable(self, wait_kernel: bool, timeout: float) -> None:
        self.wait(lambda: self.js("() => !!window.jupyterapp"), "the Jupyter application", timeout)
        self.js("() => window.jupyterapp.restored.then(() => null)")
        # Until the file has come, a panel shows an empty cell that is not the notebook's.
        loaded = f"() => {_PANEL}?.context?.isReady && {_PANEL}.content.widgets.length"
        self.wait(lambda: self.js(loaded), "the notebook's cells", timeout)
        if wait_kernel:
            self.wait(lambda: self.kernel_status() == "idle", "an idle kernel", timeout)

    def command(self, name: str, **arguments: object) -> None:
        """Execute one of the application's commands, such as `docmanager:save`."""
        execute = "([n, a]) => window.jupyterapp.commands.execute(n, a).then(() => null)"
        self.js(execute, [name, arguments])

    def kernel_status(self) -> str | None:
        """`idle`, `busy`, `starting`, ...; None without a kernel."""
        status: str | None = self.js(f"() => {_SESSION}.session?.kernel?.status ?? null")
        return status

    def interrupt(self) -> None:
        """Interrupt the kernel, as the toolbar's button does."""
        self.js(f"() => {_SESSION}.session.kernel.interrupt().then(() => null)")

    def restart_kernel(self) -> None:
        """Restart the kernel, as the toolbar's button does once it has asked."""
        self.js(f"() => {_SESSION}.session.kernel.restart().then(() => null)")

    def shutdown_kernel(self) -> None:
        """Shut the kernel down and wait until the server has let it go."""
        self.js(f"() => {_SESSION}.shutdown().then(() => null)")

    def set_theme(self, name: Literal["JupyterLab Dark", "JupyterLab Light"]) -> None:
        """Change the theme; the server keeps it for its next pages, as for a person."""
        self.command("apputils:change-theme", theme=name)
        shown = "() => document.body.dataset.jpThemeName"
        self.wait(lambda: self.js(shown) == name, f"the theme {name}")

    def cell(self, i: int) -> Locator:
        """Cell `i`, scrolled to: Lab keeps cells that are far away out of the page."""
        self.js(f"i => {_PANEL}.content.scrollToItem(i).then(() => null)", i)
        return self.page.locator(f'.jp-Notebook .jp-Cell[data-windowed-list-index="{i}"]')

    def start_cell(self, i: int) -> None:
        """Click into cell `i` and press Shift+Enter, without waiting for it."""
        # Running clears the count; clearing it now leaves no moment in which the old one is seen.
        self.js(f"i => {{ {_PANEL}.content.widgets[i].model.executionCount = null }}", i)
        self.cell(i).locator(".cm-content").click()
        self.page.keyboard.press("Shift+Enter")

    def wait_cell(self, i: int, timeout: float = 60.0) -> None:
        """Wait until a started cell has finished, however it ended."""
        finished = (
            f"i => {{ const m = {_PANEL}.content.widgets[i].model;"
            " return m.executionCount !== null && m.executionState !== 'running' }"
        )
        self.wait(lambda: self.js(finished, i), f"cell {i} to finish", timeout)

    def run_cell(self, i: int, timeout: float = 60.0, *, check: bool = True) -> list[Output]:
        """Run cell `i` to its end and return its outputs; `check` raises what the cell raised."""
        self.start_cell(i)
        self.wait_cell(i, timeout)
        outputs = self.outputs(i)
        for error in (o for o in outputs if check and o["output_type"] == "error"):
            traceback = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(error["traceback"]))
            raise AssertionError(f"cell {i}: {error['ename']}: {error['evalue']}\n{traceback}")
        return outputs

    def outputs(self, i: int) -> list[Output]:
        """The outputs as nbformat JSON from the page's model: what saving would write."""
        model = f"{_PANEL}.content.widgets[i].model"
        return cast(list[Output], self.js(f"i => {model}.outputs?.toJSON() ?? []", i))

    def output(self, i: int) -> Locator:
        """The output area of cell `i`, once all of its outputs have been rendered."""
        area = self.cell(i).locator(".jp-Cell-outputArea").first
        with contextlib.suppress(AssertionError):  # an output can be empty for good
            self.wait(lambda: self.js(_RENDERED, i), "the outputs", timeout=5)
        return area

    def output_text(self, i: int) -> str:
        """The text a reader sees below cell `i`."""
        return self.output(i).inner_text()

    def wait_text(self, i: int, text: str, timeout: float = 30.0) -> None:
        """Wait until a text can be read below cell `i`."""
        try:
            self.wait(lambda: text in self.output_text(i), f"{text!r} in {i}", timeout)
        except AssertionError as error:
            raise AssertionError(f"{error}, which shows {self.output_text(i)!r}") from None

    def value(self, i: int) -> str:
        """Run cell `i`; return the plain text of its value."""
        return str(self.run_cell(i)[-1]["data"]["text/plain"])

    def save(self) -> nbformat.NotebookNode:
        """Save by the application's command and return the notebook that is on the disk."""
        self.command("docmanager:save")
        self.wait(lambda: self.js(f"() => !{_PANEL}.context.model.dirty"), "saving")
        return cast(nbformat.NotebookNode, files.read(self.server.root / self.path, 4))

    def screenshot(self, path: Path, cell: int | None = None) -> None:
        """A picture of the page, or of one cell."""
        (self.page if cell is None else self.cell(cell)).screenshot(path=path)


def opened(
    browser: Browser,
    server: JupyterServer,
    *cells: Cell,
    app: App = "lab",
    kernel: str = "python3",
    path: str = "a.ipynb",
) -> Notebook:
    """Write a notebook of these cells, and open it."""
    make_notebook(server.root / path, cells, kernel)
    return Notebook.open(browser, server, path, app)


@contextlib.contextmanager
def ready(
    browser: Browser, server: JupyterServer, *cells: Cell, **where: Any
) -> Iterator[Notebook]:
    """Do as `opened`, and run the first cell: it loads what others need."""
    with opened(browser, server, *cells, **where) as notebook:
        notebook.run_cell(0)
        yield notebook


Opener = Callable[..., contextlib.AbstractContextManager[Notebook]]
