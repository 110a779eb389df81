"""Diction: what counts as said, what is marked, and what any text does to it."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiomagic.speech.transcript_diff import MOST_MARKS, compare

from ...support.sanitizer import find_node, sanitize

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
    diction = compare(expected, heard)
    assert diction.score == 1, diction.summary
    assert diction.plain().startswith(f"{expected}\n100%")


@pytest.mark.parametrize(
    ("expected", "heard", "marked", "score"),
    [
        ("The quick brown fox jumps.", "the crown fox jumps",
         "The [quick → crown] [− brown] fox jumps.", 3 / 5),
        ("The fox jumps over.", "the fox over the", "The fox [− jumps] over [+ the].", 2 / 4),
        ("fox", "the fox", "[+ the] fox", 0),
        ("in 1999 a", "in nineteen ninety eight a", "in [1999 → nineteen ninety eight] a", 2 / 3),
        ("1, 2, 3", "one two four", "1, 2, [3 → four]", 2 / 3),
        ("3.5 km", "35 km", "[3.5 → 35] km", 1 / 2),
        ("$5", "five euros", "[$5 → five euros]", 0),
        ("你好，世界。", "你好世間", "你好，世[界 → 間]。", 3 / 4),
        ("नमस्ते दुनिया", "नमस्त दुनिया", "[नमस्ते → नमस्त] दुनिया", 1 / 2),
        ("one two", "", "[− one two]", 0),
        ("", "one two", "[+ one two] ", 0),
        ("a", "b c d e", "[a → b] [+ c d e]", 0),
    ],
)  # fmt: skip
def test_what_differs_is_marked(expected: str, heard: str, marked: str, score: float) -> None:
    diction = compare(expected, heard)
    assert diction.plain().splitlines()[0] == marked
    assert diction.score == pytest.approx(score)


def test_the_summary_says_all_in_words() -> None:
    diction = compare("The quick brown fox jumps over.", "the quick crown fox over the")
    assert diction.summary == (
        "50%: 4 of 6 words right, 1 too many · heard otherwise: “brown” as “crown” · "
        "not heard: “jumps” · added: “the”"
    )
    kinds = [word.kind for word in diction.words]
    assert kinds == ["right", "right", "wrong", "right", "missing", "right", "added"]
    nearly = compare("word " * 999 + "end", "word " * 999 + "and")
    assert nearly.summary.startswith("99%: 999 of 1000")


@given(TEXTS)
@settings(max_examples=300, deadline=None)
def test_a_text_is_like_itself(text: str) -> None:
    assert compare(text, text).score == 1
    assert compare(text, text.upper().replace(" ", "\n")).count("missing") == 0


@given(TEXTS, TEXTS)
@settings(max_examples=300, deadline=None)
def test_any_two_texts_have_a_score_and_every_word_its_place(expected: str, heard: str) -> None:
    diction = compare(expected, heard)
    assert 0 <= diction.score <= 1
    assert (diction.score == 1) == (diction.count("right") == len(diction.words))
    for at, words in (("expected_at", "expected"), ("heard_at", "heard")):
        places = [(getattr(word, at), getattr(word, words)) for word in diction.words]
        assert all(getattr(diction, words)[i:].startswith(word) for i, word in places)
        assert places == sorted(places, key=lambda place: place[0])


class Seen(HTMLParser):
    """What a page shows of some HTML, and its tags."""

    def __init__(self, html: str):
        super().__init__()
        self.text, self.tags = "", set[str]()
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@given(TEXTS, TEXTS)
@settings(max_examples=300, deadline=None)
def test_html_holds_no_tag_of_the_texts(expected: str, heard: str) -> None:
    page = Seen(compare(expected, heard).html())
    assert page.tags <= {"div", "del", "ins", "span"}
    html = compare(f"<script>{expected}</script>", f"<img src=x onerror={heard}>").html()
    assert Seen(html).tags <= {"div", "del", "ins", "span"}
    assert "<script" not in html and "<img" not in html


@pytest.mark.node
@pytest.mark.skipif(find_node() is None, reason="no Node.js")
def test_an_untrusted_notebook_shows_it_the_same() -> None:
    html = compare("The brown fox jumps.", "the crown fox the").html()
    shown = sanitize(html)
    assert Seen(shown).text == Seen(html).text
    assert re.findall(r"<(?:del|ins)[^>]*title=", shown) == re.findall(
        r"<(?:del|ins)[^>]*title=", html
    )
    assert shown.count("line-through") == 2 and shown.count("underline") == 2
    assert shown.count('dir="auto"') == 2


def test_a_long_text_is_compared_and_shown_within_bounds() -> None:
    words = [f"word{number % 997}" for number in range(20_000)]
    heard = [word if number % 8 else "slip" for number, word in enumerate(words)]
    diction = compare(" ".join(words), " ".join(heard))
    assert diction.count("wrong") == 2_500 and diction.score == pytest.approx(0.875)
    assert diction.html().count("<del") == MOST_MARKS
    assert "and 2492 more" in diction.summary
