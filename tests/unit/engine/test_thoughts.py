"""What a model thinks aloud is taken out, however its tags come."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiomagic.engine.thoughts import Thoughts

THOUGHT = "The user asks for a capital. France's is Paris."
ANSWERS = [
    (f"<think>{THOUGHT}</think>It is Paris.", "It is Paris."),
    (f"<think>\n{THOUGHT}\n</think>\n\nIt is Paris.", "It is Paris."),
    (f"\n<THINK>{THOUGHT}</THINK> It is Paris.", "It is Paris."),
    (f"{THOUGHT}\n</think>\n\nIt is Paris.", "It is Paris."),  # the prompt ended with <think>
    (f"<think>{THOUGHT}", ""),
    ("<think></think>It is Paris.", "It is Paris."),
    ("It is <think>hm</think> Paris.", "It is Paris."),
    ("It is Paris.<think>Was that right?</think>", "It is Paris."),
    (f"<think>a</think>It is <think>{THOUGHT}</think>Paris.", "It is Paris."),
    (f"<thinking>{THOUGHT}</thinking>It is Paris.", "It is Paris."),
    (f"[THINK]{THOUGHT}[/THINK]It is Paris.", "It is Paris."),
    (f"<seed:think>{THOUGHT}</seed:think>It is Paris.", "It is Paris."),
    (f"◁think▷{THOUGHT}◁/think▷It is Paris.", "It is Paris."),
    (f"<reasoning>{THOUGHT} <b>2 < 3</b> [1]</reasoning>It is Paris.", "It is Paris."),
    ("The tag `<think>` begins it, `</think>` ends it.",) * 2,
    ("1 < 2, [3], <b>4</b>, a <thin line, ◁ and `",) * 2,
    ("", ""),
]


def answer(text: str, size: int, model: Thoughts, complete: bool = True) -> list[str]:
    """What is shown of a text that comes in pieces of that size."""
    filtered = model.answer()
    pieces = [filtered.feed(text[i : i + size]) for i in range(0, len(text), size)]
    return [*pieces, filtered.end(complete)]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 11, 1000])
@pytest.mark.parametrize(("text", "shown"), ANSWERS)
def test_thoughts_are_taken_out(text: str, shown: str, size: int) -> None:
    assert "".join(answer(text, size, Thoughts())).replace("  ", " ") == shown
    if not text.startswith(THOUGHT):
        assert "".join(answer(text, size, Thoughts(False))).replace("  ", " ") == shown


def test_an_answer_streams_once_its_model_is_known_not_to_think_without_a_tag() -> None:
    model = Thoughts()
    assert answer("It is Paris.", 3, model) == ["", "", "", "", "It is Paris."]
    assert model.untagged is False
    assert answer("It is Paris.", 3, model) == ["It ", "is ", "Par", "is.", ""]
    thoughtful = answer("<think>hm</think>It is Paris.", 1, Thoughts())
    assert thoughtful[-3:] == ["s", ".", ""]  # with a tag, what follows it streams


def test_a_model_that_thinks_without_a_tag_is_remembered() -> None:
    model = Thoughts(untagged=False)
    answer("So.</think>Yes.", 1, model)  # too late for this one
    assert model.untagged
    assert "".join(answer(f"{THOUGHT}</think>Yes.", 1, model)) == "Yes."
    assert "".join(answer(THOUGHT, 1, model, complete=False)) == ""  # the cap came first
    assert "".join(answer("Yes.", 1, model)) == "Yes."  # this time it did not


def test_an_answer_that_was_cut_off_tells_nothing() -> None:
    model = Thoughts()
    assert "".join(answer("It is Par", 4, model, complete=False)) == "It is Par"
    assert model.untagged is None


@given(st.text("<>/[]`◁▷thinkTHINK ab\n", max_size=60), st.integers(1, 9))
def test_it_does_not_matter_where_a_text_is_cut(text: str, size: int) -> None:
    for untagged in (None, False):
        whole = "".join(answer(text, 1000, Thoughts(untagged)))
        assert "".join(answer(text, size, Thoughts(untagged))) == whole
