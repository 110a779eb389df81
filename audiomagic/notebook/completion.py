"""Tab completion on the line of a magic: its flags, and the values that a flag takes."""

from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from .arguments import Settings


def complete(shell: InteractiveShell, event: Any) -> list[str]:
    """Return what may stand at the cursor (an IPython `complete_command` hook)."""
    flags = Settings.flags(event.command.lstrip("%"))
    before = event.text_until_cursor.removesuffix(event.symbol).split()
    if before and before[-1] in flags:
        return [v for v in _values(flags[before[-1]]) if v.startswith(event.symbol)]
    return [flag for flag in flags if flag.startswith(event.symbol or "-")]


def _values(option: str) -> list[str]:
    from ..catalogue import catalogue

    match option:
        case "model":
            return [name for name, model in catalogue().models.items() if not model.shut_down()]
        case "voice":
            return list(catalogue().voices)
        case "engine":
            return list(Settings.class_traits()["engine"].values)  # type: ignore[attr-defined]
    return []
