"""Numbers within limits, said so that the grammar follows them and their digits have an end.

The grammar ends the digits of a number only where it has a step, and it knows no step below zero.
So a range is said in parts: steps from zero up; below it, whole numbers and a list of others.
"""

from fractions import Fraction
from math import ceil, floor
from typing import Any

from .tree import DEFINITIONS, NOTES, Schema, mapped

LARGEST = Fraction(1_000_000_000)  # where there is no limit
FARTHEST = 2**53  # from zero: a limit beyond is that of a type, such as float32, and limits nothing
HUNDREDTH = Fraction(1, 100)  # the step, unless the range is narrow
FINEST = Fraction(1, 10**12)
MOST_LISTED = 1_000  # numbers of a list
FARTHEST_LISTED = Fraction(100)  # from zero
LIMITS = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}
CHOICES = {"enum", "const", "$ref", "anyOf", "oneOf", "allOf"}  # which are bounded themselves


def all_bounded(schema: Schema) -> Schema:
    """Bound the numbers of a schema and of all schemas inside it."""
    return bounded(mapped(schema, all_bounded)) if isinstance(schema, dict) else schema


def bounded(form: dict[str, Any]) -> dict[str, Any]:
    """Return a stricter schema where one is of numbers, of which each has an end.

    Raises ValueError where no number is within the limits, or the limits are none.
    """
    given = form.get("type")
    kinds = given if isinstance(given, list) else [given]
    if not {*kinds} & {"number", "integer"} or form.keys() & CHOICES:
        return form
    parts = _parts(form, whole="number" not in kinds)
    rest = {key: value for key, value in form.items() if key not in {"type", *LIMITS}}
    if others := [kind for kind in kinds if kind not in ("number", "integer")]:
        beside = {key: rest.pop(key) for key in [*rest] if key not in {*NOTES, *DEFINITIONS}}
        parts.append({"type": others, **beside})
    return rest | (parts[0] if len(parts) == 1 else {"anyOf": parts})


def _parts(form: dict[str, Any], whole: bool) -> list[dict[str, Any]]:
    low, high = _ends(form)
    step = _exact(form["multipleOf"]) if "multipleOf" in form else None
    if step is None:
        step = Fraction(1) if whole else _step(high - low)
    elif step <= 0:
        raise ValueError("a step that is not above zero")
    if whole:
        step = Fraction(step.numerator)  # the whole numbers among its multiples
    if low == high and "multipleOf" not in form and not whole:
        step = abs(low) or step
    first, last = ceil(low / step) * step, floor(high / step) * step
    first += step * (first <= _exact(form.get("exclusiveMinimum", first - 1)))
    last -= step * (last >= _exact(form.get("exclusiveMaximum", last + 1)))
    if first > last:
        raise ValueError("no number is within the limits")
    if step == 1 and whole:
        return [{"type": "integer", "minimum": _plain(first), "maximum": _plain(last)}]
    parts = _negative(first, min(last, -step), step) if first < 0 else []
    if last >= 0:
        kind = "integer" if whole else "number"
        parts.append({"type": kind, "minimum": _plain(max(first, Fraction(0))),
                      "maximum": _plain(last), "multipleOf": _plain(step)})  # fmt: skip
    return parts


def _negative(first: Fraction, last: Fraction, step: Fraction) -> list[dict[str, Any]]:
    """Say the multiples of a step from `first` up to `last`, which is below zero, or some."""
    parts: list[dict[str, Any]] = []
    wholes = ceil(first), floor(last)
    has_wholes = step.numerator == 1 and wholes[0] <= wholes[1]
    if has_wholes:
        parts.append({"type": "integer", "minimum": wholes[0], "maximum": wholes[1]})
    farthest = max(first, last - max(FARTHEST_LISTED, MOST_LISTED * step))
    grid = step
    while (last - farthest) / grid > MOST_LISTED:
        grid *= 10
    inside = range(floor(last / grid), ceil(farthest / grid) - 1, -1)
    listed = {first, last, *(number * grid for number in inside)}
    if found := [one for one in listed if not (has_wholes and one.denominator == 1)]:
        parts.append({"enum": [_plain(one) for one in sorted(found, reverse=True)]})
    return parts


def _ends(form: dict[str, Any]) -> tuple[Fraction, Fraction]:
    """Return the ends of the range, of which each may be excluded."""
    low = [_exact(form[key]) for key in ("minimum", "exclusiveMinimum") if key in form]
    high = [_exact(form[key]) for key in ("maximum", "exclusiveMaximum") if key in form]
    if not low or max(low) < -FARTHEST:
        low.append(min([Fraction(0), *high]) - LARGEST)
    if not high or min(high) > FARTHEST:
        high.append(max(LARGEST, max(low) + LARGEST))
    return max(low), min(high)


def _step(width: Fraction) -> Fraction:
    """Return a power of ten, of which there are at least a thousand in a narrow range."""
    step = HUNDREDTH
    while 0 < width < min(Fraction(1), 1_000 * step) and step > FINEST:
        step /= 10
    return step


def _exact(number: float) -> Fraction:
    return Fraction(str(number))


def _plain(number: Fraction) -> int | float:
    return number.numerator if number.denominator == 1 else float(number)
