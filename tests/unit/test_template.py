"""`{name}` in a cell: filled when a variable can answer, left as typed otherwise."""

import string
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from audiomagic.template import fields, fill, fill_name, name_fields


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


@pytest.mark.parametrize(
    "typed",
    [
        r"\frac{n}{key}", r"\sqrt[3]{n}", r"\\frac{n}{n}", r"\operatorname*{n}", "x_{n}", "x^{n}",
        r"\sum_{n}^{key}", r"\frac{x_{n} + {n}}{n}", r"a^{b_{n}}", "${name}", "`${who.name}`",
        r"\text{ {name} is \{ } {", r"\${n}", "$_{n}$", r"\begin{items}", "_{name}_", "{}_{n}",
        r"\frac {n}{key}", "\\sqrt[3] \t{n}", r"\mathbf  {x_{n} + {n}}", r"\\frac {n}{n}",
    ],
)  # fmt: skip
def test_the_groups_of_a_formula_or_of_code_stay_as_typed(typed: str) -> None:
    assert fill(typed, VARIABLES) == typed and fields(typed) == set()
    assert fill(f"{{name}}: {typed} ({{name}})", VARIABLES) == f"Ada: {typed} (Ada)"


@pytest.mark.parametrize(
    ("typed", "filled"),
    [
        (r"\alpha is {name}", r"\alpha is Ada"),
        ("$5 for {name}, {n}$", "$5 for Ada, 1$"),
        (r"x_{n} is {items[n]}_ and {name}^2", "x_{n} is one_ and Ada^2"),
        (r"\frac{n, {name}", r"\frac{n, Ada"),  # a group that is never closed is none
        (r"\alpha, {name}; _ {name} ^ {n} $ {n}", r"\alpha, Ada; _ Ada ^ 1 $ 1"),
        ("\\n\n{name}", "\\n\nAda"),
        (r"\{n\} \left\{ {n} \right\} \\{n}", r"\{n\} \left\{ 1 \right\} \\1"),
    ],
)
def test_what_stands_beside_a_formula_is_filled_in(typed: str, filled: str) -> None:
    assert fill(typed, VARIABLES) == filled


def test_a_name_of_a_file_is_no_formula() -> None:
    assert fill_name("~/card_{n}-{nobody}.mp3", VARIABLES) == "~/card_1-{nobody}.mp3"
    assert fill_name("{n:03} {name:>5} {n:d4} {nobody:3} {{n:3}}", VARIABLES) == (
        "001   Ada {n:d4} {nobody:3} {{n:3}}"
    )
    assert name_fields("card_{n}{key:>4}.mp3") == {"n", "key"}
    assert name_fields("card_{n}.mp3") == {"n"} and fields("card_{n}.mp3") == set()


def test_the_examples_of_the_manual() -> None:
    assert fill('{name} said {"a": 1} to {nobody}', VARIABLES) == 'Ada said {"a": 1} to {nobody}'


@given(st.text(alphabet="{}[].'\"\\ \n0anrudeims-" + string.punctuation, max_size=60))
@example("{" * 5_000 + "name" + "}" * 5_000)
@example("{name" + "[0]" * 5_000 + "}")
@example("{name" + ".x" * 5_000)
@example("{items[" + "-" * 5_000 + "1]}")
@example("{items[" + "(" * 500 + "]}")
@example("{items[0\x00]}")
@example("\\" * 5_000)
@example("${" * 5_000)
@example("x_{" * 5_000 + "}" * 5_000)
@example("\\a[" * 5_000 + "{")
def test_it_never_raises(typed: str) -> None:
    assert isinstance(fill(typed, VARIABLES), str)
    assert fill(typed, {}) == typed
