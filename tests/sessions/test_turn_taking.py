"""A person at a microphone, who speaks, types and interrupts, against the scripted server."""

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pytest

from audiomagic import Session, Sound
from audiomagic.realtime.turn_taking import TurnTaking

from ..support.realtime_response import Response
from ..support.realtime_server import RealtimeServer

pytestmark = pytest.mark.usefixtures("key")
FRAME = 1_200  # samples: 50 ms
SILENCE = np.zeros(24_000, np.float32)
PATIENCE = 20  # seconds


class FakePage:
    """A panel whose page hears sound when the test says so, and speaks what the test has."""

    def __init__(self, taking: TurnTaking):
        self.taking = taking
        self.cost = self.notice = ""
        self.states: list[str] = []
        self.rows: dict[str, str] = {}
        self.sound: dict[str, bytes] = {}
        self.done: list[str] = []
        self.played: dict[str, int] = {}  # milliseconds that a flush would find
        self.flushes = 0
        self.ended = threading.Event()
        self._changed = threading.Condition()

    @property
    def state(self) -> str:
        return self.states[-1] if self.states else "idle"

    @state.setter
    def state(self, name: str) -> None:
        with self._changed:
            self.states.append(name)
            self._changed.notify_all()

    def user_words(self, item: str, text: str, final: bool) -> None:
        self.rows[item] = text

    def model_words(self, item: str, text: str) -> None:
        self.rows[item] = self.rows.get(item, "") + text

    def pcm(self, item: str, data: bytes) -> None:
        with self._changed:
            self.sound[item] = self.sound.get(item, b"") + data
            self._changed.notify_all()

    def item_done(self, item: str) -> None:
        with self._changed:
            self.done.append(item)
            self._changed.notify_all()

    def flush(self) -> None:
        self.flushes += 1
        self.taking.on_flushed(self.positions())

    def positions(self) -> Mapping[str, int]:
        heard, self.played = self.played, {}
        for item, ms in heard.items():
            share = ms * 48 / max(1, len(self.sound.get(item, b"")))
            words = self.rows.get(item, "").split()
            self.rows[item] = " ".join(words[: round(share * len(words))])
        return heard

    def heard(self, item: str) -> str:
        return self.rows.get(item, "").strip()

    # -- what the test does -------------------------------------------------------------------
    def wait(self, until: Callable[["FakePage"], object]) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: until(self), PATIENCE), self.states

    def speak(self, *sounds: np.ndarray[Any, Any]) -> None:
        """Say it, then be silent for a second."""
        for sound in (*sounds, SILENCE):
            pcm = Sound(sound, 24_000).pcm16()
            for start in range(0, len(pcm), 2 * FRAME):
                self.taking.on_audio(pcm[start : start + 2 * FRAME])
                threading.Event().wait(0.005)


class Talk:
    def __init__(self, session: Session, options: Any, **how: Any):
        self.talk = session.converse("You are a tutor.", **options)
        self.over = threading.Event()
        self.taking = TurnTaking(self.talk, FakePage, self.over.set, **how)
        self.page: FakePage = self.taking.panel  # type: ignore[assignment]
        self.taking.on_start()
        self.page.wait(lambda page: page.state == "listening")

    def end(self) -> None:
        self.taking.on_end()
        assert self.over.wait(PATIENCE)


@pytest.fixture
def server() -> Iterator[RealtimeServer]:
    with RealtimeServer() as server:
        yield server


@pytest.fixture
def voice(tone: Sound) -> Any:
    return tone.samples


@pytest.fixture
def begun(server: RealtimeServer) -> Iterator[Callable[..., Talk]]:
    talks: list[Talk] = []

    def begin(how: Any = None, **options: Any) -> Talk:
        talks.append(Talk(Session(base_url=server.url), options, **(how or {})))
        return talks[-1]

    yield begin
    for talk in talks:
        talk.end()


def answered(page: FakePage, count: int) -> bool:
    return len(page.done) >= count


def test_what_is_spoken_is_answered(
    server: RealtimeServer, begun: Callable[..., Talk], voice: Any, tone: Sound
) -> None:
    server.hears("How are you?")
    server.say("Fine, thanks.", tone.pcm16())
    talk = begun()
    talk.page.speak(voice)
    talk.page.wait(lambda page: answered(page, 1))
    talk.end()
    (turn,) = talk.talk.turns
    assert (turn.question.text, turn.answer) == ("How are you?", "Fine, thanks.")
    assert list(talk.page.sound.values()) == [tone.pcm16()]
    assert [text.strip() for text in talk.page.rows.values()] == ["How are you?", "Fine, thanks."]
    assert talk.page.states == [
        "connecting", "listening", "hearing", "thinking", "thinking", "speaking", "ended",
    ]  # fmt: skip
    assert talk.talk.cost == server.bill
    detection = server.received[0]["session"]["audio"]["input"]["turn_detection"]
    assert (detection["type"], detection["silence_duration_ms"]) == ("server_vad", 500)
    assert not detection["create_response"]


