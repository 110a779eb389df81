"""Escaping, and the small pieces of HTML."""

from html import unescape

import pytest

from audiomagic import Sound
from audiomagic.render.html import HIDDEN, as_html, note, player, title, unmarked, visible, words

from ...support.page_reading import CONTROLS, HOSTILE, Reading


@pytest.mark.parametrize("text", [*HOSTILE, "<b>", "'\"&"])
def test_any_text_is_text(text: str) -> None:
    assert unescape(as_html(text).replace("<span>", "").replace("</span>", "")) == text
    for page in (note(text), title(text), words(text)):
        assert Reading(page).tags == ["div"]
        assert text in Reading(page).text


def test_what_cannot_be_seen_is_taken_out() -> None:
    for text in (visible(CONTROLS), as_html(CONTROLS), unmarked(CONTROLS)):
        assert not HIDDEN.search(text)
    assert visible("tab\there\nשלום \u200f👩\u200d🚀") == "tab\there\nשלום \u200f👩\u200d🚀"


def test_no_two_signs_of_a_formula_share_a_text_node() -> None:
    assert as_html("$5 or \\(x") == "<span>$</span>5 or <span>\\</span>(x"


def test_markdown_is_escaped_and_not_indented() -> None:
    assert unmarked("    *code*\n# me@x.y") == "\\*code\\*\n\\# me&#64;x\\.y"


def test_a_player_holds_its_sound(tone: Sound) -> None:
    assert ("audio", "src", tone.data_url) in Reading(player(tone)).attributes
