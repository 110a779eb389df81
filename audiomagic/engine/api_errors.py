"""How the service refuses a request: its words, its shape, and the checks of single values."""

from collections.abc import Mapping
from typing import Any


class APIError(Exception):
    """A request that the engine refuses, in the service's own words and shape."""

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

    def wire(self) -> dict[str, Any]:
        """Spell it."""
        error = {"message": str(self), "type": "invalid_request_error"}
        return {"error": error | {"param": self.param, "code": self.code}}


def short(value: object) -> str:
    """Shorten a long value as the service does."""
    text = str(value)
    return text if len(text) <= 20 else f"{text[:3]}...{text[-3:]}"


def missing(param: str) -> APIError:
    """Word the refusal of a request that lacks something."""
    return APIError(f"Missing required parameter: '{param}'.", param, "missing_required_parameter")


def check_type(value: object, kind: type, param: str) -> None:
    """Refuse a value of another JSON type; an integer will do where a decimal is wanted."""
    if _is(value, kind):
        return
    wanted, got = NAMES[kind], next((name for k, name in NAMES.items() if _is(value, k)), "null")
    raise APIError(
        f"Invalid type for '{param}': expected {wanted}, but got {got} instead.",
        param,
        "invalid_type",
    )


def check_number(
    body: Mapping[str, Any], param: str, kind: type, least: float, most: float | None
) -> None:
    """Refuse a number of a request that is out of its range; without one nothing is refused."""
    if (value := body.get(param)) is None:
        return
    check_type(value, kind, param)
    word = "integer" if kind is int else "decimal"
    for broken, way, sign, bound in (
        (not value >= least, "below minimum", ">=", least),
        (most is not None and value > most, "above maximum", "<=", most),
    ):
        if broken:
            raise APIError(
                f"Invalid '{param}': {word} {way} value. "
                f"Expected a value {sign} {bound}, but got {short(value)} instead.",
                param,
                f"{word}_{'below_min' if sign == '>=' else 'above_max'}_value",
            )


NAMES: dict[type, str] = {
    bool: "a boolean",
    int: "an integer",
    float: "a decimal",
    str: "a string",
    list: "an array",
    dict: "an object",
}


def _is(value: object, kind: type) -> bool:
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return type(value) is kind
