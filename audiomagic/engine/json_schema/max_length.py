"""How long the JSON that follows a schema may be, and schemas of which it is short enough.

A small model fills a list until it must not: the more there may be in a schema, the less of each.
"""

from functools import partial
from math import ceil, inf, sqrt
from typing import Any

from .formats import PATTERNS
from .length import written
from .tree import Schema, mapped, references, resolved

# Characters of what has no limit in a schema: a text of a format, a number, a name, anything.
FORMATTED, NUMERAL, NAME, ANYTHING = 60, 13, 40, 40
SMALLER, SMALLEST = 0.8, 0.002


def fitted(schema: dict[str, Any], most: float) -> dict[str, Any]:
    """Lower all limits until the longest JSON has at most so many characters, if it can."""
    share, form = 1.0, schema
    while longest(form) > most and share > SMALLEST:
        share *= SMALLER
        form = _lowered(schema, share)
    return form


def longest(schema: dict[str, Any]) -> float:
    """Estimate the most characters of what follows a schema, which is one that the grammar has."""
    return _Lengths(schema).of(schema)


class _Lengths:
    def __init__(self, root: dict[str, Any]):
        self._root = root
        self._named = dict.fromkeys(references(root), inf)  # while not known, as in a circle
        self._known: set[str] = set()

    def of(self, schema: Schema) -> float:
        if not isinstance(schema, dict):
            return 0 if schema is False else ANYTHING
        if isinstance(name := schema.get("$ref"), str):
            return self._of_reference(name)
        if "const" in schema or "enum" in schema:
            return max(map(written, schema.get("enum", [schema.get("const")])), default=0)
        parts = [one for key in ("anyOf", "oneOf", "allOf") for one in schema.get(key, ())]
        if parts:
            return max(map(self.of, parts))
        kind = schema.get("type")
        kinds = kind if isinstance(kind, list) else [kind]
        return max(self._of_kind(one, schema) for one in kinds)

    def _of_reference(self, name: str) -> float:
        if name not in self._known:
            self._known.add(name)
            self._named[name] = self.of(resolved({"$ref": name}, self._root))
        return self._named[name]

    def _of_kind(self, kind: str | None, schema: dict[str, Any]) -> float:
        match kind:
            case "null" | "boolean":
                return 5
            case "integer" | "number":
                return NUMERAL
            case "string":
                is_formatted = schema.get("pattern") in PATTERNS
                return 2 + float(FORMATTED if is_formatted else schema.get("maxLength", FORMATTED))
            case "array":
                first = schema.get("prefixItems", [])
                more = max(0, schema.get("maxItems", 0) - len(first))
                items = more * (self.of(schema.get("items", True)) + 1) if more else 0
                return 2 + sum(self.of(item) + 1 for item in first) + items
            case "object":
                named = schema.get("properties", {})
                free = max(map(self.of, schema.get("patternProperties", {}).values()), default=0)
                more = schema.get("maxProperties", 0) if "patternProperties" in schema else 0
                members = sum(len(name) + 4 + self.of(inner) for name, inner in named.items())
                return 2 + members + (more * (NAME + 4 + free) if more else 0)
        return ANYTHING


def _lowered(schema: Schema, share: float) -> Any:
    """Return a schema with a share of each limit, but for what it requires."""
    if not isinstance(schema, dict):
        return schema
    form = mapped(schema, partial(_lowered, share=share))
    for limit, least in (
        ("maxLength", form.get("minLength", 0)),
        ("maxItems", max(form.get("minItems", 0), len(form.get("prefixItems", ())))),
        ("maxProperties", max(form.get("minProperties", 0), len(form.get("required", ())))),
    ):
        # A pattern may need a length of its own.
        if limit in form and not (limit == "maxLength" and "pattern" in form):
            part = sqrt(share) if limit == "maxLength" else share  # fewer items, not half words
            form[limit] = max(least, ceil(form[limit] * part))
    return form
