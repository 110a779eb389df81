"""`{name}` in a cell: filled when a variable can answer, left as typed otherwise."""

import string
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from audiomagic.template import fill


class Rude:
    """Raises whenever it is touched."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)

    def __getitem__(self, key: object) -> Any:
        raise SystemError(key)

    def __str__(self) -> str:
        raise RecursionError


VARIABLES: dict[str, Any] = {
    "name": "Ada",
    "größe": 3,
    "n": 1,
    "key": "b c",
    "items": ["zero", "one", SimpleNamespace(name="two")],
    "table": {"b c": 7, 1: "by number", "deep": {"x": [1.5]}},
    "who": SimpleNamespace(name="Grace", n=None),
    "brace": "{name}",
    "rude": Rude(),
}


@pytest.mark.parametrize(
    ("typed", "filled"),
    [
        ("Hello {name}!", "Hello Ada!"),
        ("{name}{name}", "AdaAda"),
        ("{größe} m", "3 m"),
        ("{who.name}, {who.n}", "Grace, None"),
        ("{items[0]} {items[n]} {items[-1].name}", "zero one two"),
        ("{table['b c']} {table[key]} {table[1]}", "7 7 by number"),
        ('{table["deep"]["x"][0]}', "1.5"),
        ("{brace}", "{name}"),  # filled once, not again
        ("a\n{name}\nb", "a\nAda\nb"),
        ("({name}) [{name}]", "(Ada) [Ada]"),
    ],
)
def test_a_variable_is_put_in(typed: str, filled: str) -> None:
    assert fill(typed, VARIABLES) == filled


@pytest.mark.parametrize(
    "typed",
    [
        "{nobody}", "{ name }", "{}", "{0}", "{name", "name}", "{{name}}", "{{name}", "{{{name}}}",
        "{name!r}",
        "{name:>9}", "{name + 1}", "{name()}", "{name.nothing}", "{items[9]}", "{items[]}",
        "{items['a']}", "{table[nobody]}", "{items[__import__('os')]}", "{rude}", "{rude.x}",
        "{rude[0]}", '{"a": 1, "b": {"name": []}}', "def f(): return {name: 1}", "{n, name}",
        "set = {1, 2}", "\\frac{1}{2}", "${shell}", "{items[0}", "{items[0]]}", "{.name}",
        "{name.}", "{1name}", "{na me}", "f'{nobody}' % {}",
    ],
)  # fmt: skip
def test_every_other_brace_stays_as_typed(typed: str) -> None:
    assert fill(typed, VARIABLES) == typed


def test_the_examples_of_the_manual() -> None:
    assert fill('{name} said {"a": 1} to {nobody}', VARIABLES) == 'Ada said {"a": 1} to {nobody}'


@given(st.text(alphabet="{}[].'\"\\ \n0anrudeims-" + string.punctuation, max_size=60))
@example("{" * 5_000 + "name" + "}" * 5_000)
@example("{name" + "[0]" * 5_000 + "}")
@example("{name" + ".x" * 5_000)
@example("{items[" + "-" * 5_000 + "1]}")
@example("{items[" + "(" * 500 + "]}")
@example("{items[0\x00]}")
def test_it_never_raises(typed: str) -> None:
    assert isinstance(fill(typed, VARIABLES), str)
    assert fill(typed, {}) == typed
