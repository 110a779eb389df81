"""What a server of the Realtime protocol sends, checked by the official client's own types."""

from functools import cache
from typing import Any, get_args

from openai.types.realtime import RealtimeServerEvent


@cache
def _types() -> dict[str, Any]:
    union = get_args(RealtimeServerEvent)[0]
    return {get_args(kind.model_fields["type"].annotation)[0]: kind for kind in get_args(union)}


def check(event: dict[str, Any]) -> None:
    """Fail for an event that the official client does not know, or whose fields are others."""
    parsed = _types()[event["type"]].model_validate(event, strict=True)
    assert not parsed.model_extra, parsed.model_extra
