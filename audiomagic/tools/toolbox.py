"""Toolbox: the functions of a notebook that a model may call."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from threading import Thread
from typing import Any

from .. import suggestions, template
from ..errors import OptionError, one_line
from ..protocol.tool_calls import Tool, ToolCall
from .result import ToolResult
from .schema import Function, FunctionSchema

Functions = Function | Iterable[Function] | Mapping[str, Function]

PACE = 0.1  # seconds between two looks at whether Stop was pressed; Windows needs them


@dataclass(frozen=True)
class Outcome:
    """What a function came to: a value, perhaps to be awaited, or what it raised."""

    value: Any
    error: BaseException | None
    seconds: float


@dataclass(frozen=True)
class Toolbox:
    """Functions, and what a model is told of them; only these can be called."""

    functions: Mapping[str, Function]
    signatures: Mapping[str, FunctionSchema]

    @classmethod
    def of(cls, functions: Functions) -> "Toolbox":
        """Read functions under their own names, or under those that a mapping gives them.

        Raises OptionError for two of one name, and for what a model cannot be told of.
        """
        named = functions if isinstance(functions, Mapping) else _named(functions)
        return cls(named, {name: FunctionSchema(name, named[name]) for name in named})

    @property
    def tools(self) -> tuple[Tool, ...]:
        """The functions as a model is told of them."""
        return tuple(signature.tool for signature in self.signatures.values())

    def call(self, calls: Sequence[ToolCall]) -> tuple[ToolResult, ...]:
        """Call what a model wants called; return the results in its order.

        Plain functions run one after the other in the calling thread, as a cell's code would;
        `async` ones then run together. What goes wrong is a result too, for the model to read;
        only what is no Exception, such as KeyboardInterrupt, is raised.
        """
        outcomes = [_run(partial(self._begin, call)) for call in calls]
        waiting = [i for i, outcome in enumerate(outcomes) if inspect.isawaitable(outcome.value)]
        together = _together([outcomes[i].value for i in waiting])
        for i, outcome in zip(waiting, together, strict=True):
            outcomes[i] = outcome
        return tuple(map(_result, calls, outcomes))

    def _begin(self, call: ToolCall) -> Any:
        if call.name not in self.functions:
            raise OptionError(suggestions.unknown("tool", call.name, self.functions))
        by_position, named = self.signatures[call.name].bind(call.arguments)
        return self.functions[call.name](*by_position, **named)


def functions_named(names: str, variables: Mapping[str, object]) -> dict[str, Function]:
    """Return the functions that `names` (`f,g`) are in a notebook.

    Raises OptionError for a name that is none, with the nearest, and for what cannot be called.
    """
    functions: dict[str, Function] = {}
    for name in filter(None, map(str.strip, names.split(","))):
        found = template.variable(name, variables)
        if not callable(found):
            raise OptionError(
                f"'{name}' cannot be called: it is of type {type(found).__name__}; "
                "name functions of the notebook"
            )
        functions[name] = found
    if not functions:
        raise OptionError("no tool is named; give functions of the notebook: --tools f,g")
    return functions


def _named(functions: Function | Iterable[Function]) -> dict[str, Function]:
    named: dict[str, Function] = {}
    if isinstance(functions, str) or not isinstance(functions, Iterable):
        functions = (functions,)
    for function in functions:
        if not callable(function):
            raise OptionError(
                f"'{one_line(function, 60)}' is no function; give the functions themselves: [f, g]"
            )
        inner = getattr(function, "func", function)  # a partial has no name of its own
        name = getattr(inner, "__name__", "")
        if name in ("", "<lambda>"):
            raise OptionError("a tool has no name; give it one: tools={'name': function}")
        if name in named:
            raise OptionError(f"two tools are named '{name}'; give one another name")
        named[name] = function
    return named


def _run(function: Callable[[], Any]) -> Outcome:
    start = time.perf_counter()
    try:
        value, error = function(), None
    except Exception as raised:
        value, error = None, raised
    return Outcome(value, error, time.perf_counter() - start)


def _together(waiting: Sequence[Awaitable[Any]]) -> list[Outcome]:
    """Await all on an event loop of their own, in a thread: this one may be inside a loop."""
    if not waiting:
        return []
    outcomes: list[Outcome] = []
    runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
    loop = runner.get_loop()

    def work() -> None:
        with runner, suppress(asyncio.CancelledError):
            outcomes.extend(runner.run(_gathered(waiting)))

    thread = Thread(target=work, daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            thread.join(PACE)
    except BaseException:  # Stop was pressed
        with suppress(RuntimeError):  # it had ended by itself
            loop.call_soon_threadsafe(_cancel, loop)
        raise
    return outcomes


async def _gathered(waiting: Sequence[Awaitable[Any]]) -> list[Outcome]:
    return await asyncio.gather(*map(_awaited, waiting))


async def _awaited(awaitable: Awaitable[Any]) -> Outcome:
    start = time.perf_counter()
    value: Any = None
    error: BaseException | None = None
    try:
        value = await awaitable
    except asyncio.CancelledError:  # by itself: after a pressed Stop nobody reads this
        error = RuntimeError("cancelled")
    except BaseException as raised:  # what is no Exception would end the loop; _result raises it
        error = raised
    return Outcome(value, error, time.perf_counter() - start)


def _cancel(loop: asyncio.AbstractEventLoop) -> None:
    for task in asyncio.all_tasks(loop):
        task.cancel()


def _result(call: ToolCall, outcome: Outcome) -> ToolResult:
    if outcome.error is None:
        return ToolResult.of(call, outcome.value, outcome.seconds)
    if isinstance(outcome.error, Exception):
        return ToolResult.failed(call, outcome.error, outcome.seconds)
    raise outcome.error
