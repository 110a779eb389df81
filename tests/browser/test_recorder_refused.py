"""The recorder without a microphone: refused, missing, over http, taken away."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ..support.fake_server import FakeServer
from ..support.jupyter import Browser, JupyterServer, opened, ready
from ..support.microphone import QUESTION, press, record, spoken, start_recording, wait_state

BARE = "from audiomagic import Recorder\nrec = Recorder(trim=False, noise_suppression=False)\nrec"


@pytest.mark.parametrize(
    ("microphone_is", "line"),
    [("denied", "Microphone access was denied."), ("none", "No microphone was found.")],
)
def test_without_a_microphone_it_says_why_and_takes_a_file(
    server: JupyterServer, fake_server: FakeServer, listening: str, microphone_is: Any, line: str
) -> None:
    fake_server.say("I hear you.", b"\0\0" * 2_400)
    with (
        Browser(mic=microphone_is) as deaf,
        ready(deaf, server, listening, "%%listen --out a\nHi", "a.text") as notebook,
    ):
        notebook.run_cell(1)
        press(notebook, 1)
        notebook.wait_text(1, line)
        assert "choose a file" in notebook.output_text(1)
        notebook.output(1).locator("input[type=file]").set_input_files(QUESTION)
        notebook.wait_text(1, "I hear you.")
        assert notebook.value(2) == "'I hear you.'"
        assert notebook.console_errors() == []


SILENT = """(() => {
  const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    if (window.prompting) return new Promise(() => {});  // a prompt that is not answered
    const stream = await ask(wanted);
    for (const track of stream.getTracks()) track.enabled = false;  // muted
    return stream;
  };
})()"""


def test_silence_is_not_sent_and_nobody_waits_for_it(
    server: JupyterServer, fake_server: FakeServer, listening: str
) -> None:
    wait = "%%listen --hands-free --wait --max-seconds 2\nHi"
    cells = [listening, "%%listen --out a\nHi", wait, "1"]
    fake_server.say("A file.", b"\0\0" * 2_400)
    with Browser(init_script=SILENT) as browser, ready(browser, server, *cells) as notebook:
        notebook.run_cell(1)
        record(notebook, 1, 1.5)
        notebook.wait_text(1, "Only silence was recorded")
        (error,) = (o for o in notebook.run_cell(2, check=False) if o["output_type"] == "error")
        assert error["ename"] == "ReplyPending" and "No speech was heard" in error["evalue"]
        assert fake_server.requests == []
        notebook.js("() => { window.prompting = true }")
        press(notebook, 2)
        wait_state(notebook, 2, "asking")
        press(notebook, 2, ".am-discard")
        wait_state(notebook, 2, "idle")
        press(notebook, 2)
        wait_state(notebook, 2, "asking")
        notebook.output(2).locator("input[type=file]").set_input_files(QUESTION)
        notebook.wait_text(2, "A file.")
        assert notebook.console_errors() == []


def test_over_http_it_says_what_browsers_ask_for(tmp_path: Path) -> None:
    with (
        JupyterServer(tmp_path, options=["--ServerApp.allow_remote_access=True"]) as remote,
        Browser(host="notebook.test") as browser,
        opened(browser, remote, BARE) as notebook,
    ):
        assert not notebook.js("() => isSecureContext")
        notebook.run_cell(0)
        press(notebook, 0)
        notebook.wait_text(0, "only on https pages and on localhost")
        notebook.output(0).locator("input[type=file]").set_input_files(QUESTION)
        notebook.wait_text(0, "Recorded")
        assert notebook.console_errors() == []


def test_the_microphone_is_let_go_when_nobody_can_stop_it(
    server: JupyterServer, tmp_path: Path, listening: str
) -> None:
    watch = """(() => {
      const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      window.tracks = [];
      navigator.mediaDevices.getUserMedia = async (wanted) => {
        const stream = await ask(wanted);
        window.tracks.push(...stream.getTracks());
        return stream;
      };
    })()"""
    let_go = "() => window.tracks.every((track) => track.readyState !== 'live')"
    ways = ("run", "clear-cell-output", "restart", "shutdown", "delete-cell")
    listen = "%%listen --out a\nHi"
    with (
        Browser(mic_file=spoken(tmp_path / "mic.wav"), init_script=watch) as browser,
        opened(browser, server, listening, *(listen for _ in ways)) as notebook,
    ):
        for way in (ways[-1], *ways[:-1]):  # a deleted cell moves those below it
            cell = 1 + ways.index(way)
            notebook.run_cell(0)  # after a restart too
            notebook.run_cell(cell)
            wait_state(notebook, cell, "idle")
            start_recording(notebook, cell)
            assert not notebook.js(let_go)
            if way == "run":
                notebook.run_cell(cell)
            elif way == "restart":
                notebook.restart_kernel()
            elif way == "shutdown":
                notebook.shutdown_kernel()
            else:
                notebook.cell(cell).locator(".jp-InputPrompt").click()
                notebook.command(f"notebook:{way}")
            notebook.wait(partial(notebook.js, let_go), f"{way} to let it go", 15)
            if way in ("restart", "shutdown"):
                notebook.wait_text(cell, "run this cell again to record")
            assert notebook.console_errors() == [], way
