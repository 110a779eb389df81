"""What a client sends, checked: each event is read as a class of its own."""

import base64
import json
from typing import Annotated, Any

from pydantic import Field, ValidationError, field_validator

from ...errors import one_line
from ..api.errors import APIError, missing
from .settings import Closed, ResponseSettings, Settings

LONGEST_APPEND = 15 * 2**20  # characters of base64, as with the service
Id = Annotated[str, Field(min_length=1, max_length=512)]


class ClientEvent(Closed):
    """An event; an error that it causes repeats its id."""

    type: str
    event_id: Annotated[str, Field(max_length=512)] | None = None


class SessionUpdate(ClientEvent):
    session: Settings


class AudioAppend(ClientEvent):
    audio: Annotated[str, Field(max_length=LONGEST_APPEND)]

    @property
    def pcm(self) -> bytes:
        return pcm16(self.audio, "audio")


class AudioCommit(ClientEvent):
    pass


class AudioClear(ClientEvent):
    pass


class ItemCreate(ClientEvent):
    item: dict[str, Any]
    previous_item_id: Id | None = None


class ItemRetrieve(ClientEvent):
    item_id: Id


class ItemDelete(ClientEvent):
    item_id: Id


class ItemTruncate(ClientEvent):
    item_id: Id
    content_index: Annotated[int, Field(ge=0, le=0)]  # no item has several parts of sound
    audio_end_ms: Annotated[int, Field(ge=0)]


class ResponseCreate(ClientEvent):
    response: ResponseSettings = ResponseSettings()

    @field_validator("response", mode="before")
    @classmethod
    def _or_none(cls, value: object) -> object:
        return {} if value is None else value


class ResponseCancel(ClientEvent):
    response_id: Id | None = None


EVENTS: dict[str, type[ClientEvent]] = {
    "session.update": SessionUpdate,
    "input_audio_buffer.append": AudioAppend,
    "input_audio_buffer.commit": AudioCommit,
    "input_audio_buffer.clear": AudioClear,
    "conversation.item.create": ItemCreate,
    "conversation.item.retrieve": ItemRetrieve,
    "conversation.item.delete": ItemDelete,
    "conversation.item.truncate": ItemTruncate,
    "response.create": ResponseCreate,
    "response.cancel": ResponseCancel,
}


def parsed(text: str | bytes) -> dict[str, Any]:
    """Return the JSON object that a frame holds. Raises APIError."""
    try:
        event = json.loads(text)
    except (ValueError, RecursionError):
        event = None
    if not isinstance(event, dict):
        raise APIError("Each frame must be a JSON object.", None, "invalid_json")
    return event


def read(event: dict[str, Any]) -> ClientEvent:
    """Read an event. Raises APIError."""
    kind = event.get("type")
    if kind is None:
        raise missing("type")
    if not isinstance(kind, str) or kind not in EVENTS:
        known = ", ".join(EVENTS)
        line = f"Invalid 'type': {one_line(kind, 60)} is not one of {known}."
        raise APIError(line, "type")
    try:
        return EVENTS[kind].model_validate(event)
    except ValidationError as error:
        raise APIError.of(error, given=event) from None


def pcm16(data: str, where: str) -> bytes:
    """Return the samples that a part of an event holds in base64. Raises APIError."""
    try:
        pcm = base64.b64decode(data, validate=True)
    except ValueError:
        pcm = b"?"
    if len(pcm) % 2:
        raise APIError(f"Invalid '{where}': expected pcm16 in base64.", where)
    return pcm
