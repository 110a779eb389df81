"""Conversations on the Realtime protocol, against the scripted server, by the real client."""

import base64
import gc
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audiomagic import Reply, Session, Sound
from audiomagic.errors import (
    AudiomagicError,
    BudgetExceeded,
    ConnectionFailed,
    InvalidResponse,
    NotRecorded,
    OptionError,
    RequestRejected,
    SoundError,
)
from audiomagic.protocol.response import Delta
from audiomagic.realtime.conversation import RealtimeConversation
from audiomagic.realtime.events import ConversationEvent
from audiomagic.realtime.transcription import UNKNOWN
from audiomagic.turn.listener import CancellableListener

from ..support.fake_server import KEY, FakeServer
from ..support.realtime_dialects import BETA, OPENAI, XAI, Dialect
from ..support.realtime_response import Response
from ..support.realtime_server import RealtimeServer

pytestmark = pytest.mark.usefixtures("key")
TUTOR = "You are a patient tutor."


@pytest.fixture
def server() -> Iterator[RealtimeServer]:
    with RealtimeServer() as server:
        yield server


@pytest.fixture
def session(server: RealtimeServer) -> Session:
    return Session(base_url=server.url)


def kinds(server: RealtimeServer) -> list[str]:
    """The types of what the client sent, without the pieces of sound."""
    return [e["type"] for e in server.received if e["type"] != "input_audio_buffer.append"]


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def at_first_sound(talk: RealtimeConversation, do: Callable[[], object]) -> threading.Thread:
    """Do something in another thread once an answer has begun to sound; return that thread."""
    events = talk.events()

    def wait() -> None:
        next(event for event in events if event.pcm)
        do()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


# -- turns ------------------------------------------------------------------------------------
def test_a_typed_turn_is_answered_in_words_and_sound(
    server: RealtimeServer, session: Session, tone: Sound
) -> None:
    server.say("Bonjour!", tone.pcm16())
    with session.converse(TUTOR, voice="marin", style="slowly") as talk:
        reply = talk.say("Hello")
    assert (reply.text, reply.finish_reason, reply.notes) == ("Bonjour!", "stop", ())
    assert reply.sound and reply.sound.pcm16() == tone.pcm16()
    assert reply.receipt.model == "gpt-realtime-2.1" and reply.receipt.voice == "marin"
    update, item, create = server.received
    assert update["session"] == {
        "type": "realtime",
        "output_modalities": ["audio"],
        "instructions": f"{TUTOR}\nSpeak in this way: slowly",
        "audio": {
            "input": {
                "format": {"type": "audio/pcm", "rate": 24_000},
                "transcription": {"model": "gpt-transcribe"},
                "turn_detection": None,
            },
            "output": {"format": {"type": "audio/pcm", "rate": 24_000}, "voice": "marin"},
        },
        "tools": [],
        "tool_choice": "auto",
    }
    assert item["item"]["content"] == [{"type": "input_text", "text": "Hello"}]
    assert create["response"] == {"max_output_tokens": 4096}
    assert all(event["event_id"] for event in (update, item, create))


def test_a_spoken_turn_is_sent_as_sound_and_kept_in_words(
    server: RealtimeServer, session: Session, tone: Sound
) -> None:
    server.hears("How are you?")
    server.say("Fine.", tone.pcm16())
    with session.converse(TUTOR, language="en") as talk:
        reply = talk.hear(tone)
    sent = [base64.b64decode(e["audio"]) for e in server.of("input_audio_buffer.append")]
    assert b"".join(sent) == tone.pcm16() and reply.text == "Fine."
    (turn,) = talk.turns
    assert turn.question.parts == ("How are you?",) and turn.recording is None
    transcription = server.received[0]["session"]["audio"]["input"]["transcription"]
    assert transcription == {"model": "gpt-transcribe", "language": "en"}
    assert kinds(server) == [
        "session.update",
        "input_audio_buffer.commit",
        "response.create",
    ]


def test_each_turn_sends_only_what_is_new(
    server: RealtimeServer, session: Session, tone: Sound
) -> None:
    for words in ("One.", "Two.", "Three."):
        server.say(words, tone.pcm16())
    with session.converse(TUTOR) as talk:
        for question in ("a", "b", "c"):
            talk.say(question)
    asked = [e["item"]["content"][0]["text"] for e in server.of("conversation.item.create")]
    assert asked == ["a", "b", "c"] and len(server.sessions) == 1
    assert [turn.answer for turn in talk.turns] == ["One.", "Two.", "Three."]


