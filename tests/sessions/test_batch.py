"""Batches: many items, in order, each with its reply or its error; resumed, capped, interrupted."""

import gc
import io
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from decimal import Decimal
from itertools import count
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pandas
import pytest
from IPython.display import Audio

from audiomagic import Session, Sound
from audiomagic.errors import (
    BudgetExceeded,
    Interrupted,
    OptionError,
    ReplyPending,
    RequestRejected,
    SoundError,
    WorkerLost,
)
from audiomagic.render.html import player
from audiomagic.sound import StoredSound
from audiomagic.turn.reply import Reply

from ..support.fake_server import KEY, Handler
from ..support.many_clients import Crowd
from ..support.page_reading import Reading


@pytest.fixture
def crowd(tone: Sound, monkeypatch: pytest.MonkeyPatch) -> Iterator[Crowd]:
    with Crowd(tone.pcm16()) as server:
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        yield server


@pytest.fixture
def session(crowd: Crowd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    monkeypatch.chdir(tmp_path)
    return Session()


@pytest.fixture
def brief(crowd: Crowd) -> Crowd:
    """Its answers are a tenth of a second long: many of them are asked for."""
    crowd._pcm = crowd._pcm[:4_800]
    return crowd


TWICE = pandas.DataFrame([[1, 2]], columns=["a", "a"])


def run(session: Session, items: Any, template: str = "", **how: Any) -> Any:
    return session.map(items, template, progress=False, **how)


def spent(session: Session) -> Decimal:
    """What its calls cost, by the ledger."""
    return sum((row["dollars"] for row in session.ledger.rows()), Decimal(0))


@pytest.mark.usefixtures("brief")
def test_texts_are_answered_in_order_and_saved(session: Session, tmp_path: Path) -> None:
    batch = run(session, [f"Say {n}." for n in range(20)], workers=4)
    assert [reply.text for reply in batch] == [f"Say {n}." for n in range(20)]
    assert batch.errors == {} and batch.replies == list(batch)
    files = sorted((tmp_path / "out").iterdir())
    assert [file.name for file in files[:2]] == ["0000.mp3", "0001.mp3"] and len(files) == 20
    assert spent(session) == sum(reply.cost for reply in batch)


def test_the_sound_stays_in_its_file(session: Session, tmp_path: Path) -> None:
    reply = run(session, ["Hello."], save="a/{i}.wav")[0]
    assert reply.sound.path == tmp_path / "a" / "0.wav"
    assert reply.sound.seconds == 1.0 and len(reply.sound.samples) == 24_000
    assert "samples" not in vars(reply.sound)
    assert "data:audio/mpeg" in reply._repr_mimebundle_()["text/html"]
    kept = run(session, ["Hello again."], save=None)[0]
    assert kept.sound.samples is kept.sound.samples


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"no sound")])
@pytest.mark.parametrize("read_first", [True, False])
def test_a_sound_that_is_gone_takes_nothing_else_with_it(
    session: Session, tmp_path: Path, damage: Callable[[Path], object], read_first: bool
) -> None:
    batch = run(session, ["Hello.", "Goodbye."], save="a/{i}.mp3")
    if read_first:
        batch[0]._repr_mimebundle_()
    damage(tmp_path / "a" / "0.mp3")
    batch = pickle.loads(pickle.dumps(batch))
    line = "the sound can no longer be read from a/0.mp3"
    card = Reading(batch[0]._repr_mimebundle_()["text/html"])
    assert "audio" not in card.tags and f"There is no player: {line}." in card.text
    assert "Hello." in card.text and "gpt-audio-1.5 at" in card.text
    whole = Reading(batch._repr_mimebundle_()["text/html"])
    assert whole.tags.count("audio") == 1 and line in whole.text and "2 items" in whole.text
    assert line in batch[0].sound._repr_html_() and "<audio" in batch[1].sound._repr_html_()
    assert "a/0.mp3" in str(batch.frame().saved[0])
    with pytest.raises(SoundError, match=line):
        _ = batch[0].sound.samples


