"""Reads a request of the Responses API, and puts it as one of Chat Completions.

What is heard or seen, and tools that the service runs itself, are refused: the form is plain text.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from ...errors import one_line
from ...protocol.tool_calls import MOST_CALLS
from .errors import APIError

Item = dict[str, Any]
Referred = Callable[[str], Item | None]  # finds an item of an earlier answer by its id
Read = TypeVar("Read", bound=BaseModel)
# What an error names in a Chat Completions request -> in this one.
NAMES = {
    r"messages\b.*": "input",
    r"max_completion_tokens": "max_output_tokens",
    r"response_format(\.json_schema)?": "text.format",
    r"\.function\b": "",
}


class _Model(BaseModel):
    model_config = ConfigDict(strict=True)


class _Part(_Model):
    type: Literal["input_text", "output_text", "text", "refusal"]
    text: str | None = None
    refusal: str | None = None


Parts = Annotated[list[_Part], BeforeValidator(lambda value: _in_parts(value))]


class _Message(_Model):
    role: Literal["user", "assistant", "system", "developer"]
    content: Parts


class _Call(_Model):
    call_id: str
    name: str
    arguments: str


class _Output(_Model):
    call_id: str
    output: Parts


class _Reference(_Model):
    id: str


class _Tool(_Model):
    type: Literal["function"]
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class _Format(_Model):
    type: Literal["text", "json_object", "json_schema"]
    name: str | None = None
    description: str | None = None
    schema_: Annotated[dict[str, Any] | None, Field(alias="schema")] = None
    strict: bool | None = None


class _Text(_Model):
    model_config = ConfigDict(strict=True, extra="forbid")

    format: _Format | None = None
    verbosity: Literal["medium"] | None = None  # the engine has no other


class _Reasoning(_Model):
    effort: Literal["none"] | None = None  # the engine's models do not reason


class _StreamOptions(_Model):
    include_obfuscation: Literal[False] | None = None


class Body(BaseModel):
    """A request; fields that it does not have are refused."""

    model_config = ConfigDict(strict=True, extra="forbid")

    model: Annotated[str, Field(min_length=1)]
    input: Annotated[list[Item], Field(min_length=1)]
    instructions: str | None = None
    previous_response_id: str | None = None
    store: bool | None = None  # unless it is False, as with the service
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    tools: Annotated[list[_Tool], Field(max_length=MOST_CALLS)] | None = None
    tool_choice: Any = None
    parallel_tool_calls: bool | None = None
    text: _Text | None = None
    max_output_tokens: Annotated[int, Field(ge=1)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    truncation: Literal["auto"] | None = None  # the engine leaves out what has no room
    reasoning: _Reasoning | None = None
    service_tier: Literal["auto", "default"] | None = None
    background: Literal[False] | None = None
    # What there is to include, of the kinds below, the engine has none of.
    include: list[Literal["reasoning.encrypted_content"]] | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=0)] | None = None
    # What says nothing of the answer.
    metadata: Annotated[dict[str, str], Field(max_length=16)] | None = None
    user: str | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    prompt_cache_retention: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {name: field for name, field in value.items() if field is not None}

    @field_validator("input", mode="before")
    @classmethod
    def _in_items(cls, value: object) -> object:
        return [{"role": "user", "content": value}] if isinstance(value, str) else value

    def chat(self, messages: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Return the body of a Chat Completions request that asks the same."""
        told = [{"role": "system", "content": self.instructions}] if self.instructions else []
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [*told, *messages],
            "max_completion_tokens": self.max_output_tokens,
            "temperature": self.temperature,
            "top_p": self.top_p,
            "response_format": self._chat_format(),
            "tools": [_chat_tool(tool) for tool in self.tools or ()] or None,
        }
        if self.tools or self.tool_choice not in ("none", "auto"):
            body |= {"tool_choice": self._chat_choice()}
        if self.tools:
            body |= {"parallel_tool_calls": self.parallel_tool_calls}
        return {name: value for name, value in body.items() if value is not None}

    def _chat_choice(self) -> object:
        match self.tool_choice:
            case {"type": "function", "name": str(name)}:
                return {"type": "function", "function": {"name": name}}
            case choice:
                return choice  # which is checked with the rest

    def _chat_format(self) -> dict[str, Any] | None:
        form = self.text.format if self.text else None
        if form is None or form.type == "text":
            return None
        if form.type == "json_object":
            return {"type": form.type}
        fields = form.model_dump(exclude={"type"}, exclude_none=True, by_alias=True)
        return {"type": form.type, "json_schema": fields}


def read(data: bytes) -> Body:
    """Read a request. Raises APIError."""
    try:
        return Body.model_validate_json(data)
    except ValidationError as error:
        raise APIError.of(error) from None


def renamed(error: APIError) -> APIError:
    """Return an error of the Chat Completions request that speaks of this one's fields."""
    param = named = error.param or ""
    for chat, here in NAMES.items():
        param = re.sub(chat, here, param)
    message = str(error).replace(f"'{named}'", f"'{param}'")
    return APIError(message, param or None, error.code, error.status)


def chat_messages(items: Iterable[Item], referred: Referred) -> list[dict[str, Any]]:
    """Return the messages of Chat Completions that say what `items` do.

    What the assistant said and called in a row is one message. Raises APIError.
    """
    found: list[dict[str, Any]] = []
    for index, item in enumerate(items):
        message = _chat_message(item, f"input[{index}]", referred)
        last = found[-1] if found else {}
        if "tool_calls" in message and last.get("role") == "assistant":
            last.setdefault("tool_calls", []).extend(message["tool_calls"])
        else:
            found.append(message)
    return found


def _chat_message(item: Item, where: str, referred: Referred) -> dict[str, Any]:
    match item.get("type", "message"):
        case "message":
            message = _read(_Message, item, where)
            return {"role": message.role, "content": _chat_parts(message.content)}
        case "function_call":
            call = _read(_Call, item, where)
            function = {"name": call.name, "arguments": call.arguments}
            calls = [{"id": call.call_id, "type": "function", "function": function}]
            return {"role": "assistant", "content": None, "tool_calls": calls}
        case "function_call_output":
            output = _read(_Output, item, where)
            content = _chat_parts(output.output)
            return {"role": "tool", "tool_call_id": output.call_id, "content": content}
        case "item_reference":
            reference = _read(_Reference, item, where)
            if earlier := referred(reference.id):
                return _chat_message(earlier, where, lambda _: None)
            line = f"Item with id '{one_line(reference.id, 60)}' not found."
            raise APIError(line, f"{where}.id", None, 404)
        case kind:
            expected = "expected 'message', 'function_call' or 'function_call_output'"
            line = f"Invalid '{where}.type': {expected}, not '{one_line(kind, 60)}'."
            raise APIError(line, f"{where}.type")


def _chat_parts(parts: Iterable[_Part]) -> list[dict[str, Any]]:
    return [{"type": "text", "text": part.text or part.refusal or ""} for part in parts]


def _in_parts(value: object) -> object:
    return [{"type": "input_text", "text": value}] if isinstance(value, str) else value


def _chat_tool(tool: _Tool) -> dict[str, Any]:
    function = tool.model_dump(exclude={"type"}, exclude_none=True)
    return {"type": "function", "function": function}


def _read(kind: type[Read], item: Item, where: str) -> Read:
    try:
        return kind.model_validate(item)
    except ValidationError as error:
        raise APIError.of(error, where) from None
