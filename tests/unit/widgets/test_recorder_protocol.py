"""The recorder's state machine: messages as a page sends them, and as no page of ours does."""

import base64
import json
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from audiomagic import Sound, static
from audiomagic.errors import SoundError
from audiomagic.widgets.recorder_protocol import (
    LARGEST_FILE,
    LARGEST_PCM,
    PATIENCE,
    Kind,
    RecorderProtocol,
    Upload,
)

from ...support.fake_page import CHUNKS, PCM, FakePage


@pytest.fixture(autouse=True)
def none_armed() -> Iterator[None]:
    yield
    RecorderProtocol.armed.clear()


def close_tab(page: FakePage) -> None:
    """Let so much time go by without a chunk that its tab must have been closed."""
    assert page.protocol._upload
    page.protocol._upload._touched -= PATIENCE + 0.1


def test_the_page_knows_the_same_kinds_of_messages() -> None:
    script = static.script("recorder.js")
    assert set(Kind) == set(re.findall(r'(?<!device\.)\bkind(?::| ===) "(\w+)"', script))


def test_a_recording_is_kept_as_it_was() -> None:
    page = FakePage()
    page.record(*CHUNKS)
    protocol = page.protocol
    assert (protocol.state, protocol.take, protocol.sound) == ("recording", "t", None)
    assert page.end(5, complaint="Very\nquiet") == page.done()
    sound = protocol.sound
    assert sound and sound is protocol.kept and sound.rate == 24_000
    assert sound.samples.tobytes() == (np.frombuffer(PCM, "<i2") / np.float32(32_768)).tobytes()
    assert (protocol.state, protocol.complaint) == ("idle", "Very quiet")
    assert page.end(5) == page.done()  # its first "done" was lost: said again, nothing else
    assert page.tell({"kind": "play"}) == [{"kind": "sound"}] and page.last.buffers
    assert Sound.decode(page.last.buffers[0]).samples.tobytes() == sound.samples.tobytes()
    protocol.clear()
    assert protocol.sound is None and page.tell({"kind": "play"}) == []


def test_what_is_cleared_while_it_arrives_is_over() -> None:
    page = FakePage()
    page.record(*CHUNKS[:2])
    page.protocol.clear()
    assert page.protocol.state == "idle"
    assert page.tell({"kind": "chunk", "take": "t", "number": 2}, CHUNKS[2]) == []
    assert page.end(3) == page.done() and page.protocol.sound is None


@pytest.mark.parametrize(
    ("trim", "cut", "kept"),
    [(True, [2_400, 4_800], 2_400), (True, [2_400, 4_800.5], 12_000),
     (False, [2_400, 4_800], 12_000), (True, None, 12_000),
     (True, [0, 10**9], 12_000), (True, [9, 3], 12_000), (True, "ab", 12_000), (True, [1], 12_000)],
)  # fmt: skip
def test_silence_is_cut_off_when_asked(trim: bool, cut: Any, kept: int) -> None:
    page = FakePage(trim=trim)
    page.record(*CHUNKS)
    assert page.end(5, cut=cut) == page.done()
    assert page.protocol.sound and len(page.protocol.sound.samples) == kept
    assert page.protocol.trimmed_seconds == pytest.approx((12_000 - kept) / 24_000)


def test_a_lost_buffer_is_requested_as_text_and_a_missing_chunk_again() -> None:
    page = FakePage()
    page.record(CHUNKS[0])
    resend = {"kind": "resend", "take": "t", "next": 1}
    chunk = {"kind": "chunk", "take": "t"}
    assert page.tell(chunk | {"number": 1}) == [resend | {"text": True}]
    # Requested once, however many follow: each answer has all of them sent again.
    assert page.tell(chunk | {"number": 2}, CHUNKS[2]) == []
    assert page.end(3) == [resend | {"text": False}] and page.protocol.state == "recording"
    for number in (1, 2):
        text = base64.b64encode(CHUNKS[number]).decode()
        page.tell(chunk | {"number": number, "base64": text})
    assert page.end(3) == page.done()
    assert page.protocol.sound and page.protocol.sound.samples.tobytes() == (
        Sound.from_pcm16(b"".join(CHUNKS[:3])).samples.tobytes()
    )


def test_one_tab_records_at_a_time_until_it_is_closed() -> None:
    page = FakePage()
    page.record(*CHUNKS)
    start = {"kind": "start", "take": "u", "what": "sound"}
    [refused] = page.tell(start)
    assert refused["kind"] == "done" and refused["take"] == "u" and "another tab" in refused["line"]
    assert page.tell({"kind": "chunk", "take": "u", "number": 0}, CHUNKS[0]) == []
    assert (page.protocol.state, page.protocol.take) == ("recording", "t")
    close_tab(page)
    assert page.tell(start) == page.done()  # the other's
    assert page.protocol.take == "u"
    assert page.protocol.sound and page.protocol.sound.seconds == 0.5  # what the closed tab sent


