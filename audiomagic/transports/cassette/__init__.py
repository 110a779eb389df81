"""Cassette: a folder of recorded exchanges, and the answers it gives again.

An exchange is a JSON file of at most 4 MB, `0001-tell-me-a-joke-3fa9c1.json`, and, where the answer
has sound, a FLAC file of the same name beside it: 24 kHz, mono, 16 bits, to the bit what came.
Names are for people: the files are played in the order of their numbers, whatever follows.

    format     1; a reader refuses a higher one, and every field that is not listed here
    recorded   when, with a time zone (ISO 8601)
    request    model; voice (null: text alone); messages: role, parts, tool_calls (id, name, arguments),
               tool_call_id; max_tokens; tools (name, description, parameters); tool_choice. A part is a
               text, or a sound: SHA-256 of its pcm16 samples, rate, seconds. Calls are numbered.
               What is not set is left out.
    answer     model, finish_reason, text, tool_calls, usage; sound: SHA-256 of the pcm16 (null: none);
               seconds it took; arrivals: [seconds since the request, characters, samples] each

The request is all that is compared; the SHA-256 of its JSON, keys sorted, begins with the six
signs that end the name. Times, servers, headers and the ids of the service are no part of it.
"""

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path
from threading import Lock
from typing import Any

from ...errors import CassetteError, NotRecorded, one_line
from ...files import file_path
from ...protocol.request import Request
from ...protocol.usage import Usage
from ...sound import WIRE_RATE
from . import storage
from .exchange import Exchange
from .fingerprint import Fingerprint
from .mismatch import differences, nearest
from .recording import Recorder


@dataclass(frozen=True)
class Entry:
    """One recorded exchange, as a table lists it."""

    file: str
    when: datetime
    question: Fingerprint
    model: str  # the one that answered
    seconds: float  # of sound
    usage: Usage | None

    @property
    def words(self) -> str:
        """What the user said last; a sound stands as "<sound>"."""
        return self.question.words


class Cassette:
    """Record exchanges in a folder, and answer from it.

    A request recorded several times has several takes: they are given in turn, in the order of
    their numbers, and round again, as a notebook is run from top to bottom.

    >>> cassette = Cassette("tape")
    >>> answer = Fold()
    >>> for chunk in cassette.keep(request, chunks):  # `chunks` as they come from the far end
    ...     answer.add(chunk)
    >>> again = Fold()
    >>> for chunk in cassette.answer(request):
    ...     again.add(chunk)
    """

    def __init__(self, folder: str | PathLike[str]):
        """Open a folder; it is made when the first exchange is kept.

        Files that cannot be read are set aside, each with its reason in `refused`. Raises
        CassetteError where no folder can be.
        """
        self.folder = file_path(folder).absolute()  # the notebook may move elsewhere
        name = one_line(folder, 120)
        if self.folder.exists() and not self.folder.is_dir():
            raise CassetteError(f"{name} is a file; name a folder")
        if not self.folder.parent.is_dir():
            raise CassetteError(f"there is no folder for {name} to be made in; make it first")
        self.refused: dict[str, str] = {}
        self._entries: list[Entry] = []
        self._takes: dict[str, list[Entry]] = {}
        self._played: Counter[str] = Counter()
        self._claimed: Counter[str] = Counter()
        self._lock = Lock()
        self._known: set[str] = set()  # names of files
        for path in storage.recordings(self.folder):
            self._open(path)

    def has(self, request: Request) -> bool:
        """Whether there is an answer to this request."""
        return Fingerprint.of(request).key in self._takes

    def claim(self, request: Request) -> bool:
        """Set a take of this request aside, for `answer`; False where none is left.

        Those that were kept through this object are no answers to be had again: five equal
        requests have five answers. What other processes recorded since it was opened is found.
        """
        key = Fingerprint.of(request).key
        with self._lock:
            for path in storage.of_key(self.folder, key):
                if path.name not in self._known:
                    self._open(path)
            if self._claimed[key] >= len(self._takes.get(key, ())):
                return False
            self._claimed[key] += 1
            return True

    def exchanges(self) -> list[Entry]:
        """List what is recorded, in the order of the files."""
        return list(self._entries)

    def keep(
        self,
        request: Request,
        chunks: Iterator[Mapping[str, Any]],
        began: float | None = None,
    ) -> Iterator[Mapping[str, Any]]:
        """Pass the chunks of an answer through; once it has ended whole, record it.

        `began` is when the request was sent, on the clock of `time.perf_counter`; now by default.
        Raises CassetteError, after the last chunk, where it cannot be written.
        """
        return self._keep(
            request, chunks, Recorder(time.perf_counter() if began is None else began)
        )

    def _keep(
        self, request: Request, chunks: Iterator[Mapping[str, Any]], taping: Recorder
    ) -> Iterator[Mapping[str, Any]]:
        when = datetime.now(UTC)
        yield from taping.follow(chunks)
        taped = taping.track()
        if taped is None:  # cut off
            return
        track, pcm = taped
        exchange = Exchange.of(when, Fingerprint.of(request), track)
        path = storage.write(self.folder, exchange, pcm)
        with self._lock:
            if path.name not in self._known:  # a claim may have found it first
                self._list(path.name, exchange)
            self._claimed[exchange.request.key] += 1

    def answer(self, request: Request, pace: bool = True) -> Iterator[Mapping[str, Any]]:
        """Give the chunks of the recorded answer, at the pace at which they came or at once.

        Raises NotRecorded, which names the nearest recorded request and what differs;
        CassetteError where the recording is damaged.
        """
        question = Fingerprint.of(request)
        with self._lock:
            takes = self._takes.get(question.key)
            if not takes:
                raise NotRecorded(self._missed(question))
            entry = takes[self._played[question.key] % len(takes)]
            self._played[question.key] += 1
        path = self.folder / entry.file
        exchange = storage.read(path)
        if exchange.request.key != question.key:
            raise CassetteError(f"{one_line(path.name, 80)} was changed; open the cassette again")
        return exchange.answer.chunks(storage.read_sound(path, exchange), pace)

    def _open(self, path: Path) -> None:
        self._known.add(path.name)
        try:
            self._list(path.name, storage.read(path))
        except CassetteError as error:
            self.refused[path.name] = str(error)

    def _list(self, name: str, exchange: Exchange) -> None:
        self._known.add(name)
        question, track = exchange.request, exchange.answer
        entry = Entry(
            name,
            exchange.recorded,
            question,
            track.model or question.model,
            track.samples / WIRE_RATE,
            track.usage,
        )
        self._entries.append(entry)
        self._takes.setdefault(question.key, []).append(entry)

    def _missed(self, question: Fingerprint) -> str:
        line = "no recording of this request"
        close = nearest(question, (entry.question for entry in self._entries))
        if close is None:
            line += f": {one_line(self.folder.name, 60)} holds none"
        else:
            file = one_line(self._takes[close.key][0].file, 80)
            line += f"; the nearest ({file}) differs in {differences(question, close)}"
        if self.refused:
            line += f"; {len(self.refused)} refused, as {next(iter(self.refused.values()))}"
        return line + "; to record it: %audiomagic record PATH"
