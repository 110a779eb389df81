"""The recorder's Python half, told by messages as a page sends them; no browser."""

import base64
import queue
import threading
from typing import Any

import numpy as np
import pytest

from audiomagic import Sound
from audiomagic.errors import OptionError, SoundError
from audiomagic.widgets.recorder import Recorder
from audiomagic.widgets.upload import LARGEST_FILE, LARGEST_PCM, LEFT_ALONE, Upload

from ...support.fake_page import PCM, PIECES, Told


# -- take -------------------------------------------------------------------------------------
def test_pieces_count_once_and_in_their_order() -> None:
    take = Upload("t", is_file=False)
    for number, taken in [(1, False), (0, True), (2, False), (0, True), (1, True), (0, True)]:
        assert take.add(number, PIECES[number]) is taken
    assert take.next == 2 and take.seconds == pytest.approx(0.2)
    assert take.sound().pcm16() == Sound.from_pcm16(PIECES[0] + PIECES[1]).pcm16()
    lengths = [len(take.sound(cut).samples) for cut in ((100, 350), (0, 10**9))]
    assert lengths == [250, 4_800]
    with pytest.raises(SoundError, match="nothing was recorded"):
        take.sound((5_000, 6_000))


@pytest.mark.parametrize(("is_file", "largest"), [(True, LARGEST_FILE), (False, LARGEST_PCM)])
def test_a_take_has_a_largest_size(is_file: bool, largest: int) -> None:
    take = Upload("t", is_file)
    take._data = bytearray(largest - 4)  # as if it had come
    assert take.add(0, bytes(4)) and take.add(0, bytes(4))
    with pytest.raises(SoundError, match="large|MB|long" if is_file else "longer than 40 minutes"):
        take.add(1, bytes(2))


def test_a_take_is_left_alone_when_pieces_stop() -> None:
    take = Upload("t", is_file=False)
    take._touched -= LEFT_ALONE + 0.1
    assert take.left_alone
    take.add(0, PIECES[0])
    assert not take.left_alone


# -- recorder ---------------------------------------------------------------------------------
def test_a_recording_arrives_as_it_was_and_never_in_a_trait() -> None:
    recorder = Told()
    before = recorder.get_state()
    recorder.record(*PIECES)
    assert recorder.taking == "t" and recorder.sound is None
    assert recorder.end(5, complaint="Very\nquiet") == recorder.done()
    sound = recorder.sound
    assert (
        sound
        and sound.rate == 24_000
        and sound.samples.tobytes() == (np.frombuffer(PCM, "<i2") / np.float32(32_768)).tobytes()
    )
    assert (recorder.taking, recorder.notice, recorder.complaint) == ("", "", "Very quiet")
    assert recorder.kept == sound.seconds == 0.5 and repr(recorder) == "Recorder(0.5 s recorded)"
    changed = {k: v for k, v in recorder.get_state().items() if v != before[k]}
    assert changed == {"kept": 0.5}
    assert recorder.end(5) == recorder.done()  # its first "done" was lost: said again, nothing else
    [played] = recorder.tell({"kind": "play"})
    assert Sound.decode(played["buffers"][0]).samples.tobytes() == sound.samples.tobytes()
    recorder.clear()
    assert recorder.sound is None and recorder.tell({"kind": "play"}) == [] and not recorder.kept


@pytest.mark.parametrize(
    ("trim", "cut", "kept"),
    [(True, [2_400, 4_800], 2_400), (True, [2_400, 4_800.5], 12_000),
     (False, [2_400, 4_800], 12_000), (True, None, 12_000),
     (True, [0, 10**9], 12_000), (True, [9, 3], 12_000), (True, "ab", 12_000), (True, [1], 12_000)],
)  # fmt: skip
def test_silence_is_cut_off_when_asked(trim: bool, cut: Any, kept: int) -> None:
    recorder = Told(trim=trim)
    recorder.record(*PIECES)
    assert recorder.end(5, cut=cut) == recorder.done()
    assert recorder.sound and len(recorder.sound.samples) == kept


def test_a_lost_buffer_is_asked_for_as_text_and_a_missing_piece_again() -> None:
    recorder = Told()
    recorder.record(PIECES[0])
    again = {"kind": "again", "take": "t", "next": 1}
    assert recorder.tell({"kind": "piece", "take": "t", "number": 1}) == [again | {"text": True}]
    # Asked for once, however many follow: each answer has all of them sent again.
    assert recorder.tell({"kind": "piece", "take": "t", "number": 2}, PIECES[2]) == []
    assert recorder.end(3) == [again] and recorder.taking == "t"
    for number in (1, 2):
        text = base64.b64encode(PIECES[number]).decode()
        recorder.tell({"kind": "piece", "take": "t", "number": number, "base64": text})
    assert recorder.end(3) == recorder.done()
    assert recorder.sound and recorder.sound.samples.tobytes() == (
        Sound.from_pcm16(b"".join(PIECES[:3])).samples.tobytes()
    )


