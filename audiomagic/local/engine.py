"""The embedded engine: ears, brain and mouth, each model opened once, on first use."""

import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, cached_property
from pathlib import Path

from . import hub, weights
from .brain import Brain
from .choice import Choice, choose
from .ears import Ears, Whisper
from .hearing_server import HearingServer
from .llama_brain import LlamaBrain
from .mouth import Mouth
from .text_server import TextServer

MODEL = "local-engine"  # how it signs its answers
Report = Callable[[str], None]
_OPENING = threading.Lock()  # of all engines: two of them may share a model


class Engine:
    """Ears, brain and mouth; threads may use it at once."""

    def __init__(self, brain: Choice, ears: Choice) -> None:
        self.choices = (ears, brain)

    @cached_property
    def ears(self) -> Ears:
        """The recogniser."""
        return _ears(self.choices[0])

    @cached_property
    def mouth(self) -> Mouth:
        """The synthesiser."""
        return _mouth()

    @cached_property
    def brain(self) -> Brain | None:
        """The language model, or None when none is installed."""
        return _brain(self.choices[1])

    def load(self, *parts: str, report: Report | None = None) -> "Engine":
        """Open `ears`, `brain`, `mouth` (all unless named), side by side, saying so in a line."""
        with _OPENING:
            missing = [p for p in parts or ("ears", "brain", "mouth") if p not in self.__dict__]
            if missing:
                report = report or _to_stderr
                report(f"opening the local engine ({', '.join(missing)}) …")
                start = time.perf_counter()
                with ThreadPoolExecutor() as pool:
                    list(pool.map(lambda part: getattr(self, part), missing))
                report(f"the local engine is open ({time.perf_counter() - start:.1f} s)")
        return self

    def count(self, text: str) -> int:
        """Count a text's tokens, by the brain's tokenizer, or the ears' where there is no brain."""
        return self.brain.count(text) if self.brain else self.load("ears").ears.count(text)


def engine(brain: str | None = None, ears: str | None = None) -> Engine:
    """Return this process's engine with a brain and ears; two with the same ears share them.

    Each is named as `AudioMagics.brain` and `AudioMagics.ears` are: see `choose`, whose
    EngineError it raises. Nothing is opened yet.
    """
    return _engine(choose("brain", brain), choose("ears", ears))


@cache
def _engine(brain: Choice, ears: Choice) -> Engine:
    return Engine(brain, ears)


@cache
def _mouth() -> Mouth:
    return Mouth(weights.packaged("mouth") / "assets" / "hibari.onnx")


@cache
def _ears(choice: Choice) -> Ears:
    weights.packaged("gate")
    match choice.kind:
        case "server":
            return Ears(HearingServer(choice.name))
        case "hub":
            return Ears(Whisper(hub.ears_folder(choice.name)))
        case "path":
            return Ears(Whisper(Path(choice.name)))
    return Ears(Whisper(weights.packaged("ears") / "model"))


@cache
def _brain(choice: Choice) -> Brain | None:
    match choice.kind:
        case "server":
            return TextServer(choice.name)
        case "hub":
            return LlamaBrain(hub.brain_file(choice.name))
        case "path":
            return LlamaBrain(Path(choice.name))
    path = weights.brain()
    return LlamaBrain(path, small=True) if path else None


def _to_stderr(line: str) -> None:
    print(f"audiomagic: {line}", file=sys.stderr)
