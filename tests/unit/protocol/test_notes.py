"""What an engine notes of its answer: on the wire, and to whom it means nothing."""

from typing import Any

import pytest
from hypothesis import given

from audiomagic.protocol import notes

from ...support.strategies import JSON


def test_notes_are_read_as_they_were_written() -> None:
    assert notes.read({"id": "x", **notes.written(["One.", "Two."])}) == ("One.", "Two.")
    assert notes.written([]) == {}


@pytest.mark.parametrize(
    "field", [None, [], "x", {"notes": "x"}, {"notes": {}}, {"notes": [1, None]}]
)
def test_what_is_no_note_is_none(field: Any) -> None:
    assert notes.read({notes.FIELD: field}) == ()


@given(JSON)
def test_any_answer_can_be_read(value: Any) -> None:
    assert all("\n" not in note for note in notes.read({notes.FIELD: {"notes": value}}))


def test_notes_are_few_and_short() -> None:
    found = notes.read(notes.written(["x" * 10_000] * 10_000))
    assert len(found) == notes.MOST and all(len(note) < 1_000 for note in found)
