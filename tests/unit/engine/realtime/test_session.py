"""A session by the client's events, with scripted models: what is answered, and what is refused."""

import base64
import json
import queue
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from audiomagic.engine.pipeline import NO_SPEECH
from audiomagic.engine.realtime.session import Session
from audiomagic.protocol import notes
from audiomagic.protocol.request import Message
from audiomagic.protocol.tool_calls import ToolCall

from ....support.realtime_events import check
from ....support.scripted_engine import GATE, ScriptedEngine

TOOL = {"type": "function", "name": "add", "parameters": {"type": "object", "properties": {}}}
QUIET = bytes(48 * 200)  # 200 ms


class Client:
    """Sends events to a session; what comes back is read one by one, each strictly."""

    def __init__(self, engine: ScriptedEngine):
        self._queue: queue.Queue[dict[str, Any]] = queue.Queue()
        self.models = engine.models
        self.seen: list[dict[str, Any]] = []
        self.session = Session(engine, self._queue.put)
        self.update(audio={"input": {"turn_detection": None}})  # push to talk

    def next(self) -> dict[str, Any]:
        event = json.loads(json.dumps(self._queue.get(timeout=20)))
        check(event)
        assert event["event_id"].startswith("event_")
        self.seen.append(event)
        return event

    def until(self, kind: str) -> dict[str, Any]:
        while (event := self.next())["type"] != kind:
            pass
        return event

    def send(self, kind: str, **fields: Any) -> None:
        self.session.handle(json.dumps({"type": kind, **fields}))

    def update(self, **settings: Any) -> None:
        self.send("session.update", session={"type": "realtime", **settings})

    def say(self, text: str, **more: Any) -> str:
        """Add a typed message; return its id."""
        content = [{"type": "input_text", "text": text}]
        item = {"type": "message", "role": "user", "content": content}
        self.send("conversation.item.create", item=item, **more)
        return str(self.until("conversation.item.done")["item"]["id"])

    def record(self, pcm: bytes = QUIET) -> None:
        self.send("input_audio_buffer.append", audio=base64.b64encode(pcm).decode())

    def error(self) -> tuple[str | None, str | None]:
        error = self.until("error")["error"]
        return error["param"], error["code"]

    @property
    def kinds(self) -> list[str]:
        return [event["type"] for event in self.seen]


@contextmanager
def talking(
    heard: list[Any] | None = None, answers: list[list[Any]] | None = None
) -> Iterator[Client]:
    client = Client(ScriptedEngine(heard, answers))
    try:
        client.until("session.updated")
        yield client
    finally:
        client.models.gate.set()
        client.models.hearing.set()
        client.session.close()


# -- settings -------------------------------------------------------------------------------------
def test_a_session_begins_with_its_settings() -> None:
    with talking() as client:
        created = client.seen[0]["session"]
        assert client.kinds == ["session.created", "session.updated"]
        assert created["object"] == "realtime.session" and created["id"].startswith("sess_")
        assert created["model"] == "local-engine"
        assert created["audio"]["input"]["turn_detection"]["silence_duration_ms"] == 500
        assert client.seen[1]["session"]["audio"]["input"]["turn_detection"] is None


def test_a_refused_update_changes_nothing_and_names_the_event() -> None:
    with talking() as client:
        session = {"type": "realtime", "instructions": "Be brief.", "voice": "echo"}
        client.send("session.update", event_id="mine", session=session)
        error = client.until("error")["error"]
        assert (error["type"], error["code"]) == ("invalid_request_error", "unknown_parameter")
        assert (error["param"], error["event_id"]) == ("session.voice", "mine")
        client.update(max_output_tokens=7)
        found = client.until("session.updated")["session"]
        assert (found["instructions"], found["max_output_tokens"]) == ("", 7)


def test_what_is_no_event_is_an_error_and_no_end() -> None:
    with talking() as client:
        for frame in ("", "[]", '{"type": 3}', b"\xff", json.dumps({"type": "x" * 100_000})):
            client.session.handle(frame)
            assert client.until("error")["error"]["type"] == "invalid_request_error"
        client.say("Hi")


def test_there_is_one_model_whatever_it_is_called() -> None:
    with talking() as client:
        client.update(model="gpt-realtime")
        assert client.until("session.updated")["session"]["model"] == "local-engine"


def test_a_style_is_followed_noted_and_kept_from_a_small_model() -> None:
    with talking(answers=[["Hello there."], ["Hello there."]]) as client:
        client.models.small = True
        client.update(instructions="Be brief.\nSpeak in this way: slowly, like a pirate")
        client.say("Hi")
        client.send("response.create")
        sound = client.until("response.done")["response"]
        assert notes.read(sound) == ("Style: slower; the engine's voice cannot follow “pirate”.",)
        assert client.models.asked[0].system == "Be brief."
        assert sound["usage"]["output_token_details"]["audio_tokens"] == round(0.2 / 0.72 * 20)
        client.send("response.create", response={"instructions": ""})
        assert notes.read(client.until("response.done")["response"]) == ()


