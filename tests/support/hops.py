"""The way of one `%%speak`: our own frames between the magic and the request that leaves.

python -m tests.support.hops
"""

import os
import sys
import tempfile
import threading
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from types import FrameType
from typing import Any
from unittest.mock import patch

from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

import audiomagic

from .fake_server import KEY, FakeServer

PACKAGE = Path(audiomagic.__file__).parent
FIRST, LAST = "notebook/magics.speak", "stream"  # the magic, and a transport's method


def frames_of_a_speak() -> list[str]:
    """Run a cell against a scripted server; return the frames as `package/module.function`.

    They are noted when the transport's `stream` is entered, outermost first.
    """
    noted: list[list[str]] = []

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and not noted and frame.f_code.co_name == LAST:
            name = _name(frame)
            if name and name.startswith("transports/"):
                noted.append(_own(frame))

    with tempfile.TemporaryDirectory() as folder, FakeServer() as fake_server:
        mine = ("OPENAI_", "AZURE_", "AUDIOMAGIC_")
        environment = {
            "OPENAI_API_KEY": KEY,
            "OPENAI_BASE_URL": fake_server.url,
            "AUDIOMAGIC_LEDGER": f"{folder}/ledger.sqlite",
            "IPYTHONDIR": folder,
        }
        with patch.dict(os.environ):
            for name in [name for name in os.environ if name.startswith(mine)]:
                del os.environ[name]
            os.environ.update(environment)
            config = Config()
            config.HistoryManager.enabled = False
            shell = InteractiveShell(config=config)
            shell.run_line_magic("load_ext", "audiomagic")
            for _ in range(2):  # warm: what is done once, at the first call, is no part of the way
                fake_server.say("Hello.", b"\1\0" * 2_400)
                threading.setprofile(note)
                sys.setprofile(note)
                try:
                    with redirect_stdout(StringIO()):  # the cell's `Out[1]`
                        shell.run_cell("%%speak -q\nHi").raise_error()
                finally:
                    sys.setprofile(None)
                    threading.setprofile(None)
                warm = noted.pop() if noted else []
            shell.run_line_magic("unload_ext", "audiomagic")
    return warm


def _own(frame: FrameType | None) -> list[str]:
    """Our frames above one, from the magic on."""
    names: list[str] = []
    while frame:
        if name := _name(frame):
            names.append(name)
        frame = frame.f_back
    names.reverse()
    return names[names.index(FIRST) :] if FIRST in names else names


def _name(frame: FrameType) -> str:
    path = Path(frame.f_code.co_filename)
    if not path.is_relative_to(PACKAGE):
        return ""
    return f"{path.relative_to(PACKAGE).with_suffix('').as_posix()}.{frame.f_code.co_name}"


if __name__ == "__main__":
    print("\n".join(frames_of_a_speak()))
