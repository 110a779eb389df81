"""JSON schemas that llama.cpp's grammar can follow: as they are, or a stricter one in their place.

A stricter schema is as good, since whatever follows it follows the other, too. It is needed because
the grammar does not know every keyword, and because a small model fills whatever it may fill.
"""

import re
from collections.abc import Mapping
from math import inf
from typing import Any

from .all_of import merged
from .formats import FORMATS, PATTERNS
from .numbers import all_bounded
from .tree import DEFINITIONS, NAMED, NOTES, Schema, mapped, references, resolved, schemas

ELSEWHERE = ("allOf", "anyOf", "oneOf", "$ref")  # where the properties of an object may be, too
# What no grammar can say, or llama.cpp's does not.
UNKNOWN = (
    "not", "if", "then", "else", "contains", "minContains", "maxContains", "dependencies",
    "dependentRequired", "dependentSchemas", "propertyNames", "unevaluatedItems",
    "unevaluatedProperties", "uniqueItems",
)  # fmt: skip
REST = "[A-Za-z0-9_./-]{0,30}"  # of a text whose pattern says only how it begins
NUMERIC = (
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength",
    "maxLength", "minItems", "maxItems", "minProperties", "maxProperties",
)  # fmt: skip
# Keywords of one type, which otherwise leave all values of others open.
IMPLIED = {
    "minimum": "number", "maximum": "number", "exclusiveMinimum": "number",
    "exclusiveMaximum": "number", "multipleOf": "number",
    "pattern": "string", "minLength": "string", "maxLength": "string",
    "items": "array", "prefixItems": "array", "minItems": "array", "maxItems": "array",
    "required": "object", "properties": "object", "patternProperties": "object",
    "minProperties": "object", "maxProperties": "object", "additionalProperties": "object",
}  # fmt: skip
SILENT = {*NOTES, *DEFINITIONS}
LOOKAROUND = ("(?=", "(?!", "(?<")
VARIABLE = re.compile(r"[*+|]|\{\d+,")  # in a pattern: what leaves its length open
MOST_CHARACTERS, MOST_ITEMS = 100, 20  # where there is no limit
LARGEST_LIMIT = 2_000  # a grammar with a higher one takes seconds to make
MOST_REFERENCES = 1_000
KEY = "^[A-Za-z0-9_ -]{1,40}$"
SIMPLE: dict[str, Any] = {
    "anyOf": [{"type": "string", "maxLength": 40}, {"type": "boolean"}, {"type": "null"},
              {"type": "number"}]
}  # fmt: skip
ANY_OBJECT: dict[str, Any] = {"type": "object", "minProperties": 1}


def followable(schema: Mapping[str, Any], arguments: bool = False) -> dict[str, Any]:
    """Return a schema for the grammar, as strict or stricter.

    With `arguments`, it is one that they will be narrowed by, and its sets may hold equal items:
    see `distinct`. Raises TypeError, ValueError or AttributeError for what is not a schema.
    """
    root = schema = merged(dict(schema))
    names = references(schema)
    if len(names) > MOST_REFERENCES:
        raise ValueError("too many references")
    if any(resolved({"$ref": name}, root) is None for name in names):
        raise ValueError("a reference to nothing, or by an anchor")
    is_composed = any("allOf" in inner for inner in schemas(schema))

    def change(schema: Schema) -> Schema:
        if not is_composed and (
            schema is True or (isinstance(schema, dict) and not schema.keys() - SILENT)
        ):
            return SIMPLE
        if not isinstance(schema, dict):
            return schema
        form = mapped(schema, change)
        if arguments and form.get("uniqueItems") and not _needs_several(form):
            del form["uniqueItems"]
        _translate(form, root)
        implied = [kind for keyword, kind in IMPLIED.items() if keyword in form]
        if implied and not is_composed and not form.keys() & {"type", "enum", "const", *ELSEWHERE}:
            form["type"] = implied[-1]
        if any(not isinstance(form.get(keyword, 0), int | float) for keyword in NUMERIC):
            raise TypeError("a limit that is not a number")
        if any(not isinstance(form.get(keyword, {}), dict) for keyword in NAMED):
            raise TypeError("schemas without names")
        _limit(form)
        if not is_composed:  # an object that is described in several places must stay open
            _close(form)
        return form

    form = dict(change(schema))
    bounded = dict(all_bounded(form))  # of arguments, too, it is known that there are numbers
    return form if arguments else bounded


def unknown_keyword(schema: Schema) -> str | None:
    """Return the first keyword that the grammar does not know."""
    for inner in schemas(schema):
        for keyword in UNKNOWN:
            if keyword in inner:
                return keyword
        if _looks_around(inner):
            return "pattern"
    return None


def has_free_names(form: Schema) -> bool:
    """Whether an object that follows the grammar's schema may hold other names than those in it."""
    return any(
        "patternProperties" in inner
        or ("properties" in inner and inner.get("additionalProperties") is not False)
        for inner in schemas(form)
    )


def distinct(value: Any, schema: Schema, root: Schema) -> Any:
    """Leave out items that are there already, where a schema wants them to differ."""
    schema = resolved(schema, root)
    if not isinstance(schema, dict):
        return value
    for key in ("anyOf", "oneOf", "allOf"):
        for branch in schema.get(key) or ():
            value = distinct(value, branch, root)
    if isinstance(value, dict):
        named = schema.get("properties") or {}
        others = schema.get("additionalProperties")
        return {key: distinct(one, named.get(key, others), root) for key, one in value.items()}
    if isinstance(value, list):
        value = [distinct(one, schema.get("items"), root) for one in value]
        if schema.get("uniqueItems"):
            value = [one for index, one in enumerate(value) if one not in value[:index]]
    return value