def test_the_recording_is_kept_where_that_is_asked_for(
    server: RealtimeServer, session: Session, tone: Sound
) -> None:
    server.hears("Hum.")
    server.say("Nice.", tone.pcm16())
    with session.converse(keep_sound=True) as talk:
        talk.hear(tone)
    assert talk.turns[0].recording is not None
    page = talk._repr_mimebundle_()["text/html"]
    assert page.count("<audio") == 2 and "Hum." in page and "Nice." in page


def test_words_and_sound_reach_a_listener_while_they_arrive(
    server: RealtimeServer, session: Session, tone: Sound
) -> None:
    class Listener(CancellableListener):
        def __init__(self) -> None:
            super().__init__()
            self.text, self.pcm = "", b""

        def on_delta(self, delta: Delta) -> None:
            self.text += delta.text
            self.pcm += delta.pcm

    listener = Listener()
    server.say("Bonjour, Ada!", tone.pcm16())
    with session.bound(listener=listener).converse(TUTOR) as talk:
        talk.say("Hello")
    assert (listener.text.strip(), listener.pcm) == ("Bonjour, Ada!", tone.pcm16())


def test_another_thread_follows_what_happens(
    server: RealtimeServer, session: Session, tone: Sound
) -> None:
    server.hears("How are you?")
    server.say("Fine.", tone.pcm16())
    with session.converse(TUTOR) as talk:
        found: list[ConversationEvent] = []
        following = threading.Thread(
            target=lambda events: found.extend(events), args=[talk.events()]
        )
        following.start()
        reply = talk.hear(tone)
    following.join()
    *deltas, answered, heard = found
    assert {event.kind for event in deltas} == {"answer"}
    assert b"".join(event.pcm for event in deltas) == tone.pcm16()
    assert (answered.kind, answered.reply) == ("reply", reply)
    assert (heard.kind, heard.text) == ("heard", "How are you?")
    assert list(talk.events()) == []


def test_a_page_tells_both_sides_and_one_total(
    server: RealtimeServer, session: Session, tone: Sound, tmp_path: Path
) -> None:
    server.hears("<b>How</b> are you?")
    server.say("Fine.", tone.pcm16())
    with session.converse(TUTOR) as talk:
        talk.hear(tone)
    page = talk.save(tmp_path / "talk.html").read_text("utf-8")
    assert "&lt;b&gt;How&lt;/b&gt; are you?" in page and "Fine." in page
    assert f"Conversation · 1 turn · ${server.bill:.4f}" in page
    assert "Transcription of what you said, by gpt-transcribe" in page
    with pytest.raises(SoundError, match=r"cannot save as 'talk.mp3'"):
        talk.save(tmp_path / "talk.mp3")


@pytest.mark.parametrize(
    ("sound", "line"),
    [
        ((24_000, np.zeros(1_000, np.float32)), "must last 0.1 s"),
        ([(24_000, np.ones(9_000) / 9), (24_000, np.ones(9_000) / 9)], "one turn is one sound"),
    ],
)
def test_a_sound_that_is_no_turn_is_refused_before_it_is_sent(
    server: RealtimeServer, session: Session, sound: Any, line: str
) -> None:
    with session.converse() as talk, pytest.raises(SoundError, match=line):
        talk.hear(sound)
    assert server.sessions == []


def test_a_conversation_that_has_ended_takes_no_more_turns(session: Session) -> None:
    with session.converse() as talk:
        pass
    with pytest.raises(OptionError, match="has ended"):
        talk.say("Hello")


# -- tools ------------------------------------------------------------------------------------
def test_tools_are_called_and_one_response_is_asked_for_all_of_them(
    server: RealtimeServer, session: Session, tone: Sound
) -> None:
    server.call(
        ("add", {"a": 1, "b": 2}), ("add", ' {"a": 3,\n "b": 4} '), saying=("Let me see.", b"")
    )
    server.say("Three and seven.", tone.pcm16())
    with session.converse(tools=[add]) as talk:
        reply = talk.say("Add them.")
    assert [result.value for result in reply.tool_results] == [3, 7]
    assert reply.text == "Let me see. Three and seven."
    outputs = [e["item"] for e in server.of("conversation.item.create")[1:]]
    assert [(one["type"], one["output"]) for one in outputs] == [
        ("function_call_output", "3"),
        ("function_call_output", "7"),
    ]
    assert len(server.of("response.create")) == 2
    (tool,) = server.received[0]["session"]["tools"]
    assert (tool["type"], tool["name"], tool["description"]) == (
        "function",
        "add",
        "Add two numbers.",
    )


