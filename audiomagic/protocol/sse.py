"""Server-sent events: the bytes of a streamed completion, taken apart into its chunks.

Some servers ignore that a stream was asked for, and answer with one JSON object: it is read as the
only event. Bytes are read here, not by the client, so that no line grows without bounds.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
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
DATA = ("data:", "error:")  # llama.cpp has a field of its own for an error
FIELDS = (*DATA, "event:", "id:", "retry:", ":")  # how the lines of an event begin
# Fields that a server may have for itself; "TypeError: ..." is none.
OTHER_FIELD = re.compile(r"(?!\w*(?:error|exception):)[\w-]+:", re.IGNORECASE)
LONGEST_WORDS = 10_000  # characters of a text in place of events, or of JSON


class ErrorEvent(Exception):
    """An error that the server reports where a chunk was due."""

    def __init__(self, body: ErrorBody):
        super().__init__(body.message)
        self.body = body


def chunks(data: Iterable[bytes]) -> Iterator[Any]:
    """Yield the JSON of each chunk. Raises InvalidResponse, and ErrorEvent for a server's error.

    What only may be an error is none where more of an answer follows, or it has ended.
    """
    suspected, ended = None, False
    for number, (name, event) in enumerate(_events(_lines(data))):
        if event.lstrip().startswith(END):
            break
        if number >= MOST_EVENTS or sum(map(event.count, "[{,")) > MOST_VALUES:
            raise _too_much("more chunks, or more in one")
        try:
            chunk = _read(name, event)
        except InvalidResponse:
            if ended:
                continue
            raise
        if error := ErrorBody.in_place_of(chunk, name):
            raise ErrorEvent(error)
        if may_be := ErrorBody.suspected(chunk, name):
            suspected = suspected or may_be
            continue
        if isinstance(chunk, str | None) or (ended and not isinstance(chunk, Mapping)):
            continue
        choices = _choices(chunk)
        suspected = None if choices else suspected
        ended = ended or any(map(_ends, choices))
        yield chunk
    if suspected and not ended:
        raise ErrorEvent(suspected)


def _read(name: str, event: str) -> Any:
    """Return what is in an event: JSON, words, or None for nothing.

    Raises InvalidResponse for what was to be JSON.
    """
    words = event[:LONGEST_WORDS].strip()
    try:
        return json.loads(event) if words else None
    except (ValueError, RecursionError) as error:  # not JSON, or absurdly large or deep
        if name != "error" and words.startswith(tuple('{["<')):
            raise not_chat_completions("something that is not JSON") from error
        return words


def _choices(chunk: Any) -> list[Any]:
    choices = chunk.get("choices") if isinstance(chunk, Mapping) else None
    return choices if isinstance(choices, list) else []


def _ends(choice: Any) -> bool:
    """Whether an answer ends here: by a finish reason, or by when its sound expires."""
    delta = choice.get("delta") if isinstance(choice, Mapping) else None
    audio = delta.get("audio") if isinstance(delta, Mapping) else None
    expires = isinstance(audio, Mapping) and "expires_at" in audio
    return expires or (isinstance(choice, Mapping) and bool(choice.get("finish_reason")))


def _events(lines: Iterator[str]) -> Iterator[tuple[str, str]]:
    """Yield the name and data of each event; a completion in one piece is the only one.

    Text in place of events, or after the last of them, is the words of an error.
    """
    name, data, size, beside, words = "", list[str](), 0, 0, ""
    begun = whole = False
    for line in chain([next(lines, "").removeprefix(BOM)], lines):
        is_words = _is_words(line) and not (begun and OTHER_FIELD.match(line))
        if not begun and (begun := bool(line.strip())):
            if line.lstrip().startswith("<"):
                raise not_chat_completions("a web page")
            whole = line.lstrip().startswith(("{", "["))
        if line.startswith("error:"):
            name = "error"
        if whole or line.startswith(DATA):
            value = line if whole else line.partition(":")[2].removeprefix(" ")
            if value.lstrip().startswith(END):
                break
            data.append(value)
            words = ""
            size += len(line) + 1
            _check_size(size)
            continue
        if is_words and len(words) < LONGEST_WORDS:
            words = f"{words}\n{line}"[:LONGEST_WORDS]
        beside += len(line) + 1
        if beside > MOST_BESIDE:
            raise _too_much(f"{MOST_BESIDE // 1_000_000} MB beside its answer, more")
        if line.startswith("event:"):
            name = line[6:].strip()
        elif not line:  # a blank line ends an event; other fields and comments are ignored
            if data:
                yield name, "\n".join(data)
            name, data, size = "", [], 0
    if data:  # the blank line after the last event may be missing
        yield name, "\n".join(data)
    if words:
        yield "", words


def _is_words(line: str) -> bool:
    """Whether a line is no field of an event, nor one that was cut off in its name."""
    return not (line.startswith(FIELDS) or any(name.startswith(line.strip()) for name in FIELDS))


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
