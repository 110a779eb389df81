"""Live conversations with the real models: who speaks when, and what is answered."""

import base64
import json
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import numpy as np
import pytest
from websockets.sync.client import ClientConnection, unix_connect

from audiomagic import Sound
from audiomagic.engine import synthesize, transcribe, weights
from audiomagic.engine.api.realtime import serve_realtime
from audiomagic.engine.engine import Engine, engine
from audiomagic.engine.pipeline import NO_SPEECH
from audiomagic.engine.realtime.input_audio import LONGEST_TURN, Turn, TurnListener
from audiomagic.engine.realtime.turn_detection import Change

from ..support.realtime_events import check
from ..support.scripted_engine import ScriptedEngine

MS = 48  # bytes
CHUNK = 100 * MS
ADD = {
    "type": "function",
    "name": "add",
    "description": "Add two numbers.",
    "parameters": {
        "type": "object",
        "properties": {"a": {"type": "number"}, "b": {"type": "number"}},
        "required": ["a", "b"],
    },
}
PREFIX = "conversation.item.input_audio_transcription"


@pytest.fixture(scope="module", autouse=True)
def llm_is_there() -> None:
    assert weights.llm(), f"run first: {weights.INSTALL}"


def spoken(text: str, silence_ms: int = 800) -> bytes:
    """A text as it is spoken to a microphone, with silence after it."""
    return synthesize(text, "verse").pcm16() + bytes(silence_ms * MS)


def louder(pcm: bytes, factor: float) -> bytes:
    samples = np.frombuffer(pcm, "<i2") * factor
    return np.clip(np.rint(samples), -32_768, 32_767).astype("<i2").tobytes()


# -- whose turn it is -----------------------------------------------------------------------------
def turns(pcm: bytes, silence_ms: int = 500) -> list[Turn]:
    listener = TurnListener(0, 0.5, silence_ms, 300)
    pieces = [pcm[start : start + CHUNK] for start in range(0, len(pcm), CHUNK)]
    return [turn for piece in pieces for turn in listener.hear(piece)]


@pytest.mark.parametrize("loudness", [0.02, 0.2, 1.0, 3.0])
def test_a_turn_is_heard_where_it_is_however_loud(loudness: float) -> None:
    question = synthesize("What is the capital of France?", "verse").pcm16()
    pcm = louder(bytes(1_000 * MS) + question + bytes(1_000 * MS), loudness)
    started, *_, stopped = turns(pcm)
    end_ms = 1_000 + len(question) // MS
    assert (started.change, stopped.change) == (Change.STARTED, Change.STOPPED)
    assert started.start_ms == pytest.approx(700, abs=200)  # 300 ms before the voice
    assert stopped.at_ms == pytest.approx(end_ms + 400, abs=250)  # a pause ends the sound


def test_a_comma_pauses_and_does_not_end_a_turn() -> None:
    pcm = spoken("I would like to cook a tomato soup,", 0) + bytes(250 * MS)
    pcm += spoken("where should I start?")
    kinds = [turn.change for turn in turns(pcm)]
    assert kinds[0] is Change.STARTED and kinds[-1] is Change.STOPPED
    assert kinds.count(Change.STOPPED) == 1 and Change.RESUMED in kinds
    assert [turn.change for turn in turns(pcm, 150)].count(Change.STOPPED) > 1


def test_a_turn_without_a_pause_ends_all_the_same() -> None:
    words = synthesize("One two three four five six seven eight nine ten.", "verse")
    pcm = words.pcm16()[300 * MS : -300 * MS]
    listener = TurnListener(0, 0.01, 2_000, 300)  # what is hardly speech counts as it
    heard = 0
    while heard < (LONGEST_TURN + 10) * 1_000 * MS:
        heard += len(pcm)
        if any(turn.change is Change.STOPPED for turn in listener.hear(pcm)):
            break
    assert heard // MS == pytest.approx(LONGEST_TURN * 1_000, abs=len(pcm) // MS)


