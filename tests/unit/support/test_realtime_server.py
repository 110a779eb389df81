"""The scripted Realtime server, through the official client: what it sends, refuses and bills."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, get_args

import numpy as np
import pytest
from openai import OpenAI
from openai.types.realtime import RealtimeServerEvent
from pydantic import BaseModel
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from ...support.fake_server import KEY
from ...support.realtime_dialects import BETA, OPENAI, XAI, Dialect
from ...support.realtime_refusals import unknown_fields
from ...support.realtime_response import Response, Stopped
from ...support.realtime_server import RealtimeServer

MODEL = "gpt-realtime-2.1"
SECOND = bytes(48_000)  # of 24 kHz pcm16
LOUD = (8_000 * np.sin(np.arange(24_000) / 5)).astype("<i2").tobytes()
CLASSES: dict[str, type[BaseModel]] = {
    get_args(one.model_fields["type"].annotation)[0]: one
    for one in get_args(get_args(RealtimeServerEvent)[0])
}
# What the service sends and the SDK's types do not have.
UNTYPED = {"obfuscation", "phase", "session.object", "session.id", "session.expires_at"}
PUSH_TO_TALK = {"type": "realtime", "audio": {"input": {"turn_detection": None}}}
MESSAGE = [
    "response.created",
    "response.output_item.added",
    "conversation.item.added",
    "response.content_part.added",
    "response.output_audio_transcript.delta",
    "response.output_audio.delta",
    "response.output_audio.done",
    "response.output_audio_transcript.done",
    "response.content_part.done",
    "conversation.item.done",
    "response.output_item.done",
    "response.done",
    "rate_limits.updated",
]


class Client:
    """A connection by the official client; events of OpenAI's own are checked by its types."""

    def __init__(self, connection: Any, strict: bool):
        self.connection = connection
        self.strict = strict
        self.created = self.read("session.created")[-1]["session"] if strict else {}

    def read(self, until: str, count: int = 1) -> list[dict[str, Any]]:
        """All events up to that many of a type."""
        events: list[dict[str, Any]] = []
        while [event["type"] for event in events].count(until) < count:
            frame = self.connection.recv_bytes()
            if self.strict:
                check(frame)
            events.append(json.loads(frame))
        return events

    def send(self, kind: str, **fields: Any) -> None:
        self.connection.send({"type": kind} | fields)

    def ask(self, words: str = "Hi") -> None:
        """Type words, and have them answered."""
        self.type(words)
        self.send("response.create")

    def type(self, words: str) -> str:
        content = [{"type": "input_text", "text": words}]
        item = {"type": "message", "role": "user", "content": content}
        self.send("conversation.item.create", item=item)
        return str(self.read("conversation.item.done")[-1]["item"]["id"])

    def append(self, pcm: bytes) -> None:
        for start in range(0, len(pcm), 4_800):
            piece = base64.b64encode(pcm[start : start + 4_800]).decode()
            self.send("input_audio_buffer.append", audio=piece)

    def update(self, **session: Any) -> dict[str, Any]:
        self.send("session.update", session={"type": "realtime"} | session)
        effective: dict[str, Any] = self.read("session.updated")[-1]["session"]
        return effective

    def refused(self, kind: str, **fields: Any) -> dict[str, Any]:
        """The error that an event is answered with."""
        self.send(kind, **fields)
        error: dict[str, Any] = self.read("error")[-1]["error"]
        return error


def check(frame: bytes) -> None:
    kind = json.loads(frame)["type"]
    model = CLASSES[kind].model_validate_json(frame, strict=True)
    unknown = {path.removeprefix("item.") for path in unknown_fields(model)}
    unknown = {"phase" if path.endswith("].phase") else path for path in unknown}
    assert unknown <= UNTYPED, kind


@contextmanager
def connected(server: RealtimeServer, strict: bool = True, **how: Any) -> Iterator[Client]:
    openai = OpenAI(base_url=server.url, api_key=KEY, max_retries=0)
    with openai, openai.realtime.connect(model=MODEL, **how) as connection:
        yield Client(connection, strict)


@pytest.fixture
def server() -> Iterator[RealtimeServer]:
    with RealtimeServer() as server:
        yield server


def kinds(events: list[dict[str, Any]]) -> list[str]:
    """Their types; of several in a row, one."""
    types = [event["type"] for event in events]
    return [kind for i, kind in enumerate(types) if kind not in types[max(0, i - 1) : i]]


