"""The input audio buffer: its clock, what it keeps, and that noise is nobody's turn."""

import numpy as np
import pytest

pytest.importorskip("faster_whisper")

from audiomagic.engine.realtime.input_audio import InputBuffer, TurnListener

MS = bytes(48)  # a millisecond of silence


def test_its_clock_counts_all_that_was_ever_appended() -> None:
    buffer = InputBuffer()
    buffer.append(MS * 100)
    assert buffer.take() == MS * 100
    buffer.append(MS * 50)
    assert (buffer.end_ms, buffer.seconds) == (150, 0.05)


def test_a_time_is_cut_out_of_it() -> None:
    buffer = InputBuffer()
    buffer.append(MS * 100 + b"\1\0" * 24 * 100 + MS * 100)
    assert buffer.between(100, 200) == b"\1\0" * 24 * 100
    assert buffer.between(250, 900) == MS * 50
    assert buffer.between(900, 950) == b""


def test_what_is_forgotten_is_gone_and_the_times_of_the_rest_stay() -> None:
    buffer = InputBuffer()
    buffer.append(MS * 100 + b"\1\0" * 24 * 100)
    buffer.forget(150)
    buffer.forget(50)
    assert (buffer.seconds, buffer.end_ms) == (0.05, 200)
    assert buffer.between(0, 160) == b"\1\0" * 24 * 10


@pytest.mark.parametrize("sound", ["silence", "noise", "hum"])
@pytest.mark.parametrize("loudness", [0.001, 0.05, 0.5])
def test_what_is_no_speech_is_nobodys_turn(sound: str, loudness: float) -> None:
    time = np.arange(24_000 * 3)
    wave = {
        "silence": np.zeros(len(time)),
        "noise": np.random.default_rng(1).standard_normal(len(time)) / 4,
        "hum": np.sin(time * 2 * np.pi * 100 / 24_000),
    }[sound]
    pcm = np.clip(wave * loudness * 32_767, -32_768, 32_767).astype("<i2").tobytes()
    listener = TurnListener(0, 0.5, 500, 300)
    pieces = [pcm[i : i + 4_800] for i in range(0, len(pcm), 4_800)]
    assert [turn for piece in pieces for turn in listener.hear(piece)] == []
    assert not listener.speaking
    assert 2_500 < listener.needed_ms < 3_000  # the padding of a turn that may begin now


def test_after_a_reset_nothing_before_it_is_needed() -> None:
    listener = TurnListener(1_000, 0.5, 500, 300)
    assert list(listener.hear(MS * 320)) == []
    listener.reset()
    assert listener.needed_ms >= 1_280
