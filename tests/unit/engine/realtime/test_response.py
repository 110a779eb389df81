"""The events of one response: their order, and what is left of it when it is cut off."""

import base64
from typing import Any

import pytest

from audiomagic.engine.api.errors import APIError
from audiomagic.engine.realtime.conversation import Conversation
from audiomagic.engine.realtime.items import GivenMessage
from audiomagic.engine.realtime.response import Response
from audiomagic.engine.realtime.settings import Settings
from audiomagic.protocol.response import Delta
from audiomagic.protocol.tool_calls import ToolCall

from ....support.realtime_events import check

SECOND = bytes(48_000)
SPOKEN = Settings(type="realtime")
WRITTEN = Settings(type="realtime", output_modalities=["text"])
BEGUN = [
    "response.created",
    "response.output_item.added",
    "conversation.item.added",
    "response.content_part.added",
]
ENDED = [
    "response.content_part.done",
    "conversation.item.done",
    "response.output_item.done",
    "response.done",
    "rate_limits.updated",
]
SPOKEN_ENDED = ["response.output_audio.done", "response.output_audio_transcript.done", *ENDED]
WORDS, SOUND = "response.output_audio_transcript.delta", "response.output_audio.delta"


class Wire:
    """Keeps the events of a response to a message, each of which the official client reads."""

    def __init__(self, settings: Settings = SPOKEN, inside: bool = True) -> None:
        self.events: list[dict[str, Any]] = []
        self.conversation = Conversation()
        self.conversation.add(GivenMessage(id="item_asked", content=["Hi"]))
        conversation = self.conversation if inside else None
        self.response = Response(self._emit, settings, conversation, {"topic": "test"})

    def _emit(self, kind: str, **fields: Any) -> None:
        event = {"type": kind, "event_id": "event_1", **fields}
        check(event)
        self.events.append(event)

    @property
    def kinds(self) -> list[str]:
        return [event["type"] for event in self.events]

    def of(self, kind: str) -> dict[str, Any]:
        """The only event of a kind."""
        (found,) = (event for event in self.events if event["type"] == kind)
        return found


def test_a_spoken_response_in_the_order_of_the_service() -> None:
    wire = Wire()
    wire.response.create()
    for delta in (Delta(text=" One."), Delta(pcm=SECOND), Delta(), Delta(text=" Two.")):
        wire.response.add(delta)
    wire.response.add(Delta(pcm=SECOND))
    wire.response.complete()
    assert wire.kinds == [*BEGUN, WORDS, SOUND, WORDS, SOUND, *SPOKEN_ENDED]
    said = "".join(event["delta"] for event in wire.events if event["type"] == WORDS)
    assert said == wire.of("response.output_audio_transcript.done")["transcript"] == "One. Two."
    assert base64.b64decode(wire.events[5]["delta"]) == SECOND
    done = wire.of("response.done")["response"]
    assert (done["status"], done["status_details"]) == ("completed", None)
    assert done["metadata"] == {"topic": "test"} and done["conversation_id"].startswith("conv_")
    assert done["output"][0]["content"] == [{"type": "output_audio", "transcript": "One. Two."}]
    assert done["usage"]["output_token_details"]["audio_tokens"] == 40
    added, ended = wire.of("conversation.item.added"), wire.of("conversation.item.done")
    assert added["previous_item_id"] == ended["previous_item_id"] == "item_asked"
    assert (added["item"]["status"], ended["item"]["status"]) == ("in_progress", "completed")
    assert wire.conversation.last_id == added["item"]["id"]
    assert wire.response.over and wire.response.has_sound


def test_a_written_response() -> None:
    wire = Wire(WRITTEN)
    wire.response.create()
    wire.response.add(Delta(text="One."))
    wire.response.complete()
    assert wire.kinds == [
        *BEGUN, "response.output_text.delta", "response.output_text.done", *ENDED]  # fmt: skip
    assert wire.of("response.content_part.added")["part"] == {"type": "text", "text": ""}
    assert wire.of("response.content_part.done")["part"] == {"type": "text", "text": "One."}
    item = wire.of("response.done")["response"]["output"][0]
    assert item["content"] == [{"type": "output_text", "text": "One."}]
    assert not wire.response.has_sound


def test_a_call_has_an_id_of_its_own_and_follows_what_was_said() -> None:
    wire = Wire()
    wire.response.create()
    wire.response.add(Delta(text="One moment."))
    wire.response.call(ToolCall("x", "add", '{"a": 1}'))
    wire.response.complete()
    call = [
        "response.output_item.added",
        "conversation.item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "conversation.item.done",
        "response.output_item.done",
    ]
    assert wire.kinds == [*BEGUN, WORDS, *SPOKEN_ENDED[:-2], *call, *ENDED[-2:]]
    arguments = wire.of("response.function_call_arguments.done")
    assert (arguments["name"], arguments["arguments"]) == ("add", '{"a": 1}')
    assert arguments["output_index"] == 1 and arguments["call_id"].startswith("call_")
    said, made = wire.of("response.done")["response"]["output"]
    assert (said["status"], made["status"]) == ("completed", "completed")
    assert made["call_id"] == arguments["call_id"]


@pytest.mark.parametrize("reason", ["turn_detected", "client_cancelled"])
def test_of_a_cancelled_response_all_ends_that_was_begun(reason: Any) -> None:
    wire = Wire()
    wire.response.create()
    wire.response.add(Delta(text="One."))
    wire.response.add(Delta(pcm=SECOND))
    wire.response.cancel(reason)
    assert wire.kinds == [*BEGUN, WORDS, SOUND, *SPOKEN_ENDED]
    done = wire.of("response.done")["response"]
    assert (done["status"], done["output"][0]["status"]) == ("cancelled", "incomplete")
    assert done["status_details"] == {"type": "cancelled", "reason": reason}
    assert done["usage"]["output_token_details"]["audio_tokens"] == 20


def test_a_response_that_is_cancelled_before_it_says_anything_is_empty() -> None:
    wire = Wire()
    wire.response.cancel("client_cancelled")
    assert wire.kinds == ["response.created", "response.done", "rate_limits.updated"]
    assert wire.of("response.done")["response"]["output"] == []


def test_one_that_is_dropped_was_never_there() -> None:
    wire = Wire()
    wire.response.drop()
    assert wire.events == [] and wire.response.over


def test_at_the_cap_it_is_incomplete() -> None:
    wire = Wire()
    wire.response.create()
    wire.response.add(Delta(text="One."))
    wire.response.complete(full=True)
    done = wire.of("response.done")["response"]
    assert (done["status"], done["output"][0]["status"]) == ("incomplete", "incomplete")
    assert done["status_details"] == {"type": "incomplete", "reason": "max_output_tokens"}


def test_a_failed_response_says_why() -> None:
    wire = Wire()
    wire.response.create()
    wire.response.fail(APIError("No model.", None, "gone", 502))
    done = wire.of("response.done")["response"]
    assert done["status"] == "failed"
    error = {"type": "server_error", "code": "gone", "message": "No model."}
    assert done["status_details"] == {"type": "failed", "error": error}


def test_outside_of_the_conversation_it_adds_nothing_to_it() -> None:
    wire = Wire(inside=False)
    wire.response.create()
    wire.response.add(Delta(text="One."))
    wire.response.complete()
    assert [kind for kind in wire.kinds if kind.startswith("conversation")] == []
    assert wire.of("response.created")["response"]["conversation_id"] is None
    assert wire.conversation.last_id == "item_asked"
