"""A style in words: what it asks for, what is not understood, and what its reader is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiomagic.engine.prosody import LIMITS, PLAIN
from audiomagic.engine.style import Style

CANNOT = "the engine's voice cannot follow"


@pytest.mark.parametrize(
    ("style", "told"),
    [
        ("slowly", "slower"),
        ("Speak SLOWLY, please.", "slower"),
        ("very slowly", "much slower"),
        ("a lot slower", "much slower"),
        ("as slowly as you can", "much slower"),
        ("a bit slower", "a little slower"),
        ("a  little bit more slowly", "a little slower"),
        ("slow down a bit", "a little slower"),
        ("too fast", "a little slower"),
        ("not so fast", "a little slower"),
        ("less loud", "quieter, a little softer and a little lower"),
        ("in a deep voice", "lower"),
        ("high-pitched", "higher"),
        ("whispering", "whispering"),
        ("in a deep whisper", "whispering"),
        ("like a robot", "in a monotone"),
        ("without emotion", "in a monotone"),
        ("in a low voice", "quieter"),
        ("volume: low, speed: high", "quieter and faster"),
        ("no pauses", "with shorter pauses"),
        ("with long pauses", "with longer pauses"),
        ("<b>slow</b>, “deep”", "lower and slower"),
        ("slowly and softly, like a pirate", f"slower, quieter and softer; {CANNOT} “pirate”"),
        ("a jaunty Colorado accent", f"{CANNOT} “jaunty Colorado accent”"),
        ("in French", f"{CANNOT} “French”"),
        ("pirate, grandma, old, British, drunk", f"{CANNOT} “pirate”, “grandma”, “old” and 2 more"),
        ("fast and slow", f"{CANNOT} “fast and slow”"),
    ],
)
def test_it_is_told_what_is_followed_and_what_is_not(style: str, told: str) -> None:
    assert Style.of(style).told == told


@pytest.mark.parametrize("style", ["", " ", "in your own voice", "...", "speak"])
def test_a_style_that_asks_for_nothing_changes_nothing(style: str) -> None:
    assert Style.of(style) == Style() and Style.of(style).told == ""


@pytest.mark.parametrize(
    "style",
    ["not fast", "don't whisper", "dont whisper", "do not speak in a loud voice", "never shout",
     "without whispering", "not loud or fast", "neither loud nor fast", "avoid sounding sad",
     "don’t shout", "without an accent"],
)  # fmt: skip
def test_what_is_denied_is_not_done(style: str) -> None:
    assert Style.of(style) == Style()


def test_what_follows_a_denial_is_done() -> None:
    assert Style.of("not loud, slow").prosody == Style.of("slow").prosody
    assert Style.of("not loud but slow").prosody == Style.of("slow").prosody
    assert Style.of("loud, not slow").prosody == Style.of("loud").prosody
    assert Style.of("slow rather than loud").prosody == Style.of("slow").prosody
    assert Style.of("slow instead of loud").prosody == Style.of("slow").prosody
    assert Style.of("not only slow but deep").prosody == Style.of("slow, deep").prosody


@pytest.mark.parametrize("style", ["breakfast", "lowland", "Slovak", "deepfake", "highway patrol"])
def test_a_word_within_another_is_none(style: str) -> None:
    assert Style.of(style).prosody == PLAIN and Style.of(style).unknown == (style,)


def test_words_for_the_same_do_not_add_up() -> None:
    assert Style.of("happy, cheerful, friendly").prosody == Style.of("happy").prosody
    both, slow, deep = (Style.of(style).prosody for style in ("slow and deep", "slow", "deep"))
    assert (both.pace, both.pitch) == (slow.pace, deep.pitch)


def test_quotes_are_few_and_short() -> None:
    told = Style.of(", ".join(f"like {'x' * 200}{n}" for n in range(9))).told
    assert told.count("…") == 3 and told.endswith("and 6 more") and len(told) < 300


@given(st.text(max_size=80))
def test_any_text_is_a_style(text: str) -> None:
    style = Style.of(text)
    for name, (least, most) in LIMITS.items():
        assert least <= getattr(style.prosody, name) <= most
    assert "\n" not in style.told
