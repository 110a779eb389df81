"""The functions of a notebook that a model may call."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Thread
from typing import Any

from .. import suggestions
from ..errors import OptionError, one_line
from ..protocol.tool_calls import Tool, ToolCall
from .result import ToolResult
from .schema import Function, FunctionSchema

Functions = Function | Iterable[Function] | Mapping[str, Function]

PACE = 0.1  # seconds between two looks at whether Stop was pressed; Windows needs them


@dataclass(frozen=True)
class Toolbox:
    """The functions that a model may call, by name; no others can be called."""

    schemas: Mapping[str, FunctionSchema]

    @classmethod
    def of(cls, functions: Functions) -> "Toolbox":
        """Read functions under their own names, or a mapping's. Raises OptionError."""
        named = functions if isinstance(functions, Mapping) else _named(functions)
        return cls({name: FunctionSchema(name, named[name]) for name in named})

    @property
    def tools(self) -> tuple[Tool, ...]:
        return tuple(schema.tool for schema in self.schemas.values())

    def call(self, calls: Sequence[ToolCall]) -> tuple[ToolResult, ...]:
        """Make the calls that a model wants; return the results in its order.

        Plain functions run one after the other in the calling thread, as a cell's code would;
        `async` ones then run together. What goes wrong is a result too, for the model to read;
        only what is not an Exception, such as KeyboardInterrupt, is raised.
        """
        results = [self._call(call) for call in calls]
        waiting = {i: one for i, one in enumerate(results) if not isinstance(one, ToolResult)}
        finished = _together([_awaited(calls[i], one) for i, one in waiting.items()])
        found = dict(enumerate(results)) | dict(zip(waiting, finished, strict=True))
        if broken := [one for one in finished if isinstance(one, BaseException)]:
            raise broken[0]
        return tuple(one for one in found.values() if isinstance(one, ToolResult))

    def _call(self, call: ToolCall) -> ToolResult | Awaitable[Any]:
        start = time.perf_counter()
        try:
            if call.name not in self.schemas:
                raise OptionError(suggestions.unknown("tool", call.name, self.schemas))
            schema = self.schemas[call.name]
            by_position, named = schema.bind(call.arguments)
            value = schema.function(*by_position, **named)
        except Exception as error:
            return ToolResult.failed(call, error, time.perf_counter() - start)
        if inspect.isawaitable(value):
            return value
        return ToolResult.of(call, value, time.perf_counter() - start)


def _named(functions: Function | Iterable[Function]) -> dict[str, Function]:
    named: dict[str, Function] = {}
    if isinstance(functions, str) or not isinstance(functions, Iterable):
        functions = (functions,)
    for function in functions:
        if not callable(function):
            wrong = f"'{one_line(function, 60)}' is not a function"
            raise OptionError(f"{wrong}; give the functions themselves: [f, g]")
        inner = getattr(function, "func", function)  # a partial has no name of its own
        name = getattr(inner, "__name__", "")
        if name in ("", "<lambda>"):
            raise OptionError("a tool has no name; give it one: tools={'name': function}")
        if name in named:
            raise OptionError(f"two tools are named '{name}'; give one another name")
        named[name] = function
    return named


async def _awaited(call: ToolCall, awaitable: Awaitable[Any]) -> ToolResult | BaseException:
    start = time.perf_counter()
    try:
        value = await awaitable
    except asyncio.CancelledError:  # by itself: after a pressed Stop nobody reads this
        return ToolResult.failed(call, RuntimeError("cancelled"), time.perf_counter() - start)
    except Exception as error:
        return ToolResult.failed(call, error, time.perf_counter() - start)
    except BaseException as error:  # raised in here, a KeyboardInterrupt would end the loop
        return error
    return ToolResult.of(call, value, time.perf_counter() - start)


def _together(
    waiting: Sequence[Awaitable[ToolResult | BaseException]],
) -> list[ToolResult | BaseException]:
    """Await all on an event loop of their own, in a thread: this one may be inside a loop."""
    if not waiting:
        return []
    results: list[ToolResult | BaseException] = []
    runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
    loop = runner.get_loop()

    async def gather() -> None:
        results.extend(await asyncio.gather(*waiting))

    def work() -> None:
        with runner, suppress(asyncio.CancelledError):
            runner.run(gather())

    thread = Thread(target=work, daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            thread.join(PACE)
    except BaseException:  # Stop was pressed
        with suppress(RuntimeError):  # it had ended by itself
            loop.call_soon_threadsafe(lambda: [task.cancel() for task in asyncio.all_tasks(loop)])
        raise
    return results
