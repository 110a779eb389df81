"""An error on the wire: what a server says is wrong, also when another speaks through it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

TOO_LONG = "context_length_exceeded"  # the code of a request that the model has no room for
NO_CREDIT = ("insufficient_quota", "Arrearage", "billing_hard_limit_reached")


@dataclass(frozen=True)
class ErrorBody:
    """A server's error: `message` in its own words; the rest is None where it names none."""

    message: str
    code: str | None = None
    param: str | None = None
    kind: str | None = None

    @classmethod
    def of(cls, error: object) -> "ErrorBody":
        """Read an error object; the error inside it, where a gateway wrapped another's."""
        if not isinstance(error, Mapping):
            return cls(str(error))
        inner = _wrapped(error)
        if inner is not None:
            return cls.of(inner)
        code, param, kind = (error.get(name) for name in ("code", "param", "type"))
        return cls(
            str(error.get("message") or error.get("detail") or json.dumps(dict(error))),
            str(code) if isinstance(code, str | int) else None,
            param if isinstance(param, str) else None,
            kind if isinstance(kind, str) else None,
        )

    @property
    def no_credit(self) -> bool:
        """Whether the account has nothing left to spend: to ask again cannot help."""
        return self.code in NO_CREDIT or self.kind in NO_CREDIT


def _wrapped(error: Mapping[str, object]) -> Mapping[str, object] | None:
    """Return the provider's own error, which OpenRouter passes on as text."""
    metadata = error.get("metadata")
    raw = metadata.get("raw") if isinstance(metadata, Mapping) else None
    if not isinstance(raw, str):
        return None
    try:
        inner = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    inner = inner.get("error") if isinstance(inner, dict) else None
    return inner if isinstance(inner, Mapping) and inner.get("message") else None
