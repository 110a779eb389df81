"""Generates one answer of the engine: recognise speech, generate text, speak each sentence."""

import re
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import replace

from ..protocol.request import TRANSCRIPT, VERBATIM, Message, Request
from ..protocol.response import Delta
from ..protocol.tool_calls import ToolCall
from ..protocol.usage import AUDIO_IN_PER_SECOND, AUDIO_OUT_PER_SECOND, Usage
from ..sound import WIRE_RATE
from .engine import Engine
from .llm import LanguageModel, TextDelta
from .text_normalization import speakable

NO_SPEECH = "I heard nothing. Is the microphone on, and near enough?"
NO_LANGUAGE_MODEL = "I have no language model, so I can only hear and speak. You said:"
# An instruction to write down what is said, rather than to answer it.
TRANSCRIBE = re.compile(
    r"\btranscri(be|bing|pt|ption)\b|\bwrite (it|this|that) down\b"
    r"|\bwhat (is|was|did|does|do)\b.{0,20}\b(said|say|saying)\b",
    re.IGNORECASE,
)
ENDED = re.compile(r"[.!?…:][\"'”’)*]*$")
BLOCK = 2 * WIRE_RATE * 2 // 5  # bytes: 0.4 s, as the service sends
TOKEN = 2 * WIRE_RATE // AUDIO_OUT_PER_SECOND  # bytes of sound in one audio token


class Pipeline:
    """One answer: `run` it once; then `finish_reason`, `calls` and `usage` are known."""

    def __init__(self, engine: Engine, request: Request):
        self._engine = engine
        self.request = request
        self._sentences: list[str] = []
        self._audio_out = 0  # tokens
        self.finish_reason = "stop"  # "length" at the cap, "tool_calls" when there are any
        self.calls: tuple[ToolCall, ...] = ()

    def run(self) -> Generator[Delta, None, None]:
        """Yield words and 24 kHz pcm16 as they are generated."""
        speech = any(message.sounds for message in self.request.messages)
        self._engine.load("tts", "llm", *(["stt"] if speech else []))
        with closing(self._generate()) as sentences:
            for sentence in sentences:
                self._sentences.append(sentence)
                yield from self._speak(sentence)
                if self.finish_reason == "length":
                    break

    @property
    def text(self) -> str:
        return "".join(self._sentences).strip()

    @property
    def usage(self) -> Usage:
        """The tokens, by the model's own tokenizer; sound at the service's rates."""
        sent = "\n".join(message.text for message in self.request.messages)
        called = "".join(call.name + call.arguments for call in self.calls)
        text_in, text_out = self._engine.count(sent), self._engine.count(self.text + called)
        audio_in = round(self.request.seconds * AUDIO_IN_PER_SECOND)
        return Usage(text_in + audio_in, text_out + self._audio_out, audio_in, self._audio_out)

    def _generate(self) -> Generator[str, None, None]:
        # What is spoken in each message, or None when it holds no sound.
        spoken = [self._transcript(message) for message in self.request.messages]
        asked, heard = Message("user"), None
        for message, words in zip(self.request.messages, spoken, strict=True):
            if message.role == "user":
                asked, heard = message, words
        llm, system = self._engine.llm, self.request.system
        if heard is not None and TRANSCRIPT in system:
            answer = heard
        elif heard == "":
            answer = NO_SPEECH
        elif VERBATIM in system:
            answer = _joined(asked.text, heard)
        elif heard and (not llm or llm.small) and TRANSCRIBE.search(f"{system}\n{asked.text}"):
            answer = heard
        elif llm is None:
            answer = f"{NO_LANGUAGE_MODEL} {_joined(asked.text, heard)}"
        else:
            yield from self._reply(llm, spoken)
            return
        yield from self._split([answer])

    def _transcript(self, message: Message) -> str | None:
        if not message.sounds:
            return None
        return " ".join(self._engine.stt.transcribe(sound) for sound in message.sounds).strip()

    def _reply(self, llm: LanguageModel, spoken: list[str | None]) -> Iterator[str]:
        messages = tuple(
            replace(
                message,
                role=message.role.replace("developer", "system"),
                parts=tuple(filter(None, [_joined(message.text, words)])),
            )
            for message, words in zip(self.request.messages, spoken, strict=True)
        )
        request = replace(self.request, messages=messages, voice=None)
        with closing(llm.reply(request)) as deltas:
            whole = llm.small and request.max_tokens is None
            yield from self._split(self._texts(deltas), whole)

    def _texts(self, deltas: Iterable[TextDelta]) -> Iterator[str]:
        """Yield the text; keep the tool calls and the finish reason."""
        for delta in deltas:
            self.calls += delta.tool_calls
            if self.calls or delta.finish_reason == "length":
                self.finish_reason = "tool_calls" if self.calls else "length"
            yield delta.text

    def _split(self, texts: Iterable[str], whole: bool = False) -> Iterator[str]:
        """Yield each sentence once it is complete; with `whole`, no incomplete last one."""
        text, count = "", 0
        for more in texts:
            text += more
            for sentence in self._engine.tts.sentences(text)[:-1]:
                count += 1
                space, _, text = text.partition(sentence)
                yield space + self._shown(sentence)
        last = text.strip()
        if (count == 0 and not self.calls) or (last and not (whole and not ENDED.search(last))):
            yield text[: text.find(last)] + self._shown(last)

    def _shown(self, sentence: str) -> str:
        return speakable(sentence) if self.request.voice else sentence

    def _speak(self, sentence: str) -> Iterator[Delta]:
        yield Delta(text=sentence)
        room = self._room()
        if room is not None and room <= 0:
            self.finish_reason = "length"
        elif self.request.voice:
            pcm = self._engine.tts.synthesize(sentence.strip(), self.request.voice).pcm16()
            if room is not None and len(pcm) > room * TOKEN:
                pcm, self.finish_reason = pcm[: room * TOKEN], "length"
            self._audio_out += round(len(pcm) / TOKEN)
            for start in range(0, len(pcm), BLOCK):
                yield Delta(pcm=pcm[start : start + BLOCK])

    def _room(self) -> int | None:
        """Return how many tokens of sound the request's cap leaves; None without a cap."""
        if self.request.max_tokens is None:
            return None
        return self.request.max_tokens - self._engine.count(self.text) - self._audio_out


def _joined(written: str, spoken: str | None) -> str:
    return "\n".join(words for words in (written, spoken) if words)
