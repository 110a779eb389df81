"""Cassettes: what is kept of a call, what the same call gets again, and what a miss says."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiomagic import Sound
from audiomagic.errors import CassetteError, InvalidResponse
from audiomagic.protocol.request import Request
from audiomagic.protocol.response import Completion, ResponseAccumulator
from audiomagic.protocol.tool_calls import ToolCall
from audiomagic.protocol.usage import Usage
from audiomagic.sound import WIRE_RATE
from audiomagic.transports.cancellation import Cancellation
from audiomagic.transports.cassette import Cassette
from audiomagic.transports.resolve import resolve

from ....support.fake_server import KEY, FakeServer, chunk, spoken, usage, written
from ....support.samples import CALL, JOKE, PCM, accumulated, asked, called, record


def replayed(cassette: Cassette, request: Request) -> Completion:
    return accumulated(cassette.answer(request, pace=False))


def say(text: str) -> list[Any]:
    return spoken([text], PCM)


@pytest.fixture
def cassette(tmp_path: Path) -> Cassette:
    return Cassette(tmp_path / "tape")


# -- kept and given again ---------------------------------------------------------------------
def interleaved() -> Iterator[Any]:
    first, *data, counted, expiry = spoken([" Hello"], PCM, piece=9600)
    yield first
    for index, item in enumerate(data):
        yield item
        yield chunk({"audio": {"transcript": f" word{index}"}})
    yield from (counted, expiry)


def two_calls() -> list[Any]:
    pieces = [CALL.wire() | {"index": 0}, ToolCall("call_y", "time", "{}").wire() | {"index": 1}]
    return [chunk({"tool_calls": pieces}), chunk({}, finish_reason="tool_calls")]


@pytest.mark.parametrize(
    "chunks",
    [
        spoken(["Hello", ",", " Ada", ". ", "Näive", " 語😀"], PCM),
        list(interleaved()),
        written(["Just", " text\n", "*so*"]),
        two_calls(),
        [chunk({"content": "No usage"}, finish_reason="length")],
        [
            chunk({"content": "x"}, finish_reason="stop")
            | {"usage": {"prompt_tokens": 9, "completion_tokens": 3}}
        ],
        [{"choices": [{"delta": {"content": "an unnamed model"}, "finish_reason": "stop"}]}],
        [chunk({}, finish_reason="content_filter")],
    ],
    ids=["spoken", "interleaved", "written", "called", "bare", "unsplit", "unnamed", "empty"],
)
def test_the_answer_comes_again(cassette: Cassette, chunks: list[Any]) -> None:
    kept = record(cassette, JOKE, chunks)
    again = replayed(Cassette(cassette.folder), JOKE)
    assert again == replace(kept, audio_id=None, expires_at=None)
    assert [c for c, _ in again.marks] == [c for c, _ in kept.marks]
    assert [s for _, s in again.marks] == pytest.approx([s for _, s in kept.marks], abs=1 / 24_000)


WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=9)


def heard(samples: int) -> Any:
    return next(item for item in spoken([], PCM[: 2 * samples], piece=9999) if "data" in str(item))


CHUNKS = st.one_of(
    WORDS.map(lambda words: chunk({"audio": {"transcript": words}})),
    st.integers(1, 700).map(heard),
    st.just(chunk()),
    st.builds(called, st.integers(0, 3), WORDS),
    st.builds(lambda t, a: chunk() | {"usage": usage(t, a)}, st.integers(0, 99), st.integers(0, 9)),
)


@given(st.lists(CHUNKS, max_size=12), st.sampled_from(["stop", "length", "tool_calls"]))
def test_any_answer_comes_again(
    tmp_path_factory: pytest.TempPathFactory, chunks: list[Any], finish: str
) -> None:
    cassette = Cassette(tmp_path_factory.mktemp("tape"))
    kept = record(cassette, JOKE, [*chunks, chunk({}, finish_reason=finish)])
    again = replayed(Cassette(cassette.folder), JOKE)
    assert again == replace(kept, audio_id=None) and again.marks == kept.marks


def test_the_files_are_for_people(cassette: Cassette) -> None:
    record(cassette, JOKE, say("Why not?"))
    record(cassette, asked("Bist du fröhlich? " * 9), written(["Ja."]))
    record(cassette, asked("冗談を言って"), written(["いいえ"]))
    names = sorted(path.name for path in cassette.folder.iterdir())
    tags = [name.rpartition("-")[2].removesuffix(".json") for name in names]
    assert names == [
        f"0001-tell-me-a-joke-{tags[1]}.flac",
        f"0001-tell-me-a-joke-{tags[1]}.json",
        f"0002-bist-du-frohlich-bist-du-frohlich-bist-{tags[2]}.json",
        f"0003-{tags[3]}.json",
    ]
    assert "いいえ" in (cassette.folder / names[3]).read_text("utf-8")
    sound = Sound.read(cassette.folder / names[0])
    assert sound.rate == WIRE_RATE and np.array_equal(sound.samples, Sound.from_pcm16(PCM).samples)
    lines = (cassette.folder / names[1]).read_text("utf-8").splitlines()
    assert '    "text": "Why not?",' in lines and len(lines) < 40
    assert json.loads("\n".join(lines))["request"] == {
        "model": "gpt-audio-1.5",
        "voice": "coral",
        "messages": [{"role": "user", "parts": ["Tell me a joke!"]}],
    }


def test_nothing_of_the_sender_or_the_service_is_kept(
    cassette: Cassette, fake_server: FakeServer, tone: Sound
) -> None:
    fake_server.say("Hello", PCM)
    transport = resolve("openai", fake_server.url, KEY)
    request = asked("Hi", tone)
    with transport.stream(request, Cancellation(), print) as incoming:
        accumulated(cassette.keep(request, incoming.chunks))
    kept = b"".join(path.read_bytes() for path in cassette.folder.iterdir())
    home = str(cassette.folder.parent)
    for secret in (KEY, KEY[:12], "127.0.0.1", "req_", "audio_69e", "chatcmpl", "fp_", home):
        assert secret.encode() not in kept
    names = [path.name for path in cassette.folder.iterdir()]
    assert sorted(name[-5:] for name in names) == [".flac", ".json"]  # the sound sent is not kept


def test_only_what_ended_whole_is_kept(cassette: Cassette) -> None:
    def broken() -> Iterator[Any]:
        yield from say("Hello")
        raise ConnectionError

    with pytest.raises(ConnectionError):
        record(cassette, JOKE, broken())
    with pytest.raises(InvalidResponse):
        record(cassette, JOKE, [*say("Hello"), "noise"])
    record(cassette, JOKE, say("cut")[:-1])
    stopped = cassette.keep(JOKE, iter(say("stopped")))
    next(stopped)
    stopped.close()  # type: ignore[attr-defined]
    assert not cassette.folder.exists() and not cassette.has(JOKE)
    record(cassette, JOKE, say("whole"))
    assert cassette.has(JOKE) and replayed(cassette, JOKE).text == "whole"


def test_it_comes_at_the_recorded_pace_or_at_once(
    cassette: Cassette, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    for clock in ("perf_counter", "monotonic"):
        monkeypatch.setattr(time, clock, lambda: now)
    monkeypatch.setattr(time, "sleep", sleep)

    def slow() -> Iterator[Any]:
        nonlocal now
        for item in written(["one", "two"]):
            now += 0.5
            yield item

    accumulated(cassette.keep(JOKE, slow(), began=now - 1))
    began = now
    assert replayed(cassette, JOKE).text == "onetwo" and now == began
    waits, accumulator = list[float](), ResponseAccumulator()
    for item in cassette.answer(JOKE):
        if accumulator.add(item).text or item["usage"]:
            waits.append(round(now - began, 3))
    assert waits == [2.0, 2.5, 3.5]  # "one", "two", and two chunks without a word


def test_takes_are_given_in_turn_and_round_again(cassette: Cassette) -> None:
    for text in ("first", "second"):
        record(cassette, JOKE, say(text))
    record(cassette, asked("Another"), say("other"))
    again = Cassette(cassette.folder)
    assert [replayed(again, JOKE).text for _ in range(3)] == ["first", "second", "first"]
    first = min(again.folder.glob("*.json"))
    for ending in (".json", ".flac"):  # people may renumber
        first.with_suffix(ending).rename(again.folder / f"10000-better{ending}")
    again = Cassette(cassette.folder)
    assert [replayed(again, JOKE).text for _ in range(2)] == ["second", "first"]


def test_the_list(cassette: Cassette, tone: Sound) -> None:
    record(cassette, JOKE, spoken(["Ha"], PCM, usage(5, 0, 2, 20)))
    record(cassette, asked("What?", tone, voice=None), written(["A tone."]))
    for listed in (cassette.exchanges(), Cassette(cassette.folder).exchanges()):
        first, second = listed
        assert first.request.words == "Tell me a joke!"
        assert second.request.words == "What? <sound>"
        assert first.answer.usage == Usage(5, 22, 0, 20)
        assert first.answer.model == "gpt-audio-1.5" and first.recorded.tzinfo


# -- the folder -------------------------------------------------------------------------------
def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(CassetteError, match="is a file; name a folder"):
        Cassette(tmp_path / "file")
    with pytest.raises(CassetteError, match=r"the folder in which to make .* does not exist"):
        Cassette(tmp_path / "no" / "tape")
    cassette = Cassette(tmp_path / "tape")
    (tmp_path / "tape").write_text("in the way")
    with pytest.raises(CassetteError, match=r"^cannot record in tape: .*; not kept$"):
        record(cassette, JOKE, say("Hello"))
    assert not cassette.has(JOKE)


def test_a_folder_stays_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    cassette = Cassette("tape")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    record(cassette, JOKE, say("Hello"))
    assert len(list((tmp_path / "tape").iterdir())) == 2


def _kernel(folder: Path, name: str) -> None:
    cassette = Cassette(folder)
    for index in range(25):
        record(cassette, JOKE, say(f"{name}{index}"))


def test_two_kernels_record_into_one_folder(tmp_path: Path) -> None:
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        for kernel in [pool.submit(_kernel, tmp_path, name) for name in "ab"]:
            kernel.result(60)
    cassette = Cassette(tmp_path)
    texts = {replayed(cassette, JOKE).text for _ in range(50)}
    assert texts == {f"{name}{index}" for name in "ab" for index in range(25)}
    assert len(list(tmp_path.iterdir())) == 100 and cassette.refused == {}


def test_a_name_left_over_from_a_crash_is_left_alone(cassette: Cassette) -> None:
    record(cassette, JOKE, say("one"))
    path = next(cassette.folder.glob("*.json"))
    left = path.with_name(path.name.replace("0001", "0002"))
    left.with_suffix(".part").write_bytes(b"half")
    with suppress(FileExistsError):
        left.with_suffix(".flac").symlink_to(cassette.folder.parent / "outside")
    record(cassette, JOKE, say("two"))
    assert sorted(path.name[:4] for path in cassette.folder.glob("*.json")) == ["0001", "0003"]
    assert left.with_suffix(".part").read_bytes() == b"half"
    assert not (cassette.folder.parent / "outside").exists()


def test_a_claim_sets_aside_what_was_recorded_before(tmp_path: Path) -> None:
    record(Cassette(tmp_path / "tape"), JOKE, say("One."))
    cassette, batch = Cassette(tmp_path / "tape"), Counter[str]()
    assert cassette.claim(JOKE, batch) and not cassette.claim(JOKE, batch)
    assert replayed(cassette, JOKE).text == "One."
    record(cassette, JOKE, say("Two."), batch)
    assert not cassette.claim(JOKE, batch)  # its own
    record(Cassette(tmp_path / "tape"), JOKE, say("Three."))  # another process
    assert cassette.claim(JOKE, batch) and not cassette.claim(JOKE, batch)
    assert not cassette.claim(asked("Another."), batch)
    again = Counter[str]()  # the next batch may have all three
    assert [cassette.claim(JOKE, again) for _ in range(4)] == [True] * 3 + [False]


def test_what_is_just_being_recorded_is_nobodys_old_recording(cassette: Cassette) -> None:
    batch = Counter[str]()
    with ThreadPoolExecutor(1) as other:
        kept = other.submit(lambda: [record(cassette, JOKE, say("Once"), batch) for _ in "x" * 100])
        claims = [cassette.claim(JOKE, batch)]
        while not kept.done():
            claims.append(cassette.claim(JOKE, batch))
    assert len(kept.result()) == 100 and not any(claims)
