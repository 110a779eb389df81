"""Generates one answer of the engine: recognise speech, generate text, speak each sentence."""

import re
from bisect import bisect_right
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import accumulate

from ..protocol.request import TRANSCRIPT, VERBATIM, Message, Request, split_style
from ..protocol.response import Delta
from ..protocol.tool_calls import ToolCall
from ..protocol.usage import AUDIO_IN_PER_SECOND, AUDIO_OUT_PER_SECOND, Usage
from ..sound import WIRE_RATE
from . import weights
from .api.errors import APIError
from .engine import Engine
from .llm import LanguageModel, TextDelta, answer_schema
from .prosody import Prosody
from .style import Style
from .text_normalization import UNSPEAKABLE, read_aloud, without_comments
from .voice_instructions import voice_style

NO_SPEECH = "I heard nothing. Is the microphone on, and near enough?"
STYLE_OF_TEXT = "A style is for the voice, and this answer is text alone."
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
    """One answer: `run` it once; then `finish_reason`, `calls`, `notes` and `usage` are known.

    `transcripts` are what is spoken in each message, where that has been recognised already (None
    for one in which nobody spoke); `pace` is a factor on its tempo, `block` how many bytes of sound
    come at once.
    """

    def __init__(
        self,
        engine: Engine,
        request: Request,
        transcripts: Sequence[str | None] | None = None,
        pace: float = 1.0,
        block: int = BLOCK,
    ):
        self._engine = engine
        self.request = request
        self._transcripts = transcripts
        self._block = block
        # Each message's text without a style, and the style.
        split = [split_style(m.text) if m.instructs else (m.text, "") for m in request.messages]
        self._unstyled = [text for text, _ in split]
        told = zip(request.messages, self._unstyled, strict=True)
        self._instructions = "\n".join(text for m, text in told if m.instructs and text)
        self._style = Style.of("\n".join(style for _, style in split))
        self._wished = voice_style(self._instructions)
        both = Prosody.together((self._style.prosody, self._wished.prosody))
        self._prosody = both.paced(pace)
        self._said: list[str] = []
        self._spoken = 0  # bytes of sound
        self._full = False  # whether the next words would exceed the cap
        self.finish_reason = "stop"  # "length" at the cap, "tool_calls" when there are any
        self.calls: tuple[ToolCall, ...] = ()
        self.notes: tuple[str, ...] = ()  # what its reader should know of it, a sentence each

    def run(self) -> Generator[Delta, None, None]:
        """Yield words and 24 kHz pcm16 as they are generated; empty deltas while a model thinks, so
        that it can be stopped.
        """
        speech = any(m.sounds for m in self.request.messages) and self._transcripts is None
        self._engine.load("tts", "llm", *(["stt"] if speech else []))
        self._check()
        self._note_style()
        with closing(self._generate()) as pieces:
            for piece in pieces:
                yield from self._say(piece) if piece else [Delta()]
                if self._full:
                    break

    @property
    def text(self) -> str:
        return "".join(self._said).strip()

    @property
    def usage(self) -> Usage:
        """The tokens, by the model's own tokenizer; sound at the service's rates."""
        sent = "\n".join(message.text for message in self.request.messages)
        called = "".join(call.name + call.arguments for call in self.calls)
        text_in, text_out = self._engine.count(sent), self._engine.count(self.text + called)
        if not self.request.voice:  # a model that kept to its cap may have split it otherwise
            text_out = min(text_out, self.request.max_tokens or text_out)
        audio_in = round(self.request.seconds * AUDIO_IN_PER_SECOND)
        audio_out = round(self._spoken / TOKEN)
        return Usage(text_in + audio_in, text_out + audio_out, audio_in, audio_out)

    def _note_style(self) -> None:
        llm, style, wished = self._engine.llm, self._style.told, self._wished.told
        if self.request.voice:
            self.notes += (f"Style: {style}.",) if style else ()
            self.notes += (f"Voice, as instructed: {wished}.",) if wished else ()
        elif style and (llm is None or llm.small):  # a larger one may choose its words by it
            self.notes += (STYLE_OF_TEXT,)

    def _check(self) -> None:
        """Refuse, before any model runs, what the language model cannot do."""
        if llm := self._engine.llm:
            llm.check(self.request)
        elif answer_schema(self.request):
            line = f"'response_format' needs a language model; run {weights.INSTALL}"
            raise APIError(line, "response_format", "unsupported_value")

    def _generate(self) -> Generator[str, None, None]:
        # What is spoken in each message, or None when it holds no sound.
        if self._transcripts is None:
            spoken = [self._transcript(message) for message in self.request.messages]
        else:
            spoken = list(self._transcripts)
        asked, heard = Message("user"), None
        for message, words in zip(self.request.messages, spoken, strict=True):
            if message.role == "user":
                asked, heard = message, words
        llm, told = self._engine.llm, self._instructions
        if llm and answer_schema(self.request):
            yield from self._reply(llm, spoken)
            return
        if heard is not None and TRANSCRIPT in told:
            answer = heard
        elif heard == "":
            answer = NO_SPEECH
        elif VERBATIM in told:
            answer = _joined(asked.text, heard)
        elif heard and (not llm or llm.small) and TRANSCRIBE.search(f"{told}\n{asked.text}"):
            answer = heard
        elif llm is None:
            answer = f"{NO_LANGUAGE_MODEL} {_joined(asked.text, heard)}"
        else:
            yield from self._reply(llm, spoken)
            return
        answer = "".join(until_stop([answer], self.request.stop))
        cap = self.request.max_tokens
        if cap is not None and not self.request.voice and self._tokens(answer) > cap:
            answer = self._cut(answer, self._tokens)
        yield from self._pieces([answer])

    def _transcript(self, message: Message) -> str | None:
        if not message.sounds:
            return None
        return " ".join(self._engine.stt.transcribe(sound) for sound in message.sounds).strip()

    def _reply(self, llm: LanguageModel, spoken: list[str | None]) -> Iterator[str]:
        # A style would only derail a small model.
        texts = self._unstyled if llm.small else [m.text for m in self.request.messages]
        messages = [
            replace(
                message,
                role="system" if message.instructs else message.role,
                parts=tuple(filter(None, [_joined(text, words)])),
            )
            for message, text, words in zip(self.request.messages, texts, spoken, strict=True)
        ]
        said = tuple(m for m in messages if m.parts or not m.instructs)
        request = replace(self.request, messages=said, voice=None)
        with closing(llm.reply(request)) as deltas:
            whole = llm.small and request.max_tokens is None
            yield from self._pieces(until_stop(self._texts(deltas), request.stop), whole)
            if whole and self.request.voice and self.finish_reason == "length":
                self.finish_reason = "stop"  # at the end of a sentence

    def _pieces(self, texts: Iterable[str], whole: bool = False) -> Iterator[str]:
        """Yield sentences to be spoken, or text as it is made."""
        if not self.request.voice:
            return stripped(texts)
        return self._split(without_comments(texts), whole)

    def _texts(self, deltas: Iterable[TextDelta]) -> Iterator[str]:
        """Yield the text; keep the tool calls and the finish reason."""
        for delta in deltas:
            self.calls += delta.tool_calls
            if self.calls or delta.finish_reason == "length":
                self.finish_reason = "tool_calls" if self.calls else "length"
            yield delta.text

    def _split(self, texts: Iterable[str], whole: bool = False) -> Iterator[str]:
        """Yield each sentence once it is complete; with `whole`, no incomplete last one.

        Yields "" where there was nothing to be read.
        """
        text, count = "", 0
        for more in texts:
            if not more:
                yield ""
            text += more
            for sentence in self._engine.tts.sentences(text)[:-1]:
                count += 1
                space, _, text = text.partition(sentence)
                yield from self._shown(space, sentence)
        last = text.strip()
        if last and not (count and whole and not ENDED.search(last)):
            count += 1
            yield from self._shown(text[: text.find(last)], last)
        if count and self.request.voice and not self.text:
            yield UNSPEAKABLE

    def _shown(self, space: str, sentence: str) -> Iterator[str]:
        """Yield a sentence after its space, unless it is nothing to be read, such as a rule."""
        shown = read_aloud(sentence) if self.request.voice else sentence
        if shown:
            yield space + shown

    def _say(self, piece: str) -> Iterator[Delta]:
        if self.request.voice:
            yield from self._speak(piece)
        else:
            self._said.append(piece)
            yield Delta(text=piece)

    def _speak(self, sentence: str) -> Iterator[Delta]:
        words, pcm = self._fitting(sentence)
        if not words:
            return
        self._said.append(words)
        self._spoken += len(pcm)
        yield Delta(text=words)
        for start in range(0, len(pcm), self._block):
            yield Delta(pcm=pcm[start : start + self._block])

    def _fitting(self, sentence: str) -> tuple[str, bytes]:
        """Return a sentence and its sound, or as many of its words as the cap has room for."""
        cap = self.request.max_tokens
        if cap is None or self._tokens(sentence) <= cap:
            pcm = self._synthesize(sentence)
            if cap is None or self._tokens(sentence, pcm) <= cap:
                return sentence, pcm
        self._full = True
        words = self._cut(sentence, lambda text: self._tokens(text, self._synthesize(text)))
        return words, self._synthesize(words)

    def _cut(self, text: str, tokens: Callable[[str], int]) -> str:
        """Return as many words as the cap has room for, of a text for which it has not."""
        self.finish_reason = "length"
        cap = self.request.max_tokens or 0
        words: list[str] = re.findall(r"\s*\S+", text)[:cap]  # no word is less than a token
        starts = ["", *accumulate(words)]
        return starts[bisect_right(starts, cap, lo=1, key=tokens) - 1]

    def _tokens(self, more: str, pcm: bytes = b"") -> int:
        """Count the tokens of the answer with more words, and their sound, at its end."""
        text = ("".join(self._said) + more).strip()
        return self._engine.count(text) + round((self._spoken + len(pcm)) / TOKEN)

    def _synthesize(self, text: str) -> bytes:
        voice = self.request.voice
        if not voice or not text:
            return b""
        return self._engine.tts.synthesize(text.strip(), voice, self._prosody).pcm16()


def until_stop(texts: Iterable[str], stops: Sequence[str]) -> Iterator[str]:
    """Yield a text up to the one of `stops` that ends first; hold back what may begin one."""
    held = ""
    for text in texts:
        held += text
        if found := [(at + len(stop), at) for stop in stops if (at := held.find(stop)) >= 0]:
            yield held[: min(found)[1]]
            return
        begun = (
            n for stop in stops for n in range(len(stop) - 1, 0, -1) if held.endswith(stop[:n])
        )
        end = len(held) - max(begun, default=0)
        if end or not text:
            yield held[:end]
        held = held[end:]
    if held:
        yield held


def stripped(texts: Iterable[str]) -> Iterator[str]:
    """Yield a text as it comes, without blanks before and after it."""
    begun, held = False, ""
    for text in texts:
        held += text
        shown = held.rstrip() if begun else held.strip()
        if shown:
            held = held[len(held.rstrip()) :]
            begun = True
        if shown or not text:
            yield shown


def _joined(written: str, spoken: str | None) -> str:
    return "\n".join(words for words in (written, spoken) if words)