def test_a_question_whose_file_is_gone_keeps_its_conversation(
    session: Session, tone: Sound, tmp_path: Path
) -> None:
    heard = run(session, [tone.save(tmp_path / "q.wav")], "What is it?", text_only=True)[0]
    (question,) = (p for p in heard.request.messages[-1].parts if not isinstance(p, str))
    (tmp_path / "q.wav").unlink()
    assert "can no longer be read from q.wav" in player(question)
    held = StoredSound({"bytes": None, "path": str(tmp_path / "q.wav")}, 24_000, 1.0)
    assert "There is no player: the sound can no longer be read." in player(held)


def test_rows_fill_the_template_the_options_and_the_names(session: Session, crowd: Crowd) -> None:
    frame = pandas.DataFrame({"word": ["le chat", "../dog"], "who": ["coral", "ash"]}, index=[5, 9])
    batch = run(session, frame, "{word}, number {i}", voice="{who}", save="cards/{word}-{i}.mp3")
    assert [reply.text for reply in batch] == ["le chat, number 0", "../dog, number 1"]
    assert {body["audio"]["voice"] for body in crowd.requests} == {"coral", "ash"}
    assert [reply.sound.path.name for reply in batch] == ["le-chat-0.mp3", "-dog-1.mp3"]
    told = batch.frame()
    assert list(told.index) == [5, 9] and list(told.word) == ["le chat", "../dog"]
    assert list(told.seconds) == [1.0, 1.0] and told.saved[5].endswith("le-chat-0.mp3")
    assert list(run(session, told, "{word}", save=None).frame().columns) == list(told.columns)


def test_files_and_sounds_are_listened_to(session: Session, crowd: Crowd, tone: Sound) -> None:
    path = tone.save("tone.wav")
    items = [path, tone, {"sound": "tone.wav"}]
    batch = run(session, items, "What is it? {i}", text_only=True)
    parts = [body["messages"][-1]["content"] for body in crowd.requests]
    assert sorted(part[0]["text"] for part in parts) == [
        "What is it? 0", "What is it? 1", "What is it? 2",
    ]  # fmt: skip
    assert all(part[1]["type"] == "input_audio" for part in parts)
    assert batch[0].request.seconds == 1.0


