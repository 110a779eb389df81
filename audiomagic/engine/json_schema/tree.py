"""JSON schemas as trees: the schemas inside a schema, and those that it refers to."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

NAMED = ("properties", "patternProperties", "$defs", "definitions")
SINGLE = ("items", "additionalItems", "additionalProperties")
LISTED = ("anyOf", "oneOf", "allOf", "prefixItems", "items")
DEFINITIONS = ("$defs", "definitions")
# Keywords that say nothing of a value.
NOTES = {"title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly",
         "nullable", "$comment", "$schema", "$id"}  # fmt: skip

Schema = Any  # an object, or a boolean


def mapped(schema: Mapping[str, Any], change: Callable[[Schema], Schema]) -> dict[str, Any]:
    """Return a schema with each schema directly inside it changed."""
    form = dict(schema)
    for key, value in schema.items():
        if key in NAMED and isinstance(value, dict):
            form[key] = {name: change(inner) for name, inner in value.items()}
        elif key in LISTED and isinstance(value, list):
            form[key] = [change(inner) for inner in value]
        elif key in SINGLE and isinstance(value, dict):
            form[key] = change(value)
    return form


def schemas(schema: Schema) -> Iterator[dict[str, Any]]:
    """Yield a schema and all schemas inside it."""
    if not isinstance(schema, dict):
        return
    yield schema
    inside: list[Schema] = []
    mapped(schema, inside.append)
    for inner in inside:
        yield from schemas(inner)


def references(schema: Schema) -> set[str]:
    """Return all references in a schema, as they are written."""
    found = (inner.get("$ref") for inner in schemas(schema))
    return {reference for reference in found if isinstance(reference, str)}


def without_definitions(schema: Schema) -> Schema:
    """Return a schema without those that it only defines."""
    if not isinstance(schema, dict):
        return schema
    return {key: value for key, value in schema.items() if key not in DEFINITIONS}


def resolved(schema: Schema, root: Schema) -> Schema:
    """Return what a schema refers to, or itself; None where it is not known, False in a circle."""
    for _ in range(10):  # references to references
        if not (isinstance(schema, dict) and isinstance(reference := schema.get("$ref"), str)):
            return schema
        schema = root
        for part in reference.removeprefix("#").strip("/").split("/"):
            name = part.replace("~1", "/").replace("~0", "~")
            if isinstance(schema, list):
                schema = dict(enumerate(schema)).get(int(name) if name.isdecimal() else -1)
            elif part:
                schema = schema.get(name) if isinstance(schema, dict) else None
    return False
