"""Events on the wire: the server's are read, the client's are written."""

import base64
import json
import secrets
from collections.abc import Iterator, Mapping
from typing import Any

from ...errors import InvalidResponse
from ...sound import WIRE_RATE
from ..request import Message
from ..tool_calls import ToolCall

Event = Mapping[str, Any]

# The beta's names, as they are called since.
RENAMED = {
    "conversation.item.created": "conversation.item.added",
    **{
        f"response.{old}.{step}": f"response.{new}.{step}"
        for old, new in (
            ("audio", "output_audio"),
            ("audio_transcript", "output_audio_transcript"),
            ("text", "output_text"),
        )
        for step in ("delta", "done")
    },
}
PIECE = 2 * WIRE_RATE  # bytes of sound in one event: a second; the service takes up to 15 MiB
LONGEST_ITEM_ID = 1_000  # characters


def read(data: bytes) -> Event:
    """Read one event of a server. Raises InvalidResponse for what is none."""
    try:
        event = json.loads(data)
    except (ValueError, RecursionError):
        event = None
    if not isinstance(event, dict) or not isinstance(event.get("type"), str):
        raise InvalidResponse(
            "the server sent something that is not an event of the Realtime protocol; "
            "check --base-url (it usually ends in /v1)"
        )
    return event | {"type": RENAMED.get(event["type"], event["type"])}


def text(value: object) -> str:
    """Return a text of an event; "" for anything else."""
    return value if isinstance(value, str) else ""


def part(event: Event, name: str) -> Event:
    """Return an object of an event; an empty one for anything else."""
    value = event.get(name)
    return value if isinstance(value, Mapping) else {}


def item_id(event: Event) -> str:
    """Return the id of the item that an event is about; "" where it names none."""
    name = text(event.get("item_id")) or text(part(event, "item").get("id"))
    return name if len(name) <= LONGEST_ITEM_ID else ""


# -- the client's events ------------------------------------------------------------------------
def named(event: Event) -> dict[str, Any]:
    """Return an event with an id of its own, which an error about it will repeat."""
    return {**event, "event_id": f"event_{secrets.token_hex(10)}"}


def update(session: Event) -> dict[str, Any]:
    return named({"type": "session.update", "session": session})


def append(pcm: bytes) -> dict[str, Any]:
    """Add 24 kHz pcm16 to the input buffer; a server never says that it has it."""
    return {"type": "input_audio_buffer.append", "audio": base64.b64encode(pcm).decode("ascii")}


def commit() -> dict[str, Any]:
    """Make an item of what is in the input buffer."""
    return named({"type": "input_audio_buffer.commit"})


def spoken(pcm: bytes) -> Iterator[dict[str, Any]]:
    """Append 24 kHz pcm16 to the input buffer, piece by piece, and commit it as an item."""
    for start in range(0, len(pcm), PIECE):
        yield append(pcm[start : start + PIECE])
    yield commit()


def items(message: Message) -> Iterator[dict[str, Any]]:
    """Add what a message says as items: its words, calls of tools and their results.

    Sounds are left out: see `spoken`. An answer's sound cannot be added, only its words.
    """
    if message.role == "tool":
        call_id = message.tool_call_id or ""
        yield _added({"type": "function_call_output", "call_id": call_id, "output": message.text})
        return
    if message.text:
        kind = "output_text" if message.role == "assistant" else "input_text"
        content = [{"type": kind, "text": message.text}]
        yield _added({"type": "message", "role": message.role, "content": content})
    yield from map(_called, message.tool_calls)


def _called(call: ToolCall) -> dict[str, Any]:
    function = call.echo()["function"]
    return _added({"type": "function_call", "call_id": call.id, **function})


def _added(item: Event) -> dict[str, Any]:
    return named({"type": "conversation.item.create", "item": item})


def create(max_output_tokens: int | None = None, tool_choice: str | None = None) -> dict[str, Any]:
    """Ask for a response, of so many tokens at most.

    `instructions` are never among its options: they would replace the session's.
    """
    options: dict[str, Any] = {}
    if max_output_tokens is not None:
        options["max_output_tokens"] = max_output_tokens
    if tool_choice is not None:
        options["tool_choice"] = tool_choice
    return named({"type": "response.create"} | ({"response": options} if options else {}))


def cancel(response_id: str) -> dict[str, Any]:
    return named({"type": "response.cancel", "response_id": response_id})


def truncate(item: str, ms: int) -> dict[str, Any]:
    """Cut an answer to the milliseconds that were heard; the server drops its words."""
    event = {"type": "conversation.item.truncate", "item_id": item, "content_index": 0}
    return named({**event, "audio_end_ms": ms})


def delete(item: str) -> dict[str, Any]:
    return named({"type": "conversation.item.delete", "item_id": item})