# -- a session ------------------------------------------------------------------------------------
class Talk:
    """The client of a session: what it sends, and the events that come, each read strictly."""

    def __init__(self, connection: ClientConnection):
        self._connection = connection
        self.seen: list[dict[str, Any]] = []

    def send(self, kind: str, **fields: Any) -> None:
        self._connection.send(json.dumps({"type": kind, **fields}))

    def update(self, **settings: Any) -> None:
        self.send("session.update", session={"type": "realtime", **settings})
        self.until("session.updated")

    def say(self, pcm: bytes, pace: float = 1.0) -> None:
        """Append sound as a microphone does; with a pace of 0, at once."""
        for start in range(0, len(pcm), CHUNK):
            chunk = pcm[start : start + CHUNK]
            self.send("input_audio_buffer.append", audio=base64.b64encode(chunk).decode())
            time.sleep(0.1 * pace)

    def until(self, kind: str) -> dict[str, Any]:
        while True:
            event = json.loads(self._connection.recv(60))
            check(event)
            assert event["type"] != "error", event
            self.seen.append(event)
            if event["type"] == kind:
                return dict(event)

    def answer(self) -> dict[str, Any]:
        """Wait for the next response; return it."""
        return dict(self.until("response.done")["response"])

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.seen if event["type"] == kind]

    def sound(self, response: dict[str, Any]) -> Sound:
        deltas = [event["delta"] for event in self.of("response.output_audio.delta")
                  if event["response_id"] == response["id"]]  # fmt: skip
        return Sound.from_pcm16(b"".join(map(base64.b64decode, deltas)))


@contextmanager
def talking(models: Engine) -> Iterator[Talk]:
    ours, theirs = socket.socketpair()
    thread = threading.Thread(target=serve_realtime, args=(theirs, models))
    thread.start()
    address = "ws://local/v1/realtime?model=local-engine"
    with closing(ours):
        with unix_connect(uri=address, sock=ours, open_timeout=60) as connection:
            talk = Talk(connection)
            talk.until("session.created")
            talk.update(audio={"input": {"transcription": {"model": "gpt-live-transcribe"}}})
            yield talk
        thread.join(60)
    assert not thread.is_alive()


def words_of(response: dict[str, Any]) -> str:
    return " ".join(part["transcript"] or "" for item in response["output"]
                    for part in item.get("content", ()))  # fmt: skip


def test_a_conversation_of_four_turns_with_a_tool_and_an_interruption() -> None:
    with talking(engine()) as talk:
        # A question, by voice.
        talk.say(spoken("What is the capital of France?"))
        first = talk.answer()
        assert first["status"] == "completed" and "Paris" in words_of(first)
        assert "Paris" in transcribe(talk.sound(first))
        assert "capital of France" in talk.of(f"{PREFIX}.completed")[0]["transcript"]
        kinds = [event["type"] for event in talk.seen]
        order = [
            "input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped",
            "input_audio_buffer.committed", "conversation.item.added", "conversation.item.done",
            f"{PREFIX}.completed", "response.created", "response.output_item.added",
            "response.output_audio_transcript.delta", "response.output_audio.delta",
            "response.output_audio.done", "response.done",
        ]  # fmt: skip
        at = [kinds.index(kind) for kind in order]
        assert at == sorted(at)
        user = {talk.of(kind)[0]["item_id"] for kind in order[:3]}
        assert user == {talk.of(f"{PREFIX}.completed")[0]["item_id"]}

        # It was heard in part: the model is to know no more of it.
        said = first["output"][0]["id"]
        half = round(talk.sound(first).seconds * 500)
        talk.send("conversation.item.truncate", item_id=said, content_index=0, audio_end_ms=half)
        talk.until("conversation.item.truncated")

        # A long answer, interrupted by the next question while it is generated.
        talk.say(spoken("Tell me a very long story about a cat."))
        story = talk.until("response.created")["response"]["id"]
        talk.say(spoken("What is the capital of Italy?"), pace=0)
        interrupted = talk.answer()
        assert (interrupted["id"], interrupted["status"]) == (story, "cancelled")
        assert interrupted["status_details"]["reason"] == "turn_detected"
        second = talk.answer()
        assert second["status"] == "completed" and words_of(second)

        # A tool.
        talk.update(tools=[ADD], tool_choice="required")
        talk.say(spoken("Please add seventeen and twenty five."))
        talk.answer()
        call = talk.of("response.function_call_arguments.done")[-1]
        assert json.loads(call["arguments"]) == {"a": 17, "b": 25}
        output = {"type": "function_call_output", "call_id": call["call_id"], "output": "42"}
        talk.send("conversation.item.create", item=output)
        talk.send("response.create", response={"tool_choice": "none"})
        assert "42" in words_of(talk.answer())

        # Push to talk.
        talk.update(tools=[], audio={"input": {"turn_detection": None}})
        talk.say(spoken("What is the capital of Spain?"), pace=0)
        talk.send("input_audio_buffer.commit")
        talk.send("response.create")
        last = talk.answer()
        assert last["status"] == "completed" and words_of(last)
        heard = [event["transcript"] for event in talk.of(f"{PREFIX}.completed")]
        expected = ("France", "cat", "Italy", "add", "Spain")
        assert [name in words for name, words in zip(expected, heard, strict=True)] == [True] * 5
        # All that was said was read again.
        sound = last["usage"]["input_token_details"]["audio_tokens"]
        assert sound > 10 * sum(event["usage"]["seconds"] - 1
                                for event in talk.of(f"{PREFIX}.completed"))  # fmt: skip


