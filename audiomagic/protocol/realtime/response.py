"""One response on the Realtime wire, read as the chunks of a Chat Completions stream.

So that whatever reads those reads these: words and sound, calls of tools, usage, the end.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from ...sound import WIRE_RATE
from .. import notes
from ..error import ErrorBody
from ..usage import AUDIO_OUT_PER_SECOND, Usage
from .events import Event, item_id, part, text
from .usage import usage_of

Chunk = dict[str, Any]

# What deltas bring, and where the same stands in a chunk's delta.
SOUND = "response.output_audio.delta"
DELTAS = {
    "response.output_text.delta": ("content",),
    "response.output_audio_transcript.delta": ("audio", "transcript"),
    SOUND: ("audio", "data"),
}
# What repeats the words of an item, or brings those of a server that sends no deltas.
WHOLE = {
    "response.output_text.done": ("text", "response.output_text.delta"),
    "response.output_audio_transcript.done": (
        "transcript",
        "response.output_audio_transcript.delta",
    ),
}
CREATED, DONE = "response.created", "response.done"
CALL = "function_call"
COMPLETED, FAILED = "completed", "failed"


def response_id(event: Event) -> str:
    """Return the id of the response that an event is about; "" where it names none."""
    return text(event.get("response_id")) or text(part(event, "response").get("id"))


def sound_bytes(event: Event) -> int:
    """Return how many bytes of sound an event brings."""
    encoded = text(event.get("delta")) if event["type"] == SOUND else ""
    return len(encoded) * 3 // 4 - encoded[-2:].count("=")


def sound_tokens(chunk: Mapping[str, Any]) -> int:
    """Return the tokens of sound in a chunk, rounded up."""
    encoded = sum(len(one["delta"].get("audio", {}).get("data", "")) for one in chunk["choices"])
    return math.ceil(encoded * 3 / 4 / (2 * WIRE_RATE) * AUDIO_OUT_PER_SECOND)


class ResponseReader:
    """Reads the events of one response; `status` is "" until it is done.

    `error` is what a failed response says of itself.
    """

    def __init__(self) -> None:
        self.status = ""
        self.error: ErrorBody | None = None
        self._usage: Usage | None = None
        self._worded: set[str] = set()  # items whose words have begun
        self._calls: dict[str, Chunk] = {}  # by id
        self._told_calls: dict[str, Event] = {}  # that may be all that is told of a call

    def read(self, event: Event) -> Iterator[Chunk]:
        """Yield what an event about this response brings."""
        kind = event["type"]
        if place := DELTAS.get(kind):
            yield from self._delta(event, place)
        elif kind in WHOLE and item_id(event) not in self._worded:
            name, delta = WHOLE[kind]
            yield from self._delta({**event, "delta": event.get(name)}, DELTAS[delta])
        elif kind == "response.output_item.done":
            self._told_calls.pop(text(part(event, "item").get("call_id")), None)
            self._keep_call(part(event, "item"))
        elif kind == "response.function_call_arguments.done" and text(event.get("name")):
            self._told_calls[text(event.get("call_id"))] = event
        elif kind == DONE:
            response = part(event, "response")
            items = response.get("output")
            for item in items if isinstance(items, list) else ():
                self._keep_call(item if isinstance(item, Mapping) else {})
            yield self._end(event, response)

    def _delta(self, event: Event, place: tuple[str, ...]) -> Iterator[Chunk]:
        content: Any = text(event.get("delta"))
        if not content:
            return
        # A response may hold several messages: "Let me see." before a call, then the answer.
        if place[-1] != "data" and item_id(event) not in self._worded:
            content = f" {content}" if self._worded else content
            self._worded.add(item_id(event))
        for name in reversed(place):
            content = {name: content}
        yield {"choices": [{"delta": content}]}

    def _keep_call(self, item: Event) -> None:
        """Keep a call of a tool, unless the response was broken off in it.

        Also of an item that was not completed, servers say that it is done.
        """
        if item.get("type") == CALL and item.get("status") in (None, COMPLETED):
            function = {name: text(item.get(name)) for name in ("name", "arguments")}
            call_id = text(item.get("call_id"))
            self._calls.setdefault(call_id, {"id": call_id, "function": function})

    def _end(self, event: Event, response: Event) -> Chunk:
        details = part(response, "status_details")
        said = response.get("status_details")  # which some servers send as a text
        self.status = text(response.get("status")) or COMPLETED
        finish, calls = "", list[Chunk]()
        if self.status == COMPLETED:
            for told in self._told_calls.values():
                self._keep_call({**told, "type": CALL, "status": COMPLETED})
            calls = [{"index": at, **call} for at, call in enumerate(self._calls.values())]
            finish = "tool_calls" if calls else "stop"
        elif self.status == "incomplete":
            finish = text(said) or text(details.get("reason"))
        elif self.status == FAILED:
            self.error = ErrorBody.of(details.get("error") or said or "the response failed")
        self._usage = usage_of(event)
        delta = {"tool_calls": calls} if calls else {}
        end = {"choices": [{"delta": delta, "finish_reason": finish}], "usage": self._usage}
        return end | notes.written(notes.read(response))

    def stopped(self) -> Chunk:
        """Return the end of a response that was cancelled: its usage, if it is done by now."""
        finish = "stop" if self.status else ""
        return {"choices": [{"delta": {}, "finish_reason": finish}], "usage": self._usage}
