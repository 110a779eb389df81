"""What a Realtime server objects to in a client's event: its shape, by the SDK's own types.

The codes and the ways in which `param` names a place are the service's; some messages are inferred.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from openai.types import realtime as types
from pydantic import BaseModel, ValidationError

VOICES = (
    "alloy",
    "ash",
    "ballad",
    "coral",
    "echo",
    "sage",
    "shimmer",
    "verse",
    "marin",
    "cedar",
)
EVENTS: dict[str, type[BaseModel]] = {
    "session.update": types.SessionUpdateEvent,
    "conversation.item.create": types.ConversationItemCreateEvent,
    "conversation.item.delete": types.ConversationItemDeleteEvent,
    "conversation.item.retrieve": types.ConversationItemRetrieveEvent,
    "conversation.item.truncate": types.ConversationItemTruncateEvent,
    "input_audio_buffer.append": types.InputAudioBufferAppendEvent,
    "input_audio_buffer.clear": types.InputAudioBufferClearEvent,
    "input_audio_buffer.commit": types.InputAudioBufferCommitEvent,
    "response.cancel": types.ResponseCancelEvent,
    "response.create": types.ResponseCreateEvent,
}


class Refusal(NamedTuple):
    """An error of a client's event."""

    code: str | None
    message: str
    param: str | None = None


def refusals(event: Any) -> Iterator[Refusal]:
    """What is wrong with the event by itself, whatever the session."""
    kind = event.get("type") if isinstance(event, dict) else None
    if kind not in EVENTS:
        known = ", ".join(f"'{name}'" for name in EVENTS)
        yield Refusal(
            "invalid_value", f"Invalid value: '{kind}'. Supported values are: {known}.", "type"
        )
        return
    session = event.get("session")
    if isinstance(session, dict) and "type" not in session:
        yield missing("session.type")
        return
    try:
        model = EVENTS[kind].model_validate(event, strict=True)
    except ValidationError as error:
        yield from (_refusal(event, one) for one in error.errors())
        return
    for path in unknown_fields(model):
        yield Refusal("unknown_parameter", f"Unknown parameter: '{path}'.", path)
    yield from _out_of_range(event.get("session") or event.get("response") or {}, kind)


def missing(path: str) -> Refusal:
    return Refusal("missing_required_parameter", f"Missing required parameter: '{path}'.", path)


def _refusal(event: Any, error: Any) -> Refusal:
    path, value = "", event
    for step in error["loc"]:
        if isinstance(value, list) and isinstance(step, int):
            path, value = f"{path}[{step}]", value[step]
        elif isinstance(value, dict) and step in value:
            path, value = f"{path}.{step}".removeprefix("."), value[step]
        # Otherwise it names what a union tried, which the service does not know.
    if error["type"] == "missing":
        return missing(f"{path}.{error['loc'][-1]}".removeprefix("."))
    code = "invalid_value" if error["type"] == "literal_error" else "invalid_type"
    return Refusal(code, f"Invalid value for '{path}': {error['msg']}.", path)


def unknown_fields(value: Any, path: str = "") -> Iterator[str]:
    """The paths of all fields that the SDK's types do not have."""
    if isinstance(value, list):
        for index, one in enumerate(value):
            yield from unknown_fields(one, f"{path}[{index}]")
    elif isinstance(value, BaseModel):
        for name, one in value:
            inner = f"{path}.{name}".removeprefix(".")
            if name in (value.model_extra or {}):
                yield inner
            else:
                yield from unknown_fields(one, inner)


def _out_of_range(asked: dict[str, Any], kind: str) -> Iterator[Refusal]:
    """Values that a type allows and the service does not."""
    at = "session" if kind == "session.update" else "response"
    output = (asked.get("audio") or {}).get("output") or {}
    voice = output.get("voice")
    if isinstance(voice, str) and voice not in VOICES:
        known = ", ".join(f"'{name}'" for name in VOICES)
        yield Refusal(
            "invalid_value",
            f"Invalid value: '{voice}'. Supported values are: {known}.",
            f"{at}.audio.output.voice",
        )
    if not 0.25 <= output.get("speed", 1) <= 1.5:
        yield Refusal(
            "invalid_value",
            "Invalid 'speed': must be between 0.25 and 1.5.",
            f"{at}.audio.output.speed",
        )
    longest = asked.get("max_output_tokens", "inf")
    if longest not in ("inf", None) and not 1 <= longest <= 4096:
        yield Refusal(
            "invalid_value",
            "Invalid 'max_output_tokens': must be between 1 and 4096, or 'inf'.",
            f"{at}.max_output_tokens",
        )
    if asked.get("output_modalities") not in (None, ["audio"], ["text"]):
        yield Refusal(
            "invalid_value",
            "Invalid modalities. Supported combinations are: ['text'] and ['audio'].",
            f"{at}.output_modalities",
        )