def _ended(pattern: str) -> str:
    """Return a pattern for the whole of a text that matches another somewhere."""
    if "|" in pattern:  # whose alternatives may each have their own ends
        return pattern
    begun = pattern if pattern.startswith("^") else f"^{pattern}"
    return begun if pattern.endswith("$") else f"{begun}{REST}$"


def _needs_several(form: dict[str, Any]) -> bool:
    return "prefixItems" in form or form.get("minItems", 0) not in (0, 1)


def _looks_around(form: Schema) -> bool:
    pattern = form.get("pattern") if isinstance(form, dict) else None
    return isinstance(pattern, str) and any(mark in pattern for mark in LOOKAROUND)


def _translate(form: dict[str, Any], root: Schema) -> None:
    """Say in other words what the grammar does not know, and in those of one draft all else."""
    form.pop("$schema", None)  # which would have it read an older draft
    if form.get("uniqueItems") is False:
        del form["uniqueItems"]
    known = FORMATS.get(str(form.pop("format", None)))
    # Beside a format, libraries write their own pattern of it. The grammar knows no lookaround.
    if known and ("pattern" not in form or _looks_around(form)):
        form["pattern"] = f"^({known})$"
    elif isinstance(form.get("pattern"), str):
        form["pattern"] = _ended(form["pattern"])
    if isinstance(form.get("items"), list):  # a tuple, up to draft 7
        form["prefixItems"] = form.pop("items")
        if "additionalItems" in form:
            form["items"] = form.pop("additionalItems")
    for side in ("inimum", "aximum"):  # draft 4, as in OpenAPI 3.0
        exclusive = form.get(f"exclusiveM{side}")
        if isinstance(exclusive, bool):
            del form[f"exclusiveM{side}"]
            if exclusive and f"m{side}" in form:
                form[f"exclusiveM{side}"] = form.pop(f"m{side}")
    for key in ("anyOf", "oneOf"):
        branches = form.get(key)
        if isinstance(branches, list):  # one of them is enough
            form[key] = [one for one in branches if not _looks_around(one)] or branches
    names = resolved(form.get("propertyNames"), root)
    if isinstance(names, dict) and "properties" not in form and "patternProperties" not in form:
        _name_properties(form, names)
    if isinstance(named := form.get("patternProperties"), dict):
        form["patternProperties"] = {_ended(name): value for name, value in named.items()}


def _name_properties(form: dict[str, Any], names: dict[str, Any]) -> None:
    others = form.get("additionalProperties", True)
    value = SIMPLE if others is True else others
    listed = names.get("enum", [names["const"]] if "const" in names else None)
    if isinstance(listed, list) and all(isinstance(name, str) for name in listed):
        form["properties"] = dict.fromkeys(listed, value)
    elif isinstance(pattern := names.get("pattern"), str) and not names.keys() - {
        "pattern",
        "type",
    }:
        form["patternProperties"] = {pattern: value}
    elif not names.keys() <= {"type", "title"}:
        return
    del form["propertyNames"]
    if form.keys() & {"properties", "patternProperties"}:
        form["additionalProperties"] = False


def _limit(form: dict[str, Any]) -> None:
    """Limit what would have no end, and limits that are too high for a grammar."""
    kinds = form.get("type")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    chosen = form.keys() & {"enum", "const", "$ref"} or form.get("pattern") in PATTERNS
    pattern = form.get("pattern")  # which may say a length itself, as that of a hash
    is_fixed = isinstance(pattern, str) and not VARIABLE.search(pattern)
    if "string" in kinds and not chosen and not is_fixed:
        _cap(form, "maxLength", "minLength", MOST_CHARACTERS)
    if "array" in kinds and not chosen:
        most = MOST_ITEMS
        if first := form.get("prefixItems"):  # of a tuple, which is whole and has no more
            whole = min(len(first), form.get("maxItems", inf))
            form["minItems"] = max(whole, form.get("minItems", 0))
            most = MOST_ITEMS if "items" in form else form["minItems"]
        _cap(form, "maxItems", "minItems", most)
        form.setdefault("items", SIMPLE)
    for limit in ("maxLength", "maxItems", "maxProperties"):
        if isinstance(form.get(limit), int):
            _cap(form, limit, "min" + limit[3:], LARGEST_LIMIT)


def _cap(form: dict[str, Any], limit: str, least: str, most: int) -> None:
    if form.get(limit, inf) > LARGEST_LIMIT:
        form[limit] = max(form.get(least, 0), LARGEST_LIMIT if limit in form else most)


def _close(form: dict[str, Any]) -> None:
    """Allow an object the properties that are named; one without any gets simple values."""
    if form.keys() & {*ELSEWHERE, "propertyNames", "enum", "const"}:
        return
    others, required = form.get("additionalProperties"), form.get("required", [])
    free = others if isinstance(others, dict) else SIMPLE
    if others is not False and ("properties" in form or required):
        form["properties"] = dict.fromkeys(required, free) | form.get("properties", {})
    elif others is not False and form.get("type") == "object":
        form.setdefault("patternProperties", {KEY: free})
    if form.keys() & {"properties", "patternProperties"}:
        form["additionalProperties"] = False
    if "patternProperties" in form:
        if form.get("minProperties", 0) > len(required) + 1:
            raise ValueError("the grammar may count the same name twice")
        _cap(form, "maxProperties", "minProperties", MOST_ITEMS)