def test_speaking_over_the_model_stops_it_and_tells_it_what_was_heard(
    server: RealtimeServer, begun: Callable[..., Talk], voice: Any, tone: Sound
) -> None:
    """Also after the server has made all of its answer: most of the sound is still to be heard."""
    long = Sound(np.tile(voice, 4), 24_000)
    server.hears("A story!")
    server.say("It was a dark and stormy night.", long.pcm16())
    server.hears("Stop!")
    server.say("As you wish.", tone.pcm16())
    talk = begun()
    talk.page.speak(voice)
    talk.page.wait(lambda page: answered(page, 1))
    (item,) = talk.page.sound
    talk.page.played = {item: 2_000}
    talk.page.speak(voice)
    talk.page.wait(lambda page: answered(page, 2))
    talk.end()
    (cut,) = server.of("conversation.item.truncate")
    assert (cut["item_id"], cut["content_index"], cut["audio_end_ms"]) == (item, 0, 2_000)
    first, second = talk.talk.turns
    assert (first.question.text, first.answer, first.heard) == ("A story!", "It was a dark", 2.0)
    assert first.sound and first.sound.seconds == 2.0
    assert (second.question.text, second.answer, second.heard) == ("Stop!", "As you wish.", None)
    assert server.sessions[0].conversation.items[1].ms == 2_000
    assert talk.talk.cost == server.bill  # all of it, heard or not


def test_an_answer_that_is_interrupted_while_it_is_made_is_cancelled(
    server: RealtimeServer, begun: Callable[..., Talk], voice: Any, tone: Sound
) -> None:
    long = Sound(np.tile(voice, 4), 24_000)
    server.hears("A story!")
    server.say("It was a dark and stormy night.", long.pcm16(), pause=0.2)
    server.hears("Stop!")
    server.say("As you wish.", tone.pcm16())
    talk = begun()
    talk.page.speak(voice)
    talk.page.wait(lambda page: any(len(pcm) >= 24_000 for pcm in page.sound.values()))
    (item,) = talk.page.sound
    talk.page.played = {item: 250}
    talk.page.speak(voice)
    talk.page.wait(lambda page: answered(page, 2))
    talk.end()
    first, second = talk.talk.turns
    assert first.heard == 0.25 and second.answer == "As you wish."
    assert [e["audio_end_ms"] for e in server.of("conversation.item.truncate")] == [250]
    assert talk.talk.cost == server.bill and len(server.sessions) == 1


def test_an_answer_of_which_nothing_was_heard_is_deleted(
    server: RealtimeServer, begun: Callable[..., Talk], voice: Any, tone: Sound
) -> None:
    """A server refuses to truncate it to nothing."""
    server.say("Hello.", tone.pcm16())
    server.say("Yes?", tone.pcm16())
    talk = begun()
    talk.page.speak(voice)
    talk.page.wait(lambda page: answered(page, 1))
    (item,) = talk.page.sound
    talk.page.played = {item: 0}
    talk.page.speak(voice)
    talk.page.wait(lambda page: answered(page, 2))
    talk.end()
    assert [e["item_id"] for e in server.of("conversation.item.delete")] == [item]
    assert server.of("conversation.item.truncate") == []


def test_a_cut_that_the_server_refuses_does_no_harm(
    server: RealtimeServer, begun: Callable[..., Talk], voice: Any, tone: Sound
) -> None:
    """Servers have been seen to hold a little less of their own sound than they sent."""

    def script(response: Response) -> None:
        response.say("A long story.", Sound(np.tile(voice, 3), 24_000).pcm16())
        response.output[-1].sound = response.output[-1].sound[:24_000]

    server.then(script)
    server.say("Yes?", tone.pcm16())
    talk = begun()
    talk.page.speak(voice)
    talk.page.wait(lambda page: answered(page, 1))
    talk.page.played = dict.fromkeys(talk.page.sound, 2_900)
    talk.page.speak(voice)
    talk.page.wait(lambda page: answered(page, 2))
    talk.end()
    assert len(server.of("conversation.item.truncate")) == 1
    assert talk.talk.turns[1].answer == "Yes?" and talk.page.notice == ""


def test_who_goes_on_to_speak_is_answered_once(
    server: RealtimeServer, begun: Callable[..., Talk], voice: Any, tone: Sound
) -> None:
    """A pause in the middle of a thought ends a turn, but not the thought."""
    server.hears("I was thinking")
    server.say("Hm?", tone.pcm16(), gate="response.cancel")
    server.hears("of a story.")
    server.say("Tell me.", tone.pcm16())
    talk = begun()
    talk.page.speak(voice)
    server.wait_for("response.create")
    talk.page.speak(voice)
    talk.page.wait(lambda page: "Tell me." in "".join(page.rows.values()))
    talk.page.wait(lambda page: answered(page, 2))
    talk.end()
    assert [turn.question.text for turn in talk.talk.turns] == ["I was thinking", "of a story."]
    assert talk.talk.turns[-1].answer == "Tell me." and len(server.sessions) == 1