def test_one_tab_records_at_a_time_until_it_is_left_alone() -> None:
    recorder = Told()
    recorder.record(*PIECES)
    start = {"kind": "start", "take": "u", "what": "sound"}
    [refused] = recorder.tell(start)
    assert refused["kind"] == "done" and refused["take"] == "u" and "another tab" in refused["line"]
    assert recorder.tell({"kind": "piece", "take": "u", "number": 0}, PIECES[0]) == []
    assert recorder._take and recorder.taking == "t"
    recorder._take._touched -= LEFT_ALONE + 0.1
    assert recorder.tell(start) == recorder.done()  # the other's
    assert recorder.taking == "u"
    assert recorder.sound and recorder.sound.seconds == 0.5  # what the closed tab had sent


def test_what_a_closed_tab_had_sent_is_kept_and_a_dropped_take_is_not() -> None:
    recorder = Told()
    recorder.record(*PIECES[:2])
    assert recorder.tell({"kind": "drop", "take": "t"}) == recorder.done()
    assert recorder.sound is None and recorder.taking == ""
    recorder.record(*PIECES, take="v")
    assert recorder.sound is None and recorder._take
    recorder._take._touched -= LEFT_ALONE + 0.1
    assert recorder.sound and recorder.sound.seconds == 0.5
    assert recorder.taking == "v"  # the kernel was busy: the rest may still come
    assert recorder.end(5) == recorder.done() and recorder.taking == ""


def test_a_file_is_read_here_or_else_in_the_page(tone: Sound) -> None:
    recorder, wav = Told(), tone.encode("wav")
    recorder.record(wav[:20_001], wav[20_001:], what="file")
    assert recorder.end(2) == recorder.done()
    kept = recorder.sound
    assert kept and kept.samples.tobytes() == Sound.decode(wav).samples.tobytes()
    recorder.record(b"no sound at all", what="file", take="v")
    assert recorder.end(1) == [{"kind": "decode", "take": "v"}]
    assert recorder.sound is kept and recorder.notice == recorder.taking == ""


def test_nothing_recorded_is_said() -> None:
    recorder = Told()
    recorder.record()
    assert recorder.end(0) == recorder.done("nothing was recorded") and recorder.sound is None


@pytest.mark.parametrize("send", [True, False])
def test_a_sound_is_handed_on_in_a_thread_when_sent(send: bool) -> None:
    heard: queue.Queue[tuple[Sound, threading.Thread]] = queue.Queue()
    recorder = Told(then=lambda sound: heard.put((sound, threading.current_thread())))
    assert recorder.sends and recorder.tell({"kind": "send"}) == []
    recorder.record(*PIECES)
    recorder.end(5, send=send)
    if not send:  # kept, until the page says so
        with pytest.raises(queue.Empty):
            heard.get(timeout=0.1)
        recorder.busy = True
        recorder.tell({"kind": "send"})
        recorder.busy = False
        recorder.tell({"kind": "send"})
    sound, thread = heard.get(timeout=5)
    assert sound is recorder.sound and thread is not threading.current_thread()
    with pytest.raises(queue.Empty):
        heard.get(timeout=0.1)


@pytest.mark.parametrize(("hands_free", "then"), [(True, print), (True, None), (False, print)])
def test_a_page_arms_it_once_if_it_is_for_talking(hands_free: bool, then: Any) -> None:
    recorder = Told(hands_free=hands_free, then=then)
    assert not recorder.shown.is_set()
    for arm in (hands_free and then is not None, False):
        answer = recorder.tell({"kind": "here", "inhabits": True})
        assert answer == [{"kind": "welcome", "arm": arm}] and recorder.shown.is_set()
    recorder.halt()
    assert recorder.sent == [{"kind": "halt"}]


@pytest.mark.parametrize("option", ["max_seconds", "silence"])
@pytest.mark.parametrize("value", [0.2, -1.0, 2_401, float("nan"), float("inf")])
def test_lengths_that_make_no_sense_are_refused(option: str, value: float) -> None:
    with pytest.raises(OptionError, match=f"^{option} takes .*, not "):
        Recorder(**{option: value})
