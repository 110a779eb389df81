"""The recorder in a real JupyterLab: what a person does to it, and what may go wrong."""

import base64
from pathlib import Path

import numpy as np
import pytest

from audiomagic.sound import Sound

from ..support.fake_server import FakeServer
from ..support.jupyter import Browser, JupyterServer, Notebook, Opener, ready
from ..support.microphone import (
    QUESTION,
    correlations,
    press,
    record,
    record_timed,
    start_recording,
    wait_state,
)

BARE = "from audiomagic import Recorder\nrec = Recorder(trim=False, noise_suppression=False)\nrec"
AT_ONCE = """(root) => {
  const main = root.querySelector(".am-main");
  const observer = new MutationObserver(() => {
    if (root.dataset.state !== "recording") return;
    observer.disconnect();
    main.click();
  });
  observer.observe(root, {attributes: true});
  main.click();
}"""
SOUND = "import numpy as np\nnp.save('heard.npy', rec.sound.samples)\nrec.sound.seconds"


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_the_kernel_receives_what_the_microphone_heard(
    server: JupyterServer, browser: Browser, microphone: Path, app: str
) -> None:
    with ready(browser, server, BARE, SOUND, app=app) as notebook:
        seconds = record_timed(notebook, 0, 6)
        assert abs(float(notebook.value(1)) - seconds) < 0.15
        heard = Sound(np.load(server.root / "heard.npy"), 24_000)
        found = correlations(heard, Sound.read(microphone))
        assert len(found) >= 3 and np.median(found) > 0.98, found
        press(notebook, 0, ".am-play")  # what is played back comes from the kernel
        (played,) = notebook.play_all(0)
        assert played["ended"] and abs((played["duration"] or 0) - heard.seconds) < 0.01
        record_timed(notebook, 0, 1)  # again: it takes the first one's place
        assert float(notebook.value(1)) < 2
        assert notebook.console_errors() == []


def test_silence_at_both_ends_is_not_kept(server: JupyterServer, browser: Browser) -> None:
    cell = "from audiomagic import Recorder\nrec = Recorder()\nrec"
    with ready(browser, server, cell, SOUND) as notebook:
        record(notebook, 0, 4.6)  # once through: 0.8 s of silence, the question, silence
        wait_state(notebook, 0, "idle")
        assert 1.5 < float(notebook.value(1)) < 3.9
        assert "Recorded" in notebook.output_text(0)


def test_by_keyboard_alone(server: JupyterServer, browser: Browser) -> None:
    with ready(browser, server, BARE, SOUND, "rec.sound") as notebook:
        wait_state(notebook, 0, "idle")
        press_key = notebook.page.keyboard.press
        notebook.output(0).locator(".am-main").focus()
        press_key("Enter")
        wait_state(notebook, 0, "recording")
        status = notebook.output(0).locator("[role=status]")
        assert "Recording" in status.inner_text() and status.get_attribute("aria-live") == "polite"
        press_key("Escape")
        wait_state(notebook, 0, "idle")
        press_key("d")
        press_key("d")  # over a cell in command mode this would delete it
        assert notebook.run_cell(2) == []  # nothing was kept
        notebook.output(0).locator(".am-main").focus()
        press_key("Space")
        wait_state(notebook, 0, "recording")
        notebook.sleep(1)
        press_key("Space")  # the same button, still in focus, stops it
        wait_state(notebook, 0, "idle")
        assert 0.5 < float(notebook.value(1)) < 3
        press_key("Escape")


def test_a_file_is_read_by_the_kernel_or_else_by_the_page(
    server: JupyterServer, browser: Browser, tmp_path: Path
) -> None:
    webm = tmp_path / "question.webm"
    _write_webm(Sound.read(QUESTION), webm)
    nonsense = tmp_path / "notes.mp3"
    nonsense.write_text("these are no sound")
    without_av = (
        "import sys\nsys.modules['av'] = None  # as where the local extra is not installed\n"
    )
    with ready(browser, server, without_av + BARE, SOUND) as notebook:
        chooser = notebook.output(0).locator("input[type=file]")
        length = Sound.read(QUESTION).seconds
        for file in (QUESTION, webm):
            chooser.set_input_files(file)
            notebook.wait_text(0, "Recorded")
            assert abs(float(notebook.value(1)) - length) < 0.1, file
            notebook.run_cell(0)
            chooser = notebook.output(0).locator("input[type=file]")
        chooser.set_input_files(nonsense)
        notebook.wait_text(0, "notes.mp3 could not be read as audio.")
        dropped = """(node, data) => {
          const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
          const transfer = new DataTransfer();
          transfer.items.add(new File([bytes], "dropped.mp3"));
          node.dispatchEvent(new DragEvent("drop", {dataTransfer: transfer, bubbles: true}));
        }"""
        data = base64.b64encode(QUESTION.read_bytes()).decode()
        notebook.output(0).locator(".audiomagic-recorder").evaluate(dropped, data)
        notebook.wait_text(0, "Recorded")
        assert abs(float(notebook.value(1)) - length) < 0.1
        assert notebook.console_errors() == []


