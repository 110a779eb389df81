"""The nearest right word, and the one line that offers it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiomagic.catalogue import catalogue
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
    assert unknown("engine", "xyz", ["auto", "local"]) == "no engine 'xyz'; choose auto or local"
    assert unknown("engine", "xyz", ["local"]) == "no engine 'xyz'; the only one is local"
    assert unknown("chat", "tutor", []) == "no chat 'tutor'; there are none"
    assert unknown("voice", "corl", iter(VOICES)) == "no voice 'corl'; did you mean 'coral'?"


@given(st.text(), st.lists(st.text(st.characters(categories=["L", "N"]), max_size=9), max_size=6))
def test_it_is_always_one_line(word: str, known: list[str]) -> None:
    line = unknown("thing", word, known)
    assert line.startswith("no thing '") and len(line.splitlines()) == 1
    assert nearest(word, known) in (None, *known)
