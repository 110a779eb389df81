"""One answer of the engine: hear, think, speak, sentence by sentence."""

import re
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace

from ..protocol.request import TRANSCRIPT, VERBATIM, Message, Request
from ..protocol.response import Delta
from ..protocol.tool_calls import ToolCall
from ..protocol.usage import AUDIO_IN_PER_SECOND, AUDIO_OUT_PER_SECOND, Usage
from ..sound import WIRE_RATE
from .engine import Engine
from .language_model import LanguageModel
from .text_chat import TextDelta

NOTHING_HEARD = "I heard nothing. Is the microphone on, and near enough?"
NO_BRAIN = "I have no language model, so I can only hear and speak. You said:"
# An instruction that asks to write down what is said, and not to answer it.
TRANSCRIBE = re.compile(
    r"\btranscri(be|bing|pt|ption)\b|\bwrite (it|this|that) down\b"
    r"|\bwhat (is|was|did|does|do)\b.{0,20}\b(said|say|saying)\b",
    re.IGNORECASE,
)
ENDED = re.compile(r"[.!?…:][\"'”’)*]*$")
SAMPLE = 2  # bytes
BLOCK = WIRE_RATE * SAMPLE * 2 // 5  # 0.4 s, as the service sends
TOKEN = WIRE_RATE * SAMPLE // AUDIO_OUT_PER_SECOND  # bytes of sound in one audio token


@dataclass(frozen=True)
class Heard:
    """A message whose sounds were recognised; `spoken` is None where it held none."""

    role: str
    written: str
    spoken: str | None

    @property
    def text(self) -> str:
        """All its words."""
        return "\n".join(words for words in (self.written, self.spoken) if words)


class Pipeline:
    """A request being answered: `run` it once; then `finish` and `usage` tell how it ended."""

    def __init__(self, engine: Engine, request: Request):
        self._engine = engine
        self._request = request
        self._said: list[str] = []
        self._audio_out = 0  # tokens
        self.finish = "stop"  # "length" when the cap was reached, "tool_calls" where there are any
        self.calls: tuple[ToolCall, ...] = ()

    def run(self) -> Iterator[Delta]:
        """Yield words and 24 kHz pcm16 as they are made."""
        self._engine.load(*_parts(self._request))
        messages = [self._hear(message) for message in self._request.messages]
        with closing(self._sentences(messages)) as sentences:
            for sentence in sentences:
                self._said.append(sentence)
                yield from self._say(sentence)
                if self.finish == "length":
                    break

    @property
    def text(self) -> str:
        """What was said."""
        return "".join(self._said).strip()

    @property
    def usage(self) -> Usage:
        """The tokens, by the model's own tokenizer; sound at the service's rates."""
        written = "\n".join(message.text for message in self._request.messages)
        called = "".join(call.name + call.arguments for call in self.calls)
        text_in, text_out = self._engine.count(written), self._engine.count(self.text + called)
        audio_in = round(self._request.seconds * AUDIO_IN_PER_SECOND)
        return Usage(text_in + audio_in, text_out + self._audio_out, audio_in, self._audio_out)

    def _hear(self, message: Message) -> Heard:
        if not message.sounds:
            return Heard(message.role, message.text, None)
        words = [self._engine.stt.transcribe(sound) for sound in message.sounds]
        return Heard(message.role, message.text, " ".join(words).strip())

    # -- what to say --------------------------------------------------------------------------
    def _sentences(self, messages: list[Heard]) -> Generator[str, None, None]:
        asked = next((m for m in reversed(messages) if m.role == "user"), Heard("user", "", None))
        llm = self._engine.llm
        if asked.spoken is not None and TRANSCRIPT in self._request.system:
            yield from self._cut([asked.spoken])
        elif asked.spoken == "":
            yield NOTHING_HEARD
        elif VERBATIM in self._request.system:
            yield from self._cut([asked.text])
        elif (llm is None or llm.small) and asked.spoken and self._transcribes(asked):
            yield from self._cut([asked.spoken])
        elif llm is None:
            yield from self._cut([f"{NO_BRAIN} {asked.text}"])
        else:
            yield from self._think(messages, llm)

    def _transcribes(self, asked: Heard) -> bool:
        return bool(TRANSCRIBE.search(f"{self._request.system}\n{asked.written}"))

    def _think(self, messages: list[Heard], llm: LanguageModel) -> Iterator[str]:
        roles = {"developer": "system"}  # which text servers do not know
        understood = tuple(
            replace(sent, role=roles.get(sent.role, sent.role), parts=_parts_of(heard.text))
            for sent, heard in zip(self._request.messages, messages, strict=True)
        )
        request = replace(self._request, messages=understood, voice=None)
        with closing(llm.reply(request)) as thoughts:
            whole = llm.small and request.max_tokens is None
            yield from self._cut(self._noted(thoughts), whole)

    def _noted(self, thoughts: Iterable[TextDelta]) -> Iterator[str]:
        """Give the words alone; note the calls, and how the answer ended."""
        for thought in thoughts:
            self.calls += thought.tool_calls
            if self.calls or thought.finish_reason == "length":
                self.finish = "tool_calls" if self.calls else "length"
            yield thought.text

    def _cut(self, pieces: Iterable[str], whole: bool = False) -> Iterator[str]:
        """Cut text into sentences, each given as soon as it is there, with the space before it.

        With `whole`, a last sentence that broke off is left out, unless it is the only one.
        """
        text, given = "", 0
        for piece in pieces:
            text += piece
            for sentence in self._engine.tts.sentences(text)[:-1]:
                given += 1
                space, _, text = text.partition(sentence)
                yield space + self._speakable(sentence)
        last = text.strip()
        if (given == 0 and not self.calls) or (last and not (whole and not ENDED.search(last))):
            yield text[: text.find(last)] + self._speakable(last)

    def _speakable(self, sentence: str) -> str:
        return self._engine.tts.pronounceable(sentence) if self._request.voice else sentence

    # -- saying it ----------------------------------------------------------------------------
    def _say(self, sentence: str) -> Iterator[Delta]:
        yield Delta(text=sentence)
        room = self._room()
        if room is not None and room <= 0:
            self.finish = "length"
        elif self._request.voice:
            pcm = self._engine.tts.say(sentence.strip(), self._request.voice).pcm16()
            if room is not None and len(pcm) > room * TOKEN:
                pcm, self.finish = pcm[: room * TOKEN], "length"
            self._audio_out += round(len(pcm) / TOKEN)
            for start in range(0, len(pcm), BLOCK):
                yield Delta(pcm=pcm[start : start + BLOCK])

    def _room(self) -> int | None:
        """Tokens left for sound under the request's cap; None without one."""
        if self._request.max_tokens is None:
            return None
        return self._request.max_tokens - self._engine.count(self.text) - self._audio_out


def _parts_of(text: str) -> tuple[str, ...]:
    return (text,) if text else ()


def _parts(request: Request) -> list[str]:
    """Name the models that an answer needs; the mouth also cuts text into sentences."""
    heard = any(message.sounds for message in request.messages)
    return ["tts", *(["stt"] if heard else []), "llm"]
