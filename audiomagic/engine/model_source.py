"""What a setting chooses as the engine's brain or ears: installed, a path, a hub name, a server."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..errors import EngineError, one_line
from ..files import file_path
from . import hub, weights

Part = Literal["llm", "stt"]
Kind = Literal["installed", "path", "hub", "server"]
WAYS = {"path": "on this machine", "hub": "from the model hub", "server": "a server"}


@dataclass(frozen=True)
class ModelSource:
    """One of the four ways, and what was named."""

    part: Part
    kind: Kind = "installed"
    name: str = ""

    def __str__(self) -> str:
        if self.kind != "installed":
            return f"{self.name} ({WAYS[self.kind]})"
        if self.part == "stt" or weights.llm():
            return weights.describe(self.part)
        return "none; run: " + weights.INSTALL


def model_source(part: Part, named: str | None = None) -> ModelSource:
    """Read what is named: by the setting, else by $AUDIOMAGIC_LLM or $AUDIOMAGIC_STT.

    >>> choose("brain", "Qwen/Qwen2.5-3B-Instruct-GGUF:Q5_K_M").kind
    'hub'

    Raises EngineError where it is none of the ways, OptionError for a name that no file can have.
    """
    variable = f"AUDIOMAGIC_{part.upper()}"
    who, named = (f"AudioMagics.{part}", named) if named else (
        f"${variable}", os.environ.get(variable, ""))  # fmt: skip
    named = named.strip()
    if not named:
        return ModelSource(part)
    if named.startswith(("http://", "https://")):
        return ModelSource(part, "server", named)
    path = file_path(named)
    a_file = named.endswith(".gguf") and ":" not in named
    if a_file or path.exists() or not hub.NAME.fullmatch(named):
        return ModelSource(part, "path", str(_checked(path, part, who).resolve()))
    return ModelSource(part, "hub", named)


def _checked(path: Path, part: Part, who: str) -> Path:
    shown = f"{who} names {one_line(path, 120)}"
    if part == "stt":
        if not (path / "model.bin").is_file():
            raise EngineError(f"{shown}, which is no folder of a CTranslate2 Whisper model")
        return path
    if not path.is_file():
        raise EngineError(f"{shown}, which is no file, hub name (org/repo) or http:// address")
    with path.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise EngineError(f"{shown}: no GGUF file")
    return path
