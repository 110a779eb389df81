"""The kernel's half of a conversation's panel, message by message; no browser."""

import json
import threading
from typing import Any

import pytest

from audiomagic.widgets.conversation_protocol import (
    GONE,
    LARGEST_FRAME,
    PATIENCE,
    RESUMABLE,
    ConversationProtocol,
)

FRAME = bytes(range(200)) * 12  # 0.05 s
SECOND = bytes(48_000)
HOSTILE: list[Any] = [
    None, 7, "start", [], {}, {"kind": None}, {"kind": "start"}, {"kind": "start", "page": "p"},
    {"kind": "start", "page": 7, "attempt": 1}, {"kind": "start", "page": "", "attempt": 1},
    {"kind": "shown"}, {"kind": "shown", "page": ["p"]}, {"kind": "interrupt"},
    {"kind": "text", "page": "other", "text": "Hi"}, {"kind": "nonsense"},
]  # fmt: skip
HOSTILE_OF_PAGE: list[Any] = [
    {"kind": "text"}, {"kind": "text", "text": 7}, {"kind": "text", "text": " \n\x00 "},
    {"kind": "talk"}, {"kind": "talk", "down": "yes"}, {"kind": "audio", "number": 1},
    {"kind": "played", "item": "never sent", "ms": 5, "done": True},
    {"kind": "played", "item": ["a"], "ms": 5, "done": True},
    {"kind": "played", "item": "a", "ms": "5", "done": True},
    {"kind": "played", "item": "a", "ms": 5}, {"kind": "flushed"},
    {"kind": "flushed", "number": 0, "positions": ["a"]}, {"kind": "flushed", "positions": {}},
    {"kind": "flushed", "number": 7, "positions": {"a": 5}}, {"kind": "alive"}, {"kind": "end?"},
]  # fmt: skip


