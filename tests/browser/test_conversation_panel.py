"""The panel of a live conversation in a real JupyterLab, with a listener that talks to itself."""

import re

import numpy as np
import pytest

from ..support.conversation_page import (
    CALLS,
    LOAD,
    PANEL,
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
from ..support.jupyter import Browser, JupyterServer, Notebook, ready
from ..support.loudspeaker import TAP, heard

BROWSER = {"init_script": TAP}


@pytest.mark.parametrize(
    ("app", "kernel"),
    [("lab", "python3"), ("notebook", "python3"), ("lab", "ipykernel-6.31.0"),
     ("lab", "ipykernel-7.3.0")],
)  # fmt: skip
def test_both_sides_are_heard(
    server: JupyterServer, browser: Browser, app: str, kernel: str
) -> None:
    with ready(browser, server, LOAD, START, CALLS, SOUND, app=app, kernel=kernel) as notebook:
        start(notebook)
        notebook.sleep(3)
        sound = microphone_sound(notebook)
        assert 1 < len(sound) / 24_000 < 15 and np.abs(sound).max() > 1_000
        say(notebook, "2")
        wait_state(notebook, "speaking")
        notebook.wait(lambda: "You: 2" in notebook.output_text(1), "the typed words")
        assert "birds. One small robot counted the birds. One" not in notebook.output_text(1)
        wait_state(notebook, "listening")
        assert notebook.output_text(1).count("the birds.") == 3
        assert heard(notebook).tobytes() == tone(2).tobytes()
        found = calls(notebook)
        assert found[:3] == [("start",), ("flushed", {}), ("text", "2")]
        played = [ms for (name, *_, ms, _done) in found[3:] if name == "played"]
        assert played == sorted(played) and len(played) > 4
        assert found[-1] == ("played", "item1", 2_000, True)
        part(notebook, ".am-end").click()
        notebook.wait_text(1, "What was said stays.")
        assert calls(notebook)[-1] == ("end",) and not part(notebook, PANEL).count()
        saved = notebook.save().cells[1].outputs
        assert [output.data["text/plain"] for output in saved] == ["What was said stays."]
        assert notebook.console_errors() == []


@pytest.mark.parametrize("way", ["button", "kernel", "text", "escape"])
def test_a_flush_falls_silent_and_knows_what_was_heard(
    server: JupyterServer, browser: Browser, way: str
) -> None:
    flush = "talk.panel.flush()"
    with ready(browser, server, LOAD, START, CALLS, SOUND, flush) as notebook:
        start(notebook)
        say(notebook, "9")
        notebook.wait(lambda: len(heard(notebook)) > 24_000, "a second of it")
        if way == "button":
            part(notebook, ".am-interrupt").click()
        elif way == "escape":
            notebook.page.keyboard.press("Escape")
        elif way == "text":
            say(notebook, "hm")
        else:
            notebook.run_cell(4)
        notebook.wait(lambda: "…" in part(notebook, ".am-words").inner_text(), "the cut")
        sound = heard(notebook)
        notebook.sleep(1)
        assert len(heard(notebook)) == len(sound)  # silent
        assert sound.tobytes() == tone(9)[: len(sound)].tobytes()
        found = calls(notebook)
        ((_, positions),) = (call for call in found if call[0] == "flushed" and call[1])
        assert abs(positions["item1"] - len(sound) / 24) < 100
        after = found[found.index(("flushed", positions)) + 1 :]
        told = {"button": [("interrupt",)], "escape": [("interrupt",)], "text": [("text", "hm")]}
        assert after == told.get(way, [])
        words = part(notebook, '.am-words [data-side="model"]').inner_text()
        assert re.fullmatch(r"Model: One small.*(?<!\.) …", words) and len(words) < 60
        say(notebook, "1")  # the next answer is heard
        notebook.wait(lambda: len(heard(notebook)) > len(sound) + 24_000, "the next answer")
        wait_state(notebook, "listening")
        assert calls(notebook)[-1][1:] == (f"item{3 if way == 'text' else 2}", 1_000, True)
        assert notebook.console_errors() == []


def test_muted_it_sends_silence(server: JupyterServer, browser: Browser) -> None:
    with ready(browser, server, LOAD, START, CALLS, SOUND) as notebook:
        start(notebook)
        notebook.sleep(2)
        part(notebook, ".am-mute").click()
        assert part(notebook, ".am-mute").get_attribute("aria-pressed") == "true"
        notebook.wait_text(1, "Muted")
        notebook.sleep(0.5)
        assert microphone_sound(notebook).any()
        notebook.sleep(4)
        sound = microphone_sound(notebook)
        assert len(sound) > 24_000 and not sound.any()
        part(notebook, ".am-mute").click()
        notebook.sleep(4)
        assert microphone_sound(notebook).any()
        assert notebook.console_errors() == []


def test_where_it_hears_itself_it_listens_only_when_it_is_silent(
    server: JupyterServer, browser: Browser
) -> None:
    with ready(browser, server, LOAD, START, CALLS, SOUND) as notebook:
        start(notebook)
        notebook.wait_text(1, "To interrupt by voice, put on headphones and tick the box below.")
        notebook.sleep(3)
        assert microphone_sound(notebook).any()
        say(notebook, "60")  # of which it hears a part, however slow the machine is
        wait_state(notebook, "speaking")
        notebook.wait(lambda: len(heard(notebook)) > 24_000, "the answer")
        microphone_sound(notebook)
        notebook.sleep(4.5)  # the microphone hears a whole question
        sound = microphone_sound(notebook)
        assert len(sound) > 24_000 and not sound.any()
        part(notebook, ".am-headphones input").check()
        notebook.sleep(0.5)
        assert "put on headphones" not in notebook.output_text(1)
        microphone_sound(notebook)
        part(notebook, ".am-interrupt").click()
        notebook.sleep(0.5)
        say(notebook, "60")
        wait_state(notebook, "speaking")
        notebook.sleep(4.5)
        assert microphone_sound(notebook).any()
        assert notebook.console_errors() == []


def test_push_to_talk_by_button_and_space_bar(server: JupyterServer, browser: Browser) -> None:
    by_button = "talk = Loopback(push_to_talk=True)"
    with ready(browser, server, LOAD, by_button, CALLS, SOUND) as notebook:
        start(notebook)
        hold = part(notebook, ".am-talk")
        notebook.sleep(1)
        assert len(microphone_sound(notebook)) == 0  # nothing is sent in between
        hold.hover()
        notebook.page.mouse.down()
        notebook.wait(lambda: hold.get_attribute("aria-pressed") == "true", "the button")
        notebook.sleep(5)  # a whole question
        notebook.page.mouse.up()
        wait_state(notebook, "speaking")
        assert 4 < len(microphone_sound(notebook)) / 24_000 < 15
        notebook.wait(lambda: len(heard(notebook)) > 12_000, "it comes back")
        hold.focus()
        notebook.page.keyboard.down("Space")  # over the answer
        notebook.wait(lambda: hold.get_attribute("aria-pressed") == "true", "the space bar")
        notebook.sleep(1)
        notebook.page.keyboard.up("Space")
        wait_state(notebook, "speaking")
        found = [call for call in calls(notebook) if call[0] != "played"]
        talked = [call for call in found if call[0] == "talk"]
        assert talked == [("talk", True), ("talk", False)] * 2
        assert found[found.index(("talk", False)) + 1][0] == "flushed"
        part(notebook, ".am-text").fill("a b")  # a space is a letter there
        notebook.page.keyboard.press("Space")
        assert [call for call in calls(notebook) if call[0] == "talk"] == talked
        assert notebook.console_errors() == []


def test_another_microphone_takes_over(server: JupyterServer, browser: Browser) -> None:
    with ready(browser, server, LOAD, START, CALLS, SOUND) as notebook:
        start(notebook)
        choice = part(notebook, ".am-device select")
        names = choice.locator("option").all_inner_texts()
        assert len(names) > 1
        choice.select_option(names[-1])
        notebook.wait(part(notebook, ".am-mute:not([hidden])").count, "it to be open")
        microphone_sound(notebook)
        notebook.sleep(4)
        assert microphone_sound(notebook).any()
        assert choice.input_value() and "Use microphone" not in notebook.output_text(1)
        assert notebook.console_errors() == []


def test_while_the_kernel_runs_a_cell(server: JupyterServer, browser: Browser) -> None:
    busy = "import time\nbefore = len(talk.frames)\ntime.sleep(3)\nlen(talk.frames) - before"
    with ready(browser, server, LOAD, START, CALLS, SOUND, busy) as notebook:
        start(notebook)
        assert int(notebook.value(4)) > 20
        assert notebook.console_errors() == []


def test_a_kernel_that_cannot_hear_then_is_not_told_later(
    server: JupyterServer, browser: Browser
) -> None:
    busy = "import time\nbefore = len(talk.frames)\ntime.sleep(5)\nlen(talk.frames) - before"
    cells = LOAD, START, CALLS, SOUND, busy
    with ready(browser, server, *cells, kernel="ipykernel-6.31.0") as notebook:
        start(notebook)
        notebook.sleep(1)
        notebook.start_cell(4)
        notebook.wait_text(1, "The kernel is busy and cannot hear you right now.")
        microphone_sound(notebook)  # behind the busy cell
        backlog = len(microphone_sound(notebook)) / 24_000
        assert backlog < 3
        notebook.wait(lambda: "is busy" not in notebook.output_text(1), "it to hear again")
        notebook.sleep(1)
        assert len(microphone_sound(notebook)) > 4_800
        assert notebook.console_errors() == []


def test_a_reloaded_page_resumes_it(server: JupyterServer, browser: Browser) -> None:
    with ready(browser, server, LOAD, START, CALLS, SOUND) as notebook:
        start(notebook)
        say(notebook, "60")
        notebook.wait(lambda: len(heard(notebook)) > 24_000, "a second of it")
        notebook.save()
        notebook.reload()
        notebook.wait_text(1, "The conversation is running, but not on this page.")
        notebook.wait_text(1, "You: 60")
        notebook.sleep(3)  # until the kernel knows that the page is gone
        part(notebook, ".am-start").click()
        notebook.wait(part(notebook, ".am-mute").count, "the buttons")
        notebook.wait(lambda: not part(notebook, ".am-mute").is_hidden(), "the microphone")
        say(notebook, "1")
        notebook.wait(lambda: len(heard(notebook)) >= 24_000, "the answer")
        assert heard(notebook)[:24_000].tobytes() == tone(1).tobytes()
        found = calls(notebook)
        assert found.count(("start",)) == 1 and ("page lost",) not in found
        cut = [call[1] for call in found if call[0] == "flushed" and call[1]]
        assert [list(positions) for positions in cut] == [["item1"]]
        assert 700 <= cut[0]["item1"] < 30_000  # reported four times a second
        assert notebook.console_errors() == []


def test_a_second_tab_is_refused_and_a_closed_one_noticed(
    server: JupyterServer, browser: Browser
) -> None:
    with ready(browser, server, LOAD, START, CALLS, SOUND) as notebook:
        start(notebook)
        notebook.save()
        with Notebook.open(browser, server, "a.ipynb") as tab:
            tab.wait_text(1, "The conversation is running, but not on this page.")
            part(tab, ".am-start").click()
            tab.wait_text(1, "This conversation is going on in another tab; end it there first.")
            assert ("page lost",) not in calls(tab)
            notebook.page.goto("about:blank")
            tab.wait(lambda: ("page lost",) in calls(tab), "the kernel to notice", 60)
            assert calls(tab).count(("page lost",)) == 1
            assert tab.console_errors() == []


def test_two_of_them_sound_one_after_the_other(server: JupyterServer, browser: Browser) -> None:
    second = "other = Loopback()"
    cells = LOAD, START, CALLS, SOUND, second, "other.calls"
    with ready(browser, server, *cells) as notebook:
        start(notebook)
        start(notebook, 4)
        say(notebook, "3")
        notebook.wait(lambda: len(heard(notebook)) > 4_800, "the first")
        say(notebook, "1", 4)
        notebook.wait(lambda: ("played", "item1", 1_000, True) in calls(notebook, 5), "both")
        both = np.concatenate([tone(3), tone(1)])
        sound = heard(notebook)
        assert sound[sound != 0].tobytes() == both.tobytes()
        assert ("played", "item1", 3_000, True) in calls(notebook)
        assert notebook.console_errors() == []


def test_a_spoken_word_silences_a_recording_that_plays(
    server: JupyterServer, browser: Browser
) -> None:
    play = (
        "import numpy as np\nfrom IPython.display import Audio\n"
        "Audio(np.sin(np.arange(480_000) / 9), rate=24_000)"
    )
    with ready(browser, server, LOAD, START, CALLS, play) as notebook:
        start(notebook)
        notebook.run_cell(3)
        audio = notebook.output(3).locator("audio")
        audio.evaluate("(audio) => { audio.muted = true; return audio.play() }")
        say(notebook, "1")
        notebook.wait(lambda: audio.evaluate("(audio) => audio.paused"), "it to pause")
        wait_state(notebook, "listening")
        assert notebook.console_errors() == []
