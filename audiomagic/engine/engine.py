"""The embedded engine: ears, brain and mouth, each model opened once, on first use."""

import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, cached_property
from pathlib import Path

from . import hub, weights
from .language_model import LanguageModel
from .llm import LlamaModel
from .model_source import ModelSource, model_source
from .remote_llm import RemoteLanguageModel
from .remote_stt import RemoteRecognizer
from .stt import Transcriber, Whisper
from .tts import Synthesizer

MODEL = "local-engine"  # how it signs its answers
Report = Callable[[str], None]
_OPENING = threading.Lock()  # of all engines: two of them may share a model


class Engine:
    """Transcriber, brain and mouth; threads may use it at once."""

    def __init__(self, llm: ModelSource, stt: ModelSource) -> None:
        self.choices = (stt, llm)

    @cached_property
    def stt(self) -> Transcriber:
        """The recogniser."""
        return _stt(self.choices[0])

    @cached_property
    def tts(self) -> Synthesizer:
        """The synthesiser."""
        return _tts()

    @cached_property
    def llm(self) -> LanguageModel | None:
        """The language model, or None when none is installed."""
        return _llm(self.choices[1])

    def load(self, *parts: str, report: Report | None = None) -> "Engine":
        """Open `ears`, `brain`, `mouth` (all unless named), side by side, saying so in a line."""
        with _OPENING:
            missing = [p for p in parts or ("stt", "llm", "tts") if p not in self.__dict__]
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
        return self.llm.count(text) if self.llm else self.load("stt").stt.count(text)


def engine(llm: str | None = None, stt: str | None = None) -> Engine:
    """Return this process's engine with a brain and ears; two with the same ears share them.

    Each is named as `AudioMagics.llm` and `AudioMagics.stt` are: see `choose`, whose
    EngineError it raises. Nothing is opened yet.
    """
    return _engine(model_source("llm", llm), model_source("stt", stt))


@cache
def _engine(llm: ModelSource, stt: ModelSource) -> Engine:
    return Engine(llm, stt)


@cache
def _tts() -> Synthesizer:
    return Synthesizer(weights.packaged("tts") / "assets" / "hibari.onnx")


@cache
def _stt(choice: ModelSource) -> Transcriber:
    weights.packaged("vad")
    match choice.kind:
        case "server":
            return Transcriber(RemoteRecognizer(choice.name))
        case "hub":
            return Transcriber(Whisper(hub.stt_folder(choice.name)))
        case "path":
            return Transcriber(Whisper(Path(choice.name)))
    return Transcriber(Whisper(weights.packaged("stt") / "model"))


@cache
def _llm(choice: ModelSource) -> LanguageModel | None:
    match choice.kind:
        case "server":
            return RemoteLanguageModel(choice.name)
        case "hub":
            return LlamaModel(hub.llm_file(choice.name))
        case "path":
            return LlamaModel(Path(choice.name))
    path = weights.llm()
    return LlamaModel(path, small=True) if path else None


def _to_stderr(line: str) -> None:
    print(f"audiomagic: {line}", file=sys.stderr)
