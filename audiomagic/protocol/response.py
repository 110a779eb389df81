"""A completion on the wire: the chunks of a stream, accumulated.

The shapes are those of a recorded stream of 2026-04-15 (gpt-4o-audio-preview): chunks without
`choices`, no finish reason, the audio's id twice, usage before the last chunk. The client's own
`.stream()` helper breaks on each of these; `ResponseAccumulator` does not.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import astuple, dataclass, field, replace
from typing import Any

from .. import redaction
from ..errors import InvalidResponse, clean
from ..sound import pcm16_seconds
from . import notes
from .base64_stream import Base64Stream
from .error import not_chat_completions
from .output_tokens import OutputTokens
from .pcm import PcmDecoder
from .repetition import Said, beyond
from .thoughts import Answer, Thoughts, without_thoughts
from .tool_calls import ToolCall, ToolCallAccumulator
from .usage import Usage

LONGEST_TEXT = 1_000_000  # characters; 16,384 tokens are some 65,000
# How servers name the end of an answer, in the protocol's words; None: it was broken off, or goes
# on.
FINISHES: dict[str, str | None] = {
    **dict.fromkeys(("length", "max_tokens", "max_length", "model_length", "token_limit",
                     "max_output_tokens", "model_context_window_exceeded"), "length"),
    **dict.fromkeys(("content_filter", "content_filtered", "safety", "recitation", "sensitive",
                     "blocklist", "prohibited_content", "spii", "refusal",
                     "guardrail_intervened"), "content_filter"),
    **dict.fromkeys(("tool_calls", "tool_call", "tool_use", "function_call"), "tool_calls"),
    **dict.fromkeys(("stop", "stop_sequence", "stop_sequences", "end_turn", "end", "eos",
                     "eos_token", "eosfound", "end_of_text", "complete", "completed", "done",
                     "finish", "finished", "normal", "other", "pause_turn"), "stop"),
    **dict.fromkeys(("error", "abort", "aborted", "cancelled", "network_error", "unload",
                     "insufficient_system_resource"), None),
    **dict.fromkeys(("null", "none", "in_progress", "running", "incomplete"), None),
}  # fmt: skip
THOUGHTS = ("reasoning_content", "reasoning", "thinking", "reasoning_details")
# Of a delta, or a message; and of its sound.
PARTS = ("content", "refusal", "tool_calls", "function_call", *THOUGHTS)
AUDIO_PARTS = ("id", "data", "transcript", "expires_at")
NOT_BASE64 = "the server sent sound that is not base64; try again"
LONGEST_NAME = 1_000  # characters of a model's or a sound's: longer ones are none


@dataclass(frozen=True)
class Delta:
    """What one chunk adds: text, and whole samples of 24 kHz mono pcm16."""

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
    # When text came: the characters of text, and the seconds of sound, that were there before.
    marks: tuple[tuple[int, float], ...] = field(default=(), compare=False)
    tool_calls: tuple[ToolCall, ...] = ()  # tools that the model wants called before it goes on
    refused: bool = False  # whether the model said, by the protocol, that it will not answer
    notes: tuple[str, ...] = ()  # of the engine, on its answer

    @property
    def empty(self) -> bool:
        return not (self.text or self.pcm or self.tool_calls)


def joined(completions: Sequence[Completion]) -> Completion:
    """Join what was said in several completions, one after the other, into one."""
    text, pcm, marks = "", b"", []
    for each in completions:
        text += " " if text and each.text else ""
        seconds = pcm16_seconds(pcm)
        marks += [(len(text) + before, seconds + second) for before, second in each.marks]
        text, pcm = text + each.text, pcm + each.pcm
    noted = dict.fromkeys(note for each in completions for note in each.notes)
    whole = replace(completions[-1], text=text, pcm=pcm, marks=tuple(marks), notes=tuple(noted))
    # No later message can refer to the sound of several by a single id.
    same = pcm == completions[-1].pcm
    return whole if same else replace(whole, audio_id=None, expires_at=None)


@dataclass
class ResponseAccumulator:
    """Accumulates a streamed or whole completion; keeps what came, also after `add` has raised."""

    finish_reason: str | None = None
    model: str | None = None
    usage: Usage | None = None
    audio_id: str | None = None
    expires_at: int | None = None
    notes: tuple[str, ...] = ()
    refused: bool = False
    thoughts: Thoughts = field(default_factory=lambda: Thoughts(untagged=False))  # of the model
    ended: bool = False  # whether its end has come, and nothing of the answer since
    _text: list[str] = field(default_factory=list)
    _length: int = 0  # characters of text
    _leading: str = ""  # "written" or "spoken": where text came from first
    _held: list[str] = field(default_factory=list)  # text from the other source
    _received: int = 0  # characters, from both sources
    _said: dict[str, Said] = field(default_factory=lambda: defaultdict(Said))  # by source
    _streamed_parts: set[str] = field(default_factory=set)  # that came in deltas
    _streamed_audio_parts: set[str] = field(default_factory=set)
    _unfinished: str = ""  # text that may be the beginning of a key
    _base64: Base64Stream = field(default_factory=Base64Stream)
    _sound: PcmDecoder = field(default_factory=PcmDecoder)
    _streamed: int = 0  # bytes of sound that are in deltas already
    _marks: list[tuple[int, float]] = field(default_factory=list)
    _calls: ToolCallAccumulator = field(default_factory=ToolCallAccumulator)
    _tokens: OutputTokens = field(default_factory=OutputTokens)
    _answer: Answer = field(init=False)

    def __post_init__(self) -> None:
        self._answer = self.thoughts.answer()

    @property
    def tokens(self) -> int:
        """The fewest output tokens that what has come so far can have taken."""
        return self._tokens.total(self._sound.seconds)

    @property
    def _finished(self) -> str | None:
        # Audio streams carry no finish reason: the trailing `expires_at` stands for "stop".
        return self.finish_reason or ("stop" if self.expires_at else None)

    def add(self, chunk: Mapping[str, Any]) -> Delta:
        """Take one chunk; return what it added. Raises InvalidResponse if it is not a chunk."""
        chunk = _mapping(chunk, "a chunk")
        self.model = _name(chunk.get("model")) or self.model
        self.usage = Usage.of(chunk.get("usage")) or self.usage
        self.notes = notes.read(chunk) or self.notes
        # vLLM-Omni: the content of such a chunk is not text but sound.
        is_sound = chunk.get("modality") == "audio"
        choices = chunk.get("choices") or []
        if not isinstance(choices, list):
            raise not_chat_completions("'choices' that are not a list")
        text = "".join([self._choice(choice, is_sound) for choice in choices])
        return self._delta(self._answer.feed(text))

    def end(self) -> Delta:
        """Return what was held back until all was there; the deltas then are the completion.

        Raises InvalidResponse for sound that cannot be read.
        """
        ends = [(source, said.end(bool(self._finished))) for source, said in self._said.items()]
        text = "".join(self._by_leading(source, end) for source, end in ends)
        rest = self._answer.feed(text) + self._answer.end(complete=self._finished == "stop")
        text = "".join(self._text) + self._unfinished + rest
        held = without_thoughts("".join(self._held)).strip()
        self._held.clear()
        rest += beyond(text, held)
        try:
            for data in self._base64.end():
                self._sound.add(data)
            self._sound.end()
        except InvalidResponse:
            self._delta(rest, is_last=True)  # the words are kept
            raise
        return self._delta(rest, is_last=True)

    def _delta(self, text: str, is_last: bool = False) -> Delta:
        pcm = self._sound.pcm
        if text or is_last:
            text = self._unfinished + text
            shown = len(text) - (0 if is_last else redaction.unfinished(text))
            text, self._unfinished = redaction.without_key(text[:shown]), text[shown:]
        if text:
            self._text.append(text)
            self._marks.append((self._length, pcm16_seconds(pcm)))
        self._length += len(text)
        end = len(pcm) - len(pcm) % 2  # sound may be cut inside a sample
        new, self._streamed = bytes(pcm[self._streamed : end]), end
        return Delta(clean(text), new)

    def _choice(self, choice: object, is_sound: bool) -> str:
        choice, before = _mapping(choice, "a choice"), self._received
        finish_reason = _name(choice.get("finish_reason")).lower()
        self._finish(finish_reason)
        delta, audio = self._added(choice)
        self.audio_id = _name(audio.get("id")) or self.audio_id
        expires = type(expires_at := audio.get("expires_at")) is int
        if expires:
            self.expires_at = expires_at
        content = delta.get("content")
        if data := audio.get("data") or (content if is_sound else None):
            self._add_sound(data)
        if calls := delta.get("tool_calls"):
            self._tokens.add("tool calls", self._calls.add(calls))
        elif isinstance(called := delta.get("function_call"), Mapping):  # as it was until 2023
            self._tokens.add("tool calls", self._calls.add([{"function": called}]))
        refusal = _text(delta.get("refusal"))
        self.refused = self.refused or bool(refusal)
        written = ("" if is_sound else _written(content)) + refusal
        thought = _thought(delta)
        self._tokens.add("reasoning", thought)
        new = self._new("written", written) + self._new("spoken", _text(audio.get("transcript")))
        # One of two choices may end before the other, and sound's expiry may be told early.
        continued = bool(data or calls or thought) or self._received > before
        ends = FINISHES.get(finish_reason) is not None  # one that we do not know may be no end
        self.ended = ends or expires or (self.ended and not continued)
        return new

    def _added(self, choice: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """Return what a choice adds, and what it adds to the sound: its delta, and of a message
        beside it each part that no delta has brought.

        A completion in one piece, from a server that does not stream, holds a message; some servers
        send it whole at the end of a stream.
        """
        delta = _mapping(choice.get("delta") or {}, "a delta")
        message = _mapping(choice.get("message") or {}, "a message")
        audio, whole = (_mapping(of.get("audio") or {}, "audio") for of in (delta, message))
        return (
            _with_missing(delta, message, PARTS, self._streamed_parts),
            _with_missing(audio, whole, AUDIO_PARTS, self._streamed_audio_parts),
        )

    def _finish(self, reason: str) -> None:
        finish = FINISHES.get(reason, "stop") if reason else None
        # Sound and text may end apart, as two choices: what cut off one of them stays.
        if finish and self.finish_reason not in ("length", "content_filter"):
            self.finish_reason = finish

    def _new(self, source: str, text: str) -> str:
        """Return text of the source that came first; hold back the other's, which may repeat it."""
        self._received += len(text)
        if self._received > LONGEST_TEXT:
            raise InvalidResponse("the server sent more text than any model; stopped reading")
        if not self._leading and text.strip():
            self._leading = source
        return self._by_leading(source, self._said[source].add(text))

    def _by_leading(self, source: str, text: str) -> str:
        self._tokens.add(source, text)
        if self._leading in ("", source):
            return text
        self._held.append(text)
        return ""

    def _add_sound(self, data: object) -> None:
        if not isinstance(data, str):
            raise InvalidResponse(NOT_BASE64)
        try:
            decoded = self._base64.add(data)
        except ValueError as error:
            raise InvalidResponse(NOT_BASE64) from error
        for part in decoded:
            self._sound.add(part)

    def completion(self) -> Completion:
        """Return what has come so far; a key that the server sent back is taken out."""
        with suppress(InvalidResponse):
            self.end()
        sound, calls = self._sound.pcm, self._calls.calls()
        whole = clean("".join(self._text))
        names = (self._finished or "", self.model or "", self.audio_id or "")
        called = [part for call in calls for part in astuple(call)]
        # The key may have come in parts.
        safe = redaction.without_key_in([whole, *map(clean, [*names, *called])])
        text, finish_reason, model, audio_id, *called = safe
        blank = len(text) - len(text.lstrip())
        marks = ((max(0, before - blank), seconds) for before, seconds in self._marks)
        return Completion(
            text.strip(),
            bytes(sound[: len(sound) // 2 * 2]),
            finish_reason or None,
            model or None,
            self.usage,
            audio_id or None,
            self.expires_at,
            tuple(marks) if text == whole else (),
            tuple(map(ToolCall, called[::3], called[1::3], called[2::3])),
            self.refused,
            self.notes,
        )


def _with_missing(
    delta: Mapping[str, Any], message: Mapping[str, Any], names: Iterable[str], streamed: set[str]
) -> Mapping[str, Any]:
    """Return the named parts of a delta, and those of a message that were not `streamed`."""
    streamed |= {name for name in names if delta.get(name)}
    return {name: (delta if name in streamed else message).get(name) for name in names}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _written(content: object) -> str:
    """Return the text of a content: a text, or parts of it, less what the model thought."""
    parts = content if isinstance(content, list) else [content]
    return "".join(map(_part, parts))


def _part(part: object) -> str:
    if not isinstance(part, Mapping):
        return _text(part)
    return "" if _is_thought(part) else _text(part.get("text")) or _text(part.get("refusal"))


def _is_thought(part: object) -> bool:
    kind = _text(part.get("type")) if isinstance(part, Mapping) else ""
    return "think" in kind or "reason" in kind


def _thought(delta: Mapping[str, Any]) -> str:
    """Return what a model thinks, which is not shown, but billed: each server has a name for it."""
    named = filter(None, (_texts(delta.get(name)) for name in THOUGHTS))
    content = delta.get("content")
    parts = filter(_is_thought, content if isinstance(content, list) else ())
    return next(named, "") + "".join(map(_texts, parts))


def _texts(value: object, depth: int = 4) -> str:
    """Return all text inside a thought, without the names of its parts."""
    if isinstance(value, Mapping):
        value = [value.get(name) for name in ("text", "thinking", "content", "summary")]
    if isinstance(value, list) and depth:
        return "".join(_texts(one, depth - 1) for one in value)
    return _text(value)


def _name(value: object) -> str:
    name = _text(value)
    return name if len(name) <= LONGEST_NAME else ""


def _mapping(value: object, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise not_chat_completions(f"{name} that is not an object")
    return value
