"""What counts as said, what differs, and what any text does to it."""

import random
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import Indel, Levenshtein

from audiomagic.speech.transcript_diff import compare, number_languages

NUMBERS = ["one", "twenty", "hundred", "million", "point", "and", "second", "vingt", "et"]
DIGITS = ["7", "1999", "3.5", "1,000", "$", "€", "%", "²"]
OTHERS = [
    "<b>",
    "&amp;",
    "voice",
    "mail",
    "don’t",
    "-",
    "我们",
    "ไทย",
    "مَرْحَبًا",
    "ﬁ",
    "İ",
    "ß",
    "\ud800",
]
BITS = st.sampled_from([*NUMBERS, *DIGITS, *OTHERS])
TEXTS = st.lists(BITS | st.text(max_size=4), max_size=25).map(" ".join)


@pytest.mark.parametrize(
    ("expected", "heard"),
    [
        ("Hello, World!", "hello world"),
        ("“Don’t” – she said…", "'Don't' -- she said"),
        ("Cafe\u0301 ﬁne", "café fine"),
        ("Straße", "STRASSE"),
        ("It is 7.", "it is seven"),
        ("It is seven.", "It is 7"),
        ("In 1999, 23 men", "in nineteen ninety-nine twenty three men"),
        ("on the 21st of June 2026", "on the twenty-first of June twenty twenty-six"),
        ("at 3:45, call 555-1234", "at three forty-five call five five five one two three four"),
        ("a hundred men, 2000 women", "100 men, two thousand women"),
        ("1,000 and 1000 and 3.5", "1000 and 1,000 and three point five"),
        ("It costs $5, or 50%.", "It costs five dollars or fifty percent"),
        ("Le 21 mai, 99 ballons", "le vingt et un mai quatre-vingt-dix-neuf ballons"),
        ("Am 23. Mai", "am dreiundzwanzig Mai"),
        ("e-mail, voice mail, U.S.A.", "email voicemail USA"),
        ("你好，世界。", "你好 世界"),
        ("これは、本です。", "これは本です"),
        ("สวัสดี ครับ", "สวัสดีครับ"),
        ("مَرْحَبًا ٧", "مرحبا 7"),
        ("co\u00adoperate", "cooperate"),
        ("...", ""),
        ("", "!"),
    ],
)
def test_what_sounds_alike_is_right(expected: str, heard: str) -> None:
    diff = compare(expected, heard)
    assert diff.score == 1, diff.summary
    assert diff.summary.startswith("100%") and diff.differences == []


def test_without_text2num_numbers_compare_as_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "text_to_num", None)  # as if it were not installed
    number_languages.cache_clear()
    try:
        assert compare("It is 7.", "It is seven.").score == pytest.approx(2 / 3)
        assert compare("1,000 and 1999", "1000 and 19 99").score == 1
    finally:
        number_languages.cache_clear()


def test_the_summary_says_all_in_words() -> None:
    diff = compare("The quick brown fox jumps over.", "the quick crown fox over the")
    assert diff.summary == (
        "50%: 4 of 6 words right, 1 too many · heard otherwise: “brown” as “crown” · "
        "not heard: “jumps” · added: “the”"
    )
    kinds = [word.kind for word in diff.words]
    assert kinds == ["right", "right", "wrong", "right", "missing", "right", "added"]
    nearly = compare("word " * 999 + "end", "word " * 999 + "and")
    assert nearly.summary.startswith("99%: 999 of 1000")


@given(TEXTS)
def test_a_text_is_like_itself(text: str) -> None:
    assert compare(text, text).score == 1
    assert compare(text, text.upper().replace(" ", "\n")).count("missing") == 0


@given(TEXTS, TEXTS)
def test_any_two_texts_have_a_score_and_every_word_its_place(expected: str, heard: str) -> None:
    diff = compare(expected, heard)
    assert 0 <= diff.score <= 1
    assert (diff.score == 1) == (diff.count("right") == len(diff.words))
    for at, words in (("expected_at", "expected"), ("heard_at", "heard")):
        places = [(getattr(word, at), getattr(word, words)) for word in diff.words]
        assert all(getattr(diff, words)[i:].startswith(word) for i, word in places)
        assert places == sorted(places, key=lambda place: place[0])


def test_a_long_text_is_compared_and_shown_within_bounds() -> None:
    words = [f"word{number % 997}" for number in range(8_000)]
    heard = [word if number % 8 else "slip" for number, word in enumerate(words)]
    diff = compare(" ".join(words), " ".join(heard))
    assert diff.count("wrong") == 1_000 and diff.score == pytest.approx(0.875)
    assert "and 992 more" in diff.summary


@pytest.mark.parametrize("every", [0, 7])
def test_a_very_long_text_is_aligned_piece_by_piece(every: int) -> None:
    dice = random.Random(1)
    words = [f"word{dice.randrange(3_000)}" for _ in range(30_000)]
    heard = [word for number, word in enumerate(words) if not every or number % every]
    heard[15_000:15_000] = ["so"] * 500
    diff = compare(" ".join(words), " ".join(heard))
    # Where a piece ends within a difference, a word or two may be taken for others.
    assert diff.count("added") == pytest.approx(500, abs=20)
    assert diff.count("right") == pytest.approx(len(heard) - 500, abs=20)
    assert [word.expected for word in diff.words if word.expected] == words
    assert [word.heard for word in diff.words if word.heard] == heard


@pytest.mark.parametrize(("a", "b"), [("a ", "b "), ("一", "二"), ("7 ", "8 ")])
def test_the_work_grows_with_the_length_where_nothing_is_alike(
    monkeypatch: pytest.MonkeyPatch, a: str, b: str
) -> None:
    pairs: list[int] = []
    for aligner in (Indel, Levenshtein):
        align = aligner.opcodes

        def counted(one: list[str], other: list[str], align: Any = align) -> Any:
            pairs.append(len(one) * len(other))  # what it takes in time, and may in memory
            return align(one, other)

        monkeypatch.setattr(aligner, "opcodes", counted)
    diff = compare(a * 60_000, b * 60_000)
    assert diff.score == 0 and len(diff.words) == 60_000
    assert max(pairs) <= 4_000**2 and sum(pairs) < 60_000 * 20_000
