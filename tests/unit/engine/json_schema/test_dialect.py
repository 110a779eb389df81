"""Schemas as the grammar gets them: whatever follows them follows the ones that were sent."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from audiomagic.engine.json_schema.dialect import distinct, followable, unknown_keyword

from ....support.json_schemas import JSON, KEYWORDS, SCHEMAS, valid


@given(SCHEMAS, JSON)
def test_what_follows_the_stricter_schema_follows_the_one_that_was_sent(
    schema: Any, value: Any
) -> None:
    if valid(value, followable(schema)):
        assert valid(value, schema)


@given(st.dictionaries(st.sampled_from([*KEYWORDS, "properties", "anyOf", "uniqueItems"]), JSON))
@example({"type": {}, "allOf": 3})
def test_a_keyword_of_another_type_is_an_error_that_is_known(schema: Any) -> None:
    try:
        followable(schema, arguments=True)
        unknown_keyword(schema)
    except (TypeError, ValueError, AttributeError):
        return


@pytest.mark.parametrize(
    ("schema", "keyword"),
    [
        ({"properties": {"not": {"type": "string"}, "if": {}}}, None),  # names, not keywords
        ({"properties": {"a": {"not": {}}}}, "not"),
        ({"$defs": {"A": {"items": {"uniqueItems": True}}}}, "uniqueItems"),
        ({"anyOf": [{"type": "string", "pattern": "(?!a)"}]}, "pattern"),
    ],
)
def test_what_cannot_be_followed_is_named(schema: Any, keyword: str | None) -> None:
    assert unknown_keyword(schema) == keyword


def test_a_decimal_of_pydantic_is_followed_as_a_number() -> None:
    pattern = {"type": "string", "pattern": r"^(?!^[-+.]*$)[+-]?0*\d*\.?\d*$"}
    schema = {"anyOf": [{"type": "number"}, pattern]}
    assert followable(schema, arguments=True) == {"anyOf": [{"type": "number"}]}


def test_keys_that_an_enumeration_names_are_properties() -> None:
    by_color = {"type": "object", "propertyNames": {"$ref": "#/$defs/Color"},
                "additionalProperties": {"type": "boolean"}}  # fmt: skip
    schema = {"properties": {"a": by_color}, "$defs": {"Color": {"enum": ["red", "green"]}}}
    form = followable(schema)["properties"]["a"]
    assert unknown_keyword(form) is None and form["additionalProperties"] is False
    assert form["properties"] == {"red": {"type": "boolean"}, "green": {"type": "boolean"}}


def test_limits_of_draft_4_are_those_of_today() -> None:
    old = {"type": "integer", "minimum": 0, "exclusiveMinimum": True, "maximum": 9,
           "exclusiveMaximum": False}  # fmt: skip
    assert followable(old) == {"type": "integer", "minimum": 1, "maximum": 9}


@pytest.mark.parametrize(
    ("schema", "fewest", "most"),
    [
        ({}, 2, 2),
        ({"minItems": 1}, 2, 2),
        ({"minItems": 4}, 4, 4),
        ({"maxItems": 1}, 1, 1),
        ({"maxItems": 5}, 2, 5),
        ({"additionalItems": {"type": "null"}}, 2, 20),
    ],
)
def test_a_tuple_is_whole(schema: Any, fewest: int, most: int) -> None:
    draft_7 = {"$schema": "http://json-schema.org/draft-07/schema#", "type": "array",
               "items": [{"type": "string"}, {"type": "boolean"}]}  # fmt: skip
    form = followable(draft_7 | schema)
    assert "$schema" not in form
    assert (form["minItems"], form["maxItems"]) == (fewest, most)
    assert [item["type"] for item in form["prefixItems"]] == ["string", "boolean"]


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ({"items": {"type": "null"}}, "array"),
        ({"minLength": 3}, "string"),
        ({"maximum": 3}, "number"),
        ({"required": ["a"]}, "object"),
    ],
)
def test_keywords_of_one_type_name_it(schema: Any, kind: str) -> None:
    assert followable(schema, arguments=True)["type"] == kind


def test_a_schema_that_says_nothing_is_that_of_something_simple() -> None:
    nothing = {"title": "Anything", "$defs": {"A": {"type": "null"}}}
    assert followable(nothing) == followable({}) != {}


def test_items_of_a_set_are_kept_once_and_those_of_a_list_are_not() -> None:
    words = {"type": "array", "items": {"type": "string"}}
    schema = {
        "properties": {"set": {"$ref": "#/$defs/Set"}, "list": words},
        "$defs": {"Set": words | {"uniqueItems": True}},
    }
    value = {"set": ["a", "b", "a"], "list": ["a", "a"]}
    assert distinct(value, schema, schema) == {"set": ["a", "b"], "list": ["a", "a"]}


@pytest.mark.parametrize("name", ["#/$defs/Nowhere", "#here", "Node", "https://example.com/a.json"])
def test_a_reference_that_leads_nowhere_is_an_error(name: str) -> None:
    node = {"$anchor": "here", "$id": "Node", "type": "object"}
    with pytest.raises(ValueError, match="reference"):
        followable({"$defs": {"A": node}, "properties": {"a": {"$ref": name}}}, arguments=True)


@pytest.mark.parametrize(
    ("pattern", "limit"),
    [
        ("^[0-9a-f]{128}$", None),
        ("^sha256-([0-9a-f]{32}){4}$", None),
        ("^[a-z ]{1,500}$", 100),
        ("^[a-z]{9}|[0-9]{9}$", 100),
        ("^[0-9]{3,}$", 100),
        ("^(?:[0-9a-zA-Z+/]{4})*$", 100),
        ("^a+$", 100),
    ],
)
def test_a_text_gets_an_end_unless_its_length_is_fixed(pattern: str, limit: int | None) -> None:
    assert followable({"type": "string", "pattern": pattern}).get("maxLength") == limit
