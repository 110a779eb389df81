"""What the kernel and its front end can do: redraw an output, record, wait for a recording."""

import os
from datetime import datetime
from functools import cache
from typing import Any, Literal

from IPython.core.interactiveshell import InteractiveShell

from ..errors import NoMicrophone

CANNOT_WAIT = (
    "--wait does not work here: the cells below go on, and the reply appears after the recording."
)


def redraws(shell: InteractiveShell) -> bool:
    return getattr(shell, "kernel", None) is not None


def has_user(shell: InteractiveShell) -> bool:
    """Whether a person sits at the front end, so that the kernel may ask for input.

    nbclient, papermill and nbconvert do not allow it (`allow_stdin` in Jupyter's messages).
    """
    return redraws(shell) and bool(_request(shell).get("content", {}).get("allow_stdin", True))


def check_microphone(shell: InteractiveShell, instead: str) -> None:
    """Raise NoMicrophone where nobody could ever speak: at once, so that nothing hangs.

    `instead` are the options to use there.
    """
    if not redraws(shell):
        raise NoMicrophone(f"a terminal has no microphone; use {instead}")
    if not (has_user(shell) or voila()):
        raise NoMicrophone(f"nobody can speak in a notebook that runs unattended; use {instead}")
    if _ipykernel() == (7, 0):
        raise NoMicrophone(
            f"ipykernel 7.0 loses recordings; run pip install -U ipykernel, or use {instead}"
        )


def voila() -> bool:
    """Whether this is Voila: all cells run before a reader sees any, then nothing is redrawn.

    It identifies itself to its kernels as a CGI server does.
    """
    return os.environ.get("SERVER_SOFTWARE", "").startswith("voila/")


def waiting(shell: InteractiveShell) -> Literal["await", "poll"] | None:
    """How a running cell waits for the page: from ipykernel 7.1 on by a top-level `await`."""
    if not redraws(shell) or _ipykernel() == (7, 0):
        return None
    return "await" if _ipykernel() > (7, 0) else "poll"  # in the kernel's own loop


def cell_id(shell: InteractiveShell) -> str | None:
    """Return the id of the running cell, where the front end says it."""
    found = _request(shell).get("metadata", {}).get("cellId") if redraws(shell) else None
    return found if isinstance(found, str) else None


def notebook(shell: InteractiveShell) -> str:
    """Return the notebook's path, or a name of the kernel's own where nobody says the path."""
    path = shell.user_ns.get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME")
    return str(path or f"unnamed, {datetime.now():%Y-%m-%d %H:%M}, process {os.getpid()}")


def _request(shell: InteractiveShell) -> dict[str, Any]:
    kernel: Any = shell.kernel  # type: ignore[attr-defined]
    return dict(kernel.get_parent("shell") or {})


@cache
def _ipykernel() -> tuple[int, int]:
    from importlib.metadata import version  # 13 ms: not at load

    major, minor, *_ = version("ipykernel").split(".")
    return int(major), int(minor)
