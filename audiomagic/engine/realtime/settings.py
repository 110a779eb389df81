"""The settings of a session and of a response, as the client sends them, checked."""

from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    SerializerFunctionWrapHandler,
    Tag,
    field_validator,
    model_serializer,
)

from ...protocol.tool_calls import MOST_CALLS
from ...protocol.tool_calls import Tool as FunctionTool
from ..tts import voices

Count = Annotated[int, Field(ge=0, le=60_000)]
Name = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]+$", max_length=64)]
# Milliseconds of silence that end a turn, for those who leave it to the engine: it has no model
# that knows by the words whether somebody has finished, so it waits longer.
EAGERNESS = {"low": 1_500, "medium": 1_000, "auto": 1_000, "high": 600}


# Where a word or an object may stand, which of the two is meant.
WORD, OBJECT = "a word", "an object"


def _form(value: object) -> str:
    return OBJECT if isinstance(value, dict | BaseModel) else WORD


class Closed(BaseModel):
    """What has these fields alone."""

    model_config = ConfigDict(strict=True, extra="forbid")


class _Group(Closed):
    """Settings of which an update may name a few."""

    def updated(self, update: BaseModel) -> Self:
        """Return it with the fields that an update names, and that it has."""
        changes: dict[str, Any] = {}
        for name in update.model_fields_set & type(self).model_fields.keys():
            new, old = getattr(update, name), getattr(self, name)
            changes[name] = old.updated(new) if isinstance(old, _Group) else new
        return self.model_copy(update=changes)


class _Whole(Closed):
    """Settings that an update replaces together; what is not set is not told."""

    @model_serializer(mode="wrap")
    def _told(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in handler(self).items() if value is not None}


class _Format(_Whole):
    type: Literal["audio/pcm"]
    rate: Literal[24000] = 24000


class _NoiseReduction(_Whole):
    type: Literal["near_field", "far_field"]
    strength: Annotated[float, Field(ge=0, le=1)] | None = None


class _Transcription(_Whole):
    # Whichever model is named, the engine's own writes it down.
    model: str | None = None
    language: str | None = None
    languages: list[str] | None = None
    prompt: str | None = None
    keywords: list[str] | None = None
    delay: Literal["minimal", "low", "medium", "high", "xhigh"] | None = None


class ServerVAD(_Whole):
    """Turns that end after some silence."""

    type: Literal["server_vad"]
    threshold: Annotated[float, Field(ge=0, le=1)] = 0.5
    prefix_padding_ms: Count = 300
    silence_duration_ms: Count = 500
    create_response: bool = True
    interrupt_response: bool = True
    idle_timeout_ms: None = None  # the engine says nothing unasked


class SemanticVAD(_Whole):
    """Turns that end when somebody has finished, which the engine tells by a longer silence."""

    type: Literal["semantic_vad"]
    eagerness: Literal["low", "medium", "high", "auto"] = "auto"
    create_response: bool = True
    interrupt_response: bool = True

    @property
    def threshold(self) -> float:
        return 0.5

    @property
    def prefix_padding_ms(self) -> int:
        return 300

    @property
    def silence_duration_ms(self) -> int:
        return EAGERNESS[self.eagerness]


TurnDetection = Annotated[ServerVAD | SemanticVAD, Field(discriminator="type")]


class _Input(_Group):
    format: _Format = _Format(type="audio/pcm")
    noise_reduction: _NoiseReduction | None = None
    transcription: _Transcription | None = None
    turn_detection: TurnDetection | None = ServerVAD(type="server_vad")


class _ResponseOutput(_Group):
    format: _Format = _Format(type="audio/pcm")
    voice: str = "marin"  # as with gpt-realtime-2.1

    @field_validator("voice")
    @classmethod
    def _exists(cls, voice: str) -> str:
        if voice not in voices():
            raise ValueError(f"it is not one of {', '.join(voices())}")
        return voice


class _Output(_ResponseOutput):
    speed: Annotated[float, Field(ge=0.25, le=1.5)] = 1.0


class _Audio(_Group):
    input: _Input = _Input()
    output: _Output = _Output()


class _ResponseAudio(_Group):
    output: _ResponseOutput = _ResponseOutput()


