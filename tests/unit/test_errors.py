"""Errors: one bounded line without a key, however foreign the text in it."""

import pickle
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiomagic import Recorder
from audiomagic.errors import (
    LONGEST_MESSAGE,
    AudiomagicError,
    OptionError,
    RequestRejected,
    clean,
    one_line,
)

from ..support.fake_server import KEY


@given(st.text(max_size=5_000))
def test_a_message_is_one_bounded_line(text: str) -> None:
    for error in (OptionError(text), RequestRejected(text, 400, None, "code")):
        line = str(error)
        assert len(line) <= LONGEST_MESSAGE and len(line.splitlines()) <= 1
        assert error._render_traceback_()[0].endswith(line)
        again = pickle.loads(pickle.dumps(error))
        assert str(again) == line and vars(again) == vars(error)


def test_a_message_holds_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    line = str(AudiomagicError(f"you typed\n{KEY} and\nhttp://me:word@host/"))
    assert line == "you typed … and http://…@host/"


@given(st.text(max_size=900), st.integers(10, 300))
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


def test_a_number_of_any_length_is_named() -> None:
    assert one_line(10**5_000) == "a number of too many digits"
    assert one_line(-(10**4_000), 5) == "-100…"
    with pytest.raises(OptionError, match="max_seconds must be 1 to 2400 seconds, not a number of"):
        Recorder(max_seconds=10**5_000)


def test_halves_of_a_character_are_joined_or_replaced() -> None:
    assert clean("\ud83d\ude00") == "\U0001f600" and clean("a\ud83d!") == "a\ufffd!"
    assert clean("\ufeffa 語") == "\ufeffa 語"