def test_silence_that_is_committed_is_answered_as_such() -> None:
    with talking(engine()) as talk:
        talk.update(audio={"input": {"turn_detection": None}})
        talk.say(bytes(500 * MS), pace=0)
        talk.send("input_audio_buffer.commit")
        talk.send("response.create")
        assert words_of(talk.answer()) == NO_SPEECH


def scripted(heard: Iterable[str], *answers: str) -> ScriptedEngine:
    """Real ears for whose turn it is; what is said, and what is answered, is known."""
    return ScriptedEngine(list(heard), [[answer] for answer in answers])


def test_sounds_without_words_get_no_response() -> None:
    with talking(scripted(["", "Hello."], "Hello, Ada.")) as talk:
        talk.say(spoken("Hm.") + spoken("Hello."), pace=0)
        talk.answer()
        assert len(talk.of("input_audio_buffer.committed")) == 2
        assert len(talk.of("response.created")) == 1


def test_what_was_recognised_in_a_pause_counts_only_if_nobody_goes_on() -> None:
    pcm = spoken("I would like to cook a tomato soup,", 0) + bytes(200 * MS)
    pcm += spoken("where should I start?")
    with talking(scripted(["half of it", "all of it"], "Peel them.")) as talk:
        talk.say(pcm)
        talk.answer()
        (transcript,) = talk.of(f"{PREFIX}.completed")
        assert transcript["transcript"] == "all of it"


def test_who_goes_on_before_an_answer_has_begun_takes_the_turn_back() -> None:
    models = scripted(["One", "two"], "Both.")
    with talking(models) as talk:
        models.models.hearing.clear()
        talk.say(spoken("First of all.") + spoken("And then."), pace=0)
        while len(talk.of("input_audio_buffer.committed")) < 2:
            talk.until("input_audio_buffer.committed")
        models.models.hearing.set()
        talk.answer()
        assert len(talk.of("response.created")) == 1  # the first was dropped: it was not begun
        assert len(models.models.asked[0].messages) == 2


def test_a_response_that_the_client_asked_for_is_told_to_be_interrupted() -> None:
    models = scripted(["One", "Two"], "Both.")
    with talking(models) as talk:
        models.models.hearing.clear()
        talk.say(bytes(200 * MS), pace=0)
        talk.send("input_audio_buffer.commit")
        talk.send("response.create")
        talk.say(spoken("And then."), pace=0)
        interrupted = talk.answer()
        assert interrupted["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
        models.models.hearing.set()
        assert words_of(talk.answer()) == "Both."


def test_without_create_response_the_client_asks() -> None:
    models = scripted(["Hello."], "Hello, Ada.")
    detection = {"type": "server_vad", "create_response": False, "interrupt_response": False}
    with talking(models) as talk:
        talk.update(audio={"input": {"turn_detection": detection}})
        talk.say(spoken("Hello."), pace=0)
        talk.until(f"{PREFIX}.completed")
        assert talk.of("response.created") == []
        talk.send("response.create")
        assert words_of(talk.answer()) == "Hello, Ada."


def test_a_commit_by_hand_ends_the_turn_that_goes_on() -> None:
    with talking(scripted(["Hello.", "x", "y"], "Hello, Ada.")) as talk:
        talk.say(spoken("What is the capital of France?", 0), pace=0)
        started = talk.until("input_audio_buffer.speech_started")
        talk.send("input_audio_buffer.commit")
        assert talk.until("input_audio_buffer.committed")["item_id"] == started["item_id"]
        talk.say(bytes(1_000 * MS), pace=0)
        talk.send("response.create")
        talk.answer()
        assert talk.of("input_audio_buffer.speech_stopped") == []
