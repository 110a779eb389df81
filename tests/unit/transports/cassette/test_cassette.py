"""Cassettes: what is kept of a call, what the same call gets again, and what a miss says."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiomagic import Sound
from audiomagic.errors import CassetteError, InvalidResponse, NotRecorded
from audiomagic.protocol.request import Message, Request
from audiomagic.protocol.response import Completion, ResponseAccumulator
from audiomagic.protocol.tool_calls import Tool, ToolCall
from audiomagic.protocol.usage import Usage
from audiomagic.sound import WIRE_RATE
from audiomagic.transports import endpoint, openai_client
from audiomagic.transports.cassette import Cassette

from ....support.fake_server import KEY, FarEnd, chunk, spoken, usage, written

PCM = bytes(range(256)) * 180  # 46,080 bytes; -32,768 is among its samples
WEATHER = Tool("weather", "The weather of a city.", {"type": "object", "properties": {}})
CALL = ToolCall("call_x7", "weather", '{"city": "Köln"}')


def asked(*parts: str | Sound, **more: Any) -> Request:
    return replace(Request("gpt-audio-1.5", (Message("user", parts),), "coral"), **more)


JOKE = asked("Tell me a joke!")


def folded(chunks: Any) -> Completion:
    fold = ResponseAccumulator()
    for item in chunks:
        fold.add(item)
    return fold.answer()


def record(cassette: Cassette, request: Request, chunks: Any) -> Completion:
    return folded(cassette.keep(request, iter(chunks)))


def replayed(cassette: Cassette, request: Request) -> Completion:
    return folded(cassette.answer(request, pace=False))


def say(text: str) -> list[Any]:
    return spoken([text], PCM)


def miss(cassette: Cassette, request: Request) -> str:
    with pytest.raises(NotRecorded) as caught:
        cassette.answer(request)
    line = str(caught.value)
    assert "\n" not in line and line.endswith("; to record it: %audiomagic record PATH")
    return line.removesuffix("; to record it: %audiomagic record PATH")


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


def called() -> list[Any]:
    pieces = [CALL.wire() | {"index": 0}, ToolCall("call_y", "time", "{}").wire() | {"index": 1}]
    return [chunk({"tool_calls": pieces}), chunk({}, finish_reason="tool_calls")]


@pytest.mark.parametrize(
    "chunks",
    [
        spoken(["Hello", ",", " Ada", ". ", "Näive", " 語😀"], PCM),
        list(interleaved()),
        written(["Just", " text\n", "*so*"]),
        called(),
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


def call(index: int, arguments: str) -> Any:
    wired = ToolCall(f"call_{index}", "f", arguments).wire()
    return chunk({"tool_calls": [wired | {"index": index}]})


PIECES = st.one_of(
    WORDS.map(lambda words: chunk({"audio": {"transcript": words}})),
    st.integers(1, 700).map(heard),
    st.just(chunk()),
    st.builds(call, st.integers(0, 3), WORDS),
    st.builds(lambda t, a: chunk() | {"usage": usage(t, a)}, st.integers(0, 99), st.integers(0, 9)),
)


@settings(deadline=None, max_examples=60)
@given(st.lists(PIECES, max_size=12), st.sampled_from(["stop", "length", "tool_calls"]))
def test_any_answer_comes_again(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[Any], finish: str
) -> None:
    cassette = Cassette(tmp_path_factory.mktemp("tape"))
    kept = record(cassette, JOKE, [*pieces, chunk({}, finish_reason=finish)])
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
    cassette: Cassette, far_end: FarEnd, tone: Sound
) -> None:
    far_end.say("Hello", PCM)
    route = endpoint.resolve("openai", far_end.url, KEY)
    request = asked("Hi", tone)
    with openai_client.stream(
        openai_client.connect(route), route, request, request.wire()
    ) as incoming:
        folded(cassette.keep(request, incoming.chunks))
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


def test_it_comes_at_the_recorded_pace_or_at_once(cassette: Cassette) -> None:
    def slow() -> Iterator[Any]:
        for item in written(["one", "two"]):
            time.sleep(0.05)
            yield item

    began = time.perf_counter() - 0.1
    folded(cassette.keep(JOKE, slow(), began))
    started = time.perf_counter()
    came = {
        fold.text: time.perf_counter() - started
        for fold in (folded([item]) for item in cassette.answer(JOKE))
    }
    assert 0.2 <= came["one"] < came["two"] - 0.04 and came[""] >= 0.3
    started = time.perf_counter()
    assert replayed(cassette, JOKE).text == "onetwo" and time.perf_counter() - started < 0.25


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
        assert first.words == "Tell me a joke!" and second.words == "What? <sound>"
        assert first.usage == Usage(5, 22, 0, 20) and first.seconds == 46_080 / 48_000
        assert first.model == "gpt-audio-1.5" and second.seconds == 0
        assert [entry.file[:4] for entry in listed] == ["0001", "0002"]
        assert first.when.tzinfo and 0 <= time.time() - first.when.timestamp() < 60


# -- what a request means ---------------------------------------------------------------------
def conversation(call_id: str = "call_x7", audio_id: str | None = None) -> Request:
    call = replace(CALL, id=call_id)
    messages = (
        Message("user", ("Hi",)),
        Message("assistant", ("Hello, Ada.",), audio_id),
        Message("user", ("The weather?",)),
        Message("assistant", (), tool_calls=(call,)),
        Message("tool", ("rain",), tool_call_id=call_id),
    )
    return Request("gpt-audio-1.5", messages, "coral", tools=(WEATHER,))


def test_requests_that_mean_the_same(cassette: Cassette, tone: Sound, tmp_path: Path) -> None:
    Sound.read(tone.save(tmp_path / "tone.wav")).save(tmp_path / "tone.flac")
    same = [
        [asked("Hi", Sound.read(tmp_path / f"tone.{ending}")) for ending in ("wav", "flac")],
        [asked("Hi", tone), asked("Hi", Sound(tone.samples.copy(), 24_000))],
        [conversation(), conversation("call_y9", "audio_1"), conversation("call_z")],
        [
            asked("Two\nlines"),
            asked("Two", "lines"),
            asked("Two\nlines", stream=False, format="wav"),
        ],
    ]
    for group in same:
        record(cassette, group[0], say("Hello"))
        assert all(cassette.has(request) for request in group)
        assert all(Cassette(cassette.folder).has(request) for request in group)


def test_requests_that_do_not(cassette: Cassette, tone: Sound) -> None:
    whole = conversation()
    base = replace(whole, messages=(*whole.messages, Message("user", ("And?", tone))))
    record(cassette, base, say("Hello"))
    louder = Sound(tone.samples * 1.01, 24_000)
    slower = Sound(tone.samples, 16_000)

    def with_message(index: int, **changes: Any) -> Request:
        changed = [replace(m, **changes) if i == index else m for i, m in enumerate(base.messages)]
        return replace(base, messages=tuple(changed))

    others = [
        replace(base, model="gpt-audio"),
        replace(base, voice=None),
        replace(base, voice="alloy"),
        replace(base, max_tokens=9),
        replace(base, tool_choice="none"),
        replace(base, tools=()),
        replace(base, tools=(replace(WEATHER, parameters={"type": "object"}),)),
        replace(base, messages=base.messages[:-1]),
        with_message(0, role="system"),
        with_message(1, parts=("Hello, Bob.",)),
        with_message(3, tool_calls=(replace(CALL, arguments="{}"),)),
        with_message(4, parts=("sun",)),
        with_message(5, parts=("And?", louder)),
        with_message(5, parts=("And?", slower)),
        with_message(5, parts=(tone, "And?")),
    ]
    assert cassette.has(base) and not any(cassette.has(other) for other in others)


# -- a miss -----------------------------------------------------------------------------------
def test_a_miss_names_the_nearest_and_what_differs(cassette: Cassette, tone: Sound) -> None:
    assert miss(cassette, JOKE) == "no recording of this request: tape holds none"
    record(cassette, asked("What is the capital of France?"), say("Paris"))
    record(cassette, replace(JOKE, voice="alloy"), say("Ha"))
    file = cassette.exchanges()[1].file
    nearest = f"no recording of this request; the nearest ({file}) differs in "
    assert miss(cassette, JOKE) == nearest + "voice: 'coral', recorded 'alloy'"
    assert miss(cassette, replace(JOKE, model="m", voice=None, max_tokens=5)) == (
        nearest + "model: 'm', recorded 'gpt-audio-1.5'; "
        "voice: 'none (text alone)', recorded 'alloy'; and 1 more"
    )
    assert miss(cassette, asked("Tell me a yoke!", voice="alloy", tools=(WEATHER,))).endswith(
        'tool weather: \'The weather of a city. {"properties": {}, "type…\', recorded none; '
        "message 1: 'user: Tell me a yoke!', recorded 'user: Tell me a joke!'"
    )
    assert "capital of" in miss(cassette, asked("What is the capital of Spain?"))
    record(cassette, asked("Hm?", tone), say("?"))
    line = miss(cassette, asked("Hm?", Sound(-tone.samples, 24_000)))
    assert line.count("sound of 1.0 s, ") == 2 and "differs in message 1: " in line


# -- the folder -------------------------------------------------------------------------------
def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(CassetteError, match="is a file; name a folder"):
        Cassette(tmp_path / "file")
    with pytest.raises(CassetteError, match=r"there is no folder for .* make it first"):
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
    path = cassette.folder / cassette.exchanges()[0].file
    left = path.with_name(path.name.replace("0001", "0002"))
    left.with_suffix(".part").write_bytes(b"half")
    with suppress(FileExistsError):
        left.with_suffix(".flac").symlink_to(cassette.folder.parent / "outside")
    record(cassette, JOKE, say("two"))
    assert cassette.exchanges()[1].file.startswith("0003-")
    assert left.with_suffix(".part").read_bytes() == b"half"
    assert not (cassette.folder.parent / "outside").exists()


def test_a_claim_sets_aside_what_was_recorded_before(tmp_path: Path) -> None:
    record(Cassette(tmp_path / "tape"), JOKE, say("One."))
    cassette = Cassette(tmp_path / "tape")
    assert cassette.claim(JOKE) and not cassette.claim(JOKE)
    assert replayed(cassette, JOKE).text == "One."
    record(cassette, JOKE, say("Two."))
    assert not cassette.claim(JOKE)  # one's own
    record(Cassette(tmp_path / "tape"), JOKE, say("Three."))  # another process
    assert cassette.claim(JOKE) and not cassette.claim(JOKE)
    assert not cassette.claim(asked("Another."))
