"""What of a model's instructions is about its voice, and what only looks like it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiomagic.engine.style import Style
from audiomagic.engine.voice_instructions import voice_style
from audiomagic.protocol.request import TRANSCRIPT, VERBATIM


@pytest.mark.parametrize(
    ("instructions", "told"),
    [
        ("You are a tutor. Speak slowly. Be brief.", "slower"),
        ("You always whisper", "whispering"),
        ("Your voice is deep;\nyour answers are short", "lower"),
        ("Answer slowly and in a deep voice.", "lower and slower"),
        ("Be cheerful. Say it a bit faster.", "livelier, a little faster and a little higher"),
        ("Speak as slowly as possible, and never shout.", "much slower"),
    ],
)
def test_instructions_count_where_they_are_about_the_voice(instructions: str, told: str) -> None:
    assert voice_style(instructions).told == told


@pytest.mark.parametrize(
    "instructions",
    ["", "You are a fast car. Explain slow trains.", "You talk like a pirate.", "Be brief.",
     "You are a deep thinker who talks about fast cars.", "Talk about sad movies.",
     "You talk to angry customers and calm them.", "If the user sounds sad, be calm.",
     "When the user speaks slowly, wait.", "The user's voice is quiet.", "Speak at a low level.",
     "You are a voice assistant for a fast food chain.", "You are the voice of a high school.",
     "Do not talk about the Low Countries.", "Speak in short, clear sentences.",
     "Answer in one short sentence.", "Answer low-level questions.", VERBATIM, TRANSCRIPT],
)  # fmt: skip
def test_instructions_about_anything_else_leave_the_voice_alone(instructions: str) -> None:
    assert voice_style(instructions) == Style()


@given(st.text(max_size=200))
def test_any_text_may_instruct(text: str) -> None:
    assert voice_style(text).unknown == ()
