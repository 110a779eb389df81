"""Schemas that have room in an answer: stricter ones, of which the longest JSON is short."""

import json
from math import inf
from typing import Any

import pytest
from hypothesis import given

from audiomagic.engine.json_schema.dialect import followable
from audiomagic.engine.json_schema.length import Lengths, unrolled
from audiomagic.engine.json_schema.max_length import fitted, longest

from ....support.json_schemas import JSON, SCHEMAS, valid


def obj(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def array(items: Any, **more: Any) -> dict[str, Any]:
    return {"type": "array", "items": items, **more}


TEXT = {"type": "string"}
INGREDIENT = obj(name=TEXT, amount=TEXT, unit=TEXT)
TREE = {"$defs": {"N": obj(v=TEXT, c=array({"$ref": "#/$defs/N"}))}} | obj(r={"$ref": "#/$defs/N"})


@given(SCHEMAS, JSON)
def test_what_follows_the_shorter_schema_follows_the_schema(schema: Any, value: Any) -> None:
    form = followable(schema)
    if valid(value, fitted(form, 50)):
        assert valid(value, form)


@pytest.mark.parametrize(
    "schema",
    [
        obj(title=TEXT, ingredients=array(INGREDIENT, minItems=1), steps=array(TEXT, minItems=2)),
        obj(topic=TEXT, words=array(TEXT), dialogue=array({"type": "object",
            "additionalProperties": TEXT})),
        {"type": "object", "additionalProperties": array(INGREDIENT)},
        array(array(array(array(TEXT)))),
        {"$defs": {"I": INGREDIENT}} | obj(a=array({"$ref": "#/$defs/I"}), b=array(INGREDIENT)),
        TREE,
        {"type": "object"},
        obj(a={"type": "string", "maxLength": 2_000}, b={"anyOf": [array(TEXT), {"type": "null"}]}),
        obj(mails=array({"type": "string", "format": "email"}), days=array({"type": "number"})),
        array(False),
        obj(pair={"type": "array", "prefixItems": [TEXT, array(TEXT)]}),
    ],
)  # fmt: skip
def test_a_schema_of_every_day_has_room(schema: Any) -> None:
    form = followable(schema)
    form = unrolled(form, Lengths(form))
    assert longest(fitted(form, 1_000)) <= 1_000


def test_a_schema_that_has_room_stays_as_it_is() -> None:
    form = followable(obj(city=TEXT, country=TEXT))
    assert fitted(form, 1_000) == form


def test_what_is_required_stays() -> None:
    long = {"type": "string", "minLength": 300}
    form = followable(
        obj(a=array(long, minItems=5), b={"type": "string", "pattern": "^[a-z]{90}$"})
    )
    less = fitted(form, 100)
    assert less["properties"]["a"]["minItems"] <= less["properties"]["a"]["maxItems"]
    assert valid({"a": ["x" * 300] * 5, "b": "a" * 90}, less)


def test_the_longest_is_as_long_as_what_follows() -> None:
    form = followable(obj(a=array(TEXT, maxItems=3), b={"enum": ["x", "long"]}, c=INGREDIENT))
    full = "x" * 100
    value = {"a": [full] * 3, "b": "long", "c": {"name": full, "amount": full, "unit": full}}
    written = json.dumps(value, separators=(",", ":"))
    assert len(written) <= longest(form) <= len(written) + 5


def test_what_may_hold_itself_is_endless() -> None:
    assert longest(followable(TREE)) == inf