def test_a_call_that_was_cut_off_is_not_made(server: RealtimeServer, session: Session) -> None:
    """Servers say `arguments.done` of it all the same."""
    made: list[int] = []

    def note(a: int) -> None:
        made.append(a)

    server.call(("note", {"a": 1}), cut="max_output_tokens")
    with session.converse(tools=[note]) as talk:
        reply = talk.say("Note it.")
    assert made == [] and reply.finish_reason == "length"


def test_pings_are_answered_while_a_tool_runs(
    server: RealtimeServer, session: Session, tone: Sound
) -> None:
    """A server hangs up on who does not answer them."""

    def slow() -> bool:
        """Take a while."""
        return server.sessions[0].wire.ping()

    server.call(("slow", {}))
    server.say("Done.", tone.pcm16())
    with session.converse(tools=[slow]) as talk:
        reply = talk.say("Go.")
        assert server.sessions[0].wire.ping()  # and while nothing is asked
    assert [result.value for result in reply.tool_results] == [True]


# -- money ------------------------------------------------------------------------------------
def test_the_ledger_and_the_servers_bill_agree(
    server: RealtimeServer, session: Session, tone: Sound
) -> None:
    server.hears("How are you?")
    server.say("Fine.", tone.pcm16())
    server.call(("add", {"a": 1, "b": 2}))
    server.say("Three.", tone.pcm16(), cached=64)
    with session.converse(TUTOR, tools=[add]) as talk:
        talk.hear(tone)
        talk.say("1 + 2?")
    assert talk.cost == server.bill == sum(row["dollars"] for row in session.ledger.rows())
    assert [row["model"] for row in session.ledger.rows()] == [
        "gpt-transcribe", *["gpt-realtime-2.1"] * 3,
    ]  # fmt: skip
    assert talk.usage and talk.usage.cached_tokens == 64


def test_a_cap_ends_the_conversation_before_it_is_passed(
    server: RealtimeServer, session: Session, tone: Sound
) -> None:
    cap = Decimal("0.05")
    long = Sound(np.tile(tone.samples, 20), tone.rate)
    with session.converse(TUTOR, max_cost=cap) as talk, pytest.raises(BudgetExceeded):
        for _ in range(50):
            server.say("On and on.", long.pcm16())
            talk.say("More!")
    assert talk.turns and cap / 2 < server.bill <= cap
    assert talk.cost == server.bill


@pytest.mark.parametrize("usage", [None, {}, {"input_tokens": 10**15, "output_tokens": 1}])
def test_an_answer_without_a_usage_stays_reserved(
    server: RealtimeServer, session: Session, tone: Sound, usage: Any
) -> None:
    server.say("Hello.", tone.pcm16(), usage=usage)
    with session.converse(max_cost=1) as talk:
        reply = talk.say("Hi")
    assert reply.cost is None and talk.cost is None and talk.usage is None
    assert reply.receipt.reserved and reply.receipt.reserved >= server.bill


def test_sound_that_is_read_again_is_part_of_the_forecast(
    server: RealtimeServer, session: Session, tone: Sound
) -> None:
    """A model reads the whole conversation for each answer: its words are not all of it."""
    long = Sound(np.tile(tone.samples, 30), tone.rate)
    server.say("A story.", long.pcm16())
    server.say("Yes.", tone.pcm16(), usage=None)
    with session.converse(max_tokens=100) as talk:
        talk.say("Tell me a story.")
        told, again = server.bill, talk.say("And?")
    assert again.receipt.worst and again.receipt.worst >= server.bill - told


