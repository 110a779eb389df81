"""The engine with models that hear and say what a test has them: no file is opened."""

import re
import threading
from collections.abc import Generator
from typing import Any, cast

import numpy as np

from audiomagic.engine.engine import Engine
from audiomagic.engine.llm import TextDelta
from audiomagic.engine.model_source import ModelSource
from audiomagic.engine.prosody import PLAIN, Prosody
from audiomagic.protocol.request import Request
from audiomagic.protocol.tool_calls import ToolCall
from audiomagic.sound import Sound

GATE = object()  # in an answer: the model goes on once `Models.gate` is set
PER_WORD = 0.1  # seconds of sound


class Models:
    """All three models: what is `heard`, sound by sound, and what is answered, turn by turn.

    An answer holds texts, tool calls, GATE, and an exception to raise. `asked` are the requests of
    the language model; `stopped` is set when an answer is not read to its end.
    """

    small = False

    def __init__(self, heard: list[Any], answers: list[list[Any]]):
        self._heard, self._answers = iter(heard), iter(answers)
        self.asked: list[Request] = []
        self.gate, self.stopped = threading.Event(), threading.Event()
        self.hearing = threading.Event()  # recognition waits for it
        self.hearing.set()

    # -- speech recognition
    def transcribe(self, sound: Sound) -> str:
        assert self.hearing.wait(20)
        words = next(self._heard)
        if isinstance(words, Exception):
            raise words
        return str(words)

    # -- language model
    def count(self, text: str) -> int:
        return len(text.split())

    def check(self, request: Request) -> None:
        pass

    def reply(self, request: Request) -> Generator[TextDelta, None, None]:
        self.asked.append(request)
        try:
            for piece in next(self._answers):
                if piece is GATE:
                    while not self.gate.wait(0.01):
                        yield TextDelta()
                elif isinstance(piece, Exception):
                    raise piece
                elif isinstance(piece, ToolCall):
                    yield TextDelta(tool_calls=(piece,))
                else:
                    yield TextDelta(piece)
            yield TextDelta(finish_reason="stop")
        except GeneratorExit:
            self.stopped.set()
            raise

    # -- speech synthesis
    @staticmethod
    def sentences(text: str) -> list[str]:
        return re.findall(r"\S[^.!?]*[.!?]*", text)

    def synthesize(self, text: str, voice: str, prosody: Prosody = PLAIN) -> Sound:
        samples = round(len(text.split()) * PER_WORD * 24_000 / prosody.pace)
        return Sound(np.full(samples, 0.25, np.float32), 24_000)


class ScriptedEngine(Engine):
    """An engine of these models."""

    def __init__(self, heard: list[Any] | None = None, answers: list[list[Any]] | None = None):
        super().__init__(cast(ModelSource, None), cast(ModelSource, None))
        self.models: Any = Models(heard or [], answers or [])
        self.stt = self.llm = self.tts = self.models
