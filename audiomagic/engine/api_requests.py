"""Reads and checks the JSON of a Chat Completions request that is sent to the engine."""

import base64
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from ..decoding.limit import together
from ..errors import one_line
from ..protocol.request import Message, Request
from ..protocol.tool_calls import MOST_CALLS, Tool, ToolCall
from ..sound import SHORTEST, Sound
from .api_errors import APIError, missing

Name = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]+$", max_length=64)]
Penalty = Annotated[float, Field(ge=-2, le=2)]
Limit = Annotated[int, Field(ge=1)]
MAGIC = {"wav": (b"RIFF",), "mp3": (b"ID3", b"\xff")}


class _Model(BaseModel):
    model_config = ConfigDict(strict=True)


class _InputAudio(_Model):
    format: Literal["wav", "mp3"]
    data: str


class _Part(_Model):
    type: Literal["text", "refusal", "input_audio"]
    text: str | None = None
    refusal: str | None = None
    input_audio: _InputAudio | None = None


class _CalledFunction(_Model):
    name: Name
    arguments: str


class _Call(_Model):
    id: str
    function: _CalledFunction


class _Message(_Model):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: list[_Part] | None = None
    audio: dict[str, Any] | None = None
    tool_calls: list[_Call] | None = None
    tool_call_id: str | None = None

    @field_validator("content", mode="before")
    @classmethod
    def _in_parts(cls, value: object) -> object:
        return [{"type": "text", "text": value}] if isinstance(value, str) else value


class _Function(_Model):
    name: Name
    description: str | None = None
    parameters: dict[str, Any] | None = None


class _Tool(_Model):
    type: Literal["function"]
    function: _Function


class _Audio(_Model):
    format: Literal["pcm16", "wav", "mp3", "flac", "opus"]
    voice: str | dict[str, Any] | None = None


class _Body(_Model):
    model: Annotated[str, Field(min_length=1)]
    messages: Annotated[list[_Message], Field(min_length=1)]
    modalities: list[Literal["text", "audio"]] | None = None
    audio: _Audio | None = None
    stream: bool | None = None
    stream_options: dict[str, Any] | None = None
    tools: Annotated[list[_Tool], Field(min_length=1, max_length=MOST_CALLS)] | None = None
    tool_choice: Any = None
    parallel_tool_calls: bool | None = None
    n: Annotated[int, Field(ge=1, le=1)] | None = None  # the engine gives one answer
    max_completion_tokens: Limit | None = None
    max_tokens: Limit | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    frequency_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None


def read(data: bytes, transcripts: Mapping[str, str], voices: Sequence[str]) -> Request:
    """Read a request; `transcripts` are those of earlier answers, by audio id. Raises APIError."""
    try:
        body = _Body.model_validate_json(data)
    except ValidationError as error:
        raise APIError.of(error) from None
    tools = tuple(
        _tool(tool.function, f"tools[{index}].function.parameters")
        for index, tool in enumerate(body.tools or ())
    )
    voice, form = _spoken(body, voices)
    with together():
        messages = tuple(
            _message(message, f"messages[{index}]", transcripts)
            for index, message in enumerate(body.messages)
        )
    _check_answered(messages)
    return Request(
        body.model,
        messages,
        voice,
        form,
        body.max_completion_tokens or body.max_tokens,
        stream=bool(body.stream),
        usage=(body.stream_options or {}).get("include_usage") is True,
        tools=tools,
        tool_choice=_choice(body, [tool.name for tool in tools]),
    )


def _tool(function: _Function, where: str) -> Tool:
    schema = function.parameters
    if schema is None:
        schema = {"type": "object", "properties": {}}
    if schema.get("type") != "object" or not isinstance(schema.get("properties", {}), dict):
        code = "invalid_function_parameters"
        raise APIError(f"Invalid '{where}': expected the JSON schema of an object.", where, code)
    return Tool(function.name, function.description or "", schema)


