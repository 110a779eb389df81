"""Cassette: records exchanges in a folder, and answers from it."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path
from threading import Lock
from typing import Any

from ...errors import CassetteError, NotRecorded, one_line
from ...files import file_path
from ...protocol.request import Request
from . import storage
from .fingerprint import Fingerprint, differences, nearest
from .recording import Recording, RecordingBuilder


class Cassette:
    """Records exchanges in a folder, and answers from it.

    A request that was recorded several times has several takes: they are given in turn, in the
    order of their numbers, and round again, as a notebook is run from top to bottom.
    """

    def __init__(self, folder: str | PathLike[str]):
        """Open a folder; it is made when the first exchange is kept.

        Files that cannot be read are set aside, each with its reason in `refused`. Raises
        CassetteError where there can be no such folder.
        """
        self.folder = file_path(folder).absolute()  # the notebook may change its directory
        # As it was typed: a whole path would show whose machine this is to all readers of a page.
        self.name = name = one_line(folder, 120)
        if self.folder.exists() and not self.folder.is_dir():
            raise CassetteError(f"{name} is a file; name a folder")
        if not self.folder.parent.is_dir():
            raise CassetteError(f"the folder in which to make {name} does not exist; make it first")
        self.refused: dict[str, str] = {}  # by the file's name
        self._recordings: dict[str, Recording] = {}  # likewise
        self._takes: dict[str, list[str]] = {}  # names of files, by the request's key
        self._played: Counter[str] = Counter()
        self._lock = Lock()
        self._open(storage.recordings(self.folder))

    def has(self, request: Request) -> bool:
        return Fingerprint.of(request).key in self._takes

    def claim(self, request: Request, claimed: Counter[str]) -> bool:
        """Set a take of this request aside for a batch, for `answer`; False if none is left.

        `claimed` counts the batch's takes by the request's key, those too that it recorded itself:
        five equal items get five answers, and when the batch is run again, those five again. What
        other processes recorded since the cassette was opened is found.
        """
        key = Fingerprint.of(request).key
        with self._lock:
            self._open(storage.recordings(self.folder, key))
            if claimed[key] >= len(self._takes.get(key, ())):
                return False
            claimed[key] += 1
            return True

    def exchanges(self) -> list[Recording]:  # in the order of the files
        return list(self._recordings.values())

    def keep(
        self,
        request: Request,
        chunks: Iterator[Mapping[str, Any]],
        began: float | None = None,
        claimed: Counter[str] | None = None,
    ) -> Iterator[Mapping[str, Any]]:
        """Pass the chunks of an answer through; once it is complete, record it.

        `began` is when the request was sent, on the clock of `time.perf_counter`; now by default.
        The new take is counted in `claimed` (see `claim`). Raises CassetteError, after the last
        chunk, where it cannot be written.
        """
        builder = RecordingBuilder(time.perf_counter() if began is None else began)
        yield from builder.follow(chunks)
        if built := builder.build(request):  # not where it was cut off
            recording, pcm = built
            with self._lock:  # or a claim would find the file, and take it for an old recording
                name = storage.write(self.folder, recording, pcm)
                self._add(name, recording)
                if claimed is not None:
                    claimed[recording.request.key] += 1

    def answer(self, request: Request, pace: bool = True) -> Iterator[Mapping[str, Any]]:
        """Give the chunks of the recorded answer, at the pace at which they came or at once.

        Raises NotRecorded, which names the nearest recorded request and what differs;
        CassetteError where the sound is damaged.
        """
        asked = Fingerprint.of(request)
        with self._lock:
            takes = self._takes.get(asked.key)
            if not takes:
                raise NotRecorded(self._not_recorded(asked))
            name = takes[self._played[asked.key] % len(takes)]
            self._played[asked.key] += 1
        recorded = self._recordings[name].answer
        sound = recorded.sound and storage.read_sound(self.folder / name, recorded.sound)
        return recorded.chunks(sound or b"", pace)

    def _open(self, paths: list[Path]) -> None:
        for path in paths:
            if path.name not in self._recordings and path.name not in self.refused:
                try:
                    self._add(path.name, storage.read(path))
                except CassetteError as error:
                    self.refused[path.name] = str(error)

    def _add(self, name: str, recording: Recording) -> None:
        if name not in self._recordings:  # a claim may have found it first
            self._recordings[name] = recording
            self._takes.setdefault(recording.request.key, []).append(name)

    def _not_recorded(self, asked: Fingerprint) -> str:
        message = "no recording of this request"
        if close := nearest(asked, [recording.request for recording in self.exchanges()]):
            file = one_line(self._takes[close.key][0], 80)
            message += f"; the nearest ({file}) differs in {differences(asked, close)}"
        else:
            message += f": {one_line(self.folder.name, 60)} has none"
        if self.refused:
            first = next(iter(self.refused.values()))
            message += f"; {len(self.refused)} refused, such as: {first}"
        return message + "; to record it: %audiomagic record FOLDER"
