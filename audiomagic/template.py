"""`{name}` in a cell: variables of the notebook, put into its text, its formulas left alone."""

import ast
import re
from collections.abc import Callable, Iterator, Mapping

from .errors import ReplyPending

# A lone pair of braces around a name, with attributes and indices; `{{name}}` is left alone. The
# name may be a column's, of several words.
HEAD = r"(?<!\{)\{([^\s{}\[\].:!'\"][^{}\[\].:!\n]*)((?:\.[^\W\d]\w*|\[[^\[\]{}]+\])*)"
FIELD = re.compile(HEAD + r"()\}(?!\})")
NAME_FIELD = re.compile(HEAD + r"(?::([^{}\n]*))?\}(?!\})")  # in a name, a format may follow
STEP = re.compile(r"\.(\w+)|\[([^\[\]]+)\]")
# What the groups of a formula or of code follow (`\frac{a}{b}`, `\sqrt {a}`, `x_{i}`, `${HOME}`);
# an escaped sign, which is no brace; a brace.
PIECE = re.compile(r"(\\{1,2}[A-Za-z]+\*?(?:\[[^\[\]{}]*\])*[ \t]*|[_^$])|\\[\\{}]|[{}]")


def formatted(value: object, spec: str) -> str:
    """Return a value as a text, in a format such as "03", or as it prints itself for ""."""
    return format(value, spec) if spec else str(value)


def fill(text: str, variables: Mapping[str, object]) -> str:
    """Replace each `{name}`, `{name.attribute}`, `{name[index]}` that `variables` can answer.

    Everything else in braces, JSON and code included, stays as typed; so do the groups of a
    formula, which follow `\\word`, `_`, `^` or `$`. Raises ReplyPending for a reply that is still
    to be recorded, and nothing else.

    >>> fill('{name} said {"a": 1} to {nobody}, x_{name}', {"name": "Ada"})
    'Ada said {"a": 1} to {nobody}, x_{name}'
    """
    return "".join(
        piece if formula else _replaced(FIELD, piece, variables, formatted)
        for piece, formula in _pieces(text)
    )


def fill_name(
    text: str,
    variables: Mapping[str, object],
    written: Callable[[object, str], str] = formatted,
) -> str:
    """Do the same in a name or an address, where nothing is a formula: `card_{n}.mp3`.

    There a format may follow the name, as in `{n:03}`. `written` makes a text of each value and
    its format.
    """
    return _replaced(NAME_FIELD, text, variables, written)


def fields(text: str) -> set[str]:
    """Return the names that `fill` would look up."""
    return {
        match[1]
        for piece, formula in _pieces(text)
        if not formula
        for match in FIELD.finditer(piece)
    }


def name_fields(text: str) -> set[str]:
    """Return the names that `fill_name` would look up."""
    return {match[1] for match in NAME_FIELD.finditer(text)}


def _replaced(
    field: re.Pattern[str],
    text: str,
    variables: Mapping[str, object],
    written: Callable[[object, str], str],
) -> str:
    def value(match: re.Match[str]) -> str:
        try:
            found = variables[match[1]]
            for attribute, index in STEP.findall(match[2]):
                found = getattr(found, attribute) if attribute else _item(found, index, variables)
            return written(found, match[3] or "")
        except ReplyPending:  # sent as typed, the question would be paid for and make no sense
            raise
        except Exception:  # whatever a notebook's object does: then it stays as typed
            return match[0]

    return field.sub(value, text)


def _pieces(text: str) -> Iterator[tuple[str, bool]]:
    """Cut a text into pieces, each with whether it is the groups of a formula."""
    end_of: dict[int, int] = {}
    opened: list[int] = []
    found = list(PIECE.finditer(text))
    for match in found:
        if match[0] == "{":
            opened.append(match.start())
        elif match[0] == "}" and opened:
            end_of[opened.pop()] = match.end()
    done = 0
    for match in found:
        if not match[1] or match.start() < done:
            continue
        start = end = match.end()
        while end in end_of:
            end = end_of[end]
        if end > start:
            yield text[done:start], False
            yield text[start:end], True
            done = end
    yield text[done:], False


def _item(container: object, index: str, variables: Mapping[str, object]) -> object:
    key = variables[index] if index in variables else ast.literal_eval(index.strip())
    return container[key]  # type: ignore[index]