class Talk:
    """A listener, its protocol, and a page that talks to it."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.sent: list[dict[str, Any]] = []
        self.now = 100.0
        self.protocol = ConversationProtocol(self, self._send, lambda: self.now)
        self.number = -1

    def _send(self, message: dict[str, Any], buffers: list[bytes] | None) -> None:
        self.sent.append(
            json.loads(json.dumps(message)) | ({"buffers": buffers} if buffers else {})
        )

    def tell(
        self, kind: str, page: str = "p", buffers: list[bytes] | None = None, **fields: Any
    ) -> Any:
        """Send a message as a page does; return what the listener was called with."""
        message = json.loads(json.dumps({"mount": "m", "page": page, "kind": kind, **fields}))
        return self.raw(message, buffers or [])

    def raw(self, message: Any, buffers: list[bytes] | None = None) -> list[tuple[Any, ...]]:
        self.calls.clear()
        self.protocol.handle(message, [memoryview(data) for data in buffers or []])
        return list(self.calls)

    def frame(self, data: bytes = FRAME) -> list[tuple[Any, ...]]:
        self.number += 1
        return list(self.tell("audio", number=self.number, buffers=[data]))

    def answers(self) -> list[dict[str, Any]]:
        answers, self.sent = self.sent, []
        return answers

    def on_start(self) -> None:
        self.calls.append(("start",))

    def on_audio(self, pcm: bytes) -> None:
        self.calls.append(("audio", pcm))

    def on_text(self, text: str) -> None:
        self.calls.append(("text", text))

    def on_talk(self, down: bool) -> None:
        self.calls.append(("talk", down))

    def on_interrupt(self) -> None:
        self.calls.append(("interrupt",))

    def on_played(self, item: str, ms: int, done: bool) -> None:
        self.calls.append(("played", item, ms, done))

    def on_flushed(self, positions: Any) -> None:
        self.calls.append(("flushed", dict(positions)))

    def on_end(self) -> None:
        self.calls.append(("end",))

    def on_page_lost(self) -> None:
        self.calls.append(("page lost",))


@pytest.fixture
def talk() -> Talk:
    """One that has been started, by the page "p"."""
    talk = Talk()
    assert talk.tell("start", attempt=1) == [("start",)]
    kinds = [answer["kind"] for answer in talk.answers()]
    assert kinds == ["started", "ready"]
    return talk


@pytest.mark.parametrize("message", HOSTILE, ids=str)
def test_a_message_that_no_page_sends_is_ignored(message: Any) -> None:
    talk = Talk()
    assert talk.raw(message, [FRAME]) == [] and talk.answers() == []
    assert talk.tell("start", attempt=1) == [("start",)]
    talk.answers()
    if message != {"kind": "shown", "page": "p"}:
        assert talk.raw(message, [FRAME]) == [] and talk.answers() == []


@pytest.mark.parametrize("fields", HOSTILE_OF_PAGE, ids=str)
def test_and_so_is_one_of_the_page_that_converses(talk: Talk, fields: Any) -> None:
    talk.protocol.pcm("a", SECOND)
    talk.answers()
    assert talk.raw({"page": "p", **fields}) == [] and talk.answers() == []


def test_before_the_start_nothing_is_heard() -> None:
    talk = Talk()
    assert talk.frame() == talk.tell("text", text="Hi") == talk.tell("end") == []
    assert talk.tell("talk", down=True) == talk.tell("interrupt") == []


def test_frames_are_handed_on_in_order_and_acknowledged(talk: Talk) -> None:
    for number in range(11):
        frame = bytes([number, 0]) * 1_200
        assert talk.frame(frame) == [("audio", frame)]
    acks = [(answer["kind"], answer["page"], answer["number"]) for answer in talk.answers()]
    assert acks == [("ack", "p", 0), ("ack", "p", 5), ("ack", "p", 10)]
    assert talk.tell("audio", number=10, buffers=[FRAME]) == []  # again
    assert talk.tell("audio", number=3, buffers=[FRAME]) == []  # late
    assert talk.tell("audio", number=40, buffers=[FRAME]) == [("audio", FRAME)]  # after a gap
    for number, wrong in enumerate((b"", b"odd", bytes(LARGEST_FRAME + 2)), 41):
        assert talk.tell("audio", number=number, buffers=[wrong]) == []


def test_what_the_buttons_do_arrives(talk: Talk) -> None:
    assert talk.tell("text", text="  How\nare\x1b you? ") == [("text", "How are you?")]
    (_, long), *rest = talk.tell("text", text="x" * 100_000)
    assert len(long) == 4_000 and not rest
    assert talk.tell("talk", down=True) == [("talk", True)]
    assert talk.tell("talk", down=False) == [("talk", False)]
    assert talk.tell("interrupt") == [("interrupt",)]
    assert talk.tell("end") == [("end",)]
    assert talk.tell("end", page="q") == [("end",)]  # another tab may end it too


def test_sound_goes_to_the_page_that_converses_and_words_to_all(talk: Talk) -> None:
    protocol = talk.protocol
    protocol.user_words("u", "", False)
    protocol.model_words("a", "Hel")
    protocol.model_words("a", "lo")
    protocol.pcm("a", SECOND)
    protocol.item_done("a")
    protocol.user_words("u", "Hi!", True)
    row = {"kind": "row", "side": "user", "item": "u", "cut": False}
    assert talk.answers() == [
        row | {"text": "", "final": False},
        {"kind": "words", "item": "a", "text": "Hel"},
        {"kind": "words", "item": "a", "text": "lo"},
        {"kind": "pcm", "page": "p", "item": "a", "buffers": [SECOND]},
        {"kind": "done", "item": "a"},
        row | {"text": "Hi!", "final": True},
    ]
    assert talk.tell("shown", page="q") == []
    (ready,) = talk.answers()
    assert ready["page"] == "q"
    assert [(r["item"], r["text"], r["final"]) for r in ready["rows"]] == [
        ("u", "Hi!", True),
        ("a", "Hello", True),
    ]


def test_what_was_played_is_at_most_what_was_sent(talk: Talk) -> None:
    talk.protocol.pcm("a", SECOND)
    assert talk.tell("played", item="a", ms=400, done=False) == [("played", "a", 400, False)]
    assert talk.tell("played", item="a", ms=300, done=False) == [("played", "a", 400, False)]
    assert talk.tell("played", item="a", ms=-9, done=False) == [("played", "a", 400, False)]
    assert talk.tell("played", item="a", ms=9_999, done=False) == [("played", "a", 1_000, False)]
    # It cannot be over before all was sent.
    assert talk.tell("played", item="a", ms=1_000, done=True) == [("played", "a", 1_000, False)]
    talk.protocol.pcm("a", SECOND)
    talk.protocol.item_done("a")
    assert talk.tell("played", item="a", ms=1_990, done=True) == [("played", "a", 2_000, True)]
    assert talk.tell("played", item="a", ms=2_000, done=True) == []  # once
    talk.protocol.pcm("a", SECOND)  # late
    assert all(answer["kind"] != "pcm" for answer in talk.answers()[-1:])


def test_a_flush_says_what_was_heard_and_drops_what_is_late(talk: Talk) -> None:
    protocol = talk.protocol
    protocol.model_words("a", "One small robot counted the birds in the garden")
    for _ in range(4):
        protocol.pcm("a", SECOND)
    protocol.item_done("a")
    protocol.model_words("b", "Now for something else")  # no sound of it yet
    talk.tell("played", item="a", ms=750, done=False)
    talk.answers()
    protocol.flush()
    protocol.pcm("a", SECOND)  # late
    protocol.model_words("b", "late")
    assert talk.answers() == [{"kind": "flush", "page": "p", "number": 1}]
    protocol.pcm("c", SECOND)  # the next answer, before the page has told of the flush
    protocol.model_words("c", "Yes?")
    assert [answer["kind"] for answer in talk.answers()] == ["pcm", "words"]
    positions = {"a": 1_000, "never sent": 5, "b": True}
    assert talk.tell("flushed", number=1, positions=positions) == [
        ("flushed", {"a": 1_000, "b": 0})
    ]
    cut = [(row["item"], row["text"], row["cut"]) for row in talk.answers()]
    assert cut == [("a", "One small", True), ("b", "", True)]
    protocol.pcm("a", SECOND)
    protocol.pcm("b", SECOND)
    protocol.model_words("b", "late")
    protocol.item_done("b")
    assert talk.answers() == []
    assert talk.tell("flushed", number=1, positions={"a": 2_000}) == []  # again
    assert talk.tell("played", item="c", ms=300, done=False) == [("played", "c", 300, False)]
    assert protocol.rows["c"].text == "Yes?"


def test_a_flush_by_the_user_that_crosses_one_of_the_kernels(talk: Talk) -> None:
    talk.protocol.pcm("a", SECOND)
    talk.protocol.flush()
    assert talk.tell("flushed", number=0, positions={"a": 600}) == [("flushed", {})]
    assert talk.tell("interrupt") == [("interrupt",)]
    assert talk.tell("flushed", number=1, positions={}) == [("flushed", {"a": 600})]


def test_sound_on_its_way_when_the_user_interrupts_is_dropped_by_the_page(talk: Talk) -> None:
    talk.protocol.pcm("a", SECOND)
    talk.answers()
    assert talk.tell("flushed", number=0, positions={}) == [("flushed", {"a": 0})]
    (row,) = talk.answers()
    assert (row["kind"], row["item"], row["cut"]) == ("row", "a", True)


def test_a_flush_that_the_page_cannot_answer_any_more_is_answered(talk: Talk) -> None:
    talk.protocol.pcm("a", SECOND)
    talk.tell("played", item="a", ms=250, done=False)
    talk.protocol.flush()
    talk.protocol.pcm("b", SECOND)
    talk.now += PATIENCE + 1
    talk.calls.clear()
    talk.protocol.check_page()
    assert talk.calls == [("flushed", {"a": 250}), ("flushed", {"b": 0}), ("page lost",)]
    talk.answers()
    talk.protocol.flush()  # nobody is there
    assert talk.answers() == []


def test_of_words_that_run_ahead_of_their_sound_only_a_share_was_heard(talk: Talk) -> None:
    protocol = talk.protocol
    protocol.model_words("a", "word " * 30)  # 150 characters: 10 s
    protocol.pcm("a", SECOND)
    talk.tell("flushed", number=0, positions={"a": 1_000})
    assert protocol.rows["a"].text == "word word word"  # a tenth


def test_words_alone_are_over_when_they_are_complete(talk: Talk) -> None:
    talk.protocol.model_words("a", "Only written.")
    talk.protocol.item_done("a")
    assert talk.tell("flushed", number=0, positions={}) == [("flushed", {})]
    assert talk.protocol.rows["a"].text == "Only written."


def test_a_start_that_is_sent_again_starts_nothing_anew(talk: Talk) -> None:
    assert talk.frame() == [("audio", FRAME)]
    talk.answers()
    assert talk.tell("start", attempt=1) == []
    assert [answer["kind"] for answer in talk.answers()] == ["started"]
    assert talk.tell("audio", number=0, buffers=[FRAME]) == []  # that one was had
    talk.protocol.pcm("a", SECOND)
    assert talk.tell("start", attempt=2) == [("flushed", {"a": 0})]  # after it was left
    assert talk.tell("audio", number=0, buffers=[FRAME]) == [("audio", FRAME)]


def test_a_second_tab_is_refused_while_the_first_is_there(talk: Talk) -> None:
    talk.now += GONE
    assert talk.tell("start", page="q", attempt=1) == []
    (refusal,) = talk.answers()
    assert (refusal["kind"], refusal["page"]) == ("refused", "q")
    assert "another tab" in refusal["line"]
    assert talk.frame() == [("audio", FRAME)]


def test_a_reloaded_page_takes_over_and_what_sounded_is_cut(talk: Talk) -> None:
    talk.protocol.model_words("a", "One small robot counted")
    talk.protocol.pcm("a", SECOND)
    talk.tell("played", item="a", ms=500, done=False)
    talk.now += 10
    talk.tell("shown", page="q", mountable=True)
    talk.now += RESUMABLE - 11
    assert talk.protocol.check_page()  # somebody is there, and may press Start
    talk.answers()
    assert talk.tell("start", page="q", attempt=1) == [
        ("flushed", {"a": 500})
    ]  # not a second start
    kinds = [answer["kind"] for answer in talk.answers()]
    assert kinds == ["row", "started", "ready"]
    assert talk.frame() == []  # of the page before
    assert talk.tell("audio", page="q", number=0, buffers=[FRAME]) == [("audio", FRAME)]
    talk.protocol.pcm("b", SECOND)
    assert talk.answers()[-1]["page"] == "q"


def test_a_closed_tab_is_noticed_once(talk: Talk) -> None:
    talk.protocol.pcm("a", SECOND)
    talk.now += PATIENCE
    assert talk.tell("alive") == []
    talk.now += PATIENCE
    assert talk.protocol.check_page() and talk.calls == []
    talk.now += 1
    assert not talk.protocol.check_page()
    assert talk.calls == [("flushed", {"a": 0}), ("page lost",)]
    talk.calls.clear()
    assert talk.protocol.check_page() and talk.calls == []
    assert talk.frame() == []
    talk.answers()
    talk.protocol.pcm("b", SECOND)  # nobody hears it
    assert talk.answers() == []


def test_the_listener_may_speak_while_it_is_called() -> None:
    """The lock is free by then: another thread may be waiting for it."""

    class Answering(Talk):
        def on_text(self, text: str) -> None:
            thread = threading.Thread(target=self.protocol.model_words, args=("a", text))
            thread.start()
            thread.join(5)
            self.calls.append(("answered", not thread.is_alive()))

    talk = Answering()
    talk.tell("start", attempt=1)
    assert talk.tell("text", text="Hi") == [("answered", True)]