def test_the_next_answer_is_forecast_and_the_trend_is_up(
    server: RealtimeServer, session: Session, tone: Sound
) -> None:
    long = Sound(np.tile(tone.samples, 30), tone.rate)
    forecasts = []
    with session.converse(TUTOR) as talk:
        for _ in range(3):
            server.say("A story.", long.pcm16())
            talk.say("Go on.")
            forecasts.append(talk.forecast)
        spent = talk.spent
    assert None not in forecasts and forecasts == sorted(set(forecasts))
    assert spent == f"${talk.cost:.4f} · next answer about ${forecasts[-1]:.4f}"
    assert talk.spent == f"${talk.cost:.4f}"
    assert Session(engine="local").converse().spent == ""


def test_a_failed_response_that_made_nothing_is_free(
    server: RealtimeServer, session: Session
) -> None:
    server.fail("insufficient_quota", "You exceeded your current quota.")
    with session.converse(max_cost=1) as talk, pytest.raises(RequestRejected, match="no credit"):
        talk.say("Hi")
    (row,) = session.ledger.rows()
    assert (row["dollars"], row["outcome"], server.bill) == (0, "failed: RequestRejected", 0)
    assert len(server.sessions) == 1  # another session would fail likewise


# -- interruptions ----------------------------------------------------------------------------
def test_an_interruption_keeps_what_came_and_the_next_turn_goes_on(
    server: RealtimeServer, session: Session, tone: Sound
) -> None:
    server.say("It was a dark and stormy night.", tone.pcm16(), gate="response.cancel")
    server.say("As you wish.", tone.pcm16())
    with session.converse(TUTOR) as talk:
        stop = at_first_sound(talk, talk.interrupt)
        reply = talk.say("A story!")
        stop.join()
        assert reply.finish_reason == "stopped" and reply.text.startswith("It was")
        assert talk.say("Stop.").text == "As you wish."
    cancelled = server.of("response.cancel")
    assert len(cancelled) == 1 and cancelled[0]["response_id"].startswith("resp_")
    assert len(server.sessions) == 1 and len(talk.turns) == 2
    assert talk.cost == server.bill  # of what was made by then


def test_an_answer_that_is_done_before_it_can_be_cancelled_is_no_error(
    server: RealtimeServer, session: Session, tone: Sound
) -> None:
    class Impatient(CancellableListener):
        def on_delta(self, delta: Delta) -> None:
            self.cancellation.cancel()

    server.say("Yes.", tone.pcm16())
    talk = session.bound(listener=Impatient()).converse()
    with talk:
        assert talk.say("Hi").finish_reason == "stopped"
    assert talk.cost == server.bill


def test_a_response_in_the_way_is_waited_for(
    server: RealtimeServer, session: Session, tone: Sound
) -> None:
    """After `response.cancel`, a server may take its time to say that it is done."""
    server.say("Once", tone.pcm16(), gate="response.cancel", done_after="conversation.item.create")
    server.say("Again.", tone.pcm16())
    with session.converse() as talk:
        stop = at_first_sound(talk, talk.interrupt)
        talk.say("A story!")
        stop.join()
        assert talk.say("Once more.").text == "Again."


def test_late_deltas_of_a_cancelled_response_are_dropped(tone: Sound) -> None:
    with RealtimeServer(replace(OPENAI, late_deltas=3)) as server:
        server.say("Once upon a time", tone.pcm16(), gate="response.cancel")
        server.say("Again.", tone.pcm16())
        with Session(base_url=server.url).converse() as talk:
            stop = at_first_sound(talk, talk.interrupt)
            talk.say("A story!")
            stop.join()
            reply = talk.say("Once more.")
    assert reply.text == "Again." and reply.sound and reply.sound.pcm16() == tone.pcm16()


@pytest.mark.parametrize("spoken", [False, True])
def test_a_question_is_sent_once_whatever_became_of_the_last_answer(
    server: RealtimeServer, session: Session, tone: Sound, spoken: bool
) -> None:
    server.then(lambda response: response.wait_for("response.cancel"))
    server.then(lambda response: response.end())  # an empty answer
    server.say("Yes.", tone.pcm16())
    with session.converse() as talk:
        stop = threading.Thread(
            target=lambda: (server.wait_for("response.create"), talk.interrupt())
        )
        stop.start()
        talk.say("One")  # it is stopped before its first word
        stop.join()
        talk.say("Two")
        last = talk.hear(tone) if spoken else talk.say("Three")
    asked = [e["item"]["content"][0]["text"] for e in server.of("conversation.item.create")]
    assert asked == (["One", "Two"] if spoken else ["One", "Two", "Three"])
    assert len(server.of("input_audio_buffer.commit")) == spoken
    assert last.text == "Yes." and talk.cost == server.bill and len(server.sessions) == 1


