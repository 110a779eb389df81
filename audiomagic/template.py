"""`{name}` in a cell: variables of the notebook, put into its text."""

import ast
import re
from collections.abc import Callable, Mapping

from .errors import ReplyPending

# A lone pair of braces around a name, with attributes and indices; `{{name}}` is left alone. The
# name may be a column's, of several words.
FIELD = re.compile(
    r"(?<!\{)\{([^\s{}\[\].:!'\"][^{}\[\].:!\n]*)((?:\.[^\W\d]\w*|\[[^\[\]{}]+\])*)\}(?!\})"
)
STEP = re.compile(r"\.(\w+)|\[([^\[\]]+)\]")


def fill(text: str, variables: Mapping[str, object], written: Callable[[object], str] = str) -> str:
    """Replace each `{name}`, `{name.attribute}`, `{name[index]}` that `variables` can answer.

    `written` makes a text of each value.

    Everything else in braces, JSON and code included, stays as typed. Raises ReplyPending for a
    reply that is still to be recorded, and nothing else.

    >>> fill('{name} said {"a": 1} to {nobody}', {"name": "Ada"})
    'Ada said {"a": 1} to {nobody}'
    """

    def value(match: re.Match[str]) -> str:
        try:
            found = variables[match[1]]
            for attribute, index in STEP.findall(match[2]):
                found = getattr(found, attribute) if attribute else _item(found, index, variables)
            return written(found)
        except ReplyPending:  # sent as typed, the question would be paid for and make no sense
            raise
        except Exception:  # whatever a notebook's object does: then it stays as typed
            return match[0]

    return FIELD.sub(value, text)


def fields(text: str) -> set[str]:
    """Return the names that `fill` would look up."""
    return {match[1] for match in FIELD.finditer(text)}


def _item(container: object, index: str, variables: Mapping[str, object]) -> object:
    key = variables[index] if index in variables else ast.literal_eval(index.strip())
    return container[key]  # type: ignore[index]
