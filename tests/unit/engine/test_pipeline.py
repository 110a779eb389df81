"""What models are told, and text as it passes through the pipeline."""

from hypothesis import example, given
from hypothesis import strategies as st

from audiomagic.engine.pipeline import STYLE_OF_TEXT, Pipeline, stripped, until_stop
from audiomagic.protocol.request import VERBATIM, Message, Request, system

from ...support.scripted_engine import ScriptedEngine

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


# -- style ----------------------------------------------------------------------------------------
def answered(
    engine: ScriptedEngine, head: tuple[Message, ...], voice: str | None = "alloy"
) -> Pipeline:
    messages = (*head, Message.user("Who are you?"))
    pipeline = Pipeline(engine, Request("local-engine", messages, voice))
    list(pipeline.run())
    return pipeline


def test_a_style_is_kept_from_a_small_model() -> None:
    engine = ScriptedEngine(answers=[["Ada."], ["Ada."]])
    engine.models.small = True
    answered(engine, system("You are Ada.", "like a pirate"))
    answered(engine, system(style="like a pirate"))
    assert [asked.system for asked in engine.models.asked] == ["You are Ada.", ""]
    assert [len(asked.messages) for asked in engine.models.asked] == [2, 1]


def test_a_large_model_is_told_of_a_style() -> None:
    engine = ScriptedEngine(answers=[["Ada."]])
    head = system("You are Ada.", "like a pirate")
    answered(engine, head)
    assert engine.models.asked[0].system == head[0].text


def test_a_style_does_not_hide_a_task() -> None:
    engine = ScriptedEngine()
    read = answered(engine, system(task=VERBATIM, style="slowly"))
    assert (read.text, engine.models.asked) == ("Who are you?", [])
    assert read.notes == ("Style: slower.",)


def test_what_is_written_has_no_style() -> None:
    engine = ScriptedEngine(answers=[["Ada."], ["Ada."], ["Ada."]])
    engine.models.small = True
    assert answered(engine, system(style="slowly"), voice=None).notes == (STYLE_OF_TEXT,)
    assert answered(engine, system("You are Ada."), voice=None).notes == ()
    engine.models.small = False
    assert answered(engine, system(style="slowly"), voice=None).notes == ()
