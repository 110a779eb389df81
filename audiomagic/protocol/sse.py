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
MOST_EVENTS = 2_000_000  # of one answer: no text that is read has as many characters
MOST_VALUES = 1_000_000  # in the JSON of one event
MOST_BESIDE = 10_000_000  # bytes of comments, names of events and blank lines
END = "[DONE]"
BOM = "\ufeff"  # a byte order mark
FIELD = re.compile("(data|error|event|id|retry)?:")  # how the lines of an event begin
DATA = ("data:", "error:")  # llama.cpp has a field of its own for an error
LONGEST_WORDS = 1_000  # characters of a text in place of events, or of JSON


class ErrorEvent(Exception):
    """An error that the server reports where a chunk was due."""

    def __init__(self, body: ErrorBody):
        super().__init__(body.message)
        self.body = body


def chunks(data: Iterable[bytes]) -> Iterator[Any]:
    """Yield the JSON of each chunk. Raises InvalidResponse, and ErrorEvent for a server's error."""
    for number, (name, event) in enumerate(_events(_lines(data))):
        if event.lstrip().startswith(END):
            return
        if number >= MOST_EVENTS or sum(map(event.count, "[{,")) > MOST_VALUES:
            raise _too_much("more chunks, or more in one")
        if event.isspace() or not event:
            continue
        try:
            chunk = json.loads(event)
        except (ValueError, RecursionError) as error:  # not JSON, or absurdly large or deep
            words = event[:LONGEST_WORDS].strip()
            if name == "error" or not words.startswith(tuple('{["<')):
                raise ErrorEvent(ErrorBody.of(words)) from None
            raise not_chat_completions("something that is not JSON") from error
        if body := ErrorBody.in_place_of(chunk, name == "error"):
            raise ErrorEvent(body)
        yield chunk


def _events(lines: Iterator[str]) -> Iterator[tuple[str, str]]:
    """Yield the name and data of each event; a completion in one piece is the only one.

    Text in place of events is the words of an error.
    """
    name, data, size, beside, words = "", list[str](), 0, 0, ""
    begun = whole = False
    for line in chain([next(lines, "").removeprefix(BOM)], lines):
        if not begun and (begun := bool(line.strip())):
            if not FIELD.match(line):
                words = line.strip()[:LONGEST_WORDS]
            if line.lstrip().startswith("<"):
                raise not_chat_completions("a web page")
            whole = line.lstrip().startswith(("{", "["))
        if line.startswith("error:"):
            name = "error"
        if whole or line.startswith(DATA):
            data.append(line if whole else line.partition(":")[2].removeprefix(" "))
            size += len(line) + 1
            _check_size(size)
            continue
        beside += len(line) + 1
        if beside > MOST_BESIDE:
            raise _too_much(f"{MOST_BESIDE // 1_000_000} MB beside its answer, more")
        if line.startswith("event:"):
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
    """Yield the lines, each of which ends with a line feed, a carriage return, or both."""
    unfinished, returned = bytearray(), False
    for part in chain(filter(None, data), (b"\n",)):
        rest = part.removeprefix(b"\n") if returned else part
        returned = part.endswith(b"\r")  # whose line feed may be the next to come
        *ends, rest = rest.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        for end in ends:
            line = unfinished + end if unfinished else end
            unfinished.clear()
            try:
                yield line.decode()
            except ValueError as error:
                raise not_chat_completions("something that is not text") from error
        unfinished += rest
        _check_size(len(unfinished))


def _check_size(size: int) -> None:
    if size > LARGEST_EVENT:
        raise _too_much(f"a chunk of more than {LARGEST_EVENT // 1_000_000} MB, more")


def _too_much(what: str) -> InvalidResponse:
    return InvalidResponse(f"the server sent {what} than any answer; stopped reading")