def test_a_failed_answer_is_part_of_the_cost(
    server: RealtimeServer, session: Session, tone: Sound
) -> None:
    server.call(("add", {"a": 1, "b": 2}))
    server.fail("insufficient_quota", "You exceeded your current quota.")
    server.say("Three.", tone.pcm16())
    with session.converse(tools=[add]) as talk:
        with pytest.raises(RequestRejected):
            talk.say("1 + 2?")
        assert talk.cost == server.bill > 0
        talk.say("1 + 2?")
    assert talk.cost == server.bill
    assert "Answers that failed: $0.000" in repr(talk) and f"1 turn · ${server.bill:.4f}" in repr(
        talk
    )


def test_nothing_is_reserved_for_a_session_that_never_opened(
    server: RealtimeServer, session: Session
) -> None:
    server.greets = False

    def hang_up() -> None:
        server.wait_for_session().wire.close(1011, "Overloaded.")

    hanging_up = threading.Thread(target=hang_up)
    hanging_up.start()
    with session.converse(max_cost=1) as talk, pytest.raises(ConnectionFailed):
        talk.say("Hi")
    hanging_up.join()
    (row,) = session.ledger.rows()
    assert (row["dollars"], row["outcome"]) == (0, "failed: ConnectionFailed")
    assert talk.cost == 0


def test_a_conversation_that_nobody_holds_any_more_is_closed(
    server: RealtimeServer, session: Session, tone: Sound
) -> None:
    server.say("Hi.", tone.pcm16())
    talk = session.converse()
    talk.say("Hi")
    events = talk.events()
    del talk
    gc.collect()
    assert list(events) == []
    wire = server.sessions[0].wire
    with wire.changed:  # it learns of it a moment later
        assert wire.changed.wait_for(lambda: wire.closed, 20)


def test_closing_it_ends_an_answer_at_once(
    server: RealtimeServer, session: Session, tone: Sound
) -> None:
    server.say("Once upon a time", tone.pcm16(), gate="never")
    talk = session.converse()
    closing = at_first_sound(talk, talk.close)
    with pytest.raises(ConnectionFailed, match="was closed") as error:
        talk.say("A story!")
    closing.join()
    assert isinstance(error.value.reply, Reply) and error.value.reply.text.startswith("Once")


# -- servers that are different, or fail ------------------------------------------------------
@pytest.mark.parametrize("dialect", [BETA, XAI], ids=["beta", "xai"])
def test_other_servers_names_and_usage_are_read(dialect: Dialect, tone: Sound) -> None:
    with RealtimeServer(dialect) as server:
        server.hears("How are you today?")
        server.say("Fine, thanks.", tone.pcm16())
        server.call(("add", {"a": 1, "b": 2}))
        server.say("Three.", tone.pcm16())
        with Session(base_url=server.url).converse(TUTOR, tools=[add]) as talk:
            assert talk.hear(tone).text == "Fine, thanks."
            assert talk.say("1 + 2?").text == "Three."
        assert talk.turns[0].question.text == "How are you today?"
        assert talk.cost == server.bill


@pytest.mark.parametrize("when", ["early", "late", "failed", "never"])
def test_nothing_hangs_on_a_transcript(
    server: RealtimeServer, session: Session, tone: Sound, when: str
) -> None:
    server.hears("How are you?", when)
    server.say("Fine.", tone.pcm16())
    with session.converse() as talk:
        assert talk.hear(tone).text == "Fine."
    known = when in ("early", "late")
    assert talk.turns[0].question.text == ("How are you?" if known else UNKNOWN)
    assert (talk.cost == server.bill) == (when != "never")  # which may still be billed


def test_a_server_that_says_nothing_of_its_settings_is_taken_as_it_is(tone: Sound) -> None:
    """As Hugging Face's speech-to-speech, which tells calls by their arguments alone, too."""

    def call(response: Response) -> None:
        event = {"type": "response.function_call_arguments.done", "response_id": response.id}
        arguments = {"call_id": "call_1", "name": "add", "arguments": '{"a": 1, "b": 2}'}
        response.wire.send(event | arguments)

    with RealtimeServer(replace(OPENAI, updates=False, checks_calls=False)) as server:
        server.then(call)
        server.say("Three.", tone.pcm16())
        with Session(base_url=server.url).converse(tools=[add]) as talk:
            assert talk.say("1 + 2?").text == "Three."
    assert talk.turns[0].between[1].text == "3"


