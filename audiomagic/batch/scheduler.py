"""Scheduler: runs the tasks of a batch, several at once, on threads or on any executor."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal
from queue import SimpleQueue

from ..costs.pricing import exact
from ..errors import AudiomagicError, BudgetExceeded, ReplyPending, WorkerLost, one_line
from ..transports.cancellation import Cancellation
from ..turn.reply import Reply
from .display import Progress
from .task import Outcome, Setup, Task, TaskSession, work

TRIES = 3  # of an item, each time on another worker: the ones before died


@dataclass
class Scheduler:
    """Runs tasks; `setup` tells workers elsewhere what session to make, None means threads.

    `left`: US dollars that all calls together may still cost, or None for no cap. Each call borrows
    a share of it, and gives back what it did not need.
    """

    session: TaskSession
    executor: Executor
    at_once: int  # calls; fewer when money gets short, so that each has what it needs
    setup: Setup | None
    left: Decimal | None = None
    _results: dict[int, Reply | AudiomagicError] = field(default_factory=dict)
    _tries: dict[int, int] = field(default_factory=dict)
    _running: dict[int, tuple["Future[Outcome]", Cancellation, Task]] = field(default_factory=dict)
    _later: list[tuple[int, Task]] = field(default_factory=list)
    _done: "SimpleQueue[tuple[int, Future[Outcome]]]" = field(default_factory=SimpleQueue)

    def run(
        self, tasks: Sequence[Task | AudiomagicError], progress: Progress
    ) -> list[Reply | AudiomagicError]:
        """Run all; return their results in order. What is an error already stays one.

        KeyboardInterrupt is raised on; what is done by then is in `results`.
        """
        for number, task in enumerate(tasks):
            if isinstance(task, AudiomagicError):
                self._results[number] = task
                progress.add(task)
        waiting = ((number, task) for number, task in enumerate(tasks) if isinstance(task, Task))
        try:
            while self._fill(waiting) or self._running or self._later:
                number, future = self._done.get()
                self._take(number, future, progress)
        except BaseException:
            self._stop()
            raise
        return self.results(len(tasks))

    def results(self, count: int) -> list[Reply | AudiomagicError]:
        rest = ReplyPending(
            "the batch was stopped before this item; run it again: what a cassette has recorded "
            "(session.record) is not paid for twice"
        )
        return [self._results.get(number, rest) for number in range(count)]

    def _fill(self, waiting: Iterator[tuple[int, Task]]) -> bool:
        """Start as many as may run at once; return whether there are more to come."""
        while len(self._running) < self.at_once:
            found = self._later.pop() if self._later else next(waiting, None)
            if found is None:
                return False
            number, task = found
            options = task.options
            if self.left is not None:
                with exact():
                    share = self.left / self.at_once
                    self.left -= share
                options = options | {"max_cost": share}
            self._submit(number, replace(task, options=options, sharing=self.at_once))
        return True

    def _submit(self, number: int, task: Task) -> None:
        cancellation = Cancellation()
        try:
            if self.setup:
                future = self.executor.submit(work, self.setup, task.portable())
            else:
                future = self.executor.submit(task.run, self.session, cancellation)
        except RuntimeError as error:  # it is broken, or was shut down
            future = Future()
            future.set_exception(error)
            self._tries[number] = TRIES
        except AudiomagicError as error:
            future = Future()
            future.set_result(Outcome(error, Decimal(0)))
        self._running[number] = (future, cancellation, task)
        future.add_done_callback(lambda done: self._done.put((number, done)))

    def _take(self, number: int, future: "Future[Outcome]", progress: Progress) -> None:
        _, _, task = self._running.pop(number)
        try:
            outcome = future.result()
        except Exception as error:  # whatever an executor says of a worker that died
            outcome = Outcome(WorkerLost(f"a worker failed on this item: {one_line(error, 160)}"))
            self._tries[number] = self._tries.get(number, 0) + 1
        if self.left is not None and outcome.charged is not None:  # else perhaps all of its share
            with exact():
                self.left += task.options["max_cost"] - outcome.charged
        result = outcome.result
        if isinstance(result, BudgetExceeded) and task.sharing > 1:  # a larger share may do
            self.at_once = min(self.at_once, task.sharing // 2)
            self._later.append((number, task))
        elif isinstance(result, WorkerLost) and self.setup and self._tries[number] < TRIES:
            self._later.append((number, task))
        else:
            self._results[number] = result
            progress.add(result)

    def _stop(self) -> None:
        """Cancel, and wait for the threads' calls to end; keep what was done by then."""
        for future, cancellation, _ in self._running.values():
            future.cancel()
            cancellation.cancel()
        for number, (future, _, _) in self._running.items():
            if future.cancelled() or (self.setup and not future.done()):
                continue
            with suppress(Exception):
                self._results[number] = future.result().result
