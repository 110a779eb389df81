"""A live conversation's microphone: refused, let go, kept clear of the model's own voice."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audiomagic.sound import Sound

from ..support.conversation_page import (
    CALLS,
    LOAD,
    SOUND,
    START,
    calls,
    microphone_sound,
    part,
    say,
    start,
    tone,
    wait_state,
)  # fmt: skip
from ..support.fake_server import loading
from ..support.jupyter import Browser, JupyterServer, opened, ready
from ..support.loudspeaker import TAP, heard
from ..support.realtime_server import RealtimeServer

#: As where the browser keeps what it plays out of the microphone, which this one does not.
CANCELS = """(() => {
  const settings = MediaStreamTrack.prototype.getSettings;
  MediaStreamTrack.prototype.getSettings = function () {
    return {...settings.call(this), echoCancellation: "all"};
  };
})();"""


#: The way of the sound from a loudspeaker to a microphone beside it.
ECHO = """(() => {
  const echo = window.echo = {loudest: 0, outputs: []};
  const connect = AudioNode.prototype.connect;
  AudioNode.prototype.connect = function (target, ...rest) {
    if (target instanceof AudioDestinationNode && target.context instanceof AudioContext) {
      const output = target.context.createMediaStreamDestination();
      connect.call(this, output);
      echo.outputs.push(output.stream);
      echo.mix?.(output.stream);
    }
    return connect.call(this, target, ...rest);
  };
  const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (constraints) => {
    const real = await ask(constraints);
    const context = new AudioContext();
    const microphone = context.createMediaStreamDestination();
    const quieter = context.createGain();
    quieter.gain.value = 10 ** (-12 / 20);
    connect.call(quieter, microphone);
    connect.call(context.createMediaStreamSource(real), microphone);
    const meter = context.createAnalyser();
    connect.call(quieter, meter);
    const samples = new Float32Array(meter.fftSize);
    setInterval(() => {
      meter.getFloatTimeDomainData(samples);
      for (const sample of samples) echo.loudest = Math.max(echo.loudest, Math.abs(sample));
    }, 100);
    echo.mix = (stream) => connect.call(context.createMediaStreamSource(stream), quieter);
    echo.outputs.forEach(echo.mix);
    return microphone.stream;
  };
})();"""


@pytest.mark.parametrize(
    ("microphone_is", "line"),
    [("denied", "Microphone access was denied."), ("none", "No microphone was found.")],
)
def test_without_a_microphone_it_says_why_and_takes_typed_lines(
    server: JupyterServer, microphone_is: Any, line: str
) -> None:
    with (
        Browser(mic=microphone_is, init_script=TAP) as deaf,
        ready(deaf, server, LOAD, START, CALLS, SOUND) as notebook,
    ):
        start(notebook)
        notebook.wait_text(1, line)
        assert "press Use microphone again, or type instead." in notebook.output_text(1)
        say(notebook, "1")
        wait_state(notebook, "speaking")
        wait_state(notebook, "listening")
        assert heard(notebook).tobytes() == tone(1).tobytes()
        assert len(microphone_sound(notebook)) == 0
        part(notebook, ".am-start").click()
        notebook.wait_text(1, line)
        assert notebook.console_errors() == []


def test_the_microphone_is_let_go_when_nobody_can_stop_it(
    server: JupyterServer, microphone: Path
) -> None:
    watch = """(() => {
      const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      window.tracks = [];
      navigator.mediaDevices.getUserMedia = async (wanted) => {
        window.wanted = wanted.audio.echoCancellation;
        const stream = await ask(wanted);
        window.tracks.push(...stream.getTracks());
        return stream;
      };
    })();"""
    let_go = "() => window.tracks.every((track) => track.readyState !== 'live')"
    cells = LOAD, START, CALLS, "talk.panel.close()"
    with (
        Browser(mic_file=microphone, init_script=watch + CANCELS) as browser,
        opened(browser, server, *cells) as notebook,
    ):
        for way in ("end", "close", "restart", "clear-cell-output"):
            notebook.run_cell(0)
            start(notebook)
            assert notebook.js("() => window.wanted") == "all"
            assert "headphones" not in notebook.output_text(1)
            assert not notebook.js(let_go)
            if way == "end":
                part(notebook, ".am-end").click()
            elif way == "close":
                notebook.run_cell(3)
            elif way == "restart":
                notebook.restart_kernel()
            else:
                notebook.cell(1).locator(".jp-InputPrompt").click()
                notebook.command(f"notebook:{way}")
            notebook.wait(lambda: notebook.js(let_go), f"{way} to let it go", 45)
            if way in ("close", "restart"):
                notebook.wait_text(1, "again to start a conversation")
            assert notebook.console_errors() == [], way


def test_louder_than_the_model_the_voice_is_ducked(server: JupyterServer, microphone: Path) -> None:
    with (
        Browser(mic_file=microphone, init_script=TAP + CANCELS) as browser,
        ready(browser, server, LOAD, START, CALLS) as notebook,
    ):
        start(notebook)
        notebook.sleep(5)  # it knows how loud the room is
        say(notebook, "8")
        notebook.wait(lambda: ("played", "item1", 8_000, True) in calls(notebook), "the end")
        sound = heard(notebook)
        loudness = [int(np.abs(sound[at : at + 2_400]).max()) for at in range(0, 8 * 24_000, 2_400)]
        assert len(sound) == 8 * 24_000  # not silenced: that is the kernel's to say
        assert max(loudness) > 5_000 and min(loudness[2:-2]) < 2_500
        assert notebook.console_errors() == []


def test_its_own_echo_does_not_interrupt_it(server: JupyterServer, tmp_path: Path) -> None:
    """The microphone hears nothing but the loudspeaker, at -12 dB."""
    silent = Sound(np.zeros(48_000, np.float32), 48_000).save(tmp_path / "silent.wav")
    with (
        RealtimeServer() as far_end,
        Browser(mic_file=silent, init_script=TAP + ECHO) as browser,
        ready(browser, server, loading(far_end.url), "%%converse") as notebook,
    ):
        start(notebook)
        far_end.say("It was a dark and stormy night.", np.full(120_000, 9_000, "<i2").tobytes())
        say(notebook, "A story!")
        notebook.wait(lambda: len(heard(notebook)) >= 120_000, "all of it", 60)
        wait_state(notebook, "listening")
        assert notebook.js("() => echo.loudest") > 0.06  # the microphone did hear it
        for kind in (
            "response.cancel",
            "conversation.item.truncate",
            "input_audio_buffer.commit",
        ):
            assert far_end.of(kind) == []
        assert notebook.console_errors() == []
