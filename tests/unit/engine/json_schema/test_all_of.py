"""One schema in place of an `allOf`: what follows it follows all the parts, and the reverse."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiomagic.engine.json_schema.all_of import merged
from audiomagic.engine.json_schema.dialect import followable

from ....support.json_schemas import JSON, SCHEMAS, valid

X = {"type": "object", "properties": {"x": {"type": "string"}}, "required": ["x"]}
Y = {"type": "object", "properties": {"y": {"type": "integer"}}, "required": ["y"]}
BASE = {"$defs": {"X": X}}


@given(st.lists(SCHEMAS, min_size=1, max_size=3), SCHEMAS, JSON)
def test_what_follows_one_follows_the_other(parts: Any, beside: Any, value: Any) -> None:
    schema = beside | {"allOf": parts}
    assert valid(value, merged(schema)) == valid(value, schema)


@pytest.mark.parametrize(
    ("schema", "one"),
    [
        ({"allOf": [X, Y]}, {"type": "object", "properties": X["properties"] | Y["properties"],
                             "required": ["x", "y"]}),
        ({"allOf": [{"type": "number", "minimum": 1}, {"type": "integer", "minimum": 3}]},
            {"type": "integer", "minimum": 3}),
        ({"allOf": [True, X, {}]}, X),
        ({"allOf": [{"allOf": [X, Y]}]}, {
            "type": "object", "properties": X["properties"] | Y["properties"],
            "required": ["x", "y"]}),
        ({"allOf": [X], "unevaluatedProperties": {"type": "null"}},
            X | {"unevaluatedProperties": {"type": "null"}}),  # which is refused
        ({"allOf": [X], "unevaluatedProperties": False}, X | {"additionalProperties": False}),
        ({"allOf": [X, X | {"additionalProperties": False}]}, X | {"additionalProperties": False}),
        ({"allOf": [X, {"properties": {"x": {"maxLength": 3}}}]},
            X | {"properties": {"x": {"type": "string", "maxLength": 3}}}),
        # An alias, as pydantic writes it.
        ({"properties": {"a": {"allOf": [{"$ref": "#/$defs/X"}], "default": {"x": ""}}}} | BASE,
            {"properties": {"a": {"$ref": "#/$defs/X", "default": {"x": ""}}}} | BASE),
        ({"allOf": [{"$ref": "#/$defs/X", "required": ["z"]}, {"allOf": [Y]}]} | BASE,
            {"type": "object", "properties": X["properties"] | Y["properties"],
             "required": ["z", "x", "y"]} | BASE),
    ],
)  # fmt: skip
def test_parts_are_one_schema(schema: Any, one: Any) -> None:
    assert merged(schema) == one


@pytest.mark.parametrize(
    "schema",
    [
        {"allOf": [{"pattern": "a"}, {"pattern": "b"}]},
        {"allOf": [X | {"additionalProperties": False}, Y]},  # nothing follows it
        {"allOf": [{"$ref": "#"}, X]},
        {"allOf": [False, X]},
        {"allOf": "X"},
    ],
)
def test_what_one_schema_cannot_say_stays_as_it_is(schema: Any) -> None:
    assert merged(schema) == schema


def test_an_object_of_several_parts_is_closed_like_any_other() -> None:
    assert followable({"allOf": [X, Y]})["additionalProperties"] is False


def test_parts_that_hold_each_other_many_times_are_not_written_out_without_end() -> None:
    def twice(name: str) -> dict[str, Any]:
        both = {"allOf": [{"$ref": f"#/$defs/{name}"}, X]}
        return {"type": "object", "properties": {"a": both, "b": both}}

    schema = {"$defs": {str(n): twice(str(n + 1)) for n in range(30)} | {"30": X}} | twice("0")
    assert len(str(merged(schema))) < 1_000_000
