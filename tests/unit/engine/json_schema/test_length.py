"""The least length of what follows a schema, and schemas that come to an end."""

import json
from math import inf
from typing import Any

import pytest
from hypothesis import given

from audiomagic.engine.json_schema.dialect import followable
from audiomagic.engine.json_schema.length import Lengths, least, unrolled

from ....support.json_schemas import JSON, SCHEMAS, valid


def obj(**properties: Any) -> dict[str, Any]:
    required = list(properties)
    return {"type": "object", "properties": properties, "required": required,
            "additionalProperties": False}  # fmt: skip


def either(*branches: Any) -> dict[str, Any]:
    return {"anyOf": list(branches)}


def named(name: str) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{name}"}


INTEGER, NULL = {"type": "integer"}, {"type": "null"}
CHAIN = obj(value=INTEGER, next=either({"$ref": "#"}, NULL))
NODE = obj(v=INTEGER, c={"type": "array", "items": named("N")})
TREE = {"$defs": {"N": NODE}} | obj(r=named("N"))
SUM = {"$defs": {"E": either(obj(l=named("E"), r=named("E")), INTEGER)}} | obj(e=named("E"))
MUTUAL = {"$defs": {"A": obj(b=named("B")), "B": obj(a=either(named("A"), NULL))}} | named("A")


def length(schema: Any) -> float:
    return Lengths(schema).of(schema)


@given(SCHEMAS, JSON)
def test_nothing_that_follows_a_schema_is_shorter(schema: Any, value: Any) -> None:
    form = followable(schema)
    if valid(value, form):
        assert len(json.dumps(value, separators=(",", ":"), ensure_ascii=False)) >= length(form)


@given(SCHEMAS, JSON)
def test_what_follows_the_least_follows_the_schema(schema: Any, value: Any) -> None:
    form = followable(schema)
    if valid(value, least(form, Lengths(form))):
        assert valid(value, form)


@pytest.mark.parametrize(
    ("schema", "characters"),
    [
        (NULL, 4),
        ({"type": "string", "minLength": 1500}, 1502),
        ({"type": "array", "items": {"type": "boolean"}, "minItems": 30}, 152),
        ({"enum": ["three", "four", [1, 2]]}, 5),
        (CHAIN, len('{"value":1,"next":null}') + 1),
        (MUTUAL, len('{"b":{"a":null}}') + 2),
        (SUM, len('{"e":1}') + 1),
        (obj(next={"$ref": "#"}), inf),
        ({"$ref": "#"}, inf),
        ({"$defs": {"A": named("B"), "B": named("A")}} | obj(a=named("A")), inf),
        ({"type": "array", "items": {"$ref": "#"}, "minItems": 1}, inf),
        ({"anyOf": []}, inf),
        (obj(a=False), inf),
    ],
)
def test_a_length_is_that_of_what_is_required(schema: Any, characters: float) -> None:
    assert length(schema) == characters


@pytest.mark.parametrize(
    ("schema", "shortest"),
    [
        (CHAIN, {"value": 1, "next": None}),
        (TREE, {"r": {"v": 1, "c": []}}),
        (SUM, {"e": 1}),
        (MUTUAL, {"b": {"a": None}}),
    ],
)
def test_the_least_of_what_holds_its_own_kind_holds_none(schema: Any, shortest: Any) -> None:
    form = followable(schema)
    form = least(form, Lengths(form))
    assert valid(shortest, form) and valid(shortest, schema)


def nested(depth: int) -> Any:
    return {"value": depth, "next": nested(depth - 1) if depth else None}


def test_what_holds_its_own_kind_does_so_down_to_a_depth() -> None:
    form = followable(CHAIN)
    form = unrolled(form, Lengths(form))
    assert [valid(nested(depth), form) for depth in range(6)] == [True] * 4 + [False] * 2


@pytest.mark.parametrize("schema", [TREE, SUM, MUTUAL, CHAIN])
@given(JSON)
def test_a_bounded_depth_is_a_stricter_schema(schema: Any, value: Any) -> None:
    form = followable(schema)
    bounded = unrolled(form, Lengths(form))
    for one in (value, {"r": value}, {"e": value}, {"b": value}, {"value": 1, "next": value}):
        if valid(one, bounded):
            assert valid(one, schema)


def test_a_schema_that_does_not_hold_itself_stays_as_it_is() -> None:
    form = followable({"$defs": {"A": obj(a=INTEGER)}} | obj(one=named("A"), two=named("A")))
    assert unrolled(form, Lengths(form)) == form