def pcm_of(events: list[dict[str, Any]]) -> bytes:
    sounds = [e["delta"] for e in events if e["type"] == "response.output_audio.delta"]
    return b"".join(base64.b64decode(sound) for sound in sounds)


def words_of(events: list[dict[str, Any]]) -> str:
    kind = "response.output_audio_transcript.delta"
    return "".join(event["delta"] for event in events if event["type"] == kind)


# -- the handshake ----------------------------------------------------------------------------
def test_a_wrong_key_is_refused_in_the_handshake(server: RealtimeServer) -> None:
    openai = OpenAI(base_url=server.url, api_key="sk-wrong", max_retries=0)
    with openai, pytest.raises(InvalidStatus) as error:
        openai.realtime.connect(model=MODEL).enter()
    assert error.value.response.status_code == 401
    assert json.loads(error.value.response.body)["error"]["code"] == "invalid_api_key"
    assert server.refused == [401]
    assert server.sessions == []


def test_a_scripted_refusal_is_for_one_handshake(server: RealtimeServer) -> None:
    server.refuse(429, "rate_limit_exceeded", "Slow down.")
    with pytest.raises(InvalidStatus), connected(server):
        pass
    with connected(server, extra_query={"a": "b"}, extra_headers={"x-mine": "yes"}) as client:
        assert client.created["model"] == MODEL
    (session,) = server.sessions
    assert session.wire.query == {"model": MODEL, "a": "b"}
    assert session.wire.headers["x-mine"] == "yes"


# -- the session ------------------------------------------------------------------------------
def test_only_what_an_update_names_changes(server: RealtimeServer) -> None:
    with connected(server) as client:
        assert client.created["audio"]["output"]["voice"] == "marin"
        updated = client.update(
            instructions="Be brief.", audio={"input": {"turn_detection": {"type": "server_vad"}}}
        )
        assert updated["instructions"] == "Be brief."
        assert updated["audio"] == client.created["audio"]
        silent = client.update(audio={"input": {"turn_detection": None}, "output": {"speed": 1.5}})
        assert silent["audio"]["input"]["turn_detection"] is None
        assert silent["audio"]["output"] | {"speed": 1.0} == client.created["audio"]["output"]
        assert server.sessions[0].settings == silent


@pytest.mark.parametrize(
    ("session", "code", "param"),
    [
        ({"instructions": "Hi"}, "missing_required_parameter", "session.type"),
        ({"type": "realtime", "max_tokens": 5}, "unknown_parameter", "session.max_tokens"),
        (
            {"type": "realtime", "audio": {"output": {"voice": "nova"}}},
            "invalid_value",
            "session.audio.output.voice",
        ),
        (
            {"type": "realtime", "tools": [{"type": "function", "function": {"name": "a"}}]},
            "unknown_parameter",
            "session.tools[0].function",
        ),
        (
            {"type": "realtime", "audio": {"input": {"format": {"type": "audio/pcm", "rate": 8}}}},
            "invalid_value",
            "session.audio.input.format.rate",
        ),
        ({"type": "realtime", "instructions": 5}, "invalid_type", "session.instructions"),
        (
            {"type": "realtime", "max_output_tokens": "all"},
            "invalid_type",
            "session.max_output_tokens",
        ),
        (
            {"type": "realtime", "audio": {"input": {"turn_detection": {"type": "ears"}}}},
            "invalid_value",
            "session.audio.input.turn_detection.type",
        ),
        (
            {"type": "realtime", "max_output_tokens": 0},
            "invalid_value",
            "session.max_output_tokens",
        ),
        (
            {"type": "realtime", "output_modalities": ["audio", "text"]},
            "invalid_value",
            "session.output_modalities",
        ),
        ({"type": "realtime", "model": "gpt-realtime"}, "invalid_value", "session.model"),
    ],
)
def test_one_bad_field_refuses_the_whole_update(
    server: RealtimeServer, session: Any, code: str, param: str
) -> None:
    with connected(server) as client:
        error = client.refused("session.update", session=session, event_id="mine")
        assert (error["code"], error["param"], error["event_id"]) == (code, param, "mine")
        assert server.sessions[0].settings == client.created


def test_the_voice_is_fixed_after_the_first_sound(server: RealtimeServer) -> None:
    server.say("Hi.", SECOND)
    with connected(server) as client:
        client.update(audio={"output": {"voice": "cedar"}})
        client.ask()
        client.read("rate_limits.updated")
        other = {"type": "realtime", "audio": {"output": {"voice": "ash"}}}
        assert client.refused("session.update", session=other)["code"] == "cannot_update_voice"
        client.update(audio={"output": {"voice": "cedar"}})


