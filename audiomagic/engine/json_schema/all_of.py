"""One schema in place of the several that an `allOf` joins.

The grammar would leave open to other properties what is described in several places, and a small
model fills whatever is open.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

from .tree import NOTES, Schema, mapped, resolved

MOST = 100  # references that are written out; each may hold others


def merged(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema without `allOf`, but for those that cannot be said by one schema."""
    return dict(_Merger(schema).merged(schema))


@dataclass
class _Merger:
    root: dict[str, Any]
    left: int = MOST

    def merged(self, schema: Schema, within: frozenset[str] = frozenset({"#"})) -> Schema:
        """Merge all that a schema holds, which is a part of what is referred to by `within`."""
        if not isinstance(schema, dict):
            return schema
        parts = schema.get("allOf")
        parts = [part for part in parts if part is not True] if isinstance(parts, list) else [None]
        if all(isinstance(part, dict) for part in parts):
            rest = {key: value for key, value in schema.items() if key != "allOf"}
            if len(parts) == 1 and not rest.keys() - NOTES:  # as pydantic names one
                return self.merged(parts[0] | rest, within)
            named = [part["$ref"] for part in parts if isinstance(part.get("$ref"), str)]
            self.left -= len(named)
            is_finite = self.left >= 0 and not within & {*named}
            if is_finite and (one := self._joined(rest, parts)) is not None:
                return self.merged(one, within | {*named})
        return mapped(schema, partial(self.merged, within=within))

    def _joined(self, rest: dict[str, Any], parts: list[Schema]) -> dict[str, Any] | None:
        is_sealed = rest.get("unevaluatedProperties") is False
        if is_sealed:
            del rest["unevaluatedProperties"]
        form: dict[str, Any] | None = rest
        for part in parts:
            beside = {key: value for key, value in part.items() if key != "$ref"}
            for each in [beside, resolved(part, self.root)] if "$ref" in part else [part]:
                form = _both(form, each) if form is not None and isinstance(each, dict) else None
        if form is not None and is_sealed:
            form["additionalProperties"] = False
        return form


def _both(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any] | None:
    """Return a schema for what follows both; None where one schema cannot say it."""
    form = dict(one)
    for key, value in other.items():
        mine = form.get(key, value)
        if key in NOTES or mine == value:
            form.setdefault(key, value)
        elif key == "properties":
            form[key] = mine | {
                name: {"allOf": [mine[name], inner]} if name in mine else inner
                for name, inner in value.items()
            }
        elif key in ("required", "allOf"):
            form[key] = [*mine, *(each for each in value if each not in mine)]
        elif key == "type" and sorted([str(mine), str(value)]) == ["integer", "number"]:
            form[key] = "integer"
        elif key == "additionalProperties" and True in (mine, value):
            form[key] = value if mine is True else mine
        elif key.startswith(("min", "exclusiveMin")):
            form[key] = max(mine, value)
        elif key.startswith(("max", "exclusiveMax")):
            form[key] = min(mine, value)
        else:
            return None
    return form if all(_allows(part, form) for part in (one, other)) else None


def _allows(part: dict[str, Any], form: dict[str, Any]) -> bool:
    """Leave out of `form` the properties that one part does not allow; False where they must be."""
    others = part.get("additionalProperties", True)
    unnamed = form.get("properties", {}).keys() - part.get("properties", {}).keys()
    if others is True or not unnamed:
        return True
    if others is False and "patternProperties" not in part:
        form["properties"] = {k: v for k, v in form["properties"].items() if k not in unnamed}
        return not unnamed & {*form.get("required", ())}
    return False