class _Tool(_Whole):
    type: Literal["function"]
    name: Name
    description: str | None = None
    parameters: dict[str, Any] | None = None

    @field_validator("parameters")
    @classmethod
    def _of_an_object(cls, schema: dict[str, Any] | None) -> dict[str, Any] | None:
        if schema and (
            schema.get("type") != "object" or not isinstance(schema.get("properties", {}), dict)
        ):
            raise ValueError("it is not the JSON schema of an object")
        return schema


class _ToolChoice(_Whole):
    type: Literal["function"]
    name: Name


class _Retention(_Whole):
    type: Literal["retention_ratio"]
    retention_ratio: Annotated[float, Field(ge=0, le=1)]
    token_limits: dict[str, int] | None = None


class _Reasoning(_Whole):
    effort: Literal["minimal", "low", "medium", "high", "xhigh"] | None = None


Modalities = Annotated[list[Literal["text", "audio"]], Field(min_length=1, max_length=1)]
Tools = Annotated[list[_Tool], Field(max_length=MOST_CALLS)]
Choice = Annotated[
    Annotated[Literal["none", "auto", "required"], Tag(WORD)] | Annotated[_ToolChoice, Tag(OBJECT)],
    Discriminator(_form),
]
Truncation = Annotated[
    Annotated[Literal["auto", "disabled"], Tag(WORD)] | Annotated[_Retention, Tag(OBJECT)],
    Discriminator(_form),
]
MostTokens = Annotated[int, Field(ge=1, le=4096)] | Literal["inf"]


class Settings(_Group):
    """The settings of a session, or an update of them: `updated` merges the two."""

    type: Literal["realtime"]
    output_modalities: Modalities = ["audio"]
    instructions: str = ""
    audio: _Audio = _Audio()
    tools: Tools = []
    tool_choice: Choice = "auto"
    max_output_tokens: MostTokens = "inf"
    # What the engine has no use for: it is told again, and changes nothing.
    model: str | None = None  # that of the connection's address
    truncation: Truncation = "auto"
    tracing: Literal["auto"] | dict[str, Any] | None = None
    reasoning: _Reasoning | None = None
    parallel_tool_calls: bool | None = None  # the engine makes one call at a time
    # What it does not have.
    prompt: None = None
    include: Annotated[list[str], Field(max_length=0)] | None = None

    @property
    def detection(self) -> ServerVAD | SemanticVAD | None:
        """How turns are detected; None where the client says when one ends."""
        return self.audio.input.turn_detection

    @property
    def voice(self) -> str | None:
        """The voice; None for answers in text."""
        return self.audio.output.voice if self.output_modalities == ["audio"] else None

    @property
    def most_tokens(self) -> int | None:
        return None if self.max_output_tokens == "inf" else self.max_output_tokens

    @property
    def function_tools(self) -> tuple[FunctionTool, ...]:
        return tuple(
            FunctionTool(
                tool.name,
                tool.description or "",
                tool.parameters or {"type": "object", "properties": {}},
            )
            for tool in self.tools
        )

    @property
    def choice(self) -> str | None:
        """Which tool may be called: "none", "auto", "required", a name; None without tools."""
        if not self.tools:
            return None
        chosen = self.tool_choice
        return chosen if isinstance(chosen, str) else chosen.name


class ResponseSettings(Closed):
    """What one response has of its own; see `over`."""

    instructions: str | None = None
    output_modalities: Modalities | None = None
    audio: _ResponseAudio | None = None
    tools: Tools | None = None
    tool_choice: Choice | None = None
    max_output_tokens: MostTokens | None = None
    conversation: Literal["auto", "none"] = "auto"
    metadata: Annotated[dict[str, str], Field(max_length=16)] | None = None
    input: Annotated[list[dict[str, Any]], Field(max_length=1_000)] | None = None
    reasoning: _Reasoning | None = None
    parallel_tool_calls: bool | None = None
    prompt: None = None

    def over(self, settings: Settings) -> Settings:
        """Return a session's settings with those of this response in their place."""
        named = {name for name in self.model_fields_set if getattr(self, name) is not None}
        return settings.updated(self.model_construct(named, **dict(self)))
