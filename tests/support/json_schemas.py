"""JSON schemas, and values that may follow them, for Hypothesis to draw from."""

from typing import Any

import jsonschema
from hypothesis import strategies as st

TEXT = st.text("ab@.x1-", max_size=6)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 50) | st.sampled_from([0.5, 2.5]) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
KEYWORDS: dict[str, Any] = {
    "type": st.sampled_from(["string", "integer", "number", "array", "object", ["string", "null"]]),
    "minimum": st.integers(-5, 5),
    "maxLength": st.integers(0, 5_000),
    "minItems": st.integers(0, 3),
    "maxItems": st.integers(0, 5_000),
    "pattern": st.sampled_from(["^a", "a", "a$", "^(?=a)", "a|b"]),
    "format": st.sampled_from(["email", "uri", "uuid4", "binary", "date"]),
    "required": st.lists(st.sampled_from("ab"), unique=True, max_size=2),
    "additionalProperties": st.booleans() | st.just({"type": "integer"}),
    "propertyNames": st.sampled_from([{"pattern": "^a"}, {"enum": ["a", "b"]}]),
}
SCHEMAS = st.recursive(
    st.fixed_dictionaries({}, optional=KEYWORDS),
    lambda inner: st.fixed_dictionaries(
        {},
        optional=KEYWORDS
        | {
            "properties": st.dictionaries(st.sampled_from(["a", "b", "not", "format"]), inner),
            "patternProperties": st.dictionaries(st.sampled_from(["^a", "b$"]), inner),
            "items": inner,
            "prefixItems": st.lists(inner, min_size=1, max_size=2),
            "anyOf": st.lists(inner, min_size=1, max_size=2),
            "allOf": st.lists(inner, min_size=1, max_size=2),
        },
    ),
    max_leaves=5,
)


def valid(value: Any, schema: Any) -> bool:
    return jsonschema.Draft202012Validator(schema).is_valid(value)
