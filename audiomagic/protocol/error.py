"""An error on the wire: what a server says is wrong, also when another speaks through it."""

import html
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from .. import redaction
from ..errors import InvalidResponse

TOO_LONG = "context_length_exceeded"  # the code of a request that the model has no room for
EXPLAINED = "engine_error"  # the local engine's code of a message that says what to do already
NO_MODEL = "model_not_found"  # the code for a model that is not there, or not for this key
# What servers say that have no code for it.
LACKS_MODEL = re.compile(
    r"\bmodels?\b.{0,200}?\bnot (found|exist|deployed|loaded|a valid)\b"
    r"|\bmodels?:?\s+(\S{1,200}\s+)?((is|are|currently) ){0,2}(not |un)(supported|available)\b"
    r"|(invalid|unknown|no such|unsupported|unrecognized|unable to access|valid) model\b"
    r"|\b((could|can)\s?not|(could|ca)n't|unable to|failed to) (find|load|locate)( the| a)? model\b"
    r"|\bno (endpoints?|providers?|provider endpoints?) (found )?for\b",
    re.IGNORECASE | re.DOTALL,
)
NO_CREDIT = ("insufficient_quota", "Arrearage", "billing_hard_limit_reached")
# What servers call their words, those first that say most; in small letters, joined.
WORDS = ("message", "msg", "faultstring", "detail", "errordescription", "errormessage", "errormsg",
         "statusmessage", "statusmsg", "description", "title", "reason", "error",
         "errors")  # fmt: skip
INNER = ("error", "errors", "fault", "detail")  # where one error holds another
# An error in XML has each of its words in an element without others; a page of HTML has none.
XML = re.compile(r"\s*<(?!!doctype|html)", re.IGNORECASE)
ELEMENT = re.compile(r"<(?:\w++:)?+(\w++)[^<>]*+>([^<>]++)</")
# What stands in place of an error where all is well, as its code or its words; in small letters.
NO_CODE = ("0", "200", "success", "ok")
NO_WORDS = (*NO_CODE, "none", "null", "no error")
# The events that only tell how it goes, by their name, type or status.
NOTICES = ("status", "ping", "heartbeat", "keepalive", "keep-alive", "keep_alive", "progress",
           "info", "queued", "in_queue", "pending", "processing", "running", "in_progress",
           "started", "success", "ok")  # fmt: skip
DEEPEST = 6  # errors within errors
MOST_FAULTS = 3  # of a request that are repeated
LONGEST = 10_000  # characters of an error
LONGEST_WORDS = 1_000  # of its words, where they are searched
STATUS = {"invalid_request_error": 400, "authentication_error": 401, "permission_error": 403,
          "not_found_error": 404, "rate_limit_error": 429, "server_error": 500}  # fmt: skip


@dataclass(frozen=True)
class ErrorBody:
    """A server's error: `message` in its own words; the rest is None where it is not given."""

    message: str
    code: str | None = None
    param: str | None = None
    kind: str | None = None

    @classmethod
    def of(cls, error: object) -> "ErrorBody":
        """Read an error: text, or JSON of the service's shape, a gateway's, FastAPI's or another.

        Of errors within errors, as where a gateway wraps another's, the innermost is read.
        """
        safe = redaction.without_pieces  # a server knows the key, and may show a part of it
        innermost = _innermost(error)
        message = safe((_words(innermost) or _json(innermost))[:LONGEST])
        if not isinstance(innermost, Mapping):
            return cls(message)
        named = _by_name(innermost)
        texts = {name: safe(str(v)) for name, v in named.items() if isinstance(v, str | int)}
        code, param, kind = (texts.get(name) for name in ("code", "param", "type"))
        return cls(message, _given(code), _given(param), _given(kind))

    @classmethod
    def read(cls, text: str) -> "ErrorBody":
        """Read the whole of an answer that is an error; the client's own reading loses some."""
        text = text.lstrip("\ufeff")
        try:
            return cls.of(json.loads(text))
        except (ValueError, RecursionError):
            elements = dict(ELEMENT.findall(text)) if XML.match(text) else {}
            named = {name: html.unescape(words) for name, words in elements.items()}
            return cls.of(named if _words(named) else text)

    @classmethod
    def in_place_of(cls, chunk: object, event: str = "") -> "ErrorBody | None":
        """Return the error that stands where a chunk was due, and says that it is one.

        `event` is the name of the chunk's event.
        """
        named = event == "error"
        if isinstance(chunk, list) and chunk and isinstance(chunk[0], Mapping):
            chunk = {"error": chunk[0].get("error")}  # Gemini's
        if not isinstance(chunk, Mapping):
            return cls.of(chunk) if chunk and named else None
        choices = chunk.get("choices")
        for part in (chunk, *(choices if isinstance(choices, list) else ())):
            if isinstance(part, Mapping) and (_reports(part, bool(choices)) or _failure(part)):
                return cls.of(part)
        return cls.of(chunk) if chunk and (named or chunk.get("object") == "error") else None

    @classmethod
    def suspected(cls, chunk: object, event: str = "") -> "ErrorBody | None":
        """Return what may be an error, or be about an answer that is still to come, or was there:
        words, or an object that is no chunk and has some.
        """
        if isinstance(chunk, str):
            silent = event.lower() in NOTICES or chunk.strip("[]").upper() == "DONE"
            return None if silent else cls.of(chunk)
        return cls.of(chunk) if isinstance(chunk, Mapping) and _is_bare(chunk, event) else None

    @property
    def no_credit(self) -> bool:  # a retry cannot help
        return self.code in NO_CREDIT or self.kind in NO_CREDIT or self.code == "402"

    @property
    def blames_model(self) -> bool:  # a list of the server's models would help
        return self.code == NO_MODEL or LACKS_MODEL.search(self.message[:LONGEST_WORDS]) is not None

    @property
    def status(self) -> int | None:
        """The HTTP status that an error in a stream would have had, as far as it says so."""
        if self.code and self.code.isascii() and self.code.isdigit() and len(self.code) == 3:
            return int(self.code)
        return STATUS.get(self.kind or "")


