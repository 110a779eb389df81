"""The arguments of a call: texts and numbers of the request, of those that the schema allows."""

from typing import Any

import pytest

from audiomagic.engine import arguments
from audiomagic.engine.json_schema.dialect import followable

WORDS = ["Send", "3", "of", "40", "pages", "to", "bob@example.com", "on", "2026-11-29"]
TEXTS, NUMBERS = arguments.texts(WORDS), arguments.numbers(WORDS)


def allowed(**schema: Any) -> Any:
    return arguments.narrowed(followable(schema, arguments=True), TEXTS, NUMBERS).get("enum")


@pytest.mark.parametrize(
    ("schema", "values"),
    [
        ({"type": "integer", "minimum": 1, "maximum": 5}, [3]),
        ({"type": "integer", "exclusiveMinimum": 3, "maximum": 40}, [40]),
        ({"type": "integer", "multipleOf": 20}, [40]),
        ({"type": ["integer", "null"], "maximum": 5}, [3, -11, -29, None]),
        ({"type": "string", "maxLength": 2}, ["3", "of", "40", "to", "on"]),
        ({"type": "string", "format": "email"}, ["bob@example.com"]),
        ({"type": "string", "format": "date"}, ["2026-11-29"]),
    ],
)
def test_only_what_the_schema_allows_of_a_request_is_allowed(schema: Any, values: Any) -> None:
    assert allowed(**schema) == values


def test_where_the_request_has_none_a_number_within_the_limits_is_allowed() -> None:
    assert set(allowed(type="integer", minimum=50, maximum=51)) == {50, 51}
    assert 0.5 in allowed(type="number", minimum=0.2, maximum=0.8)


@pytest.mark.parametrize("farthest", [3.4028234663852886e38, 2**63, 10**400])
@pytest.mark.parametrize("kind", ["number", "integer"])
def test_no_number_has_more_digits_than_the_grammar_takes(kind: str, farthest: float) -> None:
    schema = followable({"type": kind, "minimum": -farthest, "maximum": farthest}, arguments=True)
    for found in ([], [10**30], arguments.numbers(["12345678901234567890123"])):
        values = arguments.narrowed(schema, [], found)["enum"]
        assert 1 in values and max(map(abs, values)) < 2**63


def test_limits_that_no_text_of_the_request_keeps_are_left_to_the_grammar() -> None:
    assert allowed(type="string", minLength=90, maxLength=95) is None
