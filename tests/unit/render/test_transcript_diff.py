"""A transcript compared with its text, as a card shows it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiomagic.render import transcript_diff
from audiomagic.render.transcript_diff import MAX_MARKS
from audiomagic.speech.transcript_diff import compare

from ...support.page_reading import Reading
from ...support.sanitizer import find_node, sanitize

BITS = st.sampled_from(
    ["<b>", "&amp;", "voice", "mail", "don’t", "-", "我们", "مَرْحَبًا", "\ud800", "$7"]
)
TEXTS = st.lists(BITS | st.text(max_size=4), max_size=25).map(" ".join)


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
    diff = compare(expected, heard)
    assert transcript_diff.plain(diff).splitlines()[0] == marked
    assert diff.score == pytest.approx(score)


def test_what_is_right_is_not_repeated() -> None:
    diff = compare("It is 7.", "it is 7")
    assert transcript_diff.plain(diff) == diff.summary == "100%: 3 of 3 words right"
    assert Reading(transcript_diff.html(diff)).text.strip() == diff.summary


@given(TEXTS, TEXTS)
def test_html_holds_no_tag_of_the_texts(expected: str, heard: str) -> None:
    page = Reading(transcript_diff.html(compare(expected, heard)))
    assert set(page.tags) <= {"div", "del", "ins", "span"}
    hostile = compare(f"<script>{expected}</script>", f"<img src=x onerror={heard}>")
    html = transcript_diff.html(hostile)
    assert set(Reading(html).tags) <= {"div", "del", "ins", "span"}
    assert "<script" not in html and "<img" not in html


@pytest.mark.node
@pytest.mark.skipif(find_node() is None, reason="no Node.js")
def test_an_untrusted_notebook_shows_it_the_same() -> None:
    html = transcript_diff.html(compare("The brown fox jumps.", "the crown fox the"))
    shown = sanitize(html)
    assert Reading(shown).text == Reading(html).text
    assert re.findall(r"<(?:del|ins)[^>]*title=", shown) == re.findall(
        r"<(?:del|ins)[^>]*title=", html
    )
    assert shown.count("line-through") == 2 and shown.count("underline") == 2
    assert shown.count('dir="auto"') == 2


def test_marks_stay_within_bounds() -> None:
    words = [f"word{number % 997}" for number in range(10_000)]
    heard = [word if number % 8 else "slip" for number, word in enumerate(words)]
    html = transcript_diff.html(compare(" ".join(words), " ".join(heard)))
    assert html.count("<del") == MAX_MARKS
