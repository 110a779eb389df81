"""Server-sent events: the bytes of a streamed completion, taken apart into its chunks.

Some servers ignore that a stream was asked for, and answer with one JSON object: it is read as the
only event. Bytes are read here, not by the client, so that no line grows without bounds.
"""

import json
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from ..errors import InvalidResponse
from .error import ErrorBody, not_chat_completions

LARGEST_EVENT = 80_000_000  # bytes: the longest completion (14 minutes) is 54 million in one piece
END = "[DONE]"
FIELD = re.compile("(data|event|id|retry)?:")  # how the lines of an event begin
LONGEST_WORDS = 1_000  # characters of a text in place of events


class ErrorEvent(Exception):
    """An error that the server reports where a chunk was due."""

    def __init__(self, body: ErrorBody):
        super().__init__(body.message)
        self.body = body


def chunks(data: Iterable[bytes]) -> Iterator[Any]:
    """Yield the JSON of each chunk. Raises InvalidResponse, and ErrorEvent for a server's error."""
    for name, event in _events(_lines(data)):
        if event.startswith(END):
            return
        try:
            chunk = json.loads(event)
        except (ValueError, RecursionError) as error:  # not JSON, or absurdly large or deep
            raise not_chat_completions("something that is not JSON") from error
        if body := ErrorBody.in_place_of(chunk, name == "error"):
            raise ErrorEvent(body)
        yield chunk


def _events(lines: Iterator[str]) -> Iterator[tuple[str, str]]:
    """Yield the name and data of each event; a completion in one piece is the only one.

    Text in place of events is the words of an error.
    """
    name, data, size, whole, words = "", list[str](), 0, False, ""
    for number, line in enumerate(lines):
        if number == 0 and not FIELD.match(line):
            words = line.strip()[:LONGEST_WORDS]
        if number == 0 and line.lstrip().startswith("<"):
            raise not_chat_completions("a web page")
        whole = whole or (number == 0 and line.lstrip().startswith(("{", "[")))
        if whole or line.startswith("data:"):
            data.append(line if whole else line[5:].removeprefix(" "))
            size += len(line)
            _check_size(size)
        elif line.startswith("event:"):
            name = line[6:].strip()
        elif not line:  # a blank line ends an event; other fields and comments are ignored
            if data:
                words = ""
                yield name, "\n".join(data)
            name, data, size = "", [], 0
    if data:  # the blank line after the last event may be missing
        yield name, "\n".join(data)
    elif words and not whole:
        yield "error", json.dumps(words)


def _lines(data: Iterable[bytes]) -> Iterator[str]:
    """Split bytes into lines; blank ones before all others are left out."""
    unfinished, begun = bytearray(), False
    for part in chain(data, (b"\n",)):
        *ends, rest = part.split(b"\n")
        for end in ends:
            line = (unfinished + end).removesuffix(b"\r")
            unfinished.clear()
            if begun := begun or bool(line.strip()):
                try:
                    yield line.decode()
                except ValueError as error:
                    raise not_chat_completions("something that is not text") from error
        unfinished += rest
        _check_size(len(unfinished))


def _check_size(size: int) -> None:
    if size > LARGEST_EVENT:
        raise InvalidResponse(
            f"the server sent a chunk of more than {LARGEST_EVENT // 1_000_000} MB, more than any "
            "answer; stopped reading"
        )