@pytest.mark.parametrize(
    ("items", "how", "line"),
    [
        ("text", {}, "must be a list or a DataFrame, not str"),
        ([{"word": 1}], {}, "names no column; write {word}"),
        ([{"word": 1}], {"template": "{wrod}"}, "no column 'wrod'; did you mean 'word'"),
        (["a", "b"], {"save": "same.mp3"}, "several items would be saved as same.mp3"),
        (["a"], {"save": "{j}.mp3"}, "no column 'j'"),
        (["a"], {"save": "{i}.mpeg"}, "cannot save as '0.mpeg'"),
        (["a"], {"save": "{i:s}.mp3"}, "names no files"),
        (["Chat", "chat"], {"template": "{item}", "save": "{item}.mp3"}, "saved as chat.mp3"),
        (["a"], {"save": "{i}{.mp3"}, "names no files"),
        (["a"], {"save": 3}, "save must be a path, not int"),
        (["a"], {"save": "taken/{i}.mp3"}, "cannot make the folder taken"),
        ([{"i": 1}], {"template": "{i}"}, "'i' is the place of an item; rename that column"),
        ([{"a.b": 1}], {}, "no column that can stand in the text; rename 'a.b' to a word"),
        ([{}], {}, "no column that can stand in the text"),
        (TWICE, {"template": "{a}"}, "two columns are named 'a'"),
        (["a"], {"chat": "main"}, "cannot share a chat"),
        (["a"], {"voice": "coral,ash"}, "one voice"),
        (["a"], {"model": "a, b"}, "one model"),
        (["a"], {"workers": 0}, "above 0, not 0"),
        (["a"], {"workers": "2"}, "above 0, not '2'"),
        (["a"], {"workers": 1.5}, "above 0, not 1.5"),
        (["a"], {"executor": "threads"}, "executor must be a concurrent.futures.Executor, not str"),
        (["a"], {"voicee": "ash"}, "did you mean 'voice'"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_sent(
    session: Session, crowd: Crowd, items: Any, how: dict[str, Any], line: str
) -> None:
    Path("taken").write_text("")
    with pytest.raises(ValueError, match=line):
        run(session, items, **how)
    assert not crowd.asked


def held(tone: Sound) -> list[Any]:
    """A sound, as rows have it."""
    wav = tone.encode("wav")
    return [
        tone, wav, io.BytesIO(wav), tone.samples.tolist(), tone.samples,
        (tone.rate, tone.samples), Audio(data=wav),
        {"array": tone.samples, "sampling_rate": tone.rate}, {"bytes": wav, "path": None},
    ]  # fmt: skip


def test_a_sound_is_not_filled_into_a_text(session: Session, crowd: Crowd, tone: Sound) -> None:
    rename = r"the column 'clip' holds sound \(\w+\), not text; rename it 'sound' to have it heard"
    for sound in held(tone):
        for row in ({"clip": sound, "n": 1}, {"clip": sound}):
            with pytest.raises(OptionError, match=rename):
                run(session, [{"clip": None}, row], "Say {clip}.")
        with pytest.raises(OptionError, match=rename):
            run(session, [{"clip": sound, "n": 1}], "Say {n}.", style="as in {clip}")
        with pytest.raises(OptionError, match=r"names no column; write \{n\}"):
            run(session, [{"clip": sound, "n": 1}], "Transcribe")
        with pytest.raises(OptionError, match=rename):
            run(session, [{"clip": sound}], "Transcribe")
        with pytest.raises(
            OptionError, match=r"'item' holds sound \(\w+\), not text; write {sound}"
        ):
            run(session, [sound], "What is {item}?")
    assert not crowd.asked
    known = [{"clip": held(tone)[-2], "n": np.arange(3), "word": np.array(["le", "chat"])}]
    batch = run(session, known, "{clip['sampling_rate']} Hz, {n}, {word}")
    assert_lines(batch, ["24000 Hz, [0 1 2], ['le' 'chat']"])


def test_sounds_in_a_column_audio_are_listened_to(session: Session, tone: Sound) -> None:
    for sound in held(tone):
        if sound is tone.samples or isinstance(sound, list):  # they have no rate
            continue
        rows = [{"audio": sound, "text": "le chat"}, {"audio": None, "text": "le chien"}]
        batch = run(session, rows, "Is it {text}?", text_only=True)
        assert batch[0].request.seconds == 1.0 and "'audio' is empty here" in str(batch[1])
    links = [{"audio": "a.org/b.wav", "text": "le chat"}]
    assert_lines(run(session, links, "{text}: {audio}"), ["le chat: a.org/b.wav"])


def test_what_is_missing_fails_in_its_place(
    session: Session, crowd: Crowd, tone: Sound, tmp_path: Path
) -> None:
    nan = float("nan")
    assert_lines(run(session, ["a", None, nan, 4, object()]), [
        "a", "the item is missing", "the item is missing", "4", "a value of type object is not",
    ])  # fmt: skip
    words = pandas.DataFrame({"word": ["a", None, "c"], "n": [1, 2, None], "x": [None] * 3})
    assert_lines(run(session, words, "{word} {n}", save="{word}.mp3"), [
        "a 1", "column 'word' is empty here", "column 'n' is empty here",
    ])  # fmt: skip
    assert_lines(run(session, words.word, "Say {item}."), ["Say a.", "the item", "Say c."])
    assert_lines(run(session, [{"a": 1}, {"b": 2}], "{a}"), ["1", "column 'a' is empty here"])
    heard = [{"file": tone.save(tmp_path / "a.wav")}, {"file": None}, {"file": "none.wav"}]
    said = [str(one) for one in run(session, heard, "What?")][1:]
    assert said[0] == "column 'file' is empty here" and "none.wav: No such file" in said[1]


def assert_lines(batch: Any, lines: list[str]) -> None:
    for result, line in zip(batch, lines, strict=True):
        said = result.text if isinstance(result, Reply) else str(result)
        assert said.startswith(line)


@pytest.mark.parametrize("missing", [None, float("nan"), pandas.NaT, pandas.NA])
def test_a_batch_of_nothing_but_gaps_is_a_batch(session: Session, missing: Any) -> None:
    batch = run(session, [missing])
    assert str(batch[0]) == "the item is missing" and batch.errors == {0: batch[0]}
    assert "1 item · 1 failed" in repr(batch._repr_mimebundle_()["text/plain"])
    assert_lines(run(session, [{"word": missing}] * 2, "{word}"), ["column 'word' is empty"] * 2)
    assert_lines(run(session, [object(), {"file": "none.wav"}], "Hi"), ["a value", "cannot read"])


def test_whole_numbers_and_days_of_a_column_are_read_as_such(session: Session) -> None:
    day = pandas.Timestamp("2024-05-01")
    frame = pandas.DataFrame({"n": [1, None, 3], "x": [1.0, 2.5, None], "day": [day, day, None]})
    frame["at"] = [day, day + pandas.Timedelta(hours=9), day]
    template = "{n} of {x} on {day}, at {at}"
    midnight = "a 2024-05-01 00:00:00"
    for rows in (frame, frame.to_dict("records")):
        got = run(session, rows, "a {at}", save="{n:04}-{day}.mp3")
        assert_lines(got, [midnight, "column 'n' is empty", "column 'day' is empty"])
        assert got[0].sound.path.name == "0001-2024-05-01.mp3"
        read = run(session, rows, template)
        assert_lines(read, ["1 of 1.0 on 2024-05-01, at 2024-05-01 00:00:00", "column", "column"])
    assert_lines(run(session, frame.day, "On {item}."), ["On 2024-05-01."] * 2 + ["the item"])
    assert_lines(run(session, frame.n), ["1", "the item is missing", "3"])
    assert_lines(run(session, frame.day.to_numpy()[:2]), ["2024-05-01"] * 2)
    kept = pandas.DataFrame({"n": [1.0, 2.0], "big": [1e300, None]})  # floats, as they were meant
    assert_lines(run(session, kept, "{n} {big}"), ["1.0 1e+300", "column 'big' is empty"])


def test_a_name_of_a_file_is_no_formula_and_a_text_may_hold_one(session: Session) -> None:
    batch = run(session, [{"n": 2, "v": "ash"}], "x_{n} is \\frac{n}{3}: {n}", save="card_{n}.mp3",
                style="x^{n} like {v}", voice="{v}")  # fmt: skip
    assert batch[0].text == "x_{n} is \\frac{n}{3}: 2"
    assert batch[0].sound.path.name == "card_2.mp3"
    assert batch[0].request.system == "Speak in this way: x^{n} like ash"
    with pytest.raises(OptionError, match=r"names no column; write \{n\}"):
        run(session, [{"n": 2}], "Say x_{n}.")


def test_a_frame_of_another_library_comes_back_with_columns(session: Session) -> None:
    class Frame:
        def __dataframe__(self, *how: Any, **more: Any) -> Any:
            return pandas.DataFrame({"word": ["chat", "chien"], "n": [1, None]}).__dataframe__()

    batch = run(session, Frame(), "{word}", save="{word}.mp3")
    assert list(batch.frame().reply) == ["chat", "chien"]
    polars = pytest.importorskip("polars")
    deck = polars.DataFrame({"word": ["chat", "chien"], "n": [1, None]})
    batch = run(session, deck, "{word} {n}", save="{word}.mp3")
    assert_lines(batch, ["chat 1", "column 'n' is empty here"])
    frame = batch.frame()
    assert isinstance(frame, polars.DataFrame) and frame["saved"][0] == "chat.mp3"
    assert frame["error"][1] == "OptionError: column 'n' is empty here"


def test_the_audio_of_a_dataset_is_listened_to(session: Session, crowd: Crowd, tone: Sound) -> None:
    audio = {"array": tone.samples, "sampling_rate": tone.rate, "path": None}
    stored = {"bytes": tone.encode("wav"), "path": "a.wav"}
    named = {"bytes": None, "path": str(tone.save("a.wav"))}
    items = [audio, stored, named, {"sound": audio}, {"sound": named}]
    batch = run(session, items, "What is it?", text_only=True)
    assert [reply.request.seconds for reply in batch] == [1.0] * 5


def test_uploaded_and_open_files_are_listened_to(session: Session, tone: Sound) -> None:
    wav = tone.encode("wav")
    upload = {"name": "a.wav", "type": "audio/wav", "size": 1, "content": memoryview(wav)}
    with io.BytesIO(wav) as file:
        items = [upload, {"metadata": {"name": "a.wav"}, "content": wav}, file, file, wav]
        batch = run(session, items, "What is it?", text_only=True)
    assert [reply.request.seconds for reply in batch] == [1.0] * 5
    assert len(batch[2].request.messages[-1].sounds[0].samples) == 24_000  # though it is closed


class Row:
    """A row of `datasets` 4: decoded whenever it is asked; how many of them are alive."""

    alive: ClassVar[list[weakref.ref[Any]]] = []

    def get_all_samples(self) -> SimpleNamespace:
        samples = np.zeros(300_000, np.float32)
        samples[100_000:200_000] = 0.5  # silence is cut off both ends
        samples.setflags(write=False)
        Row.alive.append(weakref.ref(samples))
        return SimpleNamespace(data=samples, sample_rate=24_000)


def test_sounds_are_decoded_when_they_are_sent_and_not_kept(session: Session, brief: Crowd) -> None:
    most: list[int] = []

    def count_them(*_: object) -> bool:
        most.append(sum(found() is not None for found in Row.alive))
        return False

    brief._trouble = count_them
    run(session, [Row()], "What is it?", save=None)  # all is imported
    tracemalloc.start()
    batch = run(session, [Row() for _ in range(12)], "What is it?", workers=2, save=None)
    brief.requests.clear()
    gc.collect()
    kept = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert batch.errors == {} and max(most) <= 5  # two, two that wait, and one that has just ended
    assert kept < 4_000_000  # of 14 MB
    (sent,) = batch[0].request.messages[-1].sounds
    assert sent.seconds == batch[0].request.seconds == pytest.approx(100 / 24 + 1, abs=0.03)
    assert len(sent.samples) == round(sent.seconds * 24_000)


def test_columns_of_several_words_and_paths(session: Session) -> None:
    rows = [{"the word": "chat", "it's": "{the word}"}, {"the word": "chien", "it's": 2}]
    save = Path("cards") / "{the word}.mp3"
    batch = run(session, rows, "Say {the word}, {it's} {no such}", save=save)
    assert batch[0].text == "Say chat, {the word} {no such}"
    assert [reply.sound.path.name for reply in batch] == ["chat.mp3", "chien.mp3"]


def test_an_item_that_fails_leaves_the_others(session: Session, crowd: Crowd) -> None:
    batch = run(session, [{"v": "coral"}, {"v": "corl"}, {"v": "ash"}], "Hi {i}", voice="{v}")
    assert list(batch.errors) == [1] and isinstance(batch[1], RequestRejected)
    assert [reply.text for reply in batch.replies] == ["Hi 0", "Hi 2"]
    assert batch.frame().error[1].startswith("RequestRejected: no voice 'corl'")
    html = batch._repr_mimebundle_()["text/html"]
    assert html.count("<audio") == 2 and "failed: no voice" in html
    assert "3 items · 1 failed · 2.0 s of sound" in repr(batch._repr_mimebundle_()["text/plain"])


def test_a_batch_resumes_from_its_cassette(session: Session, crowd: Crowd, tmp_path: Path) -> None:
    crowd._trouble = lambda handler, body, words, times: (
        "3" in words and not handler.refuse(400, "No.")
    )
    items = [f"Item {n}." for n in range(6)] + ["A joke."] * 3
    session.record(tmp_path / "tape")
    first = run(session, items)
    assert list(first.errors) == [3] and crowd.asked["A joke."] == 3
    crowd._trouble = lambda *_: False
    again = Session()  # as after a crash
    again.record(tmp_path / "tape")
    second = run(again, items)
    assert second.errors == {} and crowd.asked["A joke."] == 3
    assert crowd.repeated.count("Item 0.") == 0 and crowd.asked["Item 3."] == 2
    engines = [reply.receipt.engine for reply in second]
    assert engines.count("openai") == 1 and engines[3] == "openai"
    assert second[0].cost == 0 and second[3].cost > 0
    assert second[0].sound.path.exists()
    assert again.speak("Item 0.").receipt.engine == "openai"  # a call of its own is a new one


RUN = """
from audiomagic import Session
session = Session()
session.record("tape")
session.map([f"Item {n}." for n in range(12)], progress=False, workers=2)
"""


def test_a_batch_whose_process_is_killed_resumes(session: Session, crowd: Crowd) -> None:
    """Only what was being answered when it died is asked, and paid for, once more."""
    crowd._delay = 0.05
    process = subprocess.Popen([sys.executable, "-c", RUN])
    while sum(crowd.answered.values()) < 6 and process.poll() is None:
        time.sleep(0.01)
    process.kill()
    process.wait()
    known = [path for path in Path("tape").iterdir() if path.suffix == ".json"]
    assert 4 <= len(known) < 12
    asked = len(crowd.requests)
    session.record("tape")
    batch = run(session, [f"Item {n}." for n in range(12)], workers=2)
    assert batch.errors == {} and len(crowd.requests) - asked == 12 - len(known)
    assert len(crowd.repeated) <= 2
    assert {reply.receipt.engine for reply in batch} == {"replay", "openai"}


def test_a_rate_limit_slows_all_of_them(brief: Crowd, session: Session) -> None:
    refused: list[float] = []

    def limit(handler: Handler, body: dict[str, Any], words: str, times: int) -> bool:
        if len(brief.answered) < 5 or refused:
            return False
        refused.append(time.time())
        handler.refuse(429, "Slow down.", None, "rate_limit_exceeded", retry_after="2")
        return True

    brief._trouble, brief._delay = limit, 0.02
    batch = run(session, [f"Item {n}." for n in range(30)], workers=4)
    assert batch.errors == {}
    # What was on its way when the limit became known has long arrived, even on a busy machine.
    in_the_pause = [t for t in brief.times if refused[0] + 1 < t < refused[0] + 1.9]
    assert in_the_pause == []


def test_who_is_refused_while_others_pass_is_not_given_up(brief: Crowd, session: Session) -> None:
    def unlucky(handler: Handler, body: dict[str, Any], words: str, times: int) -> bool:
        if words != "Item 0." or times > 6:
            return False
        enough = sum(brief.answered.values()) + 4  # of three at once, one has passed by then
        while sum(brief.answered.values()) < enough:
            time.sleep(0.005)
        handler.refuse(429, "Slow down.", None, "rate_limit_exceeded", retry_after_ms="50")
        return True

    brief._trouble, brief._delay = unlucky, 0.02
    batch = run(session, [f"Item {n}." for n in range(60)], workers=4)
    assert batch.errors == {} and brief.asked["Item 0."] == 7


def test_all_items_together_stay_under_a_cap(brief: Crowd, session: Session) -> None:
    session.budget.set_cap(Decimal("0.03"), "day", "")
    batch = run(session, [f"Item {n}." for n in range(60)], workers=4)
    assert 0 < spent(session) <= Decimal("0.03")
    assert {type(error) for error in batch.errors.values()} == {BudgetExceeded}
    assert len(brief.asked) == len(batch.replies)


def test_max_cost_is_for_all_items_together(brief: Crowd, session: Session) -> None:
    batch = run(session, [f"Item {n}." for n in range(80)], workers=4, max_cost="0.05")
    assert Decimal("0.01") < spent(session) <= Decimal("0.05")
    assert batch.errors and isinstance(batch[79], BudgetExceeded)


def test_a_cap_that_one_call_fits_under_lets_the_items_through(
    brief: Crowd, session: Session
) -> None:
    batch = run(session, ["One.", "Two."], workers=8, max_cost="0.006")
    assert batch.replies and spent(session) <= Decimal("0.006")
    batch = run(session, ["Three."], workers=8, max_cost="0.0001")
    assert str(batch[0]).startswith("the cap is $0.0001")


def test_an_interrupt_keeps_what_is_done(crowd: Crowd, session: Session, tmp_path: Path) -> None:
    stop, unanswered = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)), count(1)

    def last_ones_never(handler: Handler, body: dict[str, Any], words: str, times: int) -> bool:
        if int(words.split()[1]) < 6:
            return False
        if next(unanswered) == 2:  # both workers wait, and are done with what was answered
            stop.start()
        handler.be_silent()
        return True

    crowd._trouble = last_ones_never
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's `&` has it ignored
    with pytest.raises(Interrupted, match="6 of 10 items answered, and kept") as caught:
        run(session, [f"Item {n}" for n in range(10)], workers=2)
    batch: Any = caught.value.reply
    assert [isinstance(one, Reply) for one in batch] == [True] * 6 + [False] * 4
    assert {type(error) for error in batch.errors.values()} <= {ReplyPending}
    assert len(list((tmp_path / "out").iterdir())) == 6


# -- other processes --------------------------------------------------------------------------
def _die() -> None:
    os._exit(1)


def test_processes_answer_and_book_here(crowd: Crowd, session: Session, tmp_path: Path) -> None:
    session.record(tmp_path / "tape")
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        batch = run(session, [f"Item {n}." for n in range(8)], executor=pool, workers=4)
        assert [reply.text for reply in batch] == [f"Item {n}." for n in range(8)]
        rows = session.ledger.rows()
        assert len(rows) == 8 and spent(session) == sum(reply.cost for reply in batch) > 0
        again = run(session, [f"Item {n}." for n in range(8)], executor=pool)
        assert {reply.receipt.engine for reply in again} == {"replay"} and not crowd.repeated
        with pytest.raises(OptionError, match="tools cannot cross"):
            run(session, ["a"], executor=pool, tools=[len])


def test_a_worker_with_another_server_asks_nobody(
    crowd: Crowd, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        pool.submit(os.getpid).result()
        monkeypatch.setenv("OPENAI_BASE_URL", crowd.url)
        batch = run(session, ["a"], executor=pool)
    assert "a worker would ask 127.0.0.1:9, not 127.0.0.1" in str(batch[0])


def test_a_broken_pool_is_reported_for_each_item(crowd: Crowd, session: Session) -> None:
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        assert pool.submit(_die).exception()
        batch = run(session, ["a", "b", "c"], executor=pool, workers=2)
    assert [type(error) for error in batch] == [WorkerLost] * 3