def test_what_concerns_another_response_is_left_alone(tone: Sound) -> None:
    """As a title that somebody else has made of the conversation, beside it."""

    def script(response: Response) -> None:
        done = {"id": "resp_title", "status": "completed", "conversation_id": None, "output": []}
        response.wire.send({"type": "response.created", "response": done})
        response.say("Fine.", tone.pcm16())
        response.wire.send({"type": "response.done", "response": done})

    with RealtimeServer(replace(OPENAI, unknown_events=True, pings=True)) as server:
        server.then(script)
        with Session(base_url=server.url).converse() as talk:
            assert talk.say("How are you?").text == "Fine."


def test_the_answer_of_a_server_that_is_not_asked_is_taken(tone: Sound) -> None:
    """One that goes on to answer what is spoken by itself: ours is refused, and its own counts."""
    with RealtimeServer(replace(OPENAI, answers_commits=True)) as server:
        server.say("By myself.", tone.pcm16(), gate="response.create")
        with Session(base_url=server.url).converse() as talk:
            assert talk.hear(tone).text == "By myself."
        assert talk.cost == server.bill


def test_what_a_server_said_unasked_is_no_answer(
    server: RealtimeServer, session: Session, tone: Sound
) -> None:
    for words in ("Hello.", "Are you still there?", "Yes."):
        server.say(words, tone.pcm16())
    with session.converse() as talk:
        talk.say("Hi")
        server.sessions[0].answer()
        assert talk.say("Yes?").text == "Yes."


def test_a_refused_configuration_is_an_error_not_a_stranger(
    server: RealtimeServer, session: Session
) -> None:
    with (
        session.converse(TUTOR, voice="gandalf") as talk,
        pytest.raises(RequestRejected, match="gandalf"),
    ):
        talk.say("Hi")
    assert server.of("response.create") == []


def test_a_wrong_key_is_told_by_the_handshake(server: RealtimeServer) -> None:
    session = Session(base_url=server.url, api_key="sk-proj-another-1234567890abcdef")
    with session.converse() as talk, pytest.raises(RequestRejected, match="rejected the API key"):
        talk.say("Hi")
    (row,) = session.ledger.rows()
    assert row["dollars"] == 0


def test_a_busy_server_is_asked_again(
    server: RealtimeServer, session: Session, tone: Sound
) -> None:
    server.refuse(503, "server_error", "Try again.")
    server.say("Hello.", tone.pcm16())
    with session.converse() as talk:
        assert talk.say("Hi").text == "Hello."
    assert server.refused == [503]


def test_a_server_without_the_protocol_is_named_as_that(fake_server: FakeServer) -> None:
    with Session().converse() as talk, pytest.raises(RequestRejected) as error:
        talk.say("Hi")
    assert "does not serve the Realtime protocol at this address" in str(error.value)


def test_a_server_that_is_not_there_is_named_as_that() -> None:
    session = Session(base_url="http://127.0.0.1:9/v1")
    with session.converse() as talk, pytest.raises(ConnectionFailed, match=r"no connection to"):
        talk.say("Hi")
    (row,) = session.ledger.rows()
    assert row["dollars"] == 0


def test_a_session_that_has_ended_is_renewed_from_the_words(
    server: RealtimeServer, session: Session, tone: Sound
) -> None:
    server.hears("My name is Ada.")
    server.say("Hello, Ada.", tone.pcm16())
    server.call(("add", {"a": 1, "b": 2}))
    server.say("Three.", tone.pcm16())
    server.say("You are Ada.", tone.pcm16())
    with session.converse(TUTOR, tools=[add]) as talk:
        talk.hear(tone)
        talk.say("1 + 2?")
        server.sessions[0].wire.expire()
        reply = talk.say("Who am I?")
    assert reply.text == "You are Ada." and reply.notes[0].startswith("The session ended")
    told = [e["item"] for e in server.sessions[1].wire.received if "item" in e]
    assert [(one["type"], one.get("role")) for one in told] == [
        ("message", "user"), ("message", "assistant"), ("message", "user"),
        ("function_call", None), ("function_call_output", None), ("message", "assistant"),
        ("message", "user"),
    ]  # fmt: skip
    assert told[0]["content"] == [{"type": "input_text", "text": "My name is Ada."}]
    assert told[1]["content"] == [{"type": "output_text", "text": "Hello, Ada."}]
    assert len(talk.turns) == 3 and talk.cost == server.bill