def test_what_a_closed_tab_sent_is_kept_and_a_discarded_take_is_not() -> None:
    page = FakePage()
    page.record(*CHUNKS[:2])
    assert page.tell({"kind": "discard", "take": "t"}) == page.done()
    assert page.protocol.sound is None and page.protocol.state == "idle"
    page.record(*CHUNKS, take="v")
    assert page.protocol.sound is None
    close_tab(page)
    assert page.protocol.sound and page.protocol.sound.seconds == 0.5
    assert page.protocol.state == "recording"  # the kernel was busy: the rest may still come
    assert page.end(5) == page.done() and page.protocol.state == "idle"


def test_a_page_that_opens_ends_what_a_closed_tab_recorded() -> None:
    page = FakePage()
    page.record(*CHUNKS)
    shown = {"kind": "shown", "mountable": False}
    ready = {"kind": "ready", "arm": False}
    assert page.tell(shown) == [ready] and page.protocol.state == "recording"
    close_tab(page)
    assert page.tell(shown) == [*page.done(), ready] and not page.last.replace_output
    assert page.protocol.kept and page.protocol.state == "idle"


def test_a_file_is_decoded_here_or_else_in_the_page(tone: Sound) -> None:
    page, wav = FakePage(), tone.encode("wav")
    page.record(wav[:20_001], wav[20_001:], what="file")
    assert page.end(2) == page.done()
    kept = page.protocol.sound
    assert kept and kept.samples.tobytes() == Sound.decode(wav).samples.tobytes()
    page.record(b"not audio at all", what="file", take="v")
    assert page.end(1) == [{"kind": "decode", "take": "v"}]
    assert page.protocol.sound is kept and page.protocol.state == "idle"
    page.record(*CHUNKS, take="w")  # the file, as the page decoded it
    assert page.end(5) == page.done() and page.protocol.sound is not kept


def test_nothing_recorded_is_said() -> None:
    page = FakePage()
    page.record()
    assert page.end(0) == page.done("nothing was recorded") and page.protocol.sound is None


def test_a_sound_is_delivered_when_sent_and_once_at_a_time() -> None:
    page = FakePage(delivers=True)
    assert page.tell({"kind": "send"}) == [] and page.last.deliver is None
    page.record(*CHUNKS)
    page.end(5, send=False)
    assert page.last.deliver is None and page.protocol.state == "idle"
    page.tell({"kind": "send"})
    assert page.last.deliver is page.protocol.sound and page.protocol.state == "busy"
    page.tell({"kind": "send"})  # pressed twice
    assert page.last.deliver is None
    [refused] = page.tell({"kind": "start", "take": "u", "what": "sound"})
    assert refused["take"] == "u" and "still being answered" in refused["line"]
    page.protocol.state = "idle"
    page.record(*CHUNKS, take="v")
    assert page.end(5) == page.done() and page.last.deliver is page.protocol.sound


def test_a_recorder_that_delivers_nothing_is_never_busy() -> None:
    page = FakePage()
    page.record(*CHUNKS)
    assert page.end(5) == page.done()
    assert page.last.deliver is None and page.protocol.state == "idle"


@pytest.mark.parametrize(("hands_free", "delivers"), [(True, True), (True, False), (False, True)])
def test_a_page_arms_it_once_if_it_is_for_talking(hands_free: bool, delivers: bool) -> None:
    page = FakePage(hands_free=hands_free, delivers=delivers)
    assert not page.protocol.shown
    for arm in (hands_free and delivers, False):
        answer = page.tell({"kind": "shown", "mountable": True})
        assert answer == [{"kind": "ready", "arm": arm}] and page.last.replace_output
        assert page.protocol.shown


def test_one_recorder_at_a_time_is_armed() -> None:
    first, second, third = (FakePage(hands_free=True, delivers=True) for _ in range(3))
    shown = {"kind": "shown", "mountable": False}
    assert [page.tell(shown)[0]["arm"] for page in (first, second)] == [True, False]
    first.tell({"kind": "failed", "line": "No microphone\nwas found."})
    assert first.last.failure == "No microphone was found."
    assert third.tell(shown)[0]["arm"]


