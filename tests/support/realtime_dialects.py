"""What goes over the wire for an event: OpenAI's names of today, or what other servers make of it.

The facts are those of recorded sessions of Azure's Voice Live (the names of the Beta) and of xAI.
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Event = dict[str, Any]
RENAMED = {  # the Beta's names; what is not here has kept its own
    "response.output_audio.": "response.audio.",
    "response.output_audio_transcript.": "response.audio_transcript.",
    "response.output_text.": "response.text.",
    "conversation.item.added": "conversation.item.created",
}
CONTENT = {"output_audio": "audio", "output_text": "text"}
TRANSCRIBED = "conversation.item.input_audio_transcription"


@dataclass(frozen=True)
class Dialect:
    """How a server departs from OpenAI's; the defaults are OpenAI's."""

    beta_names: bool = False  # events and content; a flat session; no `item.done`
    item_done: bool = True  # `conversation.item.done` is sent
    extras: bool = True  # `obfuscation` and `phase`, which the SDK's types do not have
    rate_limits: bool = True
    usage_beside: bool = False  # `response.usage` is {}, the numbers stand beside `response`
    status_text: bool = False  # `status_details` is a string
    partial_transcripts: bool = False  # cumulative, some `completed` before they are
    pings: bool = False
    unknown_events: bool = False  # with an id of an item that nobody knows
    error_names_event: bool = True  # `error.event_id` repeats the client's
    truncates: bool = True  # `conversation.item.truncate` is known
    updates: bool = True  # `session.updated` is sent
    answers_commits: bool = False  # with a response that nobody asked for
    checks_calls: bool = True  # a result without its call is refused
    late_deltas: int = 0  # of a cancelled response, after its `response.done`

    def wire(self, event: Event) -> Iterator[Event]:
        """The events that are sent for this one."""
        event = copy.deepcopy(event)
        kind = event["type"]
        if self.pings and kind in ("session.created", "response.created"):
            yield {"type": "ping", "timestamp": 1776293682000}
        if self.unknown_events and kind in ("response.created", "response.done"):
            yield {"type": "response.mystery.delta", "item_id": "item_nobody", "delta": {"a": [1]}}
        if kind == "conversation.item.done" and (self.beta_names or not self.item_done):
            return
        if kind == "rate_limits.updated" and not self.rate_limits:
            return
        if kind == "error" and not self.error_names_event:
            event["error"]["event_id"] = None
        if self.partial_transcripts and kind == f"{TRANSCRIBED}.completed":
            yield from _partial(event)
        if "response" in event:
            self._respell(event)
        for item in _items(event):
            if not self.extras:
                item.pop("phase", None)
        if not self.extras:
            event.pop("obfuscation", None)
        yield _beta(event) if self.beta_names else event
        if self.beta_names and kind == "session.created":
            conversation = {"id": "conv_beta", "object": "realtime.conversation"}
            yield {"type": "conversation.created", "conversation": conversation}

    def _respell(self, event: Event) -> None:
        response = event["response"]
        if self.status_text and response["status_details"]:
            response["status_details"] = response["status_details"].get("reason", "done")
        if self.usage_beside and event["type"] == "response.done":
            event["usage"] = (response["usage"] or {}) | {"billable_audio_seconds": 1.5}
            response["usage"] = {}


def _items(event: Event) -> list[Event]:
    output = event.get("response", {}).get("output") or []
    return [event["item"], *output] if "item" in event else output


def _partial(event: Event) -> Iterator[Event]:
    """What xAI sends before a transcript: all words so far, and some as though it were all."""
    words = event["transcript"].split(" ")
    for count in range(1, len(words)):
        so_far = {k: v for k, v in event.items() if k != "usage"} | {
            "transcript": " ".join(words[:count])
        }
        yield so_far | {"type": f"{TRANSCRIBED}.updated"}
        yield so_far | {"status": "in_progress"}


def _beta(event: Event) -> Event:
    for name, old in RENAMED.items():
        event["type"] = event["type"].replace(name, old)
    for item in _items(event):
        for content in item.get("content", ()):
            content["type"] = CONTENT.get(content["type"], content["type"])
    if "session" in event:
        session, audio = event["session"], event["session"]["audio"]
        event["session"] = {
            "id": session["id"],
            "object": "realtime.session",
            "model": session["model"],
            "modalities": ["text", "audio"],
            "instructions": session["instructions"],
            "voice": audio["output"]["voice"],
            "input_audio_format": "pcm16",
            "output_audio_format": "pcm16",
            "input_audio_transcription": audio["input"]["transcription"],
            "turn_detection": audio["input"]["turn_detection"],
            "tools": session["tools"],
            "temperature": 0.8,
            "max_response_output_tokens": session["max_output_tokens"],
        }
    return event


OPENAI = Dialect()
BETA = Dialect(beta_names=True, extras=False, rate_limits=False)
XAI = Dialect(
    item_done=False,
    extras=False,
    rate_limits=False,
    usage_beside=True,
    status_text=True,
    partial_transcripts=True,
    pings=True,
    truncates=False,
)