def test_an_answer_that_breaks_off_is_kept_and_the_conversation_goes_on(
    server: RealtimeServer, session: Session, tone: Sound
) -> None:
    def script(response: Response) -> None:
        with suppress(Exception):
            response.say("It was a dark and stormy", tone.pcm16(), pause=0.01)
        response.wire.abort()

    server.then(script)
    server.say("Once more.", tone.pcm16())
    with session.converse(max_cost=1) as talk:
        with pytest.raises(ConnectionFailed, match="was lost") as error:
            talk.say("A story!")
        assert isinstance(error.value.reply, Reply) and error.value.reply.text.startswith("It was")
        assert talk.say("Again.").text == "Once more."
    assert len(talk.turns) == 1 and len(server.sessions) == 2
    assert session.charged() is not None
    spent = [row["dollars"] for row in session.ledger.rows()]
    assert len(spent) == 2


def test_a_session_that_the_beta_ended_says_why(server: RealtimeServer, session: Session) -> None:
    server.then(lambda response: response.wire.refuse_beta())
    with session.converse() as talk, pytest.raises(AudiomagicError) as error:
        talk.say("Hi")
    assert "\n" not in str(error.value) and "session" in str(error.value).lower()


def test_what_is_no_event_is_an_error_in_one_line(server: RealtimeServer, session: Session) -> None:
    server.then(lambda response: response.wire.send_frame("{not JSON"))
    with session.converse() as talk, pytest.raises(InvalidResponse, match="not an event"):
        talk.say("Hi")


def test_a_key_in_a_servers_words_is_taken_out(server: RealtimeServer, session: Session) -> None:
    server.fail("server_error", f"The key {KEY} is out of luck.", "server_error")
    with session.converse() as talk, pytest.raises(RequestRejected) as error:
        talk.say("Hi")
    assert KEY not in str(error.value) and "out of luck" in str(error.value)


def test_an_error_that_names_no_event_may_be_about_the_question(tone: Sound) -> None:
    """Where it comes in place of an answer, nothing else will."""
    with RealtimeServer(replace(OPENAI, error_names_event=False)) as server:
        server.greets = False

        def serve() -> None:
            server.wait_for_session().wire.send({"type": "session.created", "session": {}})
            wire = server.sessions[0].wire
            server.wait_for("session.update")
            wire.send({"type": "session.updated", "session": {}})
            server.wait_for("response.create")
            wire.refuse("server_overloaded", "No room for anybody.")

        serving = threading.Thread(target=serve)
        serving.start()
        session = Session(base_url=server.url)
        with session.converse() as talk, pytest.raises(RequestRejected, match="No room"):
            talk.say("Hi")
        serving.join()


# -- chats ------------------------------------------------------------------------------------
def test_a_chat_goes_on_live_and_back_again(
    server: RealtimeServer, session: Session, tone: Sound, fake_server: FakeServer
) -> None:
    fake_server.say("Hello, Ada.", tone.pcm16())
    session.speak("I am Ada.", chat="main", base_url=fake_server.url)
    server.hears("Who am I?")
    server.say("You are Ada.", tone.pcm16())
    with session.converse(TUTOR, chat="main") as talk:
        talk.hear(tone)
    told = [e["item"]["content"][0]["text"] for e in server.of("conversation.item.create")]
    assert told == ["I am Ada.", "Hello, Ada."]
    assert len(talk.turns) == 1
    fake_server.say("Yes.", tone.pcm16())
    session.speak("Are you sure?", chat="main", base_url=fake_server.url)
    sent = [message["content"] for message in fake_server.requests[-1]["messages"]]
    assert sent == ["I am Ada.", "Hello, Ada.", "Who am I?", "You are Ada.", "Are you sure?"]