def test_the_shape_of_the_beta_is_refused_and_the_connection_closed(
    server: RealtimeServer,
) -> None:
    with connected(server) as client:
        error = client.refused("session.update", session={"voice": "alloy", "modalities": ["text"]})
        assert error["code"] == "beta_api_shape_disabled"
        with pytest.raises(ConnectionClosedError) as end:
            client.read("session.updated")
        assert end.value.rcvd is not None
        assert end.value.rcvd.code == 4000
    with connected(server, extra_headers={"OpenAI-Beta": "realtime=v1"}) as client:
        assert client.read("error")[-1]["error"]["code"] == "beta_api_shape_disabled"


# -- answers ----------------------------------------------------------------------------------
def test_a_spoken_answer_comes_in_the_recorded_order(server: RealtimeServer) -> None:
    pcm = LOUD + SECOND
    server.say("One two three four five six seven eight.", pcm)
    with connected(server) as client:
        user = client.type("Hi")
        client.send("response.create")
        events = client.read("rate_limits.updated")
    assert list(dict.fromkeys(kinds(events))) == MESSAGE
    assert pcm_of(events) == pcm
    assert words_of(events) == "One two three four five six seven eight."
    deltas = [event["type"] for event in events if event["type"].endswith(".delta")]
    assert deltas[:4] == ["response.output_audio_transcript.delta"] * 3 + [
        "response.output_audio.delta"
    ]
    assert deltas[-4:] == ["response.output_audio.delta"] * 4
    by_kind = {event["type"]: event for event in events}
    assert by_kind["conversation.item.added"]["previous_item_id"] == user
    assert by_kind["conversation.item.done"]["previous_item_id"] is None  # of the first answer
    response = by_kind["response.done"]["response"]
    assert response["status"] == "completed"
    (item,) = response["output"]
    assert item["status"] == "completed"
    assert item["content"][0]["type"] == "output_audio"
    assert by_kind["response.content_part.done"]["part"]["type"] == "audio"


def test_text_is_written_where_text_is_asked_for(server: RealtimeServer) -> None:
    server.say("Fine, thanks.")
    with connected(server) as client:
        client.update(output_modalities=["text"])
        client.ask()
        events = client.read("response.done")
    written = [event["delta"] for event in events if event["type"] == "response.output_text.delta"]
    assert written == ["Fine,", " thanks."]
    assert not any("audio" in event["type"] for event in events)
    content = events[-1]["response"]["output"][0]["content"]
    assert content == [{"type": "output_text", "text": "Fine, thanks."}]


def test_calls_follow_a_commentary_in_one_response(server: RealtimeServer) -> None:
    server.call(("add", {"a": 1}), ("now", "{ }"), saying=("Let me see.", SECOND))
    server.say("It is one.", SECOND)
    with connected(server) as client:
        client.ask()
        events = client.read("response.done")
        output = events[-1]["response"]["output"]
        assert [item["type"] for item in output] == ["message", "function_call", "function_call"]
        assert output[0]["phase"] == "commentary"
        done = [e for e in events if e["type"] == "response.function_call_arguments.done"]
        assert [(e["name"], e["arguments"]) for e in done] == [("add", '{"a": 1}'), ("now", "{ }")]
        for call in output[1:]:
            item = {"type": "function_call_output", "call_id": call["call_id"], "output": "1"}
            client.send("conversation.item.create", item=item)
        client.send("response.create")
        final = client.read("response.done")[-1]["response"]
        assert final["output"][0]["phase"] == "final_answer"
        nobody = {"type": "function_call_output", "call_id": "call_nobody", "output": "1"}
        error = client.refused("conversation.item.create", item=nobody)
        assert error["code"] == "invalid_tool_call_id"


def test_a_response_that_was_not_scripted_fails_and_is_free(server: RealtimeServer) -> None:
    with connected(server) as client:
        client.ask()
        response = client.read("response.done")[-1]["response"]
    assert response["status"] == "failed"
    assert response["status_details"]["error"]["message"] == "The test scripted no answer."
    assert server.bill == 0


