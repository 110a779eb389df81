"""The nearest right word, and the one line that offers it."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiomagic.catalogue import catalogue
from audiomagic.errors import one_line
from audiomagic.suggestions import nearest, unknown

VOICES = catalogue().voices


@pytest.mark.parametrize(
    ("word", "close"),
    [
        ("corl", "coral"),
        ("CORAL", "coral"),
        ("Coral ", "coral"),
        ("aloy", "alloy"),
        ("ceder", "cedar"),
        ("shimer", "shimmer"),
        ("xyz", None),
        ("", None),
    ],
)
def test_the_nearest_voice(word: str, close: str | None) -> None:
    assert nearest(word, VOICES) == close


def test_the_nearest_model() -> None:
    models = catalogue().models
    assert nearest("gpt-40-audio-priview", models) == "gpt-4o-audio-preview"
    assert nearest("GPT-Audio-1-5", models) == "gpt-audio-1.5"
    assert nearest("llama", models) is None


def test_the_complaint() -> None:
    assert unknown("voice", "corl", VOICES) == "no voice 'corl'; did you mean 'coral'?"
    assert unknown("engine", "xyz", ["auto", "local"]) == "no engine 'xyz'; there is auto, local"
    assert unknown("chat", "tutor", []) == "no chat 'tutor'; there is none"
    assert unknown("voice", "corl", iter(VOICES)) == "no voice 'corl'; did you mean 'coral'?"


@given(st.text(), st.lists(st.text(st.characters(categories=["L", "N"]), max_size=9), max_size=6))
@settings(max_examples=100, deadline=None)
def test_it_is_always_one_line(word: str, known: list[str]) -> None:
    line = unknown("thing", word, known)
    assert line.startswith("no thing '") and len(line.splitlines()) == 1
    assert nearest(word, known) in (None, *known)


@given(st.text(max_size=900), st.integers(10, 300))
@settings(max_examples=100, deadline=None)
def test_foreign_text_is_one_bounded_line(text: str, limit: int) -> None:
    line = one_line(text, limit)
    assert len(line) <= limit and len(line.splitlines()) <= 1
    assert not {unicodedata.category(c) for c in line} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    line.encode()


def test_what_one_line_keeps_and_drops() -> None:
    assert one_line("a\r\n\tb\x1b[31m c\u202ed\u2066e\ud800f\u2028g") == "a b [31m c d e f g"
    assert one_line("  Ünï  語 👩 ") == "Ünï 語 👩"
    assert one_line("x" * 301) == "x" * 299 + "…"
    assert one_line(ValueError("no\nway")) == "no way"
