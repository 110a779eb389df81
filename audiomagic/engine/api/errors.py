"""Errors of the engine's HTTP API, in the shape of OpenAI's."""

import logging
import traceback
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...errors import LONGEST_MESSAGE, AudiomagicError, EngineError, InvalidResponse, one_line
from ...protocol.error import EXPLAINED

if TYPE_CHECKING:
    from pydantic import ValidationError


class APIError(Exception):
    """A request that the engine refuses."""

    def __init__(
        self,
        message: str,
        param: str | None = None,
        code: str | None = "invalid_value",
        status: int = 400,
    ):
        super().__init__(message)
        self.status = status
        self.param = param
        self.code = code

    @classmethod
    def of(cls, error: "ValidationError", where: str = "", given: object = None) -> "APIError":
        """Report the first of pydantic's complaints, of the part of a request that is `where`.

        pydantic names the member of a union, too, which is none of the request's own parts: it is
        left out where the value is `given`.
        """
        first = error.errors(include_url=False)[0]
        kind, bounds = first["type"], first.get("ctx") or {}
        path = first["loc"] if given is None else _own_parts(first["loc"], given, kind == "missing")
        if kind.startswith("union_tag"):  # the field that tells the members apart
            path = (*path, bounds["discriminator"].strip("'"))
            kind = kind.replace("union_tag_not_found", "missing")
        names = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
        param = (where + "".join(names)).removeprefix(".")
        if kind == "json_invalid":
            return cls("We could not parse the JSON body of your request.", None, None)
        if kind == "extra_forbidden":
            name = one_line(param, 100)
            return cls(f"Unknown parameter: '{name}'.", name, "unknown_parameter")
        if kind == "missing":
            return missing(param)
        code = "invalid_type" if kind.endswith("_type") else "invalid_value"
        line = _complaint(kind, first["msg"], bounds)
        for bound, side, end, sign in (("ge", "below", "min", ">="), ("le", "above", "max", "<=")):
            if bound in bounds:
                limit, got = bounds[bound], one_line(first["input"], 40)
                number = "integer" if isinstance(limit, int) else "decimal"
                code = f"{number}_{side}_{end}_value"
                expected = f"Expected a value {sign} {limit}, but got {got} instead."
                line = f"{number} {side} {end}imum value. {expected}"
        return cls(f"Invalid '{param or 'request'}': {line}", param or None, code)

    def wire(self) -> dict[str, Any]:
        """Return the body of the response."""
        kind = "invalid_request_error" if self.status < 500 else "server_error"
        error = {"message": str(self), "type": kind, "param": self.param, "code": self.code}
        return {"error": error}


def _complaint(kind: str, message: str, details: Mapping[str, Any]) -> str:
    """Return pydantic's complaint in the API's words, where its own speak of Python."""
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        return "Expected an object."
    if kind == "none_required":
        return "It is not supported by this engine; leave it out."
    if kind == "union_tag_invalid":
        return f"Expected one of {details['expected_tags']}."
    return f"{message.removeprefix('Value error, ')}."


def _own_parts(path: Sequence[int | str], value: Any, missing: bool) -> tuple[int | str, ...]:
    """Return the parts of a path that lead somewhere in a value, and the last if it is missing."""
    found: list[int | str] = []
    for part in path[:-1] if missing else path:
        keys = (
            value
            if isinstance(value, dict)
            else range(len(value) if isinstance(value, list) else 0)
        )
        if part in keys:
            value = value[part]
            found.append(part)
    return (*found, path[-1]) if missing else tuple(found)


def missing(param: str) -> APIError:
    """Return the error for a parameter that is not there."""
    return APIError(f"Missing required parameter: '{param}'.", param, "missing_required_parameter")


def api_error(error: Exception) -> APIError:
    """Return what a client is told of an error: our own words, or none of what is in a bug's."""
    if isinstance(error, APIError):
        return error
    if isinstance(error, AudiomagicError):
        # The engine is a gateway to a model, wherever that runs, and it was the model that failed.
        status = 502 if isinstance(error, EngineError | InvalidResponse) else 500
        return APIError(one_line(error, LONGEST_MESSAGE), None, EXPLAINED, status)
    kind = type(error).__name__  # its message may hold a path, or words of the conversation
    place = traceback.extract_tb(error.__traceback__)[-1:]
    logging.getLogger(__name__).error("%s at %s", kind, place)
    return APIError(f"The engine failed ({kind}); its own log says where.", None, None, 500)