def test_the_voice_is_fixed_once_it_was_heard() -> None:
    with talking(answers=[["Hello."]]) as client:
        client.update(audio={"output": {"voice": "echo"}})
        client.say("Hi")
        client.send("response.create")
        client.until("response.done")
        client.update(audio={"output": {"voice": "sage"}})
        assert client.error() == ("session.audio.output.voice", "cannot_update_voice")
        client.send("response.create", response={"audio": {"output": {"voice": "sage"}}})
        assert client.error() == ("response.audio.output.voice", "cannot_update_voice")
        client.update(audio={"output": {"voice": "echo"}}, instructions="Be brief.")
        assert client.until("session.updated")["session"]["instructions"] == "Be brief."


def test_a_tool_that_is_not_there_cannot_be_chosen() -> None:
    with talking() as client:
        client.update(tools=[TOOL], tool_choice={"type": "function", "name": "multiply"})
        assert client.error() == ("session.tool_choice", "invalid_value")


# -- typed turns ----------------------------------------------------------------------------------
def test_a_typed_message_is_answered() -> None:
    with talking(answers=[["Hello, ", "Ada. ", "How are you?"]]) as client:
        client.update(instructions="Be brief.")
        client.say("I am Ada.")
        client.send("response.create")
        done = client.until("response.done")["response"]
        words = [e["delta"] for e in client.seen if e["type"].endswith("audio_transcript.delta")]
        assert words == ["Hello, Ada.", " How are you?"]  # a sentence as soon as it is whole
        sound = [e for e in client.seen if e["type"] == "response.output_audio.delta"]
        assert len(base64.b64decode(sound[0]["delta"])) == 9_600  # two words
        assert client.models.asked[0].messages == (
            Message("system", ("Be brief.",)), Message("user", ("I am Ada.",)))  # fmt: skip
        assert done["usage"]["input_token_details"]["text_tokens"] == 5
        assert done["usage"]["output_token_details"] == {"text_tokens": 5, "audio_tokens": 10}


def test_deltas_of_sound_are_as_large_as_the_services() -> None:
    with talking(answers=[["One two three four five six."]]) as client:
        client.say("Count.")
        client.send("response.create")
        client.until("response.done")
        sizes = [len(base64.b64decode(event["delta"])) for event in client.seen
                 if event["type"] == "response.output_audio.delta"]  # fmt: skip
        assert sizes == [12_000, 12_000, 4_800]


def test_speed_shortens_the_sound() -> None:
    with talking(answers=[["One two three."]]) as client:
        client.update(audio={"output": {"speed": 1.5}})
        client.say("Count.")
        client.send("response.create")
        usage = client.until("response.done")["response"]["usage"]
        assert usage["output_token_details"]["audio_tokens"] == 4


def test_a_response_may_differ_from_its_session() -> None:
    with talking(answers=[["A title"]]) as client:
        client.say("Hi")
        own = {"conversation": "none", "output_modalities": ["text"], "metadata": {"for": "title"},
               "instructions": "Give a title.",
               "input": [{"type": "message", "role": "user",
                          "content": [{"type": "input_text", "text": "What I said"}]}]}  # fmt: skip
        client.send("response.create", response=own)
        done = client.until("response.done")["response"]
        assert (done["metadata"], done["conversation_id"]) == ({"for": "title"}, None)
        assert done["output"][0]["content"] == [{"type": "output_text", "text": "A title"}]
        assert client.models.asked[0].messages == (
            Message("system", ("Give a title.",)), Message("user", ("What I said",)))  # fmt: skip


def test_items_may_be_referred_to() -> None:
    with talking(answers=[["Yes."]]) as client:
        first = client.say("First")
        client.say("Second")
        reference = {"type": "item_reference", "id": first}
        client.send("response.create", response={"conversation": "none", "input": [reference]})
        client.until("response.done")
        assert client.models.asked[0].messages == (Message("user", ("First",)),)
        client.send("response.create", response={"input": [reference | {"id": "gone"}]})
        assert client.error() == ("response.input[0].id", "invalid_value")


def test_a_cap_ends_an_answer() -> None:
    with talking(answers=[["One two three four five six seven."]]) as client:
        client.say("Count.")
        client.send("response.create", response={"max_output_tokens": 9})
        done = client.until("response.done")["response"]
        assert done["status"] == "incomplete"
        assert 0 < done["usage"]["output_tokens"] <= 9