def test_what_other_cells_say_in_the_chat_is_told_before_the_next_turn(
    server: RealtimeServer, session: Session, tone: Sound, fake_server: FakeServer
) -> None:
    for words in ("Hello.", "You are Ada."):
        server.say(words, tone.pcm16())
    fake_server.say("Nice to meet you.", tone.pcm16())
    with session.converse(chat="main") as talk:
        talk.say("Hi")
        session.speak("I am Ada.", chat="main", base_url=fake_server.url)
        talk.say("Who am I?")
    told = [e["item"]["content"][0]["text"] for e in server.of("conversation.item.create")]
    assert told == ["Hi", "I am Ada.", "Nice to meet you.", "Who am I?"]
    assert [turn.answer for turn in talk.turns] == ["Hello.", "You are Ada."]


# -- options ----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("options", "line"),
    [
        (
            {"model": "gpt-audio-1.5", "base_url": "https://api.openai.com/v1"},
            "holds no live conversations; use 'gpt-realtime-2.1'",
        ),
        ({"voice": "nova", "base_url": "https://api.openai.com/v1"}, "use one of alloy, ash"),
        ({"model": "gpt-realtime-21", "engine": "local"}, "did you mean 'gpt-realtime-2.1'"),
        ({"max_cost": "much"}, "must be an amount"),
        ({"tools": [3]}, "is not a function"),
        ({"voyce": "marin"}, "did you mean 'voice'"),
        ({"keep_sound": "yes"}, "keep_sound must be True or False, not str"),
        ({"instructions": 3}, "instructions must be a string, not int"),
    ],
)
def test_wrong_options_are_refused_before_anything_is_sent(
    server: RealtimeServer, session: Session, options: Any, line: str
) -> None:
    with pytest.raises(OptionError, match=line):
        session.converse(**options)
    assert server.sessions == []


def test_the_sessions_model_is_for_its_own_kind_of_call(server: RealtimeServer) -> None:
    def model(own: str) -> str:
        server.say("Hi.")
        with Session(base_url=server.url, model=own).converse() as talk:
            talk.say("Hi")
        return server.sessions[-1].wire.query["model"]

    assert model("gpt-audio") == "gpt-realtime-2.1"
    assert model("gpt-realtime-2.1-mini") == "gpt-realtime-2.1-mini"
    assert model("my-own-model") == "my-own-model"


def test_a_conversation_is_recorded_and_replayed(
    server: RealtimeServer, session: Session, tone: Sound, tmp_path: Path
) -> None:
    def converse() -> list[tuple[str, str]]:
        with session.converse(TUTOR, tools=[add]) as talk:
            replies = [talk.hear(tone), talk.say("1 + 2?")]
        assert all(reply.sound and reply.sound.pcm16() == tone.pcm16() for reply in replies)
        return [(turn.question.text, turn.answer) for turn in talk.turns]

    server.hears("How are you?", "late")
    server.say("Fine.", tone.pcm16())
    server.call(("add", {"a": 1, "b": 2}))
    server.say("Three.", tone.pcm16())
    session.record(tmp_path / "tape")
    recorded = converse()
    session.replay(tmp_path / "tape", pace=False)
    assert converse() == recorded == [("How are you?", "Fine."), ("1 + 2?", "Three.")]
    assert len(server.sessions) == 1 and session.charged() is not None
    with session.converse("Another.") as talk, pytest.raises(NotRecorded):
        talk.say("Hi")


def test_what_was_stopped_is_not_recorded(
    server: RealtimeServer, session: Session, tone: Sound, tmp_path: Path
) -> None:
    session.record(tmp_path / "tape")
    server.say("It was a dark and stormy night.", tone.pcm16(), gate="response.cancel")
    with session.converse() as talk:
        stop = at_first_sound(talk, talk.interrupt)
        assert talk.say("A story!").finish_reason == "stopped"
        stop.join()
    assert session.cassette and session.cassette.exchanges() == []


def test_only_the_service_gets_the_headers_that_are_meant_for_it(
    server: RealtimeServer, tone: Sound, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-mine")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-mine")

    def headers(**options: Any) -> dict[str, str]:
        server.say("Hi.", tone.pcm16())
        with Session(**options).converse() as talk:
            talk.say("Hi")
        return server.sessions[-1].wire.headers

    elsewhere = headers(base_url=server.url)
    assert not any("mine" in value for value in elsewhere.values())
    assert elsewhere["authorization"] == f"Bearer {KEY}"
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    assert headers()["openai-organization"] == "org-mine"
