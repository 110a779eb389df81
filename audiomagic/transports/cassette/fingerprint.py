"""Fingerprint: what a request means, apart from when, how and where it was sent."""

import hashlib
import json
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated

from pydantic import FailFast, TypeAdapter

from ...protocol.request import Message, Request
from ...protocol.tool_calls import Tool, ToolCall
from ...sound import Sound

ONE_FAULT = FailFast()  # a list of a million faults is refused for the first: gigabytes otherwise


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
            parts: tuple[str | SoundFingerprint, ...] = (sent.text,) if sent.text else ()
            if sent.sounds and not sent.audio_id:  # texts alone are sent as one
                parts = tuple(
                    p if isinstance(p, str) else SoundFingerprint.of(p) for p in sent.parts
                )
            return MessageFingerprint(sent.role, parts, calls, call_id)

        messages = tuple(map(message, request.messages))
        options = (request.max_tokens, request.tools, request.tool_choice)
        return cls(request.model, request.voice, messages, *options)

    @cached_property
    def key(self) -> str:
        """SHA-256 of its JSON: sorted keys, ASCII."""
        plain = ADAPTER.dump_python(self, mode="json", exclude_defaults=True, warnings=False)
        return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()

    @property
    def words(self) -> str:
        """What the user said last; a sound stands as "<sound>"."""
        parts = next((m.parts for m in reversed(self.messages) if m.role == "user"), ())
        return " ".join(part if isinstance(part, str) else "<sound>" for part in parts)

    @property
    def facets(self) -> dict[str, str]:
        """Its parts by name, in words: what may differ from another request."""
        names = ("model", "voice", "max_tokens", "tool_choice")
        options = {name: str(getattr(self, name)) for name in names}
        tools = {
            f"tool {tool.name}": f"{tool.description} {json.dumps(tool.parameters, sort_keys=True)}"
            for tool in self.tools
        }
        messages = {f"message {n}": str(message) for n, message in enumerate(self.messages, 1)}
        return options | tools | messages


ADAPTER = TypeAdapter(Fingerprint)
