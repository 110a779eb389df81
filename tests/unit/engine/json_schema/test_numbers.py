"""Numbers within limits: each that is left is within them, and has few digits."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from audiomagic.engine.json_schema.numbers import LIMITS, bounded
from audiomagic.engine.llama_cpp import json_grammar

from ....support.json_schemas import valid

ENDS = st.integers(-2_000, 2_000) | st.decimals(-300, 300, places=4).map(float)
STEPS = st.sampled_from([1, 2, 5, 30, 0.5, 0.25, 0.125])  # which are exact in binary, too


def samples(form: dict[str, Any]) -> list[Any]:
    """List some of the numbers that a schema allows, and those at its ends."""
    found: list[Any] = []
    for part in form.get("anyOf", [form]):
        found += part["enum"] if "enum" in part else [part["minimum"], part["maximum"]]
    return found


def allows(form: dict[str, Any], number: float) -> bool:
    """Whether a schema allows a number; for jsonschema, 0.3 is no multiple of 0.1."""
    exact = Fraction(str(number))
    for part in form.get("anyOf", [form]):
        step = Fraction(str(part.get("multipleOf", 1)))
        if number in part.get("enum", ()) or (
            "enum" not in part
            and part["minimum"] <= number <= part["maximum"]
            and (exact / step).denominator == 1
        ):
            return True
    return False


@given(
    st.sampled_from(["number", "integer"]),
    st.dictionaries(st.sampled_from(sorted(LIMITS - {"multipleOf"})), ENDS),
    st.none() | STEPS,
)
def test_what_is_left_is_within_the_limits(kind: str, limits: Any, step: float | None) -> None:
    schema = {"type": kind, **limits} | ({} if step is None else {"multipleOf": step})
    try:
        form = bounded(schema)
    except ValueError:
        assume(False)
    assert all(valid(number, schema) for number in samples(form))
    for part in form.get("anyOf", [form]):
        assert "enum" in part or part["minimum"] >= 0 or part["type"] == "integer"
        assert part.get("type") != "number" or "multipleOf" in part
        assert "multipleOf" not in part or part["minimum"] >= 0


@pytest.mark.parametrize(
    ("limits", "allowed", "refused"),
    [
        ({"maximum": -0.5, "minimum": -90}, (-0.5, -7.2, -90), (0, 1, -0.4, -91)),
        ({"exclusiveMaximum": 0}, (-0.1, -5, -999_999_999), (0, 1)),
        ({"maximum": -0.5, "minimum": -10, "multipleOf": 0.5}, (-0.5, -9.5), (-0.25, -10.5)),
        ({"exclusiveMinimum": 0, "exclusiveMaximum": 0.1}, (0.0001, 0.0999), (0, 0.1)),
        ({"minimum": 0, "maximum": 0.001}, (0, 0.00025, 0.001), (0.0000001,)),
        ({"minimum": 0.5, "maximum": 0.501}, (0.5, 0.5005, 0.501), (0.50000001,)),
        ({}, (-7.2, -1_000_000, 0, 3.25, 1_000_000), (1e12,)),
        ({"minimum": -273.15}, (-273.15, -40.5, 0), (-274,)),
        ({"minimum": 1.5, "maximum": 1.5}, (1.5,), (1, 3)),
        ({"minimum": -1.5, "maximum": -1.5}, (-1.5,), (-1, -3)),
        ({"minimum": 0, "maximum": 0}, (0,), (0.01,)),
    ],
)
def test_a_range_is_said_in_parts(limits: Any, allowed: Any, refused: Any) -> None:
    form = bounded({"type": "number", **limits})
    assert [number for number in (*allowed, *refused) if allows(form, number)] == [*allowed]


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "number", "minimum": 2, "maximum": 1},
        {"type": "number", "exclusiveMinimum": 1, "exclusiveMaximum": 1},
        {"type": "integer", "exclusiveMinimum": 1, "exclusiveMaximum": 2},
        {"type": "number", "multipleOf": 7, "minimum": 1, "maximum": 6},
        {"type": "number", "multipleOf": 0},
        {"type": "number", "minimum": float("inf")},
        {"type": "number", "maximum": float("nan")},
    ],
)
def test_a_range_without_a_number_is_an_error(schema: Any) -> None:
    with pytest.raises(ValueError):
        bounded(schema)


@pytest.mark.parametrize(
    "limits",
    [
        {"minimum": -3.4028234663852886e38, "maximum": 3.4028234663852886e38},
        {"minimum": -1.7976931348623157e308, "maximum": 1.7976931348623157e308},
        {"minimum": -(2**63), "maximum": 2**63 - 1},
        {"minimum": 0, "maximum": 2**64 - 1},
        {"exclusiveMaximum": 1e20},
        {"exclusiveMinimum": -(10**400), "maximum": 2**63},
    ],
)
@pytest.mark.parametrize("kind", ["number", "integer"])
def test_the_limits_of_a_type_are_none(kind: str, limits: Any) -> None:
    form = bounded({"type": kind, **limits})
    usual = {"minimum": 0} if limits.get("minimum") == 0 else {}
    assert form == bounded({"type": kind, **usual})
    assert json_grammar(form)


@pytest.mark.parametrize(
    "limits",
    [
        {"minimum": 0, "maximum": 4_102_444_800_000},
        {"minimum": -(2**53) + 1, "maximum": 2**53 - 1},
        {"minimum": 10**17, "maximum": 10**17 + 5},
    ],
)
def test_limits_of_a_meaning_stay(limits: Any) -> None:
    assert bounded({"type": "integer", **limits}) == {"type": "integer", **limits}


def test_what_is_beside_numbers_stays() -> None:
    schema = {"type": ["integer", "string", "null"], "minimum": 3, "maxLength": 5, "title": "A",
              "$defs": {"B": {}}}  # fmt: skip
    assert bounded(schema) == {
        "title": "A",
        "$defs": {"B": {}},
        "anyOf": [
            {"type": "integer", "minimum": 3, "maximum": 1_000_000_003},
            {"type": ["string", "null"], "maxLength": 5},
        ],
    }
