"""An error on the wire: what a server says is wrong, also when another speaks through it."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from .. import redaction
from ..errors import InvalidResponse

TOO_LONG = "context_length_exceeded"  # the code of a request that the model has no room for
EXPLAINED = "engine_error"  # the local engine's code of a message that says what to do already
NO_CREDIT = ("insufficient_quota", "Arrearage", "billing_hard_limit_reached")


@dataclass(frozen=True)
class ErrorBody:
    """A server's error: `message` in its own words; the rest is None where it is not given."""

    message: str
    code: str | None = None
    param: str | None = None
    kind: str | None = None

    @classmethod
    def of(cls, error: object) -> "ErrorBody":
        """Read an error object, or the one inside it, where a gateway wrapped another's."""
        safe = redaction.without_pieces  # a server knows the key, and may show a part of it
        if not isinstance(error, Mapping):
            return cls(safe(str(error)))
        if inner := _wrapped(error):
            return cls.of(inner)
        texts = {name: safe(str(v)) for name, v in error.items() if isinstance(v, str | int)}
        message = texts.get("message") or texts.get("detail") or safe(json.dumps(dict(error)))
        return cls(message, texts.get("code"), texts.get("param"), texts.get("type"))

    @property
    def no_credit(self) -> bool:  # a retry cannot help
        return self.code in NO_CREDIT or self.kind in NO_CREDIT


def _wrapped(error: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the provider's own error, which OpenRouter passes on as text."""
    inner = None
    with suppress(LookupError, TypeError, ValueError, RecursionError):
        inner = json.loads(error["metadata"]["raw"])["error"]
    return inner if isinstance(inner, Mapping) and inner.get("message") else None


def not_chat_completions(what: str) -> InvalidResponse:
    return InvalidResponse(
        f"the server answered with {what}, which is not Chat Completions; "
        "check --base-url (it usually ends in /v1)"
    )