def _choice(body: _Body, tools: Sequence[str]) -> str | None:
    """Return "none", "auto", "required", the name of one tool, or None."""
    for param in ("tool_choice", "parallel_tool_calls"):
        if getattr(body, param) is not None and not tools:
            raise APIError(f"'{param}' is only allowed when 'tools' are specified.", param)
    match body.tool_choice:
        case None:
            return None
        case "none" | "auto" | "required" as choice:
            return str(choice)
        case {"function": {"name": str(name)}} if name in tools:
            return name
    expected = "expected 'none', 'auto', 'required' or a function of 'tools'."
    raise APIError(f"Invalid 'tool_choice': {expected}", "tool_choice")


def _spoken(body: _Body, voices: Sequence[str]) -> tuple[str | None, str]:
    """Return the voice, None for an answer in text, and the format of the sound."""
    if "audio" not in (body.modalities or ()):
        return None, "pcm16"
    voice = body.audio and body.audio.voice
    voice = voice.get("id") if isinstance(voice, dict) else voice
    if body.audio is None or not voice:
        raise missing("audio.voice")
    form = body.audio.format
    if voice not in voices:
        message = f"'{one_line(voice, 60)}' is not one of {', '.join(voices)}."
        raise APIError(f"Invalid 'audio.voice': {message}", "audio.voice")
    if body.stream and form != "pcm16":
        message = f"'audio.format' must be 'pcm16' when stream=true, not '{form}'."
        raise APIError(message, "audio.format", "unsupported_value")
    return voice, form


def _message(message: _Message, where: str, transcripts: Mapping[str, str]) -> Message:
    read = (_part(p, f"{where}.content[{i}]") for i, p in enumerate(message.content or ()))
    parts = tuple(part for part in read if part != "")
    if message.role == "tool":
        if message.tool_call_id is None:
            raise missing(f"{where}.tool_call_id")
        return Message("tool", parts, tool_call_id=message.tool_call_id)
    if message.role != "assistant":
        return Message(message.role, parts)
    if message.audio:
        audio_id = str(message.audio.get("id"))
        if audio_id not in transcripts:
            line = f"Assistant audio {one_line(audio_id, 60)} not found."
            raise APIError(line, f"{where}.audio.id", "audio_not_found")
        said = transcripts[audio_id]
        parts = (said,) if said else ()
    calls = tuple(
        ToolCall(call.id, call.function.name, call.function.arguments)
        for call in message.tool_calls or ()
    )
    return Message("assistant", parts, tool_calls=calls)


def _part(part: _Part, where: str) -> str | Sound:
    if part.type != "input_audio":
        return part.text or part.refusal or ""
    if part.input_audio is None:
        raise missing(f"{where}.input_audio")
    where, label = f"{where}.input_audio.data", part.input_audio.format
    try:
        file = base64.b64decode(part.input_audio.data, validate=True)
        if file and not file.startswith(MAGIC[label]):
            raise APIError(f"Invalid '{where}': not a {label} file.", where, "unsupported_format")
        sound = Sound.decode(file) if file else None
    except ValueError as error:
        raise APIError(f"Invalid '{where}': expected {label} data in base64.", where) from error
    if sound is None or sound.seconds < SHORTEST:
        raise APIError("Input audio is too short. Provide at least 0.1 seconds.", where)
    return sound


def _check_answered(messages: Sequence[Message]) -> None:
    """Refuse tool calls without results, and results without calls."""
    waiting: set[str | None] = set()
    for index, message in enumerate((*messages, Message("user"))):
        where = f"messages[{index}].role"
        answered = {message.tool_call_id} - {None}
        if answered - waiting:
            raise APIError("A tool message must respond to a preceding tool call.", where)
        if waiting and not answered:
            ids = one_line(", ".join(map(str, waiting)), 100)
            raise APIError(f"Tool calls without a tool message that responds: {ids}", where)
        waiting = waiting - answered | {call.id for call in message.tool_calls}