def _innermost(error: object, depth: int = DEEPEST) -> Any:
    if not isinstance(error, Mapping):
        return error
    for inner in (_relayed(error), _failure(error), *map(error.get, INNER)):
        if isinstance(inner, Mapping) and depth and _words(inner):
            return _innermost(inner, depth - 1)
    return error


def _reports(part: Mapping[str, Any], answered: bool) -> bool:
    """Whether a part of a chunk has an error: some servers have a place for it in every chunk,
    which says that there is none.
    """
    error = part.get("error")
    return bool(error) and not (isinstance(error, Mapping | str) and _says_none(error, answered))


def _says_none(error: Mapping[str, Any] | str, answered: bool) -> bool:
    """Whether an error says that all is well; one that says so by its code alone, whatever its
    words, is believed beside an answer.
    """
    words = _words(error).lower().rstrip(".!")
    code = _by_name(error).get("code") if isinstance(error, Mapping) else None
    if str(code).lower() in NO_CODE:
        return answered or words in ("", *NO_WORDS)
    empty = isinstance(error, Mapping) and not any(error.values())
    return not code and (words in NO_WORDS or empty)


def _is_bare(chunk: Mapping[str, Any], event: str) -> bool:
    """Whether an object that is no chunk is the words of an error, not those of a notice."""
    if chunk.get("object") or chunk.get("choices") is not None or not _words(_innermost(chunk)):
        return False
    kinds = (event, *map(chunk.get, ("type", "event", "status")))
    notice = any(isinstance(kind, str) and kind.lower() in NOTICES for kind in kinds)
    return not notice and not _says_none(chunk, answered=False)


def _relayed(error: Mapping[str, Any]) -> object:
    """Return the provider's own error, which OpenRouter passes on as text."""
    metadata = error.get("metadata")
    raw = metadata.get("raw") if isinstance(metadata, Mapping) else None
    with suppress(TypeError, ValueError, RecursionError):
        return json.loads(raw or "")
    return {"message": raw}


def _failure(error: Mapping[str, Any]) -> object:
    """Return MiniMax's error: every answer of theirs has a status, which is 0 when all is well."""
    status = error.get("base_resp")
    return status if isinstance(status, Mapping) and status.get("status_code") else None


def _words(error: object, depth: int = DEEPEST) -> str:
    """Return the words of an error, "" where it has none."""
    if isinstance(error, str):
        return error.strip()
    if isinstance(error, list) and depth:
        return "; ".join(filter(None, (_words(one, depth - 1) for one in error[:MOST_FAULTS])))
    if not isinstance(error, Mapping) or not depth:
        return ""
    named = _by_name(error)
    words = next(filter(None, (_words(named.get(name), depth - 1) for name in WORDS)), "")
    place = named.get("loc")  # FastAPI: ["body", "messages", 0]
    if words and isinstance(place, list):
        words = f"{'.'.join(str(part) for part in place if part != 'body')}: {words}"
    return words


def _by_name(error: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parts of an error by their names, "error_msg" and "errorMsg" by the same."""
    return {str(name).lower().replace("_", ""): value for name, value in error.items()}


def _json(value: object) -> str:
    with suppress(ValueError, RecursionError):
        return json.dumps(value) if value else ""
    return ""


def _given(text: str | None) -> str | None:
    return None if text == "None" else text  # LiteLLM's way to say null


def not_chat_completions(what: str) -> InvalidResponse:
    return InvalidResponse(
        f"the server answered with {what}, which is not Chat Completions; "
        "check --base-url (it usually ends in /v1)"
    )