def test_speech_while_nothing_sounds_cuts_nothing(
    server: RealtimeServer, begun: Callable[..., Talk], voice: Any, tone: Sound
) -> None:
    for words in ("One.", "Two."):
        server.say(words, tone.pcm16())
    talk = begun()
    for count in (1, 2):
        talk.page.speak(voice)
        talk.page.wait(lambda page, count=count: answered(page, count))
    talk.end()
    assert server.of("conversation.item.truncate") == server.of("response.cancel") == []
    assert [turn.heard for turn in talk.talk.turns] == [None, None]


def test_a_typed_line_is_a_turn_too(
    server: RealtimeServer, begun: Callable[..., Talk], voice: Any, tone: Sound
) -> None:
    server.say("Hello.", tone.pcm16())
    server.hears("And you?")
    server.say("Fine.", tone.pcm16())
    talk = begun()
    talk.taking.on_text("Hi")
    talk.page.wait(lambda page: answered(page, 1))
    talk.page.speak(voice)
    talk.page.wait(lambda page: answered(page, 2))
    talk.end()
    assert [turn.question.text for turn in talk.talk.turns] == ["Hi", "And you?"]


def test_a_button_ends_a_turn_where_it_is_held_to_talk(
    server: RealtimeServer, begun: Callable[..., Talk], voice: Any, tone: Sound
) -> None:
    server.hears("How are you?")
    server.say("Fine.", tone.pcm16())
    talk = begun({"push_to_talk": True})
    talk.taking.on_talk(True)
    talk.taking.on_audio(Sound(voice, 24_000).pcm16())
    talk.taking.on_talk(False)
    talk.page.wait(lambda page: answered(page, 1))
    talk.taking.on_talk(True)  # let go at once: nothing was said
    talk.taking.on_talk(False)
    talk.end()
    assert [turn.question.text for turn in talk.talk.turns] == ["How are you?"]
    assert server.received[0]["session"]["audio"]["input"]["turn_detection"] is None
    assert talk.page.notice == ""


def test_what_was_said_may_be_kept_as_sound(
    server: RealtimeServer, begun: Callable[..., Talk], voice: Any, tone: Sound
) -> None:
    server.hears("La.")
    server.say("Nice.", tone.pcm16())
    talk = begun(keep_sound=True)
    talk.page.speak(voice)
    talk.page.wait(lambda page: answered(page, 1))
    talk.end()
    recording = talk.talk.turns[0].recording
    assert recording and 1.0 <= recording.seconds <= 2.0
    assert np.sqrt(np.mean(recording.samples**2)) > 0.1


def test_a_tool_is_called_between(
    server: RealtimeServer, begun: Callable[..., Talk], voice: Any, tone: Sound
) -> None:
    def weather(city: str) -> str:
        """The weather."""
        return f"sunny in {city}"

    server.call(("weather", {"city": "Paris"}), saying=("Let me look.", tone.pcm16()))
    server.say("It is sunny.", tone.pcm16())
    talk = begun(tools=[weather])
    talk.page.speak(voice)
    talk.page.wait(lambda page: answered(page, 2))
    talk.end()
    assert talk.talk.turns[0].answer == "Let me look. It is sunny."
    assert len(server.of("response.create")) == 2 and talk.talk.cost == server.bill


def test_a_session_that_ends_is_renewed_and_the_conversation_goes_on(
    server: RealtimeServer, begun: Callable[..., Talk], voice: Any, tone: Sound
) -> None:
    server.hears("I am Ada.")
    server.say("Hello, Ada.", tone.pcm16())
    server.hears("Who am I?")
    server.say("Ada.", tone.pcm16())
    talk = begun()
    talk.page.speak(voice)
    talk.page.wait(lambda page: answered(page, 1))
    server.sessions[0].wire.expire()
    talk.page.wait(lambda page: page.states.count("listening") >= 2)
    assert "ended the session" in talk.page.notice
    talk.page.speak(voice)
    talk.page.wait(lambda page: answered(page, 2))
    talk.end()
    told = [e["item"]["content"][0]["text"] for e in server.of("conversation.item.create")]
    assert told == ["I am Ada.", "Hello, Ada."]
    assert [turn.answer for turn in talk.talk.turns] == ["Hello, Ada.", "Ada."]


