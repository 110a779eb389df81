"""The schemas inside a schema, and those that it refers to."""

from typing import Any

import pytest

from audiomagic.engine.json_schema.tree import mapped, references, resolved, schemas

LEAF = {"type": "null"}
ROOT: dict[str, Any] = {
    "properties": {"a/b": LEAF, "items": {"$ref": "#/$defs/A"}},
    "anyOf": [{"items": [LEAF, {"$ref": "#"}]}],
    "additionalProperties": False,
    "$defs": {"A": {"$ref": "#/definitions/B"}, "C": {"$ref": "#/$defs/C"}},
    "definitions": {"B": {"items": LEAF}},
    "default": {"$ref": "#/a/value"},
}


def test_all_schemas_inside_are_found_and_no_values() -> None:
    assert sum(one == LEAF for one in schemas(ROOT)) == 3
    assert references(ROOT) == {"#", "#/$defs/A", "#/definitions/B", "#/$defs/C"}
    assert list(schemas(True)) == []


def test_each_schema_directly_inside_is_changed() -> None:
    changed = mapped(ROOT, lambda inner: True)
    assert changed["properties"] == {"a/b": True, "items": True} and changed["anyOf"] == [True]
    assert changed["additionalProperties"] is False and changed["default"] == ROOT["default"]


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        ("#", ROOT),
        ("#/properties/a~1b", LEAF),
        ("#/$defs/A", {"items": LEAF}),
        ("#/anyOf/0/items/0", LEAF),  # as zod names a schema by its first place
        ("#/anyOf/1", None),
        ("#/anyOf/items", None),
        ("#/$defs/C", False),
        ("#/$defs/D", None),
        ("#anchor", None),
    ],
)
def test_what_is_referred_to_is_found(reference: str, found: Any) -> None:
    assert resolved({"$ref": reference}, ROOT) == found
    assert resolved(LEAF, ROOT) is LEAF
