"""Fingerprint: what a request means, apart from when, how and to whom it was sent."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Annotated, Any

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
        """Take its samples before they are resampled: that comes out alike on one machine only."""
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
        """Take a request's meaning; tool calls are numbered, their ids are chance."""
        names: dict[str, str] = {}

        def number(call_id: str) -> str:
            return names.setdefault(call_id, f"call {len(names) + 1}")

        def said(message: Message) -> MessageFingerprint:
            calls = tuple(replace(call, id=number(call.id)) for call in message.tool_calls)
            call_id = number(message.tool_call_id) if message.tool_call_id else None
            return MessageFingerprint(message.role, _parts(message), calls, call_id)

        return cls(
            request.model,
            request.voice,
            tuple(said(message) for message in request.messages),
            request.max_tokens,
            request.tools,
            request.tool_choice,
        )

    @cached_property
    def key(self) -> str:
        """SHA-256 of its JSON, keys sorted, ASCII alone."""
        plain = _adapter().dump_python(self, mode="json", exclude_defaults=True, warnings=False)
        return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()

    @property
    def words(self) -> str:
        """What the user said last; a sound stands as "<sound>"."""
        asked = [said.parts for said in self.messages if said.role == "user"]
        last = asked[-1] if asked else ()
        return " ".join(part if isinstance(part, str) else "<sound>" for part in last)

    @property
    def facets(self) -> Mapping[str, str]:
        """Its parts by name, in words: what may differ from another question."""
        options = {
            "model": self.model,
            "voice": self.voice or "none (text alone)",
            "max_tokens": str(self.max_tokens),
            "tool_choice": str(self.tool_choice),
        }
        tools = {f"tool {tool.name}": _told(tool) for tool in self.tools}
        said = {f"message {n}": str(message) for n, message in enumerate(self.messages, 1)}
        return options | tools | said


@cache
def _adapter() -> TypeAdapter[Any]:
    return TypeAdapter(Fingerprint)


def _told(tool: Tool) -> str:
    return f"{tool.description} {json.dumps(tool.parameters, sort_keys=True, default=str)}"


def _parts(message: Message) -> tuple[str | SoundFingerprint, ...]:
    """Take what would be sent: texts alone are sent as one."""
    if message.sounds and not message.audio_id:
        return tuple(
            part if isinstance(part, str) else SoundFingerprint.of(part) for part in message.parts
        )
    return (message.text,) if message.text else ()