def _write_webm(sound: Sound, path: Path) -> None:
    """Write what browsers' own recorders write: Opus in WebM, which libsndfile does not read."""
    import av

    with av.open(str(path), "w") as file:
        track = file.add_stream("libopus", rate=48_000)
        pcm = np.frombuffer(sound.pcm16(48_000), "<i2").reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(pcm, format="s16", layout="mono")
        frame.sample_rate = 48_000
        for packet in (*track.encode(frame), *track.encode(None)):
            file.mux(packet)


def test_a_refused_request_keeps_the_recording_and_sends_it_again(
    server: JupyterServer, browser: Browser, fake_server: FakeServer, listening: str
) -> None:
    fake_server.then(lambda handler, body: handler.refuse(400, "the moon is full"))
    fake_server.say("Now I do.", b"\0\0" * 2_400)
    cells = [listening, "%%listen --out a\nHi", "a.text", "r = a; str(a)"]
    with ready(browser, server, *cells) as notebook:
        notebook.run_cell(1)
        record(notebook, 1, 2)
        notebook.wait_text(1, "the moon is full")
        assert "The recording is kept." in notebook.output_text(1)
        (error,) = notebook.run_cell(2, check=False)
        assert error["ename"] == "RequestRejected"
        press(notebook, 1, ".am-send")
        notebook.wait_text(1, "Now I do.")
        assert notebook.value(3) == "'Now I do.'"
        first, second = (
            r["messages"][-1]["content"][-1]["input_audio"] for r in fake_server.requests
        )
        assert first == second
        assert notebook.console_errors() == []


def test_a_reloaded_page_records_on_and_shows_the_answer(
    loaded: Opener, fake_server: FakeServer
) -> None:
    fake_server.say("Still here.", b"\0\0" * 2_400)
    with loaded("%%listen --out a\nHi", "a.text") as notebook:
        notebook.run_cell(1)
        wait_state(notebook, 1, "idle")
        notebook.sleep(1)
        notebook.save()
        notebook.reload()
        wait_state(notebook, 1, "idle")
        record(notebook, 1, 2)
        notebook.wait_text(1, "Still here.")
        assert notebook.value(2) == "'Still here.'"
        assert notebook.console_errors() == []


def test_without_a_kernel_an_unused_recorder_reads_sensibly(
    server: JupyterServer, browser: Browser
) -> None:
    with ready(browser, server, BARE) as notebook:
        wait_state(notebook, 0, "idle")
        notebook.sleep(0.5)
        saved = notebook.save()
        assert "widget-view" not in str(saved)
        notebook.shutdown_kernel()
        notebook.reload(wait_kernel=False)
        assert notebook.output_text(0).startswith("Audio recorder.")
        assert notebook.console_errors() == []


def test_two_recorders_and_two_tabs(server: JupyterServer, browser: Browser) -> None:
    second = "other = Recorder(trim=False)\nother"
    cells = [BARE, second, "rec.sound.seconds, other.sound.seconds"]
    with ready(browser, server, *cells) as notebook:
        notebook.run_cell(1)
        for cell in (0, 1):
            start_recording(notebook, cell)
        notebook.save()
        with Notebook.open(browser, server, "a.ipynb") as tab:
            tab.wait_text(0, "A recording is running in another tab.")
            assert tab.output(0).locator(".am-main").get_attribute("aria-disabled") == "true"
            notebook.sleep(1)
            press(notebook, 0)
            wait_state(notebook, 0, "idle")
            tab.wait_text(0, "Recorded")  # both tabs know
            press(notebook, 1)
            wait_state(notebook, 1, "idle")
            first, other = eval(notebook.value(2))
            assert first > 1 and other > 1
            tab.shutdown_kernel = lambda: None  # type: ignore[method-assign]  # the other's too
        assert notebook.console_errors() == []