def test_a_spoken_question_that_went_with_its_session_is_kept_unanswered(
    server: RealtimeServer, begun: Callable[..., Talk], voice: Any, tone: Sound
) -> None:
    def script(response: Response) -> None:
        response.wire.expire()

    server.hears("I am Ada.")
    server.then(script)
    server.say("Hello.", tone.pcm16())
    talk = begun()
    talk.page.speak(voice)
    talk.page.wait(lambda page: page.states.count("listening") >= 3)
    assert "ended the session" in talk.page.notice
    talk.taking.on_text("Hello?")
    talk.page.wait(lambda page: answered(page, 1))
    talk.end()
    lost, good = talk.talk.turns
    assert (lost.question.text, lost.answer, good.answer) == ("I am Ada.", "", "Hello.")
    told = [e["item"]["content"][0]["text"] for e in server.of("conversation.item.create")]
    assert told == ["I am Ada.", "Hello?"]


def test_a_cap_ends_the_conversation(
    server: RealtimeServer, begun: Callable[..., Talk], tone: Sound
) -> None:
    long = Sound(np.tile(tone.samples, 20), 24_000)
    talk = begun(max_cost="0.05")
    for count in range(1, 20):
        server.say("On and on.", long.pcm16())
        talk.taking.on_text("More!")
        talk.page.wait(lambda page, count=count: answered(page, count) or page.state == "ended")
        if talk.page.state == "ended":
            break
    assert talk.over.wait(PATIENCE) and "the cap is $0.05 per call" in talk.page.notice
    assert talk.talk.turns and talk.talk.cost == server.bill <= 0.05


def test_a_quota_that_is_used_up_ends_it_at_once(
    server: RealtimeServer, begun: Callable[..., Talk]
) -> None:
    """Each new session would fail likewise."""
    server.fail("insufficient_quota", "You exceeded your current quota.")
    talk = begun()
    talk.taking.on_text("Hi")
    assert talk.over.wait(PATIENCE) and len(server.sessions) == 1
    assert "no credit left" in talk.page.notice


def test_a_passing_fault_ends_nothing_and_its_question_is_kept(
    server: RealtimeServer, begun: Callable[..., Talk], tone: Sound
) -> None:
    server.fail("server_error", "The server had an error.", "server_error")
    server.say("Here I am.", tone.pcm16())
    talk = begun()
    talk.taking.on_text("Are you there?")
    talk.page.wait(lambda page: page.states.count("listening") >= 3)  # in a new session
    assert "The server had an error" in talk.page.notice
    talk.taking.on_text("And now?")
    talk.page.wait(lambda page: answered(page, 1))
    talk.end()
    failed, good = talk.talk.turns
    assert (failed.question.text, failed.answer, good.answer) == (
        "Are you there?",
        "",
        "Here I am.",
    )
    assert failed.notes[0].startswith("Not answered: ") and talk.page.notice == ""


def test_the_longest_time_counts_over_all_sessions(
    server: RealtimeServer, begun: Callable[..., Talk]
) -> None:
    talk = begun({"max_seconds": 1.5})
    server.sessions[0].wire.expire()
    assert talk.over.wait(PATIENCE) and "--max-minutes" in talk.talk.notes[0]
    assert len(server.sessions) == 2


def test_an_error_about_nothing_that_is_waited_for_does_no_harm(
    server: RealtimeServer, begun: Callable[..., Talk], tone: Sound
) -> None:
    server.say("Yes.", tone.pcm16())
    talk = begun()
    server.sessions[0].wire.refuse("invalid_value", "Audio content of 950ms is already shorter.")
    talk.taking.on_text("Are you there?")
    talk.page.wait(lambda page: answered(page, 1))
    talk.end()
    assert talk.page.notice == "" and len(server.sessions) == 1


def test_a_page_that_is_closed_ends_it(server: RealtimeServer, begun: Callable[..., Talk]) -> None:
    talk = begun()
    talk.taking.on_page_lost()
    assert talk.over.wait(PATIENCE) and "page was closed" in talk.talk.notes[0]


def test_it_ends_after_the_longest_time(server: RealtimeServer, begun: Callable[..., Talk]) -> None:
    talk = begun({"max_seconds": 0.2})
    assert talk.over.wait(PATIENCE) and "--max-minutes" in talk.talk.notes[0]


def test_interrupting_before_the_first_word_keeps_the_question(
    server: RealtimeServer, begun: Callable[..., Talk], tone: Sound
) -> None:
    def script(response: Response) -> None:
        response.wait_for("response.cancel")

    server.then(script)
    server.say("Yes.", tone.pcm16())
    talk = begun()
    talk.taking.on_text("One thing")
    server.wait_for("response.create")
    talk.taking.on_text("and another")
    talk.page.wait(lambda page: answered(page, 1))
    talk.end()
    said = [(turn.question.text, turn.answer) for turn in talk.talk.turns]
    assert said == [("One thing", ""), ("and another", "Yes.")]
    assert len(server.sessions) == 1
