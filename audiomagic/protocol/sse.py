"""The events of an answer: a stream of them, or the answer in one piece, taken apart.

Some servers ignore that a stream was asked for, and answer with one JSON object: that is read as
the only event. Bytes are read here, not by the client, so that no line grows without bounds.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .. import redaction
from ..errors import InvalidResponse
from .error import ErrorBody

LARGEST_EVENT = 80_000_000  # bytes: the longest answer in one piece (14 minutes) has 54 million
END = "[DONE]"
NO_CHAT = (
    "the server answered with {what}, which is not Chat Completions; "
    "check --base-url (it usually ends in /v1)"
)


class ErrorEvent(Exception):
    """An error that the server reports where a chunk was due."""

    def __init__(self, failure: ErrorBody):
        super().__init__(failure.message)
        self.failure = failure


def chunks(pieces: Iterable[bytes]) -> Iterator[Mapping[str, Any]]:
    """Give the chunks in the bytes of an answer, as plain dicts.

    Raises InvalidResponse for what is none, and ErrorEvent for an error that the server sends instead.
    """
    for name, event in _events(_lines(pieces)):
        if event.startswith(END):
            return
        try:
            chunk = json.loads(redaction.without(event) if redaction.held(event) else event)
        except (ValueError, RecursionError) as error:  # no JSON, absurd numbers or depth
            raise InvalidResponse(NO_CHAT.format(what="something that is no JSON")) from error
        if not isinstance(chunk, dict):
            raise InvalidResponse(NO_CHAT.format(what="a chunk that is no object"))
        if failure := chunk.get("error") or (chunk if name == "error" else None):
            raise ErrorEvent(ErrorBody.of(failure))
        yield chunk


def _events(lines: Iterator[bytes]) -> Iterator[tuple[str, str]]:
    """Give the name and data of each event; an answer in one piece is the data of the only one."""
    name, data = "", list[str]()
    size = 0
    for number, line in enumerate(lines):
        text = _text(line)
        if number == 0 and text.lstrip().startswith(("{", "[", "<")):
            yield name, _whole(text, lines)
            return
        if text.startswith("data:"):
            data.append(text[5:].removeprefix(" "))
            size += len(text)
            _check(size)
        elif text.startswith("event:"):
            name = text[6:].strip()
        elif not text:  # a blank line ends an event; other fields and comments are noise
            if data:
                yield name, "\n".join(data)
            name, data, size = "", [], 0
    if data:  # the blank line after the last may be missing
        yield name, "\n".join(data)


def _whole(first: str, rest: Iterator[bytes]) -> str:
    if first.lstrip().startswith("<"):
        raise InvalidResponse(NO_CHAT.format(what="a web page"))
    kept, size = [first], len(first)
    for line in rest:
        kept.append(_text(line))
        size += len(line)
        _check(size)
    return "\n".join(kept)


def _lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Cut bytes into lines; blank ones before all others are left out."""
    kept: list[bytes] = []
    size, begun = 0, False
    for piece in pieces:
        *ends, rest = piece.split(b"\n")
        for end in ends:
            line = b"".join((*kept, end)).removesuffix(b"\r")
            kept, size = [], 0
            begun = begun or bool(line.strip())
            if begun:
                yield line
        kept.append(rest)
        size += len(rest)
        _check(size)
    if last := b"".join(kept):
        yield last


def _check(size: int) -> None:
    if size > LARGEST_EVENT:
        raise InvalidResponse(
            f"the server sent a chunk of more than {LARGEST_EVENT // 1_000_000} MB, more than any "
            "answer; stopped reading"
        )


def _text(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except ValueError as error:
        raise InvalidResponse(NO_CHAT.format(what="something that is no text")) from error
