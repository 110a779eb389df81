"""An answer on the wire: the chunks of a stream, folded.

The shapes are those of a recorded stream of 2026-04-15 (gpt-4o-audio-preview): chunks without
`choices`, no finish reason, the audio's id twice, usage before the last chunk. The client's own
`.stream()` helper breaks on each of these; `ResponseAccumulator` does not.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .. import redaction
from ..errors import InvalidResponse
from ..sound import WIRE_RATE
from .pcm import PcmDecoder
from .text import TextAccumulator, whole
from .tool_calls import ToolCall, ToolCallAccumulator
from .usage import Usage

LARGEST_ANSWER = 200_000_000  # bytes of pcm16: 69 minutes; the service's longest are 14
LONGEST_TEXT = 1_000_000  # characters; 16,384 tokens are some 65,000


@dataclass(frozen=True)
class Delta:
    """What one chunk adds: words, and whole samples of 24 kHz mono pcm16."""

    text: str = ""
    pcm: bytes = b""


@dataclass(frozen=True)
class Completion:
    """A whole answer; `finish_reason` is None when it was cut off."""

    text: str
    pcm: bytes
    finish_reason: str | None
    model: str | None = None
    usage: Usage | None = None
    audio_id: str | None = None
    expires_at: int | None = None
    # When words came: the characters of text, and the seconds of sound, that were there before.
    marks: tuple[tuple[int, float], ...] = field(default=(), compare=False)
    tool_calls: tuple[ToolCall, ...] = ()  # tools that the model wants called before it goes on
    refused: bool = False  # whether the model said, by the protocol, that it will not answer

    @property
    def empty(self) -> bool:
        """Whether there are no words, no sound and no tool calls."""
        return not (self.text or self.pcm or self.tool_calls)


def joined(answers: Sequence[Completion]) -> Completion:
    """Join what was said in several answers, one after the other, into one."""
    text, pcm, marks = "", b"", []
    for answer in answers:
        text += " " if text and answer.text else ""
        seconds = len(pcm) / (2 * WIRE_RATE)
        marks += [(len(text) + letters, seconds + second) for letters, second in answer.marks]
        text, pcm = text + answer.text, pcm + answer.pcm
    one = replace(answers[-1], text=text, pcm=pcm, marks=tuple(marks))
    # No later message can refer to the sound of several by the id of one.
    return one if pcm == answers[-1].pcm else replace(one, audio_id=None, expires_at=None)


@dataclass
class ResponseAccumulator:
    """ResponseAccumulator the chunks of one stream, or an answer in one piece, into an answer.

    It holds what came so far at any time, also after `add` has raised, or the stream has.

    >>> fold = ResponseAccumulator()
    >>> for chunk in chunks:
    ...     play(fold.add(chunk).pcm)
    >>> fold.answer().text
    """

    finish_reason: str | None = None
    model: str | None = None
    usage: Usage | None = None
    audio_id: str | None = None
    expires_at: int | None = None
    refused: bool = False
    _words: list[str] = field(default_factory=list)
    _sources: TextAccumulator = field(default_factory=TextAccumulator)
    _heard: int = 0  # characters that came, of both sources
    _length: int = 0  # characters of words
    _sound: PcmDecoder = field(default_factory=PcmDecoder)
    _told: int = 0  # bytes of sound already given out in pieces
    _marks: list[tuple[int, float]] = field(default_factory=list)
    _calls: ToolCallAccumulator = field(default_factory=ToolCallAccumulator)

    def add(self, chunk: Mapping[str, Any]) -> Delta:
        """Take one chunk; return what it added. Raises InvalidResponse where it is no chunk."""
        chunk = _mapping(chunk, "a chunk")
        if isinstance(model := chunk.get("model"), str) and model:
            self.model = whole(model)
        self.usage = Usage.of(chunk.get("usage")) or self.usage  # never overwritten with none
        # vLLM-Omni: the content of such a chunk is not words but sound.
        sounding = chunk.get("modality") == "audio"
        words = (self._choice(choice, sounding) for choice in _list(chunk, "choices"))
        return self._piece("".join(words))

    def end(self) -> Delta:
        """Return what had to be held back until all was there; the pieces then are the answer."""
        self._sound.end()
        return self._piece(self._sources.rest())

    def _piece(self, words: str) -> Delta:
        """Keep words; return them with the sound that is new."""
        pcm = self._sound.pcm
        if words:
            self._words.append(words)
            self._marks.append((self._length, len(pcm) / (2 * WIRE_RATE)))
        self._length += len(words)
        end = len(pcm) - len(pcm) % 2  # a data piece may end inside a sample
        fresh, self._told = bytes(pcm[self._told : end]), end
        return Delta(whole(words), fresh)

    def _choice(self, choice: object, sounding: bool) -> str:
        choice = _mapping(choice, "a choice")
        if isinstance(finish := choice.get("finish_reason"), str) and finish:
            self.finish_reason = finish
        # An answer in one piece, from a server that does not stream, holds a message.
        delta = _mapping(choice.get("delta") or choice.get("message") or {}, "delta")
        audio = _mapping(delta.get("audio") or {}, "delta.audio")
        if isinstance(audio_id := audio.get("id"), str) and audio_id:
            self.audio_id = whole(audio_id)
        if type(expires_at := audio.get("expires_at")) is int:
            self.expires_at = expires_at
        content = delta.get("content")
        if data := audio.get("data") or (content if sounding else None):
            self._data(data)
        if calls := delta.get("tool_calls"):
            self._calls.add(calls)
        refusal = _text(delta.get("refusal"))
        self.refused = self.refused or bool(refusal)
        written = ("" if sounding else _text(content)) + refusal
        spoken = _text(audio.get("transcript"))
        self._heard += len(written) + len(spoken)
        if self._heard > LONGEST_TEXT:
            raise InvalidResponse(
                "the server sent more text than any model writes; stopped reading"
            )
        return self._sources.add("written", written) + self._sources.add("spoken", spoken)

    def _data(self, data: object) -> None:
        try:  # each piece is its own base64: joined ones would decode short
            decoded = base64.b64decode(str(data), validate=True)
        except ValueError as error:
            raise InvalidResponse(
                "the server sent sound that is not base64; run it again"
            ) from error
        self._sound.add(decoded)
        if len(self._sound.pcm) > LARGEST_ANSWER:
            raise InvalidResponse(
                "the server sent more sound than any model makes; stopped reading"
            )

    def answer(self) -> Completion:
        """Return what came so far, as an answer.

        Audio streams carry no finish reason: the trailing `expires_at` stands for "stop".
        """
        finish = self.finish_reason or ("stop" if self.expires_at else None)
        self.end()
        pcm = self._sound.pcm
        words = whole("".join(self._words))
        before = len(words) - len(words.lstrip())
        marks = tuple((max(0, characters - before), seconds) for characters, seconds in self._marks)
        if redaction.held(words):  # in pieces that were harmless one by one
            words, marks = redaction.without(words), ()
        ids = (self.audio_id, self.expires_at)
        return Completion(
            words.strip(),
            bytes(pcm[: len(pcm) // 2 * 2]),
            finish,
            self.model,
            self.usage,
            *ids,
            marks,
            self._calls.calls(),
            self.refused,
        )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _list(chunk: Mapping[str, Any], key: str) -> list[Any]:
    value = chunk.get(key) or []
    if not isinstance(value, list):
        raise InvalidResponse(f"the server's '{key}' is no list; this is not Chat Completions")
    return value


def _mapping(value: object, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidResponse(
            f"the server sent {name} that is no object; this is not Chat Completions"
        )
    return value
