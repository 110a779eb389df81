"""Scheduler: carries out the tasks of a batch, several at once, on threads or on anybody's executor."""

from collections.abc import Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import suppress
from dataclasses import dataclass, field, replace
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from ..errors import AudiomagicError, BudgetExceeded, ReplyPending, WorkerLost, one_line
from ..turn.listener import NullListener
from ..turn.reply import Reply
from .progress import Progress
from .purse import SharedBudget
from .task import Outcome, Task
from .worker import Setup, work

if TYPE_CHECKING:
    from ..session import Session

TRIES = 3  # of an item, each time on another worker: the ones before died

NONE: tuple[int, Task | None] = (0, None)
Done = tuple[int, "Future[Outcome]"]


@dataclass
class Scheduler:
    """A session's helpers. `setup` tells workers elsewhere what session to make; None: threads."""

    session: "Session"
    executor: Executor
    at_once: int  # calls; fewer when money gets short, so that one has what it needs
    setup: Setup | None
    purse: SharedBudget | None = None
    _results: dict[int, Reply | AudiomagicError] = field(default_factory=dict)
    _tries: dict[int, int] = field(default_factory=dict)
    _out: dict[int, tuple["Future[Outcome]", NullListener, Task]] = field(default_factory=dict)
    _later: list[tuple[int, Task]] = field(default_factory=list)
    _done: "SimpleQueue[Done]" = field(default_factory=SimpleQueue)

    def run(
        self, tasks: Sequence[Task | AudiomagicError], progress: Progress
    ) -> list[Reply | AudiomagicError]:
        """Carry out all; return their results in order. What is an error already stays one.

        KeyboardInterrupt is raised on; what is done by then is in `results`.
        """
        for number, task in enumerate(tasks):
            if isinstance(task, AudiomagicError):
                self._results[number] = task
                progress.add(task)
        waiting = ((at, task) for at, task in enumerate(tasks) if isinstance(task, Task))
        try:
            while self._fill(waiting) or self._out or self._later:
                number, future = self._done.get()
                self._take(number, future, progress)
        except BaseException:
            self._stop()
            raise
        return self.results(len(tasks))

    def results(self, count: int) -> list[Reply | AudiomagicError]:
        """Return what is done, in order; for the rest a ReplyPending."""
        rest = ReplyPending(
            "the batch was stopped before this item; map again: what a cassette has recorded "
            "(session.record) is not paid for twice"
        )
        return [self._results.get(number, rest) for number in range(count)]

    def _fill(self, waiting: Iterator[tuple[int, Task]]) -> bool:
        """Have as many under way as there may be; return whether there are more to come."""
        while len(self._out) < self.at_once:
            number, task = self._later.pop() if self._later else next(waiting, NONE)
            if task is None:
                return False
            terms: dict[str, Any] = {"among": self.at_once}
            if self.purse:
                terms["max_cost"] = self.purse.share(self.at_once)
            self._submit(number, replace(task, options=task.options | terms))
        return True

    def _submit(self, number: int, task: Task) -> None:
        listener = NullListener()
        try:
            if self.setup:
                future = self.executor.submit(work, self.setup, task)
            else:
                future = self.executor.submit(task.run, self.session, listener)
        except (BrokenExecutor, RuntimeError) as error:  # or one that was shut down
            future = Future()
            future.set_exception(error)
            self._tries[number] = TRIES
        self._out[number] = (future, listener, task)
        future.add_done_callback(lambda done: self._done.put((number, done)))

    def _take(self, number: int, future: "Future[Outcome]", progress: Progress) -> None:
        _, _, task = self._out.pop(number)
        try:
            outcome = future.result()
        except Exception as error:  # whatever an executor says of a worker that died
            outcome = Outcome(WorkerLost(f"a worker failed on this item: {one_line(error, 160)}"))
            self._tries[number] = self._tries.get(number, 0) + 1
        if self.purse:
            self.purse.settle(task.options["max_cost"], outcome.paid)
        if self._again(number, task, outcome.result):
            self._later.append((number, task))
            return
        self._keep(number, outcome)
        progress.add(outcome.result)

    def _again(self, number: int, task: Task, result: object) -> bool:
        """Whether another try may help: on another worker, or when others hold no money."""
        among = task.options["among"]
        if isinstance(result, BudgetExceeded) and among > 1:
            self.at_once = min(self.at_once, among // 2)
            return True
        return isinstance(result, WorkerLost) and bool(self.setup) and self._tries[number] < TRIES

    def _keep(self, number: int, outcome: Outcome) -> None:
        self._results[number] = outcome.result

    def _stop(self) -> None:
        """Hang up, and wait for the threads' calls to end; keep what was done by then."""
        for future, listener, _ in self._out.values():
            future.cancel()
            listener.cancellation.cancel()
        for number, (future, _, _) in self._out.items():
            if future.cancelled() or (self.setup and not future.done()):
                continue
            with suppress(Exception):
                self._keep(number, future.result())
