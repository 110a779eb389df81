"""Exchange: a question and its recorded answer, as the JSON of a file."""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Annotated, Any

from pydantic import AwareDatetime, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import from_json

from ... import redaction
from ...errors import CassetteError, one_line
from .fingerprint import Fingerprint
from .recording import Recording

FORMAT = 1  # the newest that is understood
LARGEST = 4_000_000  # bytes of JSON: the longest conversation that a model takes is some 600,000


@dataclass(frozen=True)
class Exchange:
    """One call: see the package for its JSON."""

    __pydantic_config__ = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)

    format: Annotated[int, Field(ge=1, le=FORMAT)]
    recorded: AwareDatetime
    request: Fingerprint
    answer: Recording

    @classmethod
    def of(cls, when: datetime, request: Fingerprint, answer: Recording) -> "Exchange":
        """Join what was asked and answered."""
        return cls(FORMAT, when.replace(microsecond=0), request, answer)

    @classmethod
    def decode(cls, data: bytes, name: str) -> "Exchange":
        """Read and check JSON; `name` is for messages. Raises CassetteError, one line."""
        try:
            from_json(data, allow_inf_nan=False)  # what is free in form may hold none either
            exchange: Exchange = _adapter().validate_json(data)
            return exchange
        except ValidationError as error:
            reason = _reason(error)
        except ValueError as error:
            reason = f"is no JSON: {one_line(error, 80)}"
        raise CassetteError(f"{name} {reason}")

    def encode(self) -> bytes:
        """Write JSON for people to read. Raises CassetteError where it could not be read again."""
        plain = _adapter().dump_python(self, mode="json", exclude_defaults=True, warnings=False)
        text = json.dumps(plain, indent=2, ensure_ascii=False)
        text = re.sub(r"\[\n\s*([\d.,\s]+?)\n\s*\]", _on_one_line, text) + "\n"
        if redaction.held(text):
            raise CassetteError("this exchange holds an API key; not kept")
        data = text.encode("utf-8", "replace")
        if len(data) > LARGEST:
            raise CassetteError(f"this exchange is larger than {LARGEST // 1_000_000} MB; not kept")
        self.decode(data, "this exchange")
        return data


@cache
def _adapter() -> TypeAdapter[Any]:
    return TypeAdapter(Exchange)


def _on_one_line(numbers: re.Match[str]) -> str:
    return f"[{' '.join(numbers[1].split())}]"


def _reason(error: ValidationError) -> str:
    found = error.errors(include_url=False)
    version = next((e["input"] for e in found if e["loc"] == ("format",)), None)
    if isinstance(version, int) and version > FORMAT:
        return (
            f"was recorded by a newer audiomagic (format {one_line(version, 9)}); "
            "pip install -U audiomagic"
        )
    place = ".".join(map(str, found[0]["loc"])) or "the whole"
    return one_line(f"is damaged: {place}: {found[0]['msg']}", 160)
