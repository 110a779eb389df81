"""Batch: what became of many items, in their order."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from typing import Any, overload
from uuid import uuid4

from ..errors import AudiomagicError, Interrupted, OptionError
from ..files import nearby
from ..render.html import counted
from ..sound import StoredSound
from ..turn.options import CallOptions, must_be
from ..turn.reply import Reply
from . import display, frames
from .display import Progress
from .items import Items, is_row, lasting, rows
from .scheduler import Scheduler
from .task import Setup, TaskSession

AHEAD = 2  # calls that stand ready for the thread that is free first
Result = Reply | AudiomagicError
ADDED = ("reply", "seconds", "dollars", "saved", "error")  # columns of a DataFrame


@dataclass(frozen=True)
class Batch(Sequence[Result]):
    """Results in the order of the items, each a Reply or the AudiomagicError that it met.

    >>> batch = session.map(["un", "deux"], save="numbers/{i}.mp3")
    >>> batch[0].sound, batch.errors, batch.frame()
    """

    items: Any  # as they were given: a list, or a DataFrame of any library
    results: tuple[Result, ...]

    def __len__(self) -> int:
        return len(self.results)

    @overload
    def __getitem__(self, key: int) -> Result: ...
    @overload
    def __getitem__(self, key: slice) -> tuple[Result, ...]: ...
    def __getitem__(self, key: int | slice) -> Result | tuple[Result, ...]:
        return self.results[key]

    @cached_property
    def rows(self) -> list[Any]:
        return rows(self.items)

    @property
    def replies(self) -> list[Reply]:
        return [result for result in self.results if isinstance(result, Reply)]

    @property
    def errors(self) -> dict[int, AudiomagicError]:
        """The errors of the others, by the place of the item."""
        failed = enumerate(self.results)
        return {at: result for at, result in failed if isinstance(result, AudiomagicError)}

    def frame(self) -> Any:
        """Return the items' DataFrame, of whichever library, with columns added (or replaced):
        `reply` (its words), `seconds` of sound, `dollars` (None: unknown), `saved` (a path),
        `error`. Other items become a DataFrame of pandas.

        Raises OptionError where pandas is not installed.
        """
        added = list(map(_added, self.results))
        columns = {name: [row.get(name) for row in added] for name in ADDED}
        if frames.is_table(self.items):
            return frames.with_columns(self.items, columns)
        try:
            import pandas
        except ImportError:
            raise OptionError("a DataFrame needs pandas; pip install pandas") from None
        if not all(map(is_row, self.rows)):
            return pandas.DataFrame({"item": [str(item) for item in self.rows], **columns})
        return pandas.DataFrame(self.rows).assign(**columns)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        table = display.table(self.rows, self.results)
        cards = display.cards(self.rows, self.results)
        return {"text/html": cards + table._repr_html_(), "text/plain": repr(table)}

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(display.table(self.rows, self.results)))


def _added(result: Result) -> dict[str, Any]:
    if isinstance(result, AudiomagicError):
        return {"error": f"{type(result).__name__}: {result}"}
    saved = result.sound.path if isinstance(result.sound, StoredSound) else None
    return {
        "reply": result.text, "seconds": result.seconds, "dollars": result.cost,
        "saved": saved and str(nearby(saved)),
    }  # fmt: skip


def run_batch(
    session: TaskSession,
    items: object,
    template: str,
    *,
    executor: Executor | None,
    workers: int,
    save: str | PathLike[str] | None,
    progress: bool,
    verbatim: bool,
    text_only: bool,
    expect: str,
    options: Mapping[str, Any],
) -> Batch:
    """Run a batch: see `Session.map`."""
    must_be(str, template=template, expect=expect)
    must_be(bool, verbatim=verbatim, text_only=text_only, progress=progress)
    _check({**session.options, **options}, executor, workers)
    here = executor is None or isinstance(executor, ThreadPoolExecutor)
    setup = None if here else Setup.of(session, uuid4().hex, options)
    at_once = workers if executor else workers + AHEAD
    left = CallOptions.of(session.options, options).call_budget().cap
    items = lasting(items)
    tasks = Items(rows(items), template, save).tasks(
        {**options, "verbatim": verbatim}, {**options, "text_only": text_only, "expect": expect}
    )
    pool = nullcontext(executor) if executor else ThreadPoolExecutor(workers)
    with pool as running, Progress(len(tasks), progress) as bar:
        scheduler = Scheduler(session.resuming(), running, at_once, setup, left)
        try:
            results = scheduler.run(tasks, bar)
        except KeyboardInterrupt:
            part = Batch(items, tuple(scheduler.results(len(tasks))))
            line = f"{len(part.replies)} of {counted(len(tasks), 'item')} answered, and kept"
            raise Interrupted(line, part) from None
    return Batch(items, tuple(results))


def _check(options: Mapping[str, Any], executor: object, workers: object) -> None:
    if not isinstance(workers, int) or workers is True or workers < 1:
        raise OptionError(f"workers must be a whole number above 0, not {workers!r}")
    if not isinstance(executor, Executor | None):
        kind = type(executor).__name__
        raise OptionError(f"executor must be a concurrent.futures.Executor, not {kind}")
    if options.get("chat"):
        raise OptionError(
            "the calls of a batch run at the same time and cannot share a chat; drop chat"
        )
    for name in ("voice", "model"):
        if "," in (options.get(name) or ""):
            raise OptionError(f"a batch takes one {name}, or one for each row (`{{column}}`)")
