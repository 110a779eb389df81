"""The local engine: speech recognition, a language model and speech synthesis."""

import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, cached_property

from ..catalogue import catalogue
from . import weights
from .llm import LanguageModel, LlamaModel, estimated_tokens
from .model_source import ModelSource, model_source
from .remote import RemoteLanguageModel, RemoteRecognizer
from .stt import Transcriber, Whisper
from .tts import Synthesizer

MODEL = "local-engine"  # the model that its answers name
_OPENING = threading.Lock()  # of all engines: two of them may share a model


class Engine:
    """Three models, each opened once, on first use; threads may use them at once."""

    def __init__(self, llm: ModelSource, stt: ModelSource) -> None:
        self._llm_source, self._stt_source = llm, stt

    @cached_property
    def stt(self) -> Transcriber:
        return _stt(self._stt_source)

    @cached_property
    def llm(self) -> LanguageModel | None:
        return _llm(self._llm_source)

    @cached_property
    def tts(self) -> Synthesizer:
        return _tts()

    def load(self, *parts: str, report: Callable[[str], None] | None = None) -> "Engine":
        """Open `stt`, `llm`, `tts` (all unless named) side by side, and report it."""
        with _OPENING:
            missing = [p for p in parts or ("stt", "llm", "tts") if p not in self.__dict__]
            if missing:
                report = report or (lambda line: print(f"audiomagic: {line}", file=sys.stderr))
                report(f"opening the local engine ({', '.join(missing)}) …")
                start = time.perf_counter()
                with ThreadPoolExecutor() as pool:
                    list(pool.map(lambda part: getattr(self, part), missing))
                report(f"the local engine is open ({time.perf_counter() - start:.1f} s)")
        return self

    def count(self, text: str) -> int:
        """Count tokens, by the language model's tokenizer where there is one."""
        return self.llm.count(text) if self.llm else estimated_tokens(text)


def known_models() -> tuple[str, ...]:
    """Return the names that it answers to: its own, and those of the service's audio models."""
    return (*catalogue().models, MODEL)


def engine(llm: str | None = None, stt: str | None = None) -> Engine:
    """Return the engine with these models (see `model_source`), not opened. Raises EngineError."""
    return _engine(model_source("llm", llm), model_source("stt", stt))


_engine = cache(Engine)


@cache
def _tts() -> Synthesizer:
    return Synthesizer(weights.packaged("tts") / "assets" / "hibari.onnx")


@cache
def _stt(source: ModelSource) -> Transcriber:
    weights.packaged("vad")
    path = source.path()
    return Transcriber(Whisper(path) if path else RemoteRecognizer(source.name))


@cache
def _llm(source: ModelSource) -> LanguageModel | None:
    if source.kind == "server":
        return RemoteLanguageModel(source.name)
    path = source.path()
    return LlamaModel(path, small=source.kind == "installed") if path else None