def test_a_closed_tab_loses_no_more_than_a_second(server: JupyterServer, browser: Browser) -> None:
    cells = [BARE, "rec.sound.seconds"]
    with ready(browser, server, *cells) as notebook:
        start_recording(notebook, 0)
        notebook.save()
        notebook.sleep(4)
        notebook.reload()
        notebook.sleep(3.5)
        assert float(notebook.value(1)) > 3


def test_interrupted_while_it_waits_what_was_said_is_kept(
    loaded: Opener, fake_server: FakeServer
) -> None:
    fake_server.say("At last.", b"\0\0" * 2_400)
    with loaded("%%listen --wait --out a\nHi", "a.text") as notebook:
        notebook.start_cell(1)
        wait_state(notebook, 1, "idle")
        start_recording(notebook, 1)
        notebook.sleep(2)
        notebook.interrupt()
        notebook.wait_cell(1)
        assert notebook.outputs(1)[-1]["traceback"][0].endswith("what was recorded is kept")
        notebook.wait_text(1, "Interrupted; the recording is kept.")
        assert fake_server.requests == []
        press(notebook, 1, ".am-send")
        notebook.wait_text(1, "At last.")
        assert notebook.value(2) == "'At last.'"


def test_while_the_kernel_is_busy_nothing_is_lost(server: JupyterServer, browser: Browser) -> None:
    busy = "import time\ntime.sleep(5)"
    with ready(browser, server, BARE, busy, SOUND) as notebook:
        start_recording(notebook, 0)
        begun = notebook.js("() => performance.now()")
        notebook.start_cell(1)
        notebook.sleep(3)
        press(notebook, 0)
        seconds = (notebook.js("() => performance.now()") - begun) / 1000
        notebook.wait_cell(1)
        notebook.wait_text(0, "Recorded")
        assert abs(float(notebook.value(2)) - seconds) < 0.4


def test_a_closed_tabs_recording_can_be_sent_from_the_next(
    loaded: Opener, fake_server: FakeServer
) -> None:
    fake_server.say("Half a sentence.", b"\0\0" * 2_400)
    with loaded("%%listen --out a\nHi", "a.text") as notebook:
        notebook.run_cell(1)
        start_recording(notebook, 1)
        notebook.sleep(2.5)
        notebook.save()
        notebook.reload()
        notebook.wait_text(1, "A recording is running in another tab.")
        notebook.wait_text(1, "Recorded")  # it is not, as the kernel finds
        press(notebook, 1, ".am-send")
        notebook.wait_text(1, "Half a sentence.")
        assert notebook.value(2) == "'Half a sentence.'"


def test_several_in_one_cell_and_too_short_or_silent_ones(
    loaded: Opener, fake_server: FakeServer
) -> None:
    fake_server.say("The second.", b"\0\0" * 2_400)
    two = "%listen --out a one\n%listen --out b two"
    with loaded(two, "b.text, a") as notebook:
        notebook.run_cell(1)
        recorders = notebook.output(1).locator(".audiomagic-recorder")
        notebook.wait(lambda: recorders.count() == 2, "two recorders")
        notebook.sleep(1)
        second = recorders.nth(1)
        second.evaluate(AT_ONCE)
        notebook.wait_text(1, "Too short")
        assert fake_server.requests == []
        second.locator(".am-main").click()
        notebook.sleep(3)
        second.locator(".am-main").click()
        notebook.wait_text(1, "The second.")
        assert notebook.value(2) == "('The second.', <no reply yet>)"
        assert recorders.count() == 1
        assert notebook.console_errors() == []


def test_nobody_speaks_hands_free(loaded: Opener, fake_server: FakeServer) -> None:
    wait = "%%listen --hands-free --wait --max-seconds 2 --no-noise-suppression\nHi"
    silent = "%config AudioMagics.hands_free = True"
    with loaded(silent, "%listen one\n%listen two", wait) as notebook:
        notebook.run_cell(1)
        notebook.run_cell(2)
        recorders = notebook.output(2).locator(".audiomagic-recorder")
        notebook.wait(lambda: recorders.count() == 2, "two recorders")
        notebook.sleep(1)
        states = [recorders.nth(i).get_attribute("data-state") for i in (0, 1)]
        assert sorted(states, key=str) in (["armed", "idle"], ["idle", "recording"])
