"""Text as it passes through the pipeline: up to a stop, and without blanks around it."""

from hypothesis import example, given
from hypothesis import strategies as st

from audiomagic.engine.pipeline import stripped, until_stop

PIECES = st.lists(st.text("ab \n", max_size=4))
STOPS = st.lists(st.text("ab \n", min_size=1, max_size=4), max_size=4)


@given(PIECES, STOPS)
@example(["ab", " "], ["ab ", "b"])
def test_a_text_ends_before_the_first_stop_however_it_is_cut(
    pieces: list[str], stops: list[str]
) -> None:
    text = "".join(pieces)
    stopped = [(text.find(stop) + len(stop), text.find(stop)) for stop in stops if stop in text]
    end = min(stopped)[1] if stopped else None
    assert "".join(until_stop(pieces, stops)) == text[:end]


def test_what_cannot_be_the_beginning_of_a_stop_is_not_held_back() -> None:
    assert [piece for piece in until_stop(["Hel", "lo E", "N", "T END"], ["END"]) if piece] == [
        "Hel", "lo ", "ENT "]  # fmt: skip


@given(PIECES)
def test_blanks_are_left_out_before_and_after_a_text_alone(pieces: list[str]) -> None:
    assert "".join(stripped(pieces)) == "".join(pieces).strip()
