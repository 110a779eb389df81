"""What an engine notes of its answer, such as how it was found: beside the protocol's own fields.

Servers add fields of their own under a name that begins with `x_`; clients pass over them.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import one_line

FIELD = "x_audiomagic"
MOST = 10


def written(notes: Iterable[str]) -> dict[str, Any]:
    """Return the field of an answer that has notes: a sentence each."""
    sentences = list(notes)
    return {FIELD: {"notes": sentences}} if sentences else {}


def read(answer: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the notes of an answer, or of the chunk that brings them."""
    field = answer.get(FIELD)
    notes = field.get("notes") if isinstance(field, Mapping) else None
    if not isinstance(notes, list):
        return ()
    return tuple(one_line(note) for note in notes[:MOST] if isinstance(note, str))
