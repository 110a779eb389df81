"""A real IPython kernel, run cell by cell as a notebook is."""

import os
import signal
import threading
from typing import Any

import nbformat
from nbclient import NotebookClient


class Kernel:
    """Runs cells; gives each with its outputs, display updates applied."""

    def __init__(self, env: dict[str, str] | None = None):
        self._notebook = nbformat.v4.new_notebook()
        self._client = NotebookClient(
            self._notebook, timeout=120, allow_errors=True, coalesce_streams=True
        )
        self._setup = self._client.setup_kernel(env=env)

    def __enter__(self) -> "Kernel":
        self._setup.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._setup.__exit__(*error)

    def run(self, source: str, cell_id: str | None = None) -> list[dict[str, Any]]:
        """Run a cell; return its outputs as nbformat has them.

        `cell_id`: what the front end says, as JupyterLab does; what is run again has the same.
        """
        self._client.kc.session.metadata = {"cellId": cell_id} if cell_id else {}
        cell = nbformat.v4.new_code_cell(source)
        self._notebook.cells.append(cell)
        self._client.execute_cell(cell, len(self._notebook.cells) - 1)
        return list(cell.outputs)

    def look_on(self, somebody: bool) -> None:
        """Have somebody at the front end, as in JupyterLab, or nobody, as in nbclient."""
        self._client.kc.allow_stdin = somebody

    def interrupt_after(self, seconds: float) -> None:
        """Press the stop button, some seconds from now."""
        pid = self._client.km.provisioner.pid
        threading.Timer(seconds, os.kill, (pid, signal.SIGINT)).start()

    def value(self, expression: str) -> str:
        """Return the plain text of an expression's value."""
        outputs = self.run(expression)
        assert outputs, f"{expression} gave nothing"
        assert "data" in outputs[-1], outputs[-1]
        return str(outputs[-1]["data"]["text/plain"])

    def error(self, source: str) -> str:
        """Run a cell that fails; return the one line that is shown."""
        outputs = self.run(source)
        assert outputs and outputs[-1]["output_type"] == "error", outputs
        assert len(outputs[-1]["traceback"]) == 1, outputs[-1]["traceback"]
        line = str(outputs[-1]["traceback"][0])
        assert "\n" not in line
        return line
