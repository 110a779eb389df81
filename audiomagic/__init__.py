"""Talk with audio models in a notebook cell: `%load_ext audiomagic`, then `%%speak`, `%%listen`.

In Python: `Session().speak("Tell me a joke").save("joke.mp3")`.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from .costs.pricing import cost_of as cost_of
    from .errors import AudiomagicError as AudiomagicError
    from .session import Session as Session
    from .sound import Sound as Sound
    from .turn.comparison import compare as compare
    from .turn.reply import Reply as Reply
    from .widgets.recorder import Recorder as Recorder

__version__ = "0.1.0"

# Loaded on first use: the client, numpy and the widgets take most of a second to import.
_HOMES = {
    "AudiomagicError": "errors",
    "Recorder": "widgets.recorder",
    "Reply": "turn.reply",
    "Session": "session",
    "Sound": "sound",
    "compare": "turn.comparison",
    "cost_of": "costs.pricing",
}
__all__ = [*sorted(_HOMES), "load_ipython_extension", "unload_ipython_extension"]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])


def load_ipython_extension(shell: "InteractiveShell") -> None:
    """Register the magics: what `%load_ext audiomagic` calls."""
    from .notebook.magics import load

    load(shell)


def unload_ipython_extension(shell: "InteractiveShell") -> None:
    """Take the magics away again: what `%unload_ext audiomagic` calls."""
    from .notebook.magics import unload

    unload(shell)
