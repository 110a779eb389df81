"""A style in words: what it asks for, what is not understood, and what its reader is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiomagic.engine.prosody import LIMITS, PLAIN
from audiomagic.engine.style import Style

CANNOT = "the engine's voice cannot follow"


@pytest.mark.parametrize(
    ("style", "note"),
    [
        ("slowly", "Style: slower."),
        ("Speak SLOWLY, please.", "Style: slower."),
        ("very slowly", "Style: much slower."),
        ("as slowly as you can", "Style: much slower."),
        ("a bit slower", "Style: a little slower."),
        ("in a deep voice", "Style: lower."),
        ("high-pitched", "Style: higher."),
        ("whispering", "Style: much quieter and whispered."),
        ("like a robot", "Style: in a monotone."),
        ("without emotion", "Style: in a monotone."),
        ("in a low voice", "Style: quieter and a little softer."),
        ("slowly and softly, like a pirate",
         f"Style: slower, quieter and softer; {CANNOT} 'pirate'."),
        ("a jaunty Colorado accent", f"Style: {CANNOT} 'jaunty Colorado accent'."),
        ("in French", f"Style: {CANNOT} 'French'."),
        ("calm, with pauses",
         "Style: a little slower, a little flatter, softer and with much longer pauses."),
    ],
)  # fmt: skip
def test_the_reader_is_told_what_is_followed_and_what_is_not(style: str, note: str) -> None:
    assert Style.of(style).note == note


@pytest.mark.parametrize("style", ["", " ", "in your own voice", "...", "speak"])
def test_a_style_that_asks_for_nothing_changes_nothing(style: str) -> None:
    assert Style.of(style) == Style() and Style.of(style).note == ""


@pytest.mark.parametrize(
    "style",
    ["not fast", "don't whisper", "do not speak loudly", "never shout", "without whispering",
     "not too fast", "not loud or fast", "don’t be too loud"],
)  # fmt: skip
def test_what_is_denied_is_not_done(style: str) -> None:
    assert Style.of(style) == Style()


def test_what_follows_a_denial_is_done() -> None:
    assert Style.of("not loud, slow").prosody == Style.of("slow").prosody
    assert Style.of("not loud but slow").prosody == Style.of("slow").prosody
    assert Style.of("loud, not slow").prosody == Style.of("loud").prosody


@pytest.mark.parametrize("style", ["breakfast", "lowland", "Slovak", "deepfake", "highway patrol"])
def test_a_word_within_another_is_none(style: str) -> None:
    assert Style.of(style).prosody == PLAIN and Style.of(style).unknown == (style,)


def test_wishes_add_up_within_what_a_voice_can_do() -> None:
    both = Style.of("slow and deep").prosody
    assert both == (Style.of("slow").prosody * Style.of("deep").prosody).limited()
    most = Style.of("very fast, very quick, in a hurry, as rapidly as possible").prosody
    assert most.pace == LIMITS["pace"][1]


def test_quotes_are_few_and_short() -> None:
    note = Style.of(", ".join(f"like {'x' * 200}{n}" for n in range(9))).note
    assert note.count("…") == 3 and len(note) < 300


@pytest.mark.parametrize(
    ("instructions", "note"),
    [
        ("You are a tutor. Speak slowly. Be brief.", "Style: slower."),
        ("You always whisper", "Style: much quieter and whispered."),
        ("Your voice is deep;\nyour answers are short", "Style: lower."),
        ("You are a fast car. Explain slow trains.", ""),
        ("You talk like a pirate.", ""),
        ("", ""),
    ],
)
def test_instructions_count_where_they_are_about_the_voice(instructions: str, note: str) -> None:
    assert Style.wished(instructions).note == note


@given(st.text(max_size=80))
def test_any_text_is_a_style(text: str) -> None:
    style = Style.of(text)
    for name, (least, most) in LIMITS.items():
        assert least <= getattr(style.prosody, name) <= most
    assert all(one in text for one in style.unknown) and "\n" not in style.note
