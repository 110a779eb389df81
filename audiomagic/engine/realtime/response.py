"""One response: its events, in the service's own order, as it is generated, cut off or failed."""

import base64
from collections.abc import Mapping
from typing import Any, Literal, Protocol

from ...protocol import notes
from ...protocol.response import Delta
from ...protocol.tool_calls import ToolCall
from ..api.errors import APIError
from .conversation import Conversation
from .ids import new_id
from .items import AssistantMessage, FunctionCall, Item, Piece
from .settings import Settings
from .usage import Usage

BLOCK = 12_000  # bytes of each delta of sound: 0.25 s, as the service sends

Status = Literal["in_progress", "completed", "cancelled", "incomplete", "failed"]
Reason = Literal["turn_detected", "client_cancelled", "max_output_tokens"]


class Emit(Protocol):
    """Sends an event of a kind, with these fields."""

    def __call__(self, kind: str, **fields: Any) -> None: ...


class Response:
    """A response in progress; what it says is added to a conversation, unless that is None.

    One that is `unasked` follows a turn by itself: the client knows of it once it is created. Its
    methods send events: whoever calls them holds the session's lock.
    """

    def __init__(
        self,
        emit: Emit,
        settings: Settings,
        conversation: Conversation | None,
        metadata: Mapping[str, str] | None = None,
        unasked: bool = False,
    ):
        self.id = new_id("resp")
        self.settings = settings
        self.usage = Usage()
        self.notes: tuple[str, ...] = ()  # on what it says
        self._emit = emit
        self._conversation = conversation
        self._metadata = metadata
        self._unasked = unasked
        self._status: Status = "in_progress"
        self._details: dict[str, Any] | None = None
        self._created = False
        self._output: list[Item] = []
        self._message: AssistantMessage | None = None  # that is being said

    @property
    def over(self) -> bool:
        return self._status != "in_progress"

    @property
    def unknown(self) -> bool:
        """Whether the client knows nothing of it."""
        return self._unasked and not self._created

    @property
    def in_conversation(self) -> bool:
        return self._conversation is not None

    @property
    def has_sound(self) -> bool:
        """Whether any was sent."""
        return any(isinstance(i, AssistantMessage) and i.milliseconds for i in self._output)

    def create(self) -> None:
        """Begin: the first event."""
        self._created = True
        self._emit("response.created", response=self.wire())

    def add(self, delta: Delta) -> None:
        """Say some words, or send some sound of them."""
        text = delta.text if self._message else delta.text.lstrip()
        if not text and not delta.pcm:
            return
        message = self._message or self._begin_message()
        where = self._place(message) | {"content_index": 0}
        if text:
            message.pieces.append(Piece(text))
            kind = "output_audio_transcript" if message.spoken else "output_text"
            self._emit(f"response.{kind}.delta", **where, delta=text)
        if delta.pcm:
            message.pieces[-1].size += len(delta.pcm)
            encoded = base64.b64encode(delta.pcm).decode("ascii")
            self._emit("response.output_audio.delta", **where, delta=encoded)

    def call(self, made: ToolCall) -> None:
        """Have a function called."""
        self._end_message("completed")
        call = FunctionCall(name=made.name, arguments="", status="in_progress")
        self._begin(call)
        where = self._place(call) | {"call_id": call.call_id}
        self._emit("response.function_call_arguments.delta", **where, delta=made.arguments)
        call.arguments = made.arguments
        self._emit(
            "response.function_call_arguments.done",
            **where,
            name=call.name,
            arguments=call.arguments,
        )
        self._end(call, "completed")

    def complete(self, full: bool = False) -> None:
        """End it: all was said, or, if it is `full`, as much as there was room for."""
        if full:
            self._finish("incomplete", "max_output_tokens")
        else:
            self._finish("completed")

    def cancel(self, reason: Literal["turn_detected", "client_cancelled"]) -> None:
        """Cut it off; what is said later is not sent."""
        self._finish("cancelled", reason)

    def fail(self, error: APIError) -> None:
        """End it by an error."""
        wire = error.wire()["error"]
        self._finish("failed", error={name: wire[name] for name in ("type", "code", "message")})

    def drop(self) -> None:
        """End it before anybody was told of it."""
        self._status = "cancelled"

    def wire(self) -> dict[str, Any]:
        output = self.settings.audio.output
        sound = {"format": output.format.model_dump(), "voice": output.voice}
        return {
            "object": "realtime.response",
            "id": self.id,
            "status": self._status,
            "status_details": self._details,
            "output": [item.wire() for item in self._output],
            "conversation_id": self._conversation.id if self._conversation else None,
            "output_modalities": self.settings.output_modalities,
            "max_output_tokens": self.settings.max_output_tokens,
            "audio": {"output": sound},
            "usage": self.usage.wire() if self.over else None,
            "metadata": self._metadata,
        } | notes.written(self.notes)

    def _place(self, item: Item) -> dict[str, Any]:
        index = self._output.index(item)
        return {"response_id": self.id, "item_id": item.id, "output_index": index}

    def _begin_message(self) -> AssistantMessage:
        spoken = self.settings.voice is not None
        message = AssistantMessage(spoken=spoken, status="in_progress")
        self._begin(message)
        self._message = message
        where = self._place(message) | {"content_index": 0}
        self._emit("response.content_part.added", **where, part=message.part())
        return message

    def _begin(self, item: Item) -> None:
        if self._conversation:
            self._conversation.add(item)
        self._output.append(item)
        index = len(self._output) - 1
        self._emit(
            "response.output_item.added",
            response_id=self.id,
            output_index=index,
            item=item.wire(),
        )
        self._tell_conversation("added", item)

    def _end_message(self, status: Literal["completed", "incomplete"]) -> None:
        message, self._message = self._message, None
        if message is None:
            return
        where = self._place(message) | {"content_index": 0}
        if message.spoken:
            self._emit("response.output_audio.done", **where)
            kind = "response.output_audio_transcript.done"
            self._emit(kind, **where, transcript=message.words)
        else:
            self._emit("response.output_text.done", **where, text=message.words)
        self._emit("response.content_part.done", **where, part=message.part())
        self._end(message, status)

    def _end(self, item: Item, status: Literal["completed", "incomplete"]) -> None:
        item.status = status
        self._tell_conversation("done", item)
        self._emit(
            "response.output_item.done",
            response_id=self.id,
            output_index=self._output.index(item),
            item=item.wire(),
        )

    def _tell_conversation(self, what: Literal["added", "done"], item: Item) -> None:
        if self._conversation:
            before = self._conversation.before(item)
            kind = f"conversation.item.{what}"
            self._emit(kind, previous_item_id=before, item=item.wire())

    def _finish(self, status: Status, reason: Reason | None = None, **details: Any) -> None:
        if not self._created:
            self.create()
        self._end_message("completed" if status == "completed" else "incomplete")
        self._status = status
        if reason:
            details["reason"] = reason
        self._details = {"type": status, **details} if details else None
        self.usage.audio_out = sum(item.audio_tokens for item in self._output)
        self._emit("response.done", response=self.wire())
        self._emit("rate_limits.updated", rate_limits=[])
