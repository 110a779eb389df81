"""The items of a conversation: messages, calls of functions, and what these returned."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from ...protocol.usage import AUDIO_IN_PER_SECOND, AUDIO_OUT_PER_SECOND
from ...sound import SHORTEST, WIRE_RATE, Sound
from ..api.errors import APIError, missing
from .client_events import Id, pcm16
from .ids import new_id
from .settings import Closed, Name

Hear = Callable[[Sound], "Speech"]  # begins to recognise a sound
# What a message may hold, by its role. Sound that the assistant spoke cannot be told it.
PARTS = {
    "user": ("input_text", "input_audio"),
    "system": ("input_text",),
    "assistant": ("output_text",),
}


@dataclass(eq=False)
class Speech:
    """Sound in a message: only what is said in it is kept, once that is known."""

    seconds: float
    words: "Future[str]"
    transcript: str | None = None  # as the client was told it, where it asks for that
    untold: bool = False  # whether the client is to be told

    def wire(self) -> dict[str, Any]:
        return {"type": "input_audio", "transcript": self.transcript}


@dataclass(eq=False, kw_only=True)
class Item:
    """An item; `text` is what counts as text in it, `audio_tokens` as sound."""

    id: str = field(default_factory=lambda: new_id("item"))
    status: Literal["in_progress", "completed", "incomplete"] = "completed"

    @property
    def text(self) -> str:
        raise NotImplementedError

    @property
    def audio_tokens(self) -> int:
        return 0

    def wire(self) -> dict[str, Any]:
        return {"id": self.id, "object": "realtime.item", "status": self.status}


@dataclass(eq=False, kw_only=True)
class GivenMessage(Item):
    """A message of the user or the system, with texts and speech in order."""

    role: Literal["user", "system"] = "user"
    content: Sequence[str | Speech]

    @property
    def speeches(self) -> list[Speech]:
        return [part for part in self.content if isinstance(part, Speech)]

    @property
    def text(self) -> str:
        return "\n".join(part for part in self.content if isinstance(part, str))

    @property
    def audio_tokens(self) -> int:
        return round(sum(speech.seconds for speech in self.speeches) * AUDIO_IN_PER_SECOND)

    def wire(self) -> dict[str, Any]:
        content = [
            {"type": "input_text", "text": part} if isinstance(part, str) else part.wire()
            for part in self.content
        ]
        return super().wire() | {"type": "message", "role": self.role, "content": content}


@dataclass
class Piece:
    """Words of an answer, and how many bytes of sound they take."""

    words: str
    size: int = 0


@dataclass(eq=False, kw_only=True)
class AssistantMessage(Item):
    """An answer, in text or `spoken`; of a truncated one, the words that were heard are kept."""

    spoken: bool
    pieces: list[Piece] = field(default_factory=list)
    truncated: bool = False

    @property
    def words(self) -> str:
        return "".join(piece.words for piece in self.pieces)

    @property
    def milliseconds(self) -> int:
        return sum(piece.size for piece in self.pieces) * 1000 // (2 * WIRE_RATE)

    @property
    def text(self) -> str:
        return "" if self.spoken else self.words

    @property
    def audio_tokens(self) -> int:
        return round(self.milliseconds * AUDIO_OUT_PER_SECOND / 1000)

    def truncate(self, end_ms: int) -> None:
        """Keep the sound up to a time, and the words for it: of a sentence, its share."""
        left = end_ms * 2 * WIRE_RATE // 1000  # bytes
        kept: list[Piece] = []
        for piece in self.pieces:
            size = min(piece.size, left)
            if size > 0:
                kept.append(Piece(_share(piece.words, size / piece.size), size))
            left -= size
        self.pieces, self.truncated = kept, True

    def part(self) -> dict[str, Any]:
        """Return its one part, as `response.content_part` has it."""
        if not self.spoken:
            return {"type": "text", "text": self.words}
        return {"type": "audio", "transcript": self.words}

    def wire(self) -> dict[str, Any]:
        if self.truncated:  # the service deletes the transcript, lest it tell what was not heard
            content = [{"type": "output_audio", "transcript": None}]
        elif self.pieces:
            content = [self.part() | {"type": "output_audio" if self.spoken else "output_text"}]
        else:
            content = []
        return super().wire() | {"type": "message", "role": "assistant", "content": content}


@dataclass(eq=False, kw_only=True)
class FunctionCall(Item):
    """A function that the model wants called."""

    call_id: str = field(default_factory=lambda: new_id("call"))
    name: str
    arguments: str

    @property
    def text(self) -> str:
        return self.name + self.arguments

    def wire(self) -> dict[str, Any]:
        return super().wire() | {
            "type": "function_call",
            "call_id": self.call_id,
            "name": self.name,
            "arguments": self.arguments,
        }


@dataclass(eq=False, kw_only=True)
class FunctionCallOutput(Item):
    """What a called function returned."""

    call_id: str
    output: str

    @property
    def text(self) -> str:
        return self.output

    def wire(self) -> dict[str, Any]:
        own = {"type": "function_call_output", "call_id": self.call_id, "output": self.output}
        return super().wire() | own


class _Named(Closed):
    id: Id | None = None
    object: Literal["realtime.item"] | None = None
    status: Literal["completed", "incomplete", "in_progress"] | None = None

    @property
    def item_id(self) -> str:
        return self.id or new_id("item")


class _Part(Closed):
    type: str
    text: str | None = None
    audio: str | None = None
    transcript: str | None = None


class _Message(_Named):
    type: Literal["message"]
    role: Literal["user", "system", "assistant"]
    content: Annotated[list[_Part], Field(min_length=1, max_length=100)]


class _Call(_Named):
    type: Literal["function_call"]
    call_id: Id | None = None
    name: Name
    arguments: str


class _Output(_Named):
    type: Literal["function_call_output"]
    call_id: Id
    output: str


_Given = TypeAdapter[_Message | _Call | _Output](
    Annotated[_Message | _Call | _Output, Field(discriminator="type")]
)


def read(value: dict[str, Any], where: str, hear: Hear) -> Item:
    """Read an item that a client makes. Raises APIError."""
    try:
        given = _Given.validate_python(value)
    except ValidationError as error:
        raise APIError.of(error, where, value) from None
    if isinstance(given, _Output):
        return FunctionCallOutput(id=given.item_id, call_id=given.call_id, output=given.output)
    if isinstance(given, _Call):
        call_id = given.call_id or new_id("call")
        name, arguments = given.name, given.arguments
        return FunctionCall(id=given.item_id, call_id=call_id, name=name, arguments=arguments)
    return _message(given, where, hear)


def _message(given: _Message, where: str, hear: Hear) -> Item:
    for index, part in enumerate(given.content):
        allowed = PARTS[given.role]
        if part.type not in allowed:
            param = f"{where}.content[{index}].type"
            line = f"Invalid '{param}': expected one of {', '.join(allowed)}."
            raise APIError(line, param)
    content = [_part(p, f"{where}.content[{i}]", hear) for i, p in enumerate(given.content)]
    if given.role == "assistant":
        pieces = [Piece(part) for part in content if isinstance(part, str)]
        return AssistantMessage(id=given.item_id, spoken=False, pieces=pieces)
    return GivenMessage(id=given.item_id, role=given.role, content=content)


def _part(part: _Part, where: str, hear: Hear) -> str | Speech:
    if part.type != "input_audio":
        if part.text is None:
            raise missing(f"{where}.text")
        return part.text
    if part.audio is None:
        raise missing(f"{where}.audio")
    sound = Sound.from_pcm16(pcm16(part.audio, f"{where}.audio"))
    if sound.seconds < SHORTEST:
        raise APIError("Input audio is too short. Provide at least 0.1 seconds.", f"{where}.audio")
    return hear(sound)


def _share(words: str, share: float) -> str:
    """Return as many of the words as were said in a share of their time."""
    if share >= 1:
        return words
    said = words.split(" ")
    return " ".join(said[: round(len(said) * share)])
