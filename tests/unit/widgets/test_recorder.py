"""The recorder's widget: what it passes on from its page, and to it; no browser."""

import queue
import threading
from typing import Any

import numpy as np
import pytest

from audiomagic import Recorder, Sound
from audiomagic.errors import OptionError

from ...support.fake_page import CHUNKS, PCM


class SentRecorder(Recorder):
    """Keeps what it sends to its page."""

    def __init__(self, **options: Any):
        self.sent: list[dict[str, Any]] = []
        self.raised: list[Exception] = []
        super().__init__(**options)

    def send(self, content: Any, buffers: Any = None) -> None:
        self.sent.append(content | ({"buffers": buffers} if buffers else {}))

    def _on_message(self, *message: Any) -> None:
        try:
            super()._on_message(*message)
        except Exception as error:  # ipywidgets would only log it
            self.raised.append(error)

    def tell(self, *messages: Any, buffers: list[bytes] | None = None) -> list[dict[str, Any]]:
        """Let messages come in as the comm gives them; return the answers."""
        for message in messages:
            content = {"data": {"method": "custom", "content": message}}
            self._handle_msg({"content": content, "buffers": buffers or []})
        assert self.raised == []
        answers, self.sent = self.sent, []
        return answers


TAKE = {"take": "t"}
START = TAKE | {"kind": "start", "what": "sound"}
END = TAKE | {"kind": "end", "count": 5, "cut": [2_400, 9_600], "send": True}
DONE = TAKE | {"kind": "done", "line": ""}


def record(recorder: SentRecorder, **end: Any) -> list[dict[str, Any]]:
    assert recorder.tell(START) == []
    for number, chunk in enumerate(CHUNKS):
        recorder.tell(TAKE | {"kind": "chunk", "number": number}, buffers=[chunk])
    return recorder.tell(END | end)


def test_sound_is_never_in_a_trait() -> None:
    recorder = SentRecorder(trim=False)
    assert repr(recorder) == "Recorder()"
    before = recorder.get_state()
    assert record(recorder, complaint="Very quiet") == [DONE]
    expected = Sound.from_pcm16(PCM).samples.tobytes()
    assert recorder.sound and recorder.sound.samples.tobytes() == expected
    assert recorder.protocol.complaint == "Very quiet" and not recorder.protocol.trimmed_seconds
    assert repr(recorder) == "Recorder(0.5 s recorded)"
    changed = {k: v for k, v in recorder.get_state().items() if v != before[k]}
    assert changed == {"kept": 0.5, "take": "t"}
    [played] = recorder.tell({"kind": "play"})
    assert Sound.decode(played["buffers"][0]).samples.tobytes() == expected
    recorder.clear()
    assert recorder.sound is None and recorder.kept == 0


def test_traits_tell_every_page_what_is_going_on() -> None:
    recorder = SentRecorder()
    recorder.notice = "The last one failed."
    states: list[Any] = []
    recorder.observe(lambda change: states.append((change.name, change.new)), ["state", "notice"])
    record(recorder)
    assert states == [("notice", ""), ("state", "recording"), ("state", "idle")]
    assert recorder.protocol.trimmed_seconds == pytest.approx(0.2)


@pytest.mark.parametrize("send", [True, False])
def test_a_sound_is_delivered_in_a_thread_when_sent(send: bool) -> None:
    delivered: queue.Queue[tuple[Sound, threading.Thread]] = queue.Queue()
    answered = threading.Event()

    def on_sound(sound: Sound) -> None:
        delivered.put((sound, threading.current_thread()))
        answered.wait(5)

    recorder = SentRecorder(on_sound=on_sound)
    assert recorder.sends
    record(recorder, send=send)
    if not send:  # kept, until the page asks for it
        assert recorder.state == "idle" and delivered.empty()
        recorder.tell({"kind": "send"})
    sound, thread = delivered.get(timeout=5)
    assert sound is recorder.sound and thread is not threading.current_thread()
    assert recorder.state == "busy"
    recorder.tell({"kind": "send"})  # pressed twice
    answered.set()
    thread.join(5)
    assert recorder.state == "idle" and delivered.empty()


def test_a_failed_delivery_leaves_it_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    raised: queue.Queue[threading.ExceptHookArgs] = queue.Queue()
    monkeypatch.setattr(threading, "excepthook", raised.put)
    recorder = SentRecorder(on_sound=lambda sound: 1 / 0)
    record(recorder)
    thread = raised.get(timeout=5).thread
    assert thread
    thread.join(5)
    assert recorder.state == "idle" and recorder.sound


def test_why_there_is_no_recording_is_passed_on() -> None:
    lines: list[str] = []
    recorder = SentRecorder(on_failure=lines.append)
    failed = {"kind": "failed", "line": "No microphone was found."}
    assert recorder.tell(failed) == [] and lines == ["No microphone was found."]
    assert SentRecorder().tell(failed) == []


def test_a_page_shows_it_and_is_told_to_stop() -> None:
    recorder = SentRecorder()
    assert not recorder.protocol.shown
    shown = {"kind": "shown", "mountable": True}
    assert recorder.tell(shown) == [{"kind": "ready", "arm": False}] and recorder.protocol.shown
    recorder.halt()
    assert recorder.sent == [{"kind": "halt"}]


def test_a_closed_recorder_lets_another_one_listen() -> None:
    first, second = (SentRecorder(hands_free=True, on_sound=print) for _ in range(2))
    shown = {"kind": "shown", "mountable": False}
    assert first.tell(shown) == [{"kind": "ready", "arm": True}]
    first.close()
    assert second.tell(shown) == [{"kind": "ready", "arm": True}]
    second.close()


@pytest.mark.parametrize("option", ["max_seconds", "silence"])
@pytest.mark.parametrize(
    "value", [0.2, -1.0, 2_401, float("nan"), float("inf"), "9", True, None, 10**400]
)
def test_lengths_out_of_range_are_refused(option: str, value: Any) -> None:
    with pytest.raises(OptionError, match=f"^{option} must be .* seconds, not "):
        Recorder(**{option: value})


@pytest.mark.parametrize("option", ["hands_free", "trim", "noise_suppression"])
@pytest.mark.parametrize("value", [5, None, "yes", [], np.True_])
def test_what_is_no_switch_is_refused(option: str, value: Any) -> None:
    with pytest.raises(OptionError, match=rf"^{option} must be True or False, not [\w.]+$"):
        Recorder(**{option: value})


@pytest.mark.parametrize("option", ["on_sound", "on_failure"])
def test_what_cannot_be_called_is_refused(option: str) -> None:
    with pytest.raises(OptionError, match=f"^{option} must be a function, not str$"):
        Recorder(**{option: "print"})


def test_lengths_may_be_numbers_of_other_libraries() -> None:
    recorder = Recorder(max_seconds=np.int64(60), silence=np.float32(0.5))  # type: ignore[arg-type]
    assert (recorder.max_seconds, recorder.silence) == (60.0, 0.5)
    recorder.close()
