"""A request on the wire, as the client sends it."""

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Any

from ..errors import OptionError, clean
from ..sound import Sound
from .tool_calls import Tool, ToolCall

# Tasks. The engine knows them by these sentences, as the models do.
VERBATIM = (
    "Read the user's message aloud, word for word, exactly as it is written. "
    "Do not answer it, and say nothing before or after it."
)
TRANSCRIPT = (
    "Write down what the user says, word for word, in the language that is spoken, mistakes "
    "included. Do not answer it, and write nothing before or after it."
)
STYLE = "Speak in this way: "  # what follows it, to the end of the message, is a style
SOUND_FIELD = "{sound}"  # where a sound stands in the text that goes with it
# Of the service, also at Azure and behind relays, and of the engine, which know an answer by it.
# Other servers have ids of other shapes, which they refuse or, worse, ignore.
AUDIO_ID = re.compile("audio_[0-9a-f]{32}")


@dataclass(frozen=True)
class Message:
    """One message: texts and sounds in order.

    An earlier spoken answer is sent by its `audio_id`; its parts then only say what it was. An
    answer may hold tool calls; a message of the role "tool" answers the call named `tool_call_id`.
    """

    role: str
    parts: tuple[str | Sound, ...] = ()
    audio_id: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None

    @classmethod
    def user(cls, text: str, sounds: Sequence[Sound] = ()) -> "Message":
        """Make a user's message: each sound stands where the text says `{sound}`, one after the
        other, and the others follow. Raises OptionError where there is neither text nor sound.
        """
        if not sounds:
            if not isinstance(text, str) or not text.strip():
                raise OptionError("there is nothing to say; write some text")
            return cls("user", (clean(text),))
        texts = [part.strip() for part in clean(text).split(SOUND_FIELD, len(sounds))]
        parts: list[str | Sound] = [texts[0]]
        for sound, following in zip_longest(sounds, texts[1:], fillvalue=""):
            parts += [sound, following]
        return cls("user", tuple(part for part in parts if part != ""))

    @property
    def text(self) -> str:  # a line each
        return "\n".join(part for part in self.parts if isinstance(part, str))

    @property
    def sounds(self) -> tuple[Sound, ...]:
        return tuple(part for part in self.parts if isinstance(part, Sound))

    @property
    def instructs(self) -> bool:
        """Whether it says how to answer."""
        return self.role in ("system", "developer")

    def wire(self) -> dict[str, Any]:
        """Return its JSON. Raises SoundError where a sound cannot be sent."""
        message: dict[str, Any] = {"role": self.role}
        if self.tool_call_id:
            message["tool_call_id"] = self.tool_call_id
        if self.tool_calls:
            message["tool_calls"] = [call.echo() for call in self.tool_calls]
        if self.audio_id:
            return message | {"audio": {"id": self.audio_id}}
        if self.sounds:
            return message | {"content": [_part(part) for part in self.parts]}
        return message | {"content": self.text if self.parts or not self.tool_calls else None}


@dataclass(frozen=True)
class Request:
    """What is asked of a model; without a `voice` the answer is text alone."""

    model: str
    messages: tuple[Message, ...]
    voice: str | None = None
    format: str = "pcm16"  # the only one a stream may have
    max_tokens: int | None = None  # a cap on audio and text tokens together
    budget_tokens: int | None = None  # the cap of a budget: not part of what is asked
    stream: bool = True
    usage: bool = True  # whether a stream reports it; a completion in one piece always does
    tools: tuple[Tool, ...] = ()
    tool_choice: str | None = None  # "none", "auto", "required", or the name of a tool
    stop: tuple[str, ...] = ()  # the answer ends before the first of these
    # Other parameters of the answer, as they are sent: its temperature, seed, format, ...
    parameters: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def seconds(self) -> float:  # of sound sent
        return sum(sound.seconds for message in self.messages for sound in message.sounds)

    @property
    def most_tokens(self) -> int | None:
        """The lower of the two caps; None where there is none."""
        caps = (self.max_tokens, self.budget_tokens)
        return min((cap for cap in caps if cap is not None), default=None)

    @property
    def capped_by_budget(self) -> bool:
        """Whether a budget allows less than what is asked."""
        return self.most_tokens != self.max_tokens

    @property
    def has_audio_ids(self) -> bool:
        return any(message.audio_id for message in self.messages)

    def in_words(self) -> "Request":
        """Return it with the words of earlier answers in place of their audio ids."""
        return replace(self, messages=tuple(replace(m, audio_id=None) for m in self.messages))

    @property
    def texts(self) -> tuple[str, ...]:
        tools = (f"{tool.description} {tool.parameters}" for tool in self.tools)
        return (self.model, self.voice or "", *(each.text for each in self.messages), *tools)

    @property
    def system(self) -> str:
        return "\n".join(message.text for message in self.messages if message.instructs)

    def wire(self) -> dict[str, Any]:
        """Return the arguments of the client's `chat.completions.create`."""
        body: dict[str, Any] = {
            "model": self.model,
            "modalities": ["text", "audio"] if self.voice else ["text"],
            "messages": [message.wire() for message in self.messages],
        }
        if self.voice:  # a custom voice is named by its id
            voice = {"id": self.voice} if self.voice.startswith("voice_") else self.voice
            body["audio"] = {"voice": voice, "format": self.format}
        if self.most_tokens is not None:
            body["max_completion_tokens"] = self.most_tokens
        if self.tools:
            body["tools"] = [tool.wire() for tool in self.tools]
        if self.tool_choice in ("none", "auto", "required"):
            body["tool_choice"] = self.tool_choice
        elif self.tool_choice:
            body["tool_choice"] = {"type": "function", "function": {"name": self.tool_choice}}
        if self.stop:
            body["stop"] = list(self.stop)
        body |= self.parameters
        if self.stream:
            body |= {"stream": True, "stream_options": {"include_usage": self.usage}}
        return body

    def text_wire(self) -> dict[str, Any]:
        """Return a request for a stream of text, in the fields that every text server knows."""
        body = self.wire() | {"stream": True}
        if cap := body.get("max_completion_tokens"):
            body["max_tokens"] = cap
        unknown = ("modalities", "stream_options", "max_completion_tokens")
        return {name: value for name, value in body.items() if name not in unknown}


def system(who: str = "", style: str = "", task: str = "") -> tuple[Message, ...]:
    """Return the system message, if any: who the model is, what to do, how to say it."""
    lines = [line for line in (who, task, style and STYLE + style) if line]
    return (Message("system", (clean("\n".join(lines)),)),) if lines else ()


def split_style(system: str) -> tuple[str, str]:
    """Return what a system message tells the model, and how to say it: "" where it does not."""
    told, *style = re.split(rf"(?:\A|\s+){STYLE.strip()}\s*", system, maxsplit=1)
    return told, "".join(style)


def _part(part: str | Sound) -> dict[str, Any]:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    label, data = part.upload()
    encoded = base64.b64encode(data).decode("ascii")
    return {"type": "input_audio", "input_audio": {"data": encoded, "format": label}}
