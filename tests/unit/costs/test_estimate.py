"""Estimates: what a request took in the end lies in the range that was estimated before."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from audiomagic import Session, Sound
from audiomagic.costs.estimate import afterwards, count, estimate
from audiomagic.costs.pricing import Price, Rates, bill, listed
from audiomagic.protocol.request import VERBATIM, Message, Request, system
from audiomagic.protocol.tool_calls import Tool, ToolCall
from audiomagic.protocol.usage import Usage
from audiomagic.render.dry_run import DryRun

from ...support.fake_server import FakeServer, spoken, usage, written

PRICE = listed().find("gpt-audio-1.5")
LONG = "The quick brown fox jumps over the lazy dog. " * 200
STYLE = "Speak in this way: a jaunty accent"
TOKENS = {  # as o200k, the models' vocabulary, splits them
    "Hi": 1, "Say hello.": 3, "Tell me a joke": 4, "naïve café": 4, "日本語のテキストです": 7,
    "🙂👩‍👩‍👧": 9, "<|endoftext|>": 7, "def f(x):\n    return x ** 2\n": 11,
    "Привет, как дела?": 6, LONG: 2_001, STYLE: 9, "a b c d e f g": 7,
    "3.14159265358979323846": 9, "aGVsbG8gd29ybGQ=": 11, "don't": 1, "𒀀𒁀": 8, "ᚠᛇᚻ": 9,
    "Donaudampfschifffahrtsgesellschaft": 10, "Zażółć gęślą jaźń": 11, "שלום עולם": 2,
}  # fmt: skip
ASKED = list(TOKENS)[:10]


def hush(seconds: float) -> Sound:
    return Sound(np.zeros(int(seconds * 24_000), np.float32), 24_000)


def request(*parts: Any, voice: str | None = "alloy", **more: Any) -> Request:
    return Request("gpt-audio-1.5", (Message("user", parts),), voice, **more)


@pytest.mark.parametrize("text", TOKENS)
def test_the_tokens_of_a_text_lie_between_its_words_and_its_bytes(text: str) -> None:
    found = estimate(Request("m", (Message("user", (text,)),)), None)
    assert found.low.input_tokens <= TOKENS[text] <= found.high.input_tokens
    assert found.low.input_tokens < found.likely.input_tokens <= found.high.input_tokens
    assert found.high.input_tokens >= len(text.encode())


def test_likely_tokens() -> None:
    texts = ("", "Hello world", "a b c d", "\ud800", "日本語のテキストです", LONG)
    assert [count(text) for text in texts] == [0, 3, 4, 1, 8, 2_250]


def test_tools_and_their_calls_count_as_the_text_that_is_sent() -> None:
    plain, tools = request("Hi"), (Tool("now", "The time. " * 100, {}),)
    extra = estimate(replace(plain, tools=tools), None).high.input_tokens
    assert extra > estimate(plain, None).high.input_tokens + 1_000
    called = Message("assistant", tool_calls=(ToolCall("id", "now", '{"zone": "' + "x" * 500),))
    again = replace(plain, messages=(*plain.messages, called))
    assert estimate(again, None).high.input_tokens > 500


def test_half_a_character_is_no_failure() -> None:
    assert estimate(request("\ud800"), PRICE).dollars


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize("index", range(20))
def test_twenty_requests_stay_within_their_range(fake_server: FakeServer, index: int) -> None:
    """The server counts as the service does: a frame for each message, sound by its length."""
    text, style = ASKED[index % 10], "a jaunty accent" if index % 3 else ""
    seconds, cap = (0.1, 0.55, 2.5, 60.0)[index % 4], (None, 50, 400)[index % 3]
    out_text, out_seconds = (1, 17, 60, 300)[index % 4], (0.5, 15.6, 120.0)[index % 3]
    audio_out = round(20 * out_seconds)
    if cap:
        out_text, audio_out = min(out_text, cap), min(audio_out, max(cap - out_text, 0))
    listening, text_only = index >= 10, index >= 15
    words = TOKENS[text] + (TOKENS[STYLE] if style else 0)
    frames = 3 + 4 * (1 + bool(style))
    audio_in = round(10 * seconds) if listening else 0
    told = usage(words + frames, audio_in, out_text, 0 if text_only else audio_out)
    pcm = hush(0.2).pcm16()
    fake_server.send_chunks(written(["Yes."], told) if text_only else spoken(["Yes."], pcm, told))
    options: Any = {"style": style, "max_tokens": cap}
    if listening:
        reply = Session(**options).listen(hush(seconds), text, text_only=text_only)
    else:
        reply = Session(**options).speak(text)
    found = estimate(reply.request, PRICE)
    assert found.dollars and reply.cost is not None
    low, likely, high = found.dollars
    assert 0 < low <= reply.cost <= high and low < likely <= high
    used = reply.usage
    assert used and used.input_audio_tokens is not None and used.input_text_tokens is not None
    assert (
        (found.low.input_audio_tokens or 0)
        <= used.input_audio_tokens
        <= (found.high.input_audio_tokens or 0)
    )
    assert (
        (found.low.input_text_tokens or 0)
        <= used.input_text_tokens
        <= (found.high.input_text_tokens or 0)
    )
    assert used.output_tokens <= found.high.output_tokens


def test_the_range_by_hand() -> None:
    found = estimate(request("Hello world", hush(2.5), max_tokens=100), PRICE)
    assert found.low == Usage(2 + 25, 0, 25, 0, 2 + 25, 25)
    assert found.likely.input_text_tokens == 3 + 4
    assert (
        found.high.input_audio_tokens == 27
        and found.high.output_tokens == found.high.output_audio_tokens == 100
    )
    assert found.dollars and found.dollars[0] == Decimal("0.000805")  # 2 x 2.50 + 25 x 32
    assert found.dollars[2] - found.worst(0) == Decimal("0.0064")  # 100 x 64
    assert found.seconds_out == (0, 4.25, 5)


def test_without_a_cap_the_longest_answer_is_the_most() -> None:
    assert estimate(request("Hi"), PRICE).high.output_tokens == 16_384
    assert estimate(request("Hi", max_tokens=10**6), PRICE).high.output_tokens == 16_384


def test_an_answer_in_text_costs_text() -> None:
    found = estimate(request("Hi", hush(1), voice=None, max_tokens=100), PRICE)
    assert found.seconds_out == (0, 0, 0)
    assert found.dollars and found.dollars[2] - found.worst(0) == Decimal("0.001")


def test_a_text_read_aloud_is_as_long_as_it_is() -> None:
    text = "one two three four five six seven eight nine ten " * 20
    plain = request(text)
    aloud = Request("gpt-audio-1.5", (*system(task=VERBATIM), *plain.messages), "alloy")
    assert 60 < estimate(aloud, PRICE).seconds_out[1] < 90  # 200 words at 150 a minute: 80 s
    assert 10 < estimate(plain, PRICE).seconds_out[1] < 25


def test_an_earlier_answer_counts_as_words_at_least_and_as_its_sound_at_most() -> None:
    earlier = Message("assistant", audio_id="audio_1")
    asked = Request("gpt-audio-1.5", (earlier, Message("user", ("Hi",))), "alloy")
    known = estimate(asked, PRICE, {"audio_1": (10.0, "Hello world")})
    assert known.low.input_tokens == 3 and known.high.input_audio_tokens == 200
    shown = replace(asked, messages=(replace(earlier, parts=("Hello world",)), asked.messages[1]))
    assert estimate(shown, PRICE, {"audio_1": (10.0, "Hello world")}).low == known.low
    assert estimate(asked, PRICE).high.input_audio_tokens == 16_384


def test_at_the_least_all_text_comes_from_the_cache() -> None:
    price = Price(Rates(*map(Decimal, ("2.50", "10", "32", "64", "0.25"))), "a test")
    found = estimate(request("Hello world"), price)
    assert found.dollars and found.dollars[0] == Decimal("0.0000005")  # 2 x 0.25


def test_an_unknown_price_gives_tokens_alone() -> None:
    found = estimate(request("Hi"), None)
    assert found.dollars is None and found.high.output_tokens == 16_384


@pytest.mark.parametrize("rates", [("1", "2", "3", "4"), ("1", "4", "3", "2"), ("0",) * 4])
@pytest.mark.parametrize("voice", ["alloy", None])
def test_what_is_affordable_is_the_longest_answer_within(rates: Any, voice: str | None) -> None:
    price = Price(Rates(*map(Decimal, rates)), "a test")
    found = estimate(request("Hi", hush(1), voice=voice), price)
    for dollars in map(Decimal, ("0", "0.000150", "0.001", "0.0100001", "0.033333333", "1")):
        tokens = found.affordable(dollars)
        if tokens:
            assert found.worst(tokens) <= dollars
        if tokens < 16_384:
            assert found.worst(tokens + 1) > dollars
        for audio in (0, tokens) if voice else (0,):  # whichever kind of tokens it is made of
            used = Usage(found.high.input_tokens, tokens, found.high.input_audio_tokens, audio)
            billed = bill(used, price)
            assert billed and (billed.dollars <= dollars or not tokens)


def test_what_a_stopped_answer_took() -> None:
    asked = request("Hello world", hush(2.5))
    assert afterwards(asked, "naïve café", 1.5) == Usage(3 + 25 + 4, 3 + 30, 25, 30)


def test_a_dry_run_shows_the_range() -> None:
    asked = request("Hello world", hush(2.5), max_tokens=100)
    _, shown = DryRun("the server", ((asked, estimate(asked, PRICE)),), ("",)).tables
    rows = {row[0]: row[1:] for row in shown.rows}
    assert rows["seconds of sound in"] == ("2.5", "2.5", "2.5")
    assert rows["sound tokens in"] == ("25", "25", "27")
    assert rows["seconds of sound out"] == ("0.0", "4.2", "5.0")
    assert rows["dollars"][0] == "$0.0008" and rows["tokens out"] == ("0", "100", "100")
    assert "checked 2026-11-22" in repr(shown)
    _, unknown = DryRun("the server", ((asked, estimate(asked, None)),), ("",)).tables
    assert unknown.rows[-1] == ("dollars", *["price unknown"] * 3)


def test_a_dry_run_shows_the_request_without_its_sound() -> None:
    earlier = Message("assistant", audio_id="audio_1")
    asked = request("Hello <b>", hush(2.5))
    whole = Request("m", (*system("Bob"), earlier, *asked.messages), "alloy")
    (shown,) = DryRun("the server", ((whole, None),), ("",)).tables
    assert shown.rows == [
        ("to", "the server"),
        ("model", "m"),
        ("answer", "spoken, voice alloy"),
        ("max tokens", "the model's own limit"),
        ("cost", "free"),
        ("system", "Bob"),
        ("assistant", "its earlier answer, as audio_1"),
        ("user", "Hello <b>"),
        ("user", "sound, 2.5 s"),
    ]