def test_what_a_model_cannot_do_is_told_as_a_failure() -> None:
    with talking(answers=[["Hello. ", RuntimeError("at /secret/path")], ["Again."]]) as client:
        client.say("Hi")
        client.send("response.create")
        done = client.until("response.done")["response"]
        assert done["status"] == "failed"
        assert "secret" not in json.dumps(client.seen)
        client.send("response.create")
        assert client.until("response.done")["response"]["status"] == "completed"


# -- one at a time --------------------------------------------------------------------------------
def test_there_is_one_response_at_a_time() -> None:
    with talking(answers=[["One. T", GATE, "wo."], ["Three."]]) as client:
        client.say("Count.")
        client.send("response.create")
        client.until("response.output_audio.delta")
        client.send("response.create", event_id="second")
        error = client.until("error")["error"]
        assert error["code"] == "conversation_already_has_active_response"
        assert error["event_id"] == "second"
        client.models.gate.set()
        client.until("response.done")
        client.send("response.create")
        assert client.until("response.done")["response"]["status"] == "completed"


def test_once_a_response_is_done_the_next_may_be_asked_for() -> None:
    times = 200
    with talking(answers=[["Hello."]] * times) as client:
        for _ in range(times):
            client.send("response.create")
            assert client.until("response.done")["response"]["status"] == "completed"
            client.send("response.cancel")
            assert client.error() == (None, "response_cancel_not_active")


