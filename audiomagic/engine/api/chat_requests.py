"""Reads and checks the JSON of a Chat Completions request that is sent to the engine."""

import base64
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from ...decoding.limit import together
from ...errors import one_line
from ...protocol.request import Message, Request
from ...protocol.tool_calls import MOST_CALLS, Tool, ToolCall
from ...sound import LONGEST, SHORTEST, Sound
from .errors import APIError, missing

Name = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]+$", max_length=64)]
Penalty = Annotated[float, Field(ge=-2, le=2, allow_inf_nan=False)]
Stop = Annotated[str, Field(min_length=1, max_length=1_000)]
Limit = Annotated[int, Field(ge=1)]
MAGIC = {"wav": (b"RIFF",), "mp3": (b"ID3", b"\xff")}


class _Model(BaseModel):
    model_config = ConfigDict(strict=True)


class _Closed(_Model):
    model_config = ConfigDict(strict=True, extra="forbid")


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


class _Audio(_Closed):
    format: Literal["pcm16", "wav", "mp3", "flac", "opus", "aac"]
    voice: str | dict[str, Any] | None = None


class _StreamOptions(_Closed):
    include_usage: bool | None = None
    include_obfuscation: bool | None = None  # there is no network on which lengths are watched


class _JSONSchema(_Closed):
    name: Name
    description: str | None = None
    json_schema: Annotated[dict[str, Any] | None, Field(alias="schema")] = None
    strict: bool | None = None  # or not: the schema is always followed


class _ResponseFormat(_Closed):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: _JSONSchema | None = None


class _Body(_Closed):
    model: Annotated[str, Field(min_length=1)]
    messages: Annotated[list[_Message], Field(min_length=1)]
    modalities: list[Literal["text", "audio"]] | None = None
    audio: _Audio | None = None
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    tools: Annotated[list[_Tool], Field(min_length=1, max_length=MOST_CALLS)] | None = None
    tool_choice: Any = None
    parallel_tool_calls: bool | None = None  # the engine makes one call at a time
    n: Annotated[int, Field(ge=1, le=1)] | None = None  # the engine gives one answer
    max_completion_tokens: Limit | None = None
    max_tokens: Limit | None = None
    stop: Annotated[list[Stop], Field(max_length=4)] | None = None
    # What shapes an answer.
    temperature: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = None
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = None
    frequency_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None
    response_format: _ResponseFormat | None = None
    # What the engine does not do: see NEUTRAL.
    logprobs: bool | None = None
    top_logprobs: int | None = None
    logit_bias: dict[str, Any] | None = None
    functions: list[Any] | None = None
    function_call: Any = None
    web_search_options: Any = None
    reasoning_effort: Any = None
    verbosity: Any = None
    moderation: Any = None
    # What changes no answer: where it is kept, what it costs, how soon it comes.
    store: Any = None
    metadata: Any = None
    user: Any = None
    safety_identifier: Any = None
    service_tier: Any = None
    prediction: Any = None
    prompt_cache_key: Any = None
    prompt_cache_options: Any = None
    prompt_cache_retention: Any = None

    @field_validator("stop", mode="before")
    @classmethod
    def _in_a_list(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value


SHAPING = ("temperature", "top_p", "seed", "frequency_penalty", "presence_penalty")
# Values, besides null, by which a client asks for nothing that the engine would have to refuse.
NEUTRAL: dict[str, tuple[object, ...]] = {
    "logprobs": (False,),
    "top_logprobs": (0,),
    "logit_bias": ({},),
    "functions": ([],),
    "function_call": (),
    "web_search_options": (),
    "reasoning_effort": ("none",),
    "verbosity": ("medium",),
    "moderation": (),
}


def read(data: bytes, transcripts: Mapping[str, str], voices: Sequence[str]) -> Request:
    """Read a request; `transcripts` are those of earlier answers, by audio id. Raises APIError."""
    try:
        body = _Body.model_validate_json(data)
    except ValidationError as error:
        raise APIError.of(error) from None
    _check_supported(body)
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
    if sum(sound.seconds for message in messages for sound in message.sounds) > LONGEST:
        line = f"Input audio is too long. Provide at most {LONGEST} seconds."
        raise APIError(line, "messages", "audio_too_long")
    return Request(
        body.model,
        messages,
        voice,
        form,
        min(filter(None, (body.max_completion_tokens, body.max_tokens)), default=None),
        stream=bool(body.stream),
        usage=bool(body.stream_options and body.stream_options.include_usage),
        tools=tools,
        tool_choice=_choice(body, [tool.name for tool in tools]),
        stop=tuple(body.stop or ()),
        parameters=_parameters(body),
    )


def _check_supported(body: _Body) -> None:
    for name, neutral in NEUTRAL.items():
        value = getattr(body, name)
        if value is not None and value not in neutral:
            line = f"Unsupported parameter: '{name}' is not supported by the local engine."
            raise APIError(line, name, "unsupported_parameter")
    if body.stream_options and not body.stream:
        line = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        raise APIError(line, "stream_options")


def _parameters(body: _Body) -> dict[str, Any]:
    """Return what shapes the answer, as it was sent."""
    values = {name: getattr(body, name) for name in SHAPING}
    parameters = {name: value for name, value in values.items() if value is not None}
    form = body.response_format
    if form is None or form.type == "text":
        return parameters
    if "audio" in (body.modalities or ()):
        line = f"'response_format' of type '{form.type}' is not supported in a spoken answer."
        raise APIError(f"Invalid parameter: {line}", "response_format", "unsupported_value")
    if form.type == "json_schema" and form.json_schema is None:
        raise missing("response_format.json_schema")
    wire = form.model_dump(by_alias=True, exclude_none=True)
    return parameters | {"response_format": wire}


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
