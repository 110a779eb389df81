"""A reply heard while it arrives, in a real JupyterLab and Notebook 7; then its static card."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Locator

from audiomagic.widgets.player import LATE

from ..support import fake_server as scripted
from ..support.fake_server import FakeServer
from ..support.ipykernels import VERSIONS
from ..support.jupyter import (
    Browser,
    JupyterServer,
    Notebook,
    Opener,
    Tab,
    untrusted_copy,
)
from ..support.loudspeaker import TAP, contexts, first_sample, heard
from ..support.player_page import PLAYER, STATE, TEXT, WORDS, speech

BROWSER = {"init_script": TAP}
EVERYWHERE = [("lab", version) for version in VERSIONS] + [("notebook", VERSIONS[-1])]
GAPS = f"() => document.querySelector('{PLAYER}')?.dataset.gaps ?? null"
MARKED = """() => [...document.querySelectorAll(".audiomagic-card span, .am-words span")]
  .filter((span) => span.style.background)
  .map((span) => span.textContent.trim()).join(" ")"""


def answer(fake_server: FakeServer, pcm: bytes, **how: Any) -> None:
    chunks = scripted.spoken(WORDS, pcm)
    fake_server.then(lambda handler, body: handler.stream(chunks, **how))


def wait_played(notebook: Notebook, timeout: float = 30.0) -> None:
    notebook.wait(lambda: notebook.js(STATE) is None, "the player to give way", timeout)


@pytest.mark.parametrize(("app", "version"), EVERYWHERE)
def test_sound_and_words_come_while_the_cell_runs(
    loaded: Opener,
    server: JupyterServer,
    browser: Browser,
    fake_server: FakeServer,
    app: Any,
    version: str,
) -> None:
    pcm = speech(4)
    answer(fake_server, pcm, speed=2.0)
    path = f"{app}-{version}.ipynb"
    cells = ["%%speak\nTell a story", "import time; time.time()"]
    kernel = f"ipykernel-{version}"
    with loaded(*cells, app=app, kernel=kernel, path=path) as notebook:
        notebook.start_cell(1)
        notebook.wait(lambda: first_sample(notebook), "the first sound")
        assert "*" in notebook.cell(1).locator(".jp-InputPrompt").inner_text()  # it still runs
        assert "still arriving" not in notebook.output(1).inner_text()  # that is for saved ones
        marked = set()
        while notebook.js(STATE) is not None:
            marked.add(notebook.js(MARKED))
            assert notebook.js(GAPS) in (None, "0")
            notebook.sleep(0.1)
        assert len(marked - {""}) >= 8  # one word after another
        wait_played(notebook)
        assert heard(notebook).tobytes() == pcm  # no gap, nothing twice
        assert contexts(notebook) == 1
        (card,) = notebook.outputs(1)
        assert sorted(card["data"]) == ["text/html", "text/markdown", "text/plain"]
        (played,) = notebook.play_all(1)
        assert played["ended"] and abs((played["duration"] or 0) - 4) < 0.1
        notebook.output(1).get_by_text("birds,").click()  # a word plays from there
        notebook.wait(lambda: notebook.js(MARKED) != "", "the word to be marked")
        notebook.output(1).locator("audio").evaluate("(audio) => audio.pause()")
        notebook.save()
        assert notebook.console_errors() == []
    text = (server.root / path).read_text("utf-8")
    assert "widget-view" not in text and text.count("base64,") == 1
    if version == VERSIONS[-1]:
        _reopened(server, browser, path, app)


def _by_keyboard(tab: Tab, transcript: Locator) -> None:
    """One stop of the Tab key; arrow keys go from word to word, Enter and Space play from there."""
    stop = transcript.locator("[tabindex]")
    press, focused = tab.page.keyboard.press, "() => document.activeElement.textContent"
    tab.wait(lambda: stop.count() == 1, "the one stop")
    stop.focus()
    for keys, word in (
        ("ArrowRight ArrowRight ArrowRight", "It"),
        ("Home ArrowLeft", "One"),
        ("End ArrowRight ArrowLeft", "the"),
        ("d d x Home ArrowRight", "small"),  # Lab's own keys would delete the cell
    ):
        for key in keys.split():
            press(key)
        assert tab.js(focused) == word and stop.count() == 1
    assert stop.get_attribute("role") == "button"
    assert stop.get_attribute("aria-label") == "Play from small"
    assert "arrow keys" in (transcript.get_attribute("aria-label") or "")
    press("Enter")
    tab.wait(lambda: tab.js(MARKED) == "small", "Enter to play from there")
    for key in ("End", "ArrowLeft", "ArrowLeft", "ArrowLeft", "Space"):
        press(key)
    tab.wait(lambda: tab.js(MARKED) == "garden", "Space to play from there")
    press("Tab")
    assert not transcript.locator(":focus").count()


def _reopened(server: JupyterServer, browser: Browser, path: str, app: Any) -> None:
    """Trusted, untrusted, and as an exported page: player and transcript; no sound by itself."""
    untrusted_copy(server.root / path, server.root / "untrusted.ipynb")
    for name, follows in ((path, True), ("untrusted.ipynb", False)):
        with Notebook.open(browser, server, name, app, wait_kernel=False) as notebook:
            notebook.wait_text(1, TEXT)
            assert notebook.output(1).locator(".audiomagic-following").count() == follows
            (played,) = notebook.play_all(1)
            assert played["ended"] and contexts(notebook) == 0
            if follows:
                _by_keyboard(notebook, notebook.output(1).locator("[data-starts]"))
            assert notebook.console_errors() == []
    convert = [sys.executable, "-m", "nbconvert", "--to", "html", path]
    subprocess.run(convert, cwd=server.root, check=True, capture_output=True)
    page = browser.open_file((server.root / path).with_suffix(".html"))
    card = page.page.locator(".audiomagic-card")
    assert TEXT in card.inner_text() and card.locator("span").count() > 10
    (played,) = page.play_all()
    _by_keyboard(page, card.locator("[data-starts]"))
    assert played["ended"] and page.console_errors() == []
    page.close()
    browser.blocked.clear()  # nbconvert's own template asks a CDN for MathJax


@pytest.mark.parametrize(("app", "version"), EVERYWHERE)
def test_stop_ends_the_request(
    loaded: Opener, fake_server: FakeServer, app: Any, version: str
) -> None:
    fake_server.stall(scripted.spoken(WORDS, speech(3))[:-2], speed=1.5)  # then not a byte
    cells = ["%%speak --out story\nTell a story", "story.finish_reason, story.seconds"]
    kernel = f"ipykernel-{version}"
    with loaded(*cells, app=app, kernel=kernel, path="stop.ipynb") as notebook:
        notebook.start_cell(1)
        notebook.wait(lambda: first_sample(notebook), "the first sound")
        notebook.wait(fake_server.silent.is_set, "the server to fall silent")
        notebook.output(1).locator(".am-stop").click()
        notebook.wait(fake_server.hung_up.is_set, "the server to see it", 5)
        notebook.wait_cell(1)
        length = len(heard(notebook))
        notebook.sleep(0.5)
        assert len(heard(notebook)) == length  # silent from then on
        assert "Stopped here" in notebook.output_text(1)
        if version.startswith("6."):  # there the page can but interrupt
            assert notebook.outputs(1)[-1]["ename"] == "Interrupted"
        finish, seconds = eval(notebook.value(2))
        assert finish == "stopped" and seconds == 3
        assert notebook.output(1).locator("audio").is_visible()
        assert notebook.console_errors() == []


def test_an_interrupt_silences_it_and_leaves_what_came(
    loaded: Opener, fake_server: FakeServer
) -> None:
    fake_server.stall(scripted.spoken(WORDS, speech(30))[:-2])  # far more than is heard by then
    with loaded("%%speak\nTell a story") as notebook:
        notebook.start_cell(1)
        notebook.wait(fake_server.silent.is_set, "the server to fall silent")
        notebook.wait(lambda: first_sample(notebook), "the first sound")
        notebook.interrupt()
        notebook.wait_cell(1)
        notebook.wait(lambda: notebook.js(STATE) is None, "the player to give way", 5)
        assert "Stopped here" in notebook.output_text(1)
        assert notebook.output(1).locator("audio").is_visible()
        assert notebook.console_errors() == []


def test_stopped_before_the_server_said_anything(loaded: Opener, fake_server: FakeServer) -> None:
    fake_server.stall(None)
    with loaded("%%speak\nTell a story") as notebook:
        notebook.start_cell(1)
        notebook.wait(fake_server.silent.is_set, "the request")
        notebook.output(1).locator(".am-stop").click()
        notebook.wait(fake_server.hung_up.is_set, "the server to see it", 2)
        notebook.wait_cell(1)
        assert notebook.output_text(1).startswith("Stopped here")
        assert notebook.console_errors() == []


def test_paused_it_waits_and_goes_on(loaded: Opener, fake_server: FakeServer) -> None:
    pcm = speech(3)
    answer(fake_server, pcm, speed=20)
    with loaded("%%speak\nTell a story") as notebook:
        notebook.run_cell(1)  # all is there; it plays on in the card
        pause = notebook.output(1).locator(".am-pause")
        pause.click()
        notebook.sleep(0.3)
        length = len(heard(notebook))
        notebook.sleep(0.7)
        assert len(heard(notebook)) == length
        assert not notebook.output(1).locator("audio").is_visible()
        pause.click()
        wait_played(notebook)
        assert notebook.output(1).locator("audio").is_visible()
        # A pause is silence in the middle.
        samples = heard(notebook)
        assert samples[samples != 0].tobytes() == pcm


def test_without_autoplay_there_is_the_cards_player_alone(
    loaded: Opener, fake_server: FakeServer
) -> None:
    answer(fake_server, speech(1))
    with loaded("%%speak --no-autoplay\nHi") as notebook:
        notebook.run_cell(1)
        notebook.wait_text(1, TEXT)
        assert notebook.js(STATE) is None and contexts(notebook) == 0
        assert notebook.output(1).locator("audio").is_visible()
        assert notebook.console_errors() == []


def test_a_failure_leaves_the_words_and_the_sound_that_came(
    loaded: Opener, fake_server: FakeServer
) -> None:
    chunks = [*scripted.spoken(WORDS, speech(2))[:-2], 'data: {"error": {"message": "gone"}}\n\n']
    fake_server.then(lambda handler, body: handler.stream(chunks))
    with loaded("%%speak\nHi") as notebook:
        error = notebook.run_cell(1, check=False)[-1]
        assert error["output_type"] == "error" and "gone" in error["evalue"]
        assert f"{TEXT}\nCut off" in notebook.output_text(1)
        wait_played(notebook)
        (played,) = notebook.play_all(1)
        assert played["ended"] and abs((played["duration"] or 0) - 2) < 0.1
        assert notebook.console_errors() == []


def level(value: int, seconds: float) -> bytes:
    """Make a sound that can be told from others wherever a sample of it is heard."""
    return np.full(int(24_000 * seconds), value, "<i2").tobytes()


@pytest.mark.parametrize("version", VERSIONS)
def test_a_page_reloaded_meanwhile_reads_sensibly(
    loaded: Opener, fake_server: FakeServer, version: str
) -> None:
    answer(fake_server, speech(6), speed=1.0)
    cells = ["%%speak --out story\nTell a story", "story.text"]
    kernel = f"ipykernel-{version}"
    with loaded(*cells, kernel=kernel, path="reload.ipynb") as notebook:
        notebook.start_cell(1)
        notebook.wait(lambda: first_sample(notebook), "the first sound")
        notebook.sleep(1)
        saved = notebook.save()
        notebook.reload(wait_kernel=False)
        if version.startswith("6."):  # a kernel at work hears nothing: told in the README
            notebook.wait_text(1, "model not found")
            return
        assert "widget-view" not in str(saved)
        notebook.wait_text(1, LATE)
        assert notebook.js(STATE) is None and contexts(notebook) == 0
        notebook.wait(lambda: notebook.kernel_status() == "idle", "the cell's end")
        assert notebook.value(2) == repr(TEXT)
        # Lab's own: it is told that a widget is closed which this page does not know.
        errors = notebook.console_errors()
        assert [error for error in errors if "Comm not found" not in error] == []


def test_one_reply_sounds_at_a_time(loaded: Opener, fake_server: FakeServer) -> None:
    for value_ in (1000, 2000):
        answer(fake_server, level(value_, 2))
    with loaded("%%speak\nOne", "%%speak\nTwo") as notebook:
        notebook.start_cell(1)
        notebook.run_cell(2)
        notebook.wait(lambda: notebook.js(STATE) is None, "both to be heard")
        samples = heard(notebook)
        assert samples[samples != 0].tobytes() == level(1000, 2) + level(2000, 2)
        assert notebook.console_errors() == []


def test_a_word_is_heard_again_while_the_rest_arrives(
    loaded: Opener, fake_server: FakeServer
) -> None:
    pcm = speech(6)
    answer(fake_server, pcm, speed=1.2)
    with loaded("%%speak\nHi") as notebook:
        notebook.start_cell(1)
        notebook.wait(lambda: len(heard(notebook)) > 2 * 24_000, "two seconds")
        words = notebook.output(1).locator(".am-words")
        assert words.locator("span").count() == len(WORDS)
        assert words.locator("[tabindex]").count() == 1
        words.locator("[tabindex]").focus()
        notebook.page.keyboard.press("Space")  # from the first one
        notebook.sleep(1)
        words.get_by_text("small").click()
        assert "*" in notebook.cell(1).locator(".jp-InputPrompt").inner_text()  # it still runs
        wait_played(notebook)
        focused = "document.activeElement.closest('.audiomagic-card [data-starts] span')"
        assert notebook.js(f"() => {focused}?.textContent") == "small"  # it went along
        played = heard(notebook).tobytes()
        rest = pcm[2 * round(24_000 * 0.27) :]  # where "small" is guessed to begin
        assert played.endswith(rest)
        before = played.removesuffix(rest)
        again = before.rfind(pcm[:4_800])
        assert again > 4 * 24_000 and before[again:] == pcm[: len(before) - again]
        assert before[:again] == pcm[:again]
        assert notebook.console_errors() == []


def test_what_is_run_again_or_deleted_is_silent(loaded: Opener, fake_server: FakeServer) -> None:
    for value_, seconds in ((1000, 20.0), (2000, 20.0)):
        answer(fake_server, level(value_, seconds))
    with loaded("%%speak\nHi", "1") as notebook:
        notebook.run_cell(1)
        notebook.wait(lambda: 1000 in heard(notebook), "the first")
        notebook.run_cell(1)
        notebook.wait(lambda: 2000 in heard(notebook), "the second")
        assert np.sum(heard(notebook) == 1000) < 10 * 24_000
        length = np.sum(heard(notebook) == 1000)
        notebook.cell(1).locator(".jp-InputPrompt").click()
        notebook.command("notebook:delete-cell")
        notebook.sleep(2)
        rest = len(heard(notebook))
        notebook.sleep(1)
        assert len(heard(notebook)) == rest and np.sum(heard(notebook) == 1000) == length
        assert notebook.console_errors() == []


def test_a_click_on_a_word_takes_over_from_the_live_sound(
    loaded: Opener, fake_server: FakeServer
) -> None:
    answer(fake_server, speech(20))
    with loaded("%%speak\nHi") as notebook:
        notebook.run_cell(1)
        notebook.wait(lambda: first_sample(notebook), "the first sound")
        notebook.output(1).locator(".am-pause").focus()
        notebook.output(1).get_by_text("sea.").click()
        wait_played(notebook)
        playing = "(audio) => !audio.paused && audio.currentTime > 10"
        audio = notebook.output(1).locator("audio")
        notebook.wait(lambda: audio.evaluate(playing), "the card to play from there")
        length = len(heard(notebook))
        notebook.sleep(0.5)
        assert len(heard(notebook)) == length