def test_one_response_at_a_time_but_for_those_out_of_band(server: RealtimeServer) -> None:
    server.say("One two.", SECOND, gate="input_audio_buffer.clear")
    server.say("A title.")
    with connected(server) as client:
        client.ask()
        active = client.read("response.output_audio.delta")[0]["response"]["id"]
        error = client.refused("response.create", event_id="second")
        assert error["code"] == "conversation_already_has_active_response"
        assert error["event_id"] == "second"
        title = {"conversation": "none", "output_modalities": ["text"], "metadata": {"for": "me"}}
        client.send("response.create", response=title)
        events = client.read("response.done")
        assert events[-1]["response"]["metadata"] == {"for": "me"}
        assert events[-1]["response"]["conversation_id"] is None
        assert not any(event["type"].startswith("conversation.item") for event in events)
        client.send("input_audio_buffer.clear")
        assert client.read("response.done")[-1]["response"]["id"] == active
    assert len(server.sessions[0].conversation.items) == 2


def test_longest_answer_is_kept_to(server: RealtimeServer) -> None:
    server.say("Words.", 10 * SECOND)
    with connected(server) as client:
        client.update(max_output_tokens=33)
        client.ask()
        events = client.read("response.done")
    response = events[-1]["response"]
    assert response["status"] == "incomplete"
    assert response["status_details"] == {"type": "incomplete", "reason": "max_output_tokens"}
    assert response["usage"]["output_tokens"] == 33
    assert len(pcm_of(events)) == (33 - 2) * 2_400
    assert response["output"][0]["status"] == "incomplete"


def test_a_cut_answer_is_incomplete(server: RealtimeServer) -> None:
    server.say("I will not", SECOND, cut="content_filter")
    server.call(("add", {"number": 1}), cut="max_output_tokens")
    with connected(server) as client:
        client.ask()
        response = client.read("response.done")[-1]["response"]
        assert response["status_details"]["reason"] == "content_filter"
        client.send("response.create")
        events = client.read("response.done")
    done = next(e for e in events if e["type"] == "response.function_call_arguments.done")
    assert done["arguments"] == '{"numb'
    assert events[-1]["response"]["output"][0]["status"] == "incomplete"
    assert events[-1]["response"]["status"] == "incomplete"


def test_a_failure_is_as_scripted(server: RealtimeServer) -> None:
    server.fail("insufficient_quota", f"You exceeded your quota, {KEY}.")
    with connected(server) as client:
        client.ask()
        response = client.read("response.done")[-1]["response"]
    error = response["status_details"]["error"]
    assert error["code"] == "insufficient_quota"
    assert KEY in error["message"]


def test_a_burst_comes_at_once(server: RealtimeServer) -> None:
    server.say("Long.", 30 * SECOND)
    with connected(server) as client:
        client.ask()
        assert len(pcm_of(client.read("response.done"))) == 30 * len(SECOND)


def test_an_answer_may_take_its_time(server: RealtimeServer) -> None:
    server.say("One two three.", 9 * SECOND, pause=5)
    with connected(server) as client:
        client.ask()
        client.read("response.output_audio.delta")
        client.send("response.cancel")
        events = client.read("response.done")
    assert events[-1]["response"]["status"] == "cancelled"
    assert pcm_of(events) == b""


