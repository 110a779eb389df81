"""Fingerprint: what a request means, apart from when, how and where it was sent; what differs."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from functools import cached_property
from itertools import takewhile
from typing import Annotated

from pydantic import FailFast, TypeAdapter

from ...errors import one_line
from ...protocol.request import Message, Request
from ...protocol.tool_calls import Tool, ToolCall
from ...sound import Sound

ONE_FAULT = FailFast()  # a list of a million faults is refused for the first: gigabytes otherwise
COMPARED = 1000  # characters at the end of a conversation that are compared
SHOWN = 2  # differences
BEFORE, QUOTED = 20, 48  # characters shown: before the place where two texts part, in all


@dataclass(frozen=True)
class SoundFingerprint:
    """A sound that was sent, known by its samples; it is not kept itself."""

    sound: str  # SHA-256 of the samples, as signed 16-bit little-endian integers at `rate`
    rate: int  # Hz
    seconds: float

    @classmethod
    def of(cls, sound: Sound) -> "SoundFingerprint":
        # Before they are resampled: the result of that depends on the machine.
        samples = hashlib.sha256(sound.pcm16(sound.rate)).hexdigest()
        return cls(samples, sound.rate, round(sound.seconds, 3))

    def __str__(self) -> str:
        return f"<sound of {self.seconds:.1f} s, {self.sound[:6]}>"


@dataclass(frozen=True)
class MessageFingerprint:
    """A message; an earlier spoken answer is known by its words."""

    role: str
    parts: Annotated[tuple[str | SoundFingerprint, ...], ONE_FAULT]
    tool_calls: Annotated[tuple[ToolCall, ...], ONE_FAULT] = ()
    tool_call_id: str | None = None

    def __str__(self) -> str:
        calls = (f"{call.name}({call.arguments})" for call in self.tool_calls)
        return f"{self.role}: {' '.join((*map(str, self.parts), *calls))}"


@dataclass(frozen=True)
class Fingerprint:
    """What is asked: two requests that mean the same have the same `key`."""

    model: str
    voice: str | None  # None: text alone is asked for
    messages: Annotated[tuple[MessageFingerprint, ...], ONE_FAULT]
    max_tokens: int | None = None
    tools: Annotated[tuple[Tool, ...], ONE_FAULT] = ()
    tool_choice: str | None = None

    @classmethod
    def of(cls, request: Request) -> "Fingerprint":
        """Take a request's meaning; tool calls are numbered, since their ids are random."""
        numbers: dict[str, str] = {}

        def number(call_id: str) -> str:
            return numbers.setdefault(call_id, f"call {len(numbers) + 1}")

        def message(sent: Message) -> MessageFingerprint:
            calls = tuple(replace(call, id=number(call.id)) for call in sent.tool_calls)
            call_id = number(sent.tool_call_id) if sent.tool_call_id else None
            given = (sent.text,) if sent.text else ()  # texts alone are sent as one
            parts = sent.parts if sent.sounds and not sent.audio_id else given
            known = tuple(p if isinstance(p, str) else SoundFingerprint.of(p) for p in parts)
            return MessageFingerprint(sent.role, known, calls, call_id)

        messages = tuple(map(message, request.messages))
        options = (request.max_tokens, request.tools, request.tool_choice)
        return cls(request.model, request.voice, messages, *options)

    @cached_property
    def key(self) -> str:
        """SHA-256 of its JSON: sorted keys, ASCII."""
        plain = ADAPTER.dump_python(self, mode="json", exclude_defaults=True, warnings=False)
        return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()

    @property
    def words(self) -> str:  # what the user said last
        parts = next((m.parts for m in reversed(self.messages) if m.role == "user"), ())
        return " ".join(part if isinstance(part, str) else "<sound>" for part in parts)

    @property
    def conversation(self) -> str:  # its end
        return "\n".join(map(str, self.messages))[-COMPARED:]

    @property
    def facets(self) -> dict[str, str]:
        """Its parts by name, in words: what may differ from another request."""
        names = ("model", "voice", "max_tokens", "tool_choice")
        options = {name: str(getattr(self, name)) for name in names}
        dumped = {tool: json.dumps(tool.parameters, sort_keys=True) for tool in self.tools}
        tools = {f"tool {tool.name}": f"{tool.description} {s}" for tool, s in dumped.items()}
        messages = {f"message {n}": str(message) for n, message in enumerate(self.messages, 1)}
        return options | tools | messages


ADAPTER = TypeAdapter(Fingerprint)


def differences(asked: Fingerprint, recorded: Fingerprint) -> str:
    """Say in one line what differs: the part, what is asked, what was recorded."""
    ours, theirs = asked.facets, recorded.facets
    names = [name for name in {**ours, **theirs} if ours.get(name) != theirs.get(name)]
    shown = [f"{name}: {_difference(ours.get(name), theirs.get(name))}" for name in names[:SHOWN]]
    return "; ".join(shown + [f"and {len(names) - SHOWN} more"] * (len(names) > SHOWN))


def nearest(asked: Fingerprint, recorded: Iterable[Fingerprint]) -> Fingerprint | None:
    """Return the recorded request most like the one asked, if there is any."""
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(asked.conversation)  # the matcher analyses this side once

    def likeness(other: Fingerprint) -> tuple[float, int]:
        matcher.set_seq1(other.conversation)
        return matcher.quick_ratio(), len(asked.facets.items() & other.facets.items())

    return max(recorded, key=likeness, default=None)


def _difference(ours: str | None, theirs: str | None) -> str:
    """Quote both from a little before the place where they part."""
    pairs = zip(ours or "", theirs or "", strict=False)
    start = max(0, sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs)) - BEFORE)

    def quoted(text: str | None) -> str:
        return "none" if text is None else f"'{'…' * (start > 0)}{one_line(text[start:], QUOTED)}'"

    return f"{quoted(ours)}, recorded {quoted(theirs)}"