# -- what no page of ours sends -----------------------------------------------------------------
MALFORMED: list[Any] = [
    None, 3, "start", [], {}, {"kind": "stop"}, {"kind": "start"}, {"kind": ["start"]},
    {"kind": "start", "take": 3, "what": "sound"}, {"kind": "start", "take": "u", "what": "tape"},
    {"kind": "shown"}, {"kind": "shown", "mountable": 1}, {"take": "t"}, {"kind": "chunk"},
    {"kind": "chunk", "take": "u", "number": 2}, {"kind": "chunk", "take": "t"},
    {"kind": "chunk", "take": "t", "number": 2.5}, {"kind": "chunk", "take": "t", "number": "2"},
    {"kind": "chunk", "take": "t", "number": 2, "base64": "%%%"},
    {"kind": "chunk", "take": "t", "number": 2, "base64": "abc"},
    {"kind": "chunk", "take": "t", "number": 2, "base64": "größe"},
    {"kind": "end", "take": "t"}, {"kind": "end", "take": "t", "count": 2},
    {"kind": "end", "take": "t", "count": "2", "send": True}, {"kind": "discard", "take": "u"},
    {"kind": "discard"}, {"kind": "play", "take": "t"}, {"kind": "send"}, {"kind": "failed"},
    {"kind": "failed", "line": 3}, {"kind": "chunk", "take": "", "number": 0},
]  # fmt: skip


@pytest.mark.parametrize("message", MALFORMED, ids=json.dumps)
def test_a_malformed_message_changes_nothing(message: Any) -> None:
    page = FakePage()
    page.record(*CHUNKS[:2])
    protocol = page.protocol
    before = (protocol.state, protocol.take, protocol.kept, protocol.complaint)
    assert all(answer["kind"] in ("resend", "done") for answer in page.tell(message))
    assert not (page.last.deliver or page.last.failure or page.last.replace_output)
    assert before == (protocol.state, protocol.take, protocol.kept, protocol.complaint)
    assert not protocol.shown
    assert page.end(2) == page.done() and protocol.sound and protocol.sound.seconds == 0.2


values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 4) | st.floats() | st.text(max_size=4)
    | st.sampled_from(["t", "sound", "file"]) | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)  # fmt: skip
kinds = (
    st.sampled_from(["shown", "start", "chunk", "end", "discard", "play", "send", "failed"])
    | values
)
fields = (
    "take",
    "what",
    "number",
    "base64",
    "count",
    "cut",
    "complaint",
    "send",
    "mountable",
    "line",
)
messages = st.fixed_dictionaries({"kind": kinds}, optional=dict.fromkeys(fields, values))
END = {"kind": "end", "take": "t", "count": 1, "send": False}


@given(st.lists(st.tuples(messages, st.lists(st.binary(max_size=5), max_size=2)), max_size=6))
@example([(END | {"cut": [0, float("inf")]}, [])])
@example([({"kind": "chunk", "take": "t", "number": 1}, [b"odd"]), (END | {"cut": [0, 9**9]}, [])])
@example([(END | {"complaint": {"a": [None]}, "cut": [True, 10**400]}, [])])
def test_no_message_breaks_it(sent: list[tuple[Any, list[bytes]]]) -> None:
    page = FakePage(hands_free=True, delivers=True)
    page.record(CHUNKS[0])
    for message, buffers in sent:
        page.tell(message, *buffers)


# -- one recording, or file, in numbered chunks ----------------------------------------------
def test_chunks_count_once_and_in_their_order() -> None:
    upload = Upload("t", is_file=False)
    for number, added in [(1, False), (0, True), (2, False), (0, True), (1, True), (0, True)]:
        assert upload.add(number, CHUNKS[number]) is added
    assert upload.next == 2 and upload.seconds == pytest.approx(0.2)
    assert upload.sound().pcm16() == Sound.from_pcm16(CHUNKS[0] + CHUNKS[1]).pcm16()
    lengths = [len(upload.sound(span).samples) for span in ((100, 350), (0, 10**9))]
    assert lengths == [250, 4_800]
    with pytest.raises(SoundError, match="nothing was recorded"):
        upload.sound((5_000, 6_000))


@pytest.mark.parametrize(("is_file", "largest"), [(True, LARGEST_FILE), (False, LARGEST_PCM)])
def test_an_upload_has_a_largest_size(is_file: bool, largest: int) -> None:
    upload = Upload("t", is_file)
    upload._data = bytearray(largest - 4)  # as if it had arrived
    assert upload.add(0, bytes(4)) and upload.add(0, bytes(4))
    too_large = "larger than 200 MB" if is_file else "longer than 40 minutes"
    with pytest.raises(SoundError, match=too_large):
        upload.add(1, bytes(2))


def test_an_upload_is_abandoned_when_chunks_stop() -> None:
    upload = Upload("t", is_file=False)
    upload._touched -= PATIENCE + 0.1
    assert upload.abandoned
    upload.add(0, CHUNKS[0])
    assert not upload.abandoned