# -- cancelling and truncating ----------------------------------------------------------------
def test_a_cancelled_answer_ends_with_what_was_sent(server: RealtimeServer) -> None:
    server.say("One two three four.", 10 * SECOND, gate="response.cancel", gate_after=2)
    with connected(server) as client:
        client.ask()
        begun = client.read("response.output_audio.delta", 2)
        client.send("response.cancel", response_id=begun[0]["response"]["id"])
        events = begun + client.read("rate_limits.updated")
        assert client.refused("response.cancel")["code"] == "response_cancel_not_active"
    assert list(dict.fromkeys(kinds(events))) == MESSAGE
    assert len(pcm_of(events)) == 24_000
    done = events[-2]["response"]
    assert done["status"] == "cancelled"
    assert done["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}
    assert done["output"][0]["content"][0]["transcript"] == words_of(events)
    assert done["output"][0]["status"] == "incomplete"
    assert done["usage"]["output_token_details"]["audio_tokens"] == 10


def test_a_cancelled_response_that_goes_on_refuses_the_next(server: RealtimeServer) -> None:
    server.say("One.", SECOND, gate="response.cancel", done_after="response.create")
    with connected(server) as client:
        client.ask()
        client.read("response.output_audio.delta")
        client.send("response.cancel")
        client.send("response.create")
        events = client.read("response.done")
    errors = [event["error"]["code"] for event in events if event["type"] == "error"]
    assert errors == ["conversation_already_has_active_response"]


def test_sound_is_truncated_within_what_there_is(server: RealtimeServer) -> None:
    server.say("One two.", SECOND)
    with connected(server) as client:
        user = client.type("Hi")
        client.send("response.create")
        item = client.read("response.done")[-1]["response"]["output"][0]["id"]

        def refused(item: str, ms: int, index: int = 0) -> tuple[str, str]:
            error = client.refused(
                "conversation.item.truncate", item_id=item, content_index=index, audio_end_ms=ms
            )
            return error["code"], error["message"]

        too_long = "Audio content of 1000ms is already shorter than 1001ms"
        assert refused(item, 1001) == ("invalid_value", too_long)
        for of, ms in ((item, 0), (user, 500)):
            assert refused(of, ms)[0] == "unsupported_content_type"
        assert refused("item_nobody", 5)[0] == "item_truncate_invalid_item_id"
        assert refused(item, 5, index=1)[0] == "invalid_value"
        client.send("conversation.item.truncate", item_id=item, content_index=0, audio_end_ms=250)
        assert client.read("conversation.item.truncated")[-1]["audio_end_ms"] == 250
        client.send("conversation.item.retrieve", item_id=item)
        (content,) = client.read("conversation.item.retrieved")[-1]["item"]["content"]
        assert len(base64.b64decode(content["audio"])) == 12_000
        assert "transcript" not in content
        assert refused(item, 251)[0] == "invalid_value"


# -- items ------------------------------------------------------------------------------------
def test_items_stand_in_their_order(server: RealtimeServer) -> None:
    with connected(server) as client:
        second = client.type("two")
        said = {"type": "message", "role": "assistant",
                "content": [{"type": "output_text", "text": "zero"}]}  # fmt: skip
        client.send("conversation.item.create", item=said, previous_item_id="root")
        assert client.read("conversation.item.done")[-1]["previous_item_id"] is None
        assert [item.id for item in server.sessions[0].conversation.items][1] == second
        sound = {"type": "message", "role": "assistant",
                 "content": [{"type": "output_audio", "audio": "AAAA"}]}  # fmt: skip
        assert client.refused("conversation.item.create", item=sound)["code"] == "invalid_value"
        client.send("conversation.item.delete", item_id=second)
        assert client.read("conversation.item.deleted")[-1]["item_id"] == second
        for verb in ("delete", "retrieve"):
            error = client.refused(f"conversation.item.{verb}", item_id=second)
            assert error["code"] == f"item_{verb}_invalid_item_id"


def test_an_event_of_an_unknown_type_is_refused(server: RealtimeServer) -> None:
    with connected(server) as client:
        error = client.refused("output_audio_buffer.clear")
        assert (error["code"], error["param"]) == ("invalid_value", "type")
        error = client.refused("conversation.item.truncate", item_id="item_a", content_index=0)
        assert error["param"] == "audio_end_ms"


def test_typed_items_may_carry_the_users_sound(server: RealtimeServer) -> None:
    audio = base64.b64encode(LOUD).decode()
    item = {"id": "item_mine", "type": "message", "role": "user",
            "content": [{"type": "input_audio", "audio": audio}]}  # fmt: skip
    with connected(server) as client:
        client.send("conversation.item.create", item=item)
        added = client.read("conversation.item.done")[-1]["item"]
        assert added["id"] == "item_mine"
        assert added["content"] == [{"type": "input_audio", "transcript": None}]
        assert server.sessions[0].conversation.items[0].sound == LOUD
        empty = item | {"content": [{"type": "input_audio"}]}
        error = client.refused("conversation.item.create", item=empty)
        assert error["param"] == "item.content[0].audio"


# -- the user's sound -------------------------------------------------------------------------
def test_push_to_talk(server: RealtimeServer) -> None:
    server.say("Yes.", SECOND)
    with connected(server) as client:
        client.send("session.update", session=PUSH_TO_TALK)
        client.append(SECOND)
        client.send("input_audio_buffer.clear")
        client.read("input_audio_buffer.cleared")
        client.append(LOUD[:4_000])
        empty = client.refused("input_audio_buffer.commit")
        assert empty["code"] == "input_audio_buffer_commit_empty"
        client.append(LOUD[4_000:])
        client.send("input_audio_buffer.commit")
        events = client.read("conversation.item.done")
        assert kinds(events) == [
            "input_audio_buffer.committed",
            "conversation.item.added",
            "conversation.item.done",
        ]
        assert events[0]["item_id"] == events[1]["item"]["id"]
        assert server.sessions[0].conversation.items[0].sound == LOUD
        client.send("response.create")
        client.read("response.done")


def test_speech_is_answered_by_voice_detection(server: RealtimeServer) -> None:
    server.say("Yes.", SECOND)
    with connected(server) as client:
        client.append(SECOND + LOUD + SECOND)
        events = client.read("rate_limits.updated")
    assert kinds(events)[:5] == [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
    ]
    assert list(dict.fromkeys(kinds(events[5:]))) == MESSAGE
    assert events[0]["audio_start_ms"] == 700  # 300 ms before it was loud
    assert events[1]["audio_end_ms"] == 2_500  # after 500 ms of silence
    assert {event["item_id"] for event in events[:3]} == {events[3]["item"]["id"]}
    assert server.sessions[0].conversation.items[0].ms == 1_800


def test_detection_may_only_tell(server: RealtimeServer) -> None:
    detection = {"type": "server_vad", "silence_duration_ms": 200, "prefix_padding_ms": 0,
                 "create_response": False, "interrupt_response": False}  # fmt: skip
    server.say("One two.", SECOND, gate="response.cancel")
    with connected(server) as client:
        client.update(audio={"input": {"turn_detection": detection}})
        client.ask()
        client.read("response.output_audio.delta")
        client.append(LOUD + SECOND)
        events = client.read("conversation.item.done")
        assert [e["audio_end_ms"] for e in events if "audio_end_ms" in e] == [1_200]
        late = client.refused("input_audio_buffer.commit")
        assert late["code"] == "input_audio_buffer_commit_empty"
        client.send("response.cancel")
        client.read("rate_limits.updated")
    assert not server.of("response.create")[1:]


def test_speech_interrupts_an_answer_and_is_answered(server: RealtimeServer) -> None:
    server.say("One two three four.", 5 * SECOND, gate="conversation.item.truncate")
    server.say("Yes?", SECOND)
    with connected(server) as client:
        client.ask()
        client.read("response.output_audio.delta")
        client.append(LOUD + SECOND)
        events = client.read("response.done", 2)
    done = [event["response"] for event in events if event["type"] == "response.done"]
    assert done[0]["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    assert done[1]["status"] == "completed"


@pytest.mark.parametrize("when", ["early", "late", "failed", "never"])
def test_what_was_heard_is_told(server: RealtimeServer, when: str) -> None:
    server.hears("How are you?", when)
    server.say("Fine.", SECOND)
    with connected(server) as client:
        client.update(audio={"input": {"transcription": {"model": "gpt-live-transcribe"}}})
        client.append(LOUD + SECOND)
        events = client.read("response.done")
        ends = ("completed", "failed")
        told = [e for e in events if e["type"].split(".")[-2:] and "transcription" in e["type"]]
        if when == "late":
            assert told == []
            told = client.read("conversation.item.input_audio_transcription.completed")
            told = [e for e in told if "transcription" in e["type"]]
    if when == "never":
        assert told == []
        return
    assert told[-1]["type"].endswith(ends)
    assert told[-1]["item_id"] == server.sessions[0].conversation.items[0].id
    if when == "failed":
        assert told[-1]["error"]["code"] == "audio_unintelligible"
        return
    assert told[-1]["transcript"] == "How are you?"
    assert told[-1]["usage"] == {"type": "duration", "seconds": 2}
    if when == "early":
        position = events.index(told[-1])
        assert "response.created" not in kinds(events[:position])


def test_words_may_come_while_the_user_speaks(server: RealtimeServer) -> None:
    server.hears("How are you?")
    with connected(server) as client:
        client.update(audio={"input": {"transcription": {"model": "gpt-realtime-whisper"}}})
        client.append(LOUD)
        events = client.read("conversation.item.input_audio_transcription.delta")
        assert events[-1]["item_id"] == events[0]["item_id"]
        assert server.sessions[0].conversation.items == []
        client.append(SECOND)
        told = client.read("conversation.item.input_audio_transcription.completed")
        assert not any(event["type"].endswith("transcription.delta") for event in told)


def test_words_may_be_of_an_item_that_nobody_knows(server: RealtimeServer) -> None:
    server.hears("Boo!", item_id="item_nobody")
    with connected(server) as client:
        client.update(audio={"input": {"transcription": {"model": "gpt-live-transcribe"}}})
        client.append(LOUD + SECOND)
        told = client.read("conversation.item.input_audio_transcription.completed")
        assert told[-1]["item_id"] == "item_nobody"


# -- money ------------------------------------------------------------------------------------
def test_every_response_reads_the_whole_conversation(server: RealtimeServer) -> None:
    server.say("Fine.", SECOND)
    server.say("Yes.", SECOND, cached=25)
    with connected(server) as client:
        client.update(instructions="Be brief.")
        client.ask("Are you?")
        first = client.read("response.done")[-1]["response"]["usage"]
        assert first["input_token_details"]["text_tokens"] == 3 + 2
        assert first["output_token_details"] == {"text_tokens": 2, "audio_tokens": 20}
        dollars = Decimal(5 * 4 + 2 * 24 + 20 * 64) / 1_000_000
        assert server.bill == dollars
        client.append(LOUD + SECOND)
        second = client.read("response.done")[-1]["response"]["usage"]
    read = second["input_token_details"]
    assert (read["text_tokens"], read["audio_tokens"]) == (3 + 2 + 2, 20 + 15)
    assert read["cached_tokens_details"] == {
        "text_tokens": 0,
        "audio_tokens": 25,
        "image_tokens": 0,
    }
    assert second["total_tokens"] == 7 + 35 + 1 + 20
    dollars += (7 * 4 + 10 * 32 + 25 * Decimal("0.40") + 1 * 24 + 20 * 64) / 1_000_000
    assert server.bill == dollars


def test_reasoning_is_paid_for_and_read_again(server: RealtimeServer) -> None:
    server.say("Yes.", SECOND, reasoning=30)
    server.say("Yes.", SECOND, reasoning=30)
    with connected(server, strict=False) as client:
        client.read("session.created")
        client.update(instructions="", max_output_tokens=40)
        client.ask("Hi")
        first = client.read("response.done")[-1]["response"]
        details = {"text_tokens": 31, "audio_tokens": 9, "reasoning_tokens": 30}
        assert first["usage"]["output_token_details"] == details
        assert first["status"] == "incomplete"
        client.ask("Hi")
        second = client.read("response.done")[-1]["response"]
        assert second["usage"]["input_tokens"] == 1 + 40 + 1


def test_the_oldest_are_forgotten_as_the_session_has_it(server: RealtimeServer) -> None:
    truncation = {"type": "retention_ratio", "retention_ratio": 0.5,
                  "token_limits": {"post_instructions": 50}}  # fmt: skip
    with connected(server) as client:
        client.update(truncation=truncation, instructions="", max_output_tokens=None)
        read = []
        for _ in range(4):
            server.say("Yes.", SECOND)
            client.ask("Hi")
            usage = client.read("response.done")[-1]["response"]["usage"]
            read.append(usage["input_tokens"])
    assert read == [1, 1 + 21 + 1, 2 * (1 + 21) + 1, 1 + 21 + 1]


def test_what_is_told_may_differ_from_what_is_billed(server: RealtimeServer) -> None:
    absurd = {"total_tokens": -1, "input_tokens": 10**30}
    for usage in (None, absurd):
        server.say("Fine.", SECOND, usage=usage)
    with connected(server, strict=False) as client:
        for count, usage in enumerate((None, absurd), 1):
            client.ask()
            assert client.read("response.done")[-1]["response"]["usage"] == usage
            assert len(server.bills) == count
            assert server.bills[-1] > Decimal("0.001")


def test_recognition_is_billed_by_the_second(server: RealtimeServer) -> None:
    detection = {"type": "server_vad", "create_response": False}
    with connected(server) as client:
        client.update(
            audio={"input": {"transcription": {"model": "gpt-transcribe"},
                             "turn_detection": detection}}
        )  # fmt: skip
        client.append(LOUD + SECOND)
        client.read("conversation.item.input_audio_transcription.completed")
    assert server.bill == Decimal("0.0045") * 2 / 60


def test_an_answer_that_nobody_hears_out_is_billed_as_made() -> None:
    with RealtimeServer() as server:
        server.say("Fine.", 9 * SECOND, gate="response.cancel", gate_after=4)
        with connected(server) as client:
            client.ask()
            client.read("response.output_audio.delta", 4)
    made = (8 + 1) * 4 + 2 * 24 + 20 * 64  # in and out
    assert server.bill == Decimal(made) / 1_000_000


# -- other dialects ---------------------------------------------------------------------------
def in_dialect(dialect: Dialect, until: str = "response.done") -> list[dict[str, Any]]:
    with RealtimeServer(dialect) as server:
        server.hears("How are you?")
        server.say("Fine, thanks.", SECOND, gate="response.cancel")
        with connected(server, strict=False) as client:
            transcription = {"transcription": {"model": "gpt-live-transcribe"}}
            client.send("session.update", session={"type": "realtime",
                        "audio": {"input": transcription}})  # fmt: skip
            client.append(LOUD + SECOND)
            kind = "response.audio.delta" if dialect.beta_names else "response.output_audio.delta"
            events = client.read(kind)
            client.send("response.cancel")
            events += client.read("response.done")
            client.send("response.cancel", event_id="mine")
            return events + client.read("error")


def test_the_names_of_the_beta() -> None:
    events = in_dialect(BETA)
    by_kind = {event["type"]: event for event in events}
    assert by_kind["session.created"]["session"]["input_audio_format"] == "pcm16"
    assert {"conversation.created", "conversation.item.created", "response.audio.done",
            "response.audio_transcript.delta"} <= set(by_kind)  # fmt: skip
    assert not any("output_audio" in kind for kind in by_kind)
    assert "conversation.item.done" not in by_kind
    output = by_kind["response.done"]["response"]["output"]
    assert output[0]["content"][0]["type"] == "audio"
    assert "obfuscation" not in by_kind["response.audio_transcript.delta"]


def test_as_xai_has_it() -> None:
    events = in_dialect(XAI)
    by_kind = {event["type"]: event for event in events}
    done = by_kind["response.done"]
    assert done["response"]["usage"] == {}
    assert done["usage"]["output_tokens"] > 0
    assert done["response"]["status_details"] == "client_cancelled"
    assert "ping" in by_kind
    assert not {"conversation.item.done", "rate_limits.updated"} & set(by_kind)
    completed = [e for e in events if e["type"].endswith("transcription.completed")]
    assert [e["transcript"] for e in completed] == ["How", "How are", "How are you?"]
    assert [e.get("status") for e in completed] == ["in_progress", "in_progress", None]


def test_single_oddities() -> None:
    events = in_dialect(
        Dialect(unknown_events=True, error_names_event=False, late_deltas=2, item_done=False)
    )
    by_kind = {event["type"]: event for event in events}
    assert by_kind["error"]["error"]["event_id"] is None
    assert "response.mystery.delta" in by_kind
    assert "conversation.item.done" not in by_kind
    done = next(i for i, event in enumerate(events) if event["type"] == "response.done")
    late = [e for e in events[done:] if e["type"] == "response.output_audio.delta"]
    assert {event["response_id"] for event in late} == {events[done]["response"]["id"]}
    assert len(late) == 2
    assert not any(event["type"] == "ping" for event in in_dialect(OPENAI))


# -- ends -------------------------------------------------------------------------------------
def test_a_session_expires(server: RealtimeServer) -> None:
    with connected(server) as client:
        server.sessions[0].wire.expire()
        assert client.read("error")[-1]["error"]["code"] == "session_expired"
        assert list(client.connection) == []  # 1001 ends an iteration without a word


def test_a_connection_breaks_within_an_answer(server: RealtimeServer) -> None:
    def script(response: Response) -> None:
        response.say("One two.", SECOND)
        response.wire.abort()

    server.then(script)
    with connected(server) as client:
        client.ask()
        with pytest.raises(ConnectionClosedError) as end:
            client.read("response.done")
    assert end.value.rcvd is None  # 1006


def test_a_server_may_be_silent(server: RealtimeServer) -> None:
    server.greets = False
    with connected(server, strict=False) as client:
        client.send("session.update", session=PUSH_TO_TALK)
        assert server.wait_for("session.update")["session"] == PUSH_TO_TALK


def test_frames_need_not_be_events(server: RealtimeServer) -> None:
    with connected(server) as client:
        server.sessions[0].wire.send_frame("{not JSON")
        assert client.connection.recv_bytes() == b"{not JSON"


def test_several_connections_are_kept_apart(server: RealtimeServer) -> None:
    with connected(server) as one, connected(server) as two:
        one.type("one")
        two.type("two")
        assert len(server.of("conversation.item.create")) == 2
        texts = [s.conversation.items[0].wire["content"][0]["text"] for s in server.sessions]
        assert texts == ["one", "two"]


def test_what_fails_in_a_script_fails_the_test() -> None:
    def script(response: Response) -> None:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"), RealtimeServer() as server:
        server.then(script)
        with connected(server) as client:
            client.ask()
            with pytest.raises(ConnectionClosedError):
                client.read("response.done")


def test_a_script_may_stop_a_response(server: RealtimeServer) -> None:
    def script(response: Response) -> None:
        response.wire.send({"type": "response.odd"})
        raise Stopped("incomplete", "turn_detected")  # seen at the service instead of cancelled

    server.then(script)
    with connected(server, strict=False) as client:
        client.ask()
        response = client.read("response.done")[-1]["response"]
    assert response["status_details"] == {"type": "incomplete", "reason": "turn_detected"}
    assert response["output"] == []