def test_a_cancelled_response_ends_at_once_and_the_model_stops() -> None:
    with talking(answers=[["One. T", GATE, "wo."], ["Three."]]) as client:
        client.say("Count.")
        client.send("response.create")
        client.until("response.output_audio.delta")
        client.send("response.cancel")
        done = client.until("response.done")["response"]  # while the model still waits
        assert done["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}
        assert done["output"][0]["content"][0]["transcript"] == "One."
        assert client.models.stopped.wait(20)
        client.send("response.create")
        done = client.until("response.done")["response"]
        assert done["output"][0]["content"][0]["transcript"] == "Three."
        assert client.models.asked[1].messages[-1] == Message("assistant", ("One.",))


@pytest.mark.parametrize("named", [{}, {"response_id": "resp_gone"}])
def test_what_is_over_cannot_be_cancelled(named: dict[str, str]) -> None:
    with talking() as client:
        client.send("response.cancel", **named)
        assert client.error() == (None, "response_cancel_not_active")


def test_responses_that_wait_are_bounded() -> None:
    with talking(answers=[[GATE]]) as client:
        for _ in range(30):
            client.send("response.create", response={"conversation": "none"})
        assert client.error() == (None, "rate_limit_exceeded")


# -- tools ----------------------------------------------------------------------------------------
def test_a_tool_is_called_and_its_result_answered() -> None:
    with talking(answers=[[ToolCall("x", "add", '{"a": 1}')], ["It is 3."]]) as client:
        client.update(tools=[TOOL])
        client.say("Add 1 and 2.")
        client.send("response.create")
        call = client.until("response.function_call_arguments.done")
        output = {"type": "function_call_output", "call_id": call["call_id"], "output": "3"}
        client.until("response.done")
        client.send("conversation.item.create", item=output)
        client.send("response.create")
        done = client.until("response.done")["response"]
        assert done["output"][0]["content"][0]["transcript"] == "It is 3."
        called, answered = client.models.asked[1].messages[-2:]
        assert called.tool_calls == (ToolCall(call["call_id"], "add", '{"a": 1}'),)
        assert (answered.text, answered.tool_call_id) == ("3", call["call_id"])


# -- items ----------------------------------------------------------------------------------------
def test_items_are_retrieved_placed_and_deleted() -> None:
    with talking() as client:
        first = client.say("First")
        second = client.say("Second", previous_item_id="root")
        assert client.seen[-1]["previous_item_id"] is None
        client.send("conversation.item.retrieve", item_id=second)
        item = client.until("conversation.item.retrieved")["item"]
        assert item["content"] == [{"type": "input_text", "text": "Second"}]
        client.send("conversation.item.delete", item_id=first)
        assert client.until("conversation.item.deleted")["item_id"] == first
        client.send("conversation.item.retrieve", item_id=first)
        assert client.error() == ("item_id", "invalid_value")


def test_after_a_truncation_the_model_knows_what_was_heard() -> None:
    with talking(answers=[["One two. Three four."], ["Yes."]]) as client:
        client.say("Count.")
        client.send("response.create")
        answer = client.until("response.done")["response"]["output"][0]["id"]
        cut = {"item_id": answer, "content_index": 0}
        for end_ms, code in ((0, "unsupported_content_type"), (401, "invalid_value")):
            client.send("conversation.item.truncate", **cut, audio_end_ms=end_ms)
            assert client.error()[1] == code
        client.send("conversation.item.truncate", **cut, audio_end_ms=300)
        assert client.until("conversation.item.truncated")["audio_end_ms"] == 300
        client.send("conversation.item.retrieve", item_id=answer)
        item = client.until("conversation.item.retrieved")["item"]
        assert item["content"][0]["transcript"] is None
        client.say("Go on.")
        client.send("response.create")
        client.until("response.done")
        assert client.models.asked[1].messages[1] == Message("assistant", ("One two. Three",))


# -- push to talk ---------------------------------------------------------------------------------
def test_what_is_committed_is_recognised_and_answered() -> None:
    with talking(heard=["I am Ada."], answers=[["Hello."]]) as client:
        client.update(audio={"input": {"transcription": {"model": "whisper-1"}}})
        client.record()
        client.send("input_audio_buffer.commit")
        client.send("response.create")
        client.until("response.done")
        kinds = client.kinds[client.kinds.index("input_audio_buffer.committed") :]
        prefix = "conversation.item.input_audio_transcription"
        assert kinds[:6] == [
            "input_audio_buffer.committed", "conversation.item.added", "conversation.item.done",
            f"{prefix}.delta", f"{prefix}.completed", "response.created"]  # fmt: skip
        (told,) = (event for event in client.seen if event["type"] == f"{prefix}.completed")
        assert told["transcript"] == "I am Ada."
        assert told["usage"] == {"type": "duration", "seconds": 1}
        usage = client.seen[-1]["response"]["usage"]
        assert usage["input_token_details"]["audio_tokens"] == 2
        assert client.models.asked[0].messages[-1] == Message("user", ("I am Ada.",))


def test_without_transcription_nobody_is_told_the_words() -> None:
    with talking(heard=["I am Ada."], answers=[["Hello."]]) as client:
        client.record()
        client.send("input_audio_buffer.commit")
        client.send("response.create")
        client.until("response.done")
        assert "I am Ada" not in json.dumps(client.seen)
        assert client.models.asked[0].messages[-1] == Message("user", ("I am Ada.",))


def test_where_nobody_spoke_that_is_the_answer() -> None:
    with talking(heard=[""]) as client:
        client.record()
        client.send("input_audio_buffer.commit")
        client.send("response.create")
        done = client.until("response.done")["response"]
        assert done["output"][0]["content"][0]["transcript"] == NO_SPEECH


def test_a_failed_recognition_is_told_and_no_silence() -> None:
    with talking(heard=[RuntimeError()]) as client:
        client.update(audio={"input": {"transcription": {}}})
        client.record()
        client.send("input_audio_buffer.commit")
        client.until("conversation.item.input_audio_transcription.failed")
        client.send("response.create")
        assert client.until("response.done")["response"]["status"] == "failed"


def test_less_than_a_tenth_of_a_second_is_not_committed() -> None:
    with talking() as client:
        client.record(QUIET[: 48 * 99])
        client.send("input_audio_buffer.commit")
        assert client.error() == (None, "input_audio_buffer_commit_empty")
        client.record(QUIET[: 48 * 1])
        client.send("input_audio_buffer.commit")
        client.until("conversation.item.done")


def test_what_is_cleared_is_gone() -> None:
    with talking() as client:
        client.record()
        client.send("input_audio_buffer.clear")
        client.until("input_audio_buffer.cleared")
        client.send("input_audio_buffer.commit")
        assert client.error() == (None, "input_audio_buffer_commit_empty")


def test_the_buffer_is_bounded() -> None:
    with talking() as client:
        minute = bytes(48_000 * 60)
        for _ in range(11):
            client.record(minute)
        assert client.error() == ("audio", "invalid_value")


def test_a_response_that_waits_for_words_may_be_cancelled() -> None:
    with talking(heard=["I am Ada."], answers=[["Hello."]]) as client:
        client.models.hearing.clear()
        client.record()
        client.send("input_audio_buffer.commit")
        client.send("response.create")
        client.send("response.cancel")
        done = client.until("response.done")["response"]
        assert (done["status"], done["output"]) == ("cancelled", [])
        client.models.hearing.set()
        client.send("response.create")
        assert client.until("response.done")["response"]["status"] == "completed"


# -- the end --------------------------------------------------------------------------------------
def test_it_ends_while_models_are_at_work() -> None:
    with talking(heard=["a", "b"], answers=[["One. T", GATE]]) as client:
        client.say("Count.")
        client.send("response.create")
        client.until("response.output_audio.delta")
        client.models.hearing.clear()
        for _ in range(2):
            client.record()
            client.send("input_audio_buffer.commit")
        client.models.hearing.set()
        client.session.close()
        assert client.models.stopped.is_set()


def test_when_its_time_is_over_it_says_so() -> None:
    with talking() as client:
        client.session.expire()
        assert client.error() == (None, "session_expired")
