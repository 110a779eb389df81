"""JSON of the engine's own model: whatever it says follows the schema, and comes to an end."""

import json
from random import Random
from typing import Any

import jsonschema
import pytest

from audiomagic.engine import weights
from audiomagic.engine.api.errors import APIError
from audiomagic.engine.engine import engine
from audiomagic.protocol.request import Message, Request

RANDOM = Random(17)
ENDS = [0, -0.5, 0.1, 1, -20, 36.6, 0.001, -273.15, 90, -1]
RANGES: list[dict[str, Any]] = [
    {"maximum": -0.5},
    {"exclusiveMaximum": 0},
    {"minimum": -90, "maximum": -0.5},
    {"maximum": -0.5, "minimum": -10, "multipleOf": 0.25},
    {"exclusiveMinimum": 0, "exclusiveMaximum": 0.1},
    {"minimum": 0, "maximum": 0.001},
    {"minimum": 0.5, "maximum": 0.501},
    *(
        {"minimum" if RANDOM.random() < 0.5 else "exclusiveMinimum": low,
         "maximum" if RANDOM.random() < 0.5 else "exclusiveMaximum": high}
        for low, high in (sorted(RANDOM.sample(ENDS, 2)) for _ in range(6))
    ),
]  # fmt: skip


def obj(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties),
            "additionalProperties": False}  # fmt: skip


def answered(asked: str, schema: Any, **parameters: Any) -> tuple[str, str | None]:
    """Return what the model says to a question, and why it ends there."""
    llm = engine().load("llm").llm
    assert llm, f"run first: {weights.INSTALL}"
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    request = Request(
        "m", (Message("user", (asked,)),), parameters={"response_format": form, **parameters}
    )
    llm.check(request)
    deltas = list(llm.reply(request))
    return "".join(delta.text for delta in deltas), deltas[-1].finish_reason


@pytest.mark.parametrize("limits", RANGES, ids=str)
def test_a_number_is_within_its_limits(limits: Any) -> None:
    schema = obj(a={"type": "number", **limits})
    for asked, shape in (
        ("Answer with 0.", {}),
        ("It is -0.5 degrees.", {"temperature": 2.0, "seed": 4}),
    ):
        text, reason = answered(asked, schema, **shape)
        assert reason == "stop"
        jsonschema.validate(json.loads(text), schema)


@pytest.mark.parametrize(
    "limits",
    [
        {"type": "number", "minimum": -3.4028234663852886e38, "maximum": 3.4028234663852886e38},
        {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1},
        {"type": "integer", "exclusiveMaximum": 1e20},
    ],
    ids=["float32", "int64", "1e20"],
)
def test_a_number_of_a_wide_type_is_one(limits: Any) -> None:
    text, reason = answered("It is -7 degrees today.", obj(celsius=limits))
    assert (json.loads(text), reason) == ({"celsius": -7}, "stop")


@pytest.mark.parametrize(
    "schema",
    [
        {"const": 10**30},
        {"type": "number", "minimum": 1e30},
        {"type": "string", "minLength": 2**70},
    ],
    ids=str,
)
def test_a_number_of_too_many_digits_is_refused(schema: Any) -> None:
    with pytest.raises(APIError, match="the property 'a' cannot be followed"):
        answered("Hello", obj(a=schema))


def test_a_hash_is_as_long_as_its_pattern() -> None:
    schema = obj(sha512={"type": "string", "pattern": "^[0-9a-f]{128}$"})
    text, reason = answered("Save it.", schema)
    assert reason == "stop"
    jsonschema.validate(json.loads(text), schema)


def test_a_number_may_be_negative() -> None:
    text, _ = answered("It is -7 degrees today.", obj(celsius={"type": "number"}))
    assert json.loads(text) == {"celsius": -7}


TEXT = {"type": "string"}
NAMES: dict[str, Any] = {"type": "array", "items": TEXT}
INGREDIENT = obj(name=TEXT, amount=TEXT, unit=TEXT)
PLACES = {"type": "object", "additionalProperties": {"type": "array", "items": INGREDIENT}}
SAID = {"type": "object", "additionalProperties": TEXT}


@pytest.mark.parametrize("shape", [{}, {"temperature": 1.5, "seed": 7}], ids=["likeliest", "any"])
@pytest.mark.parametrize(
    ("asked", "schema"),
    [
        (
            "A recipe for pancakes.",
            obj(title=TEXT, ingredients={"type": "array", "items": INGREDIENT, "minItems": 1},
                steps={**NAMES, "minItems": 2}),
        ),
        ("A lesson on food.", obj(topic=TEXT, goals=NAMES, words=NAMES,
                                  dialogue={"type": "array", "items": SAID})),
        ("A cat named Tom in Paris, 3 euros.", obj(m=PLACES, n={"type": "number"})),
        ("1 2 3 4 5 6 7 8 9 1 1 1 1 1 1 1", obj(lists={"type": "array", "items": NAMES})),
        ("1 2 3 4 5 6 7 8 9 10", obj(steps={**NAMES, "minItems": 5, "maxItems": 10},
                                     summary={**TEXT, "minLength": 100, "maxLength": 300})),
        ("A recipe for pancakes.", obj(a={**TEXT, "maxLength": 10_000})),
    ],
    ids=["recipe", "lesson", "places", "lists", "steps", "long"],
)  # fmt: skip
def test_an_answer_comes_to_an_end_however_much_there_may_be(
    asked: str, schema: Any, shape: Any
) -> None:
    text, reason = answered(asked, schema, **shape)
    assert reason == "stop" and len(text) < 800  # some seconds
    jsonschema.validate(json.loads(text), schema)
