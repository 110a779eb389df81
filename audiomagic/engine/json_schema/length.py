"""How long the JSON that follows a schema is at the least, and schemas that come to an end.

A small model, asked for something that may go on, goes on.
"""

import json
from math import inf
from typing import Any

from .tree import Schema, mapped, references, resolved, without_definitions

DEPTH = 3  # of what holds others of its own kind
LIMITS = (("maxItems", "minItems"), ("maxProperties", "minProperties"))


class Lengths:
    """The least lengths, in characters, of what follows a schema and the schemas inside it.

    Infinite is that of a schema which nothing follows that has an end.
    """

    def __init__(self, root: Schema):
        names = references(root)
        self._named = dict.fromkeys(names, inf)
        known = None
        while known != self._named:  # each round finds what needs one reference more
            known = dict(self._named)
            for name in names:
                self._named[name] = self.of(resolved({"$ref": name}, root))

    def of(self, schema: Schema) -> float:
        """Return a low estimate for a schema, which is one that the grammar has."""
        if not isinstance(schema, dict):
            return inf if schema is False else 1
        if isinstance(schema.get("$ref"), str):
            return self._named.get(schema["$ref"], 1)
        if "const" in schema:
            return written(schema["const"])
        if "enum" in schema:
            return min(map(written, schema["enum"]), default=inf)
        kind = schema.get("type", "any")
        own = min(self._of_kind(k, schema) for k in (kind if isinstance(kind, list) else [kind]))
        choices = [schema[key] for key in ("anyOf", "oneOf") if key in schema]
        branches = [min(map(self.of, choice), default=inf) for choice in choices]
        return max([own, *branches, *map(self.of, schema.get("allOf", ()))])

    def _of_kind(self, kind: str, schema: dict[str, Any]) -> float:
        match kind:
            case "null" | "boolean":
                return 4
            case "string":
                return 2 + float(schema.get("minLength", 0))
            case "array":
                fewest = int(schema.get("minItems", 0))
                first = schema.get("prefixItems", [])[:fewest]
                more = fewest - len(first)
                items = more * (self.of(schema.get("items", True)) + 1) if more else 0
                return 2 + sum(self.of(item) + 1 for item in first) + items
            case "object":
                properties = schema.get("properties", {})
                names = schema.get("required", ())
                more = max(0, int(schema.get("minProperties", 0)) - len(names))
                named = sum(len(name) + 4 + self.of(properties.get(name, True)) for name in names)
                return 2 + named + 5 * more
        return 1


def least(schema: Schema, lengths: Lengths) -> Schema:
    """Allow only what a schema requires, and of branches that refer to others the shortest."""
    if not isinstance(schema, dict):
        return schema
    form = mapped(schema, lambda inner: least(inner, lengths))
    required = form.get("required") or ()
    if "properties" in form and "additionalProperties" in form:
        form["properties"] = {k: v for k, v in form["properties"].items() if k in required}
    for key in ("anyOf", "oneOf"):
        # The shortest may not be of the type that is given beside it.
        if key in form and "type" not in form and references({key: form[key]}):
            form[key] = [min(form[key], key=lengths.of)]
    for most, fewest in LIMITS:
        if most in form:
            form[most] = form.get(fewest, 0)
    return form


def unrolled(schema: dict[str, Any], lengths: Lengths) -> dict[str, Any]:
    """Let what holds others of its own kind hold them down to DEPTH; there, only what it must."""
    bodies = {
        name: without_definitions(resolved({"$ref": name}, schema)) for name in references(schema)
    }
    inside = {name: references(body) for name, body in bodies.items()}
    recursive = sorted(name for name in bodies if name in _reached(name, inside))

    def at(depth: int, form: Schema) -> Schema:
        if not isinstance(form, dict):
            return form
        if form.get("$ref") in recursive:
            return form | {"$ref": f"#/$defs/{recursive.index(form['$ref'])}.{depth}"}
        changed = mapped(form, lambda inner: at(depth, inner))
        for most, fewest in LIMITS:  # the deeper, the fewer
            if most in form and references(form).intersection(recursive):
                changed[most] = max(form.get(fewest, 0), min(form[most], depth + 1))
        return changed

    levels = {}
    for index, name in enumerate(recursive):
        levels[f"{index}.0"] = at(0, least(bodies[name], lengths))
        levels |= {f"{index}.{depth}": at(depth - 1, bodies[name]) for depth in range(1, DEPTH)}
    form: dict[str, Any] = at(DEPTH - 1, schema)
    return form | {"$defs": form.get("$defs", {}) | levels} if levels else schema


def _reached(name: str, inside: dict[str, set[str]]) -> set[str]:
    """Return what a reference leads to, at once or through others."""
    found: set[str] = set()
    ahead = [name]
    while ahead:
        more = inside[ahead.pop()] - found
        found |= more
        ahead += more
    return found


def written(value: Any) -> int:
    """Return the length of a value as JSON, in characters."""
    return len(json.dumps(value, separators=(",", ":"), ensure_ascii=False))
