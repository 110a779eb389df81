"""The embedded engine: three small models, each opened once, on first use."""

import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, cached_property

from . import weights
from .brain import Brain
from .ears import Ears
from .mouth import Mouth

MODEL = "local-engine"  # how it signs its answers
Report = Callable[[str], None]


class Engine:
    """Ears, brain and mouth; threads may use it at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    @cached_property
    def ears(self) -> Ears:
        """The recogniser."""
        weights.packaged("gate")
        return Ears(weights.packaged("ears") / "model")

    @cached_property
    def mouth(self) -> Mouth:
        """The synthesiser."""
        return Mouth(weights.packaged("mouth") / "assets" / "hibari.onnx")

    @cached_property
    def brain(self) -> Brain | None:
        """The language model, or None when none is installed."""
        path = weights.brain()
        return Brain(path) if path else None

    def load(self, *parts: str, report: Report | None = None) -> "Engine":
        """Open `ears`, `brain`, `mouth` (all unless named), side by side, saying so in a line."""
        with self._lock:
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


@cache
def engine() -> Engine:
    """Return this process's engine: models are large, and one of each will do."""
    return Engine()


def _to_stderr(line: str) -> None:
    print(f"audiomagic: {line}", file=sys.stderr)
