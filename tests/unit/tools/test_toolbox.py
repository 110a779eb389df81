"""A toolbox: its functions called as a model wants, one after the other or together."""

import asyncio
import json
import signal
import threading
from functools import partial
from typing import Any

import pytest

from audiomagic.errors import OptionError
from audiomagic.protocol.tool_calls import ToolCall
from audiomagic.tools.result import ToolResult
from audiomagic.tools.toolbox import Toolbox


def wanted(name: str, /, **arguments: Any) -> ToolCall:
    return ToolCall(f"call_{name}", name, json.dumps(arguments))


def run(function: Any, /, **arguments: Any) -> ToolResult:
    """The result of one call of one function."""
    (result,) = Toolbox.of({"f": function}).call((wanted("f", **arguments),))
    return result


def weather(city: str, days: int = 1) -> str:
    """Say the weather."""
    if city != "Köln":
        raise ValueError("no such city")
    return f"{12 * days} °C"


async def slow(seconds: float) -> float:
    """Take your time."""
    await asyncio.sleep(seconds)
    return seconds


def test_the_functions_named_and_no_others() -> None:
    box = Toolbox.of([weather, slow])
    assert [tool.name for tool in box.tools] == ["weather", "slow"]
    assert box.tools[0].description == "Say the weather."
    calls = (wanted("weather", city="Köln"), wanted("wether"), wanted("open", file="/etc/passwd"))
    known, close, unknown = box.call(calls)
    assert (known.text, known.value, known.error) == ("12 °C", "12 °C", None)
    assert known.call is calls[0] and known.seconds >= 0
    assert close.text == "no tool 'wether'; did you mean 'weather'?"
    assert unknown.text == "no tool 'open'; choose weather or slow"
    assert isinstance(unknown.error, OptionError)
    assert box.call(()) == ()


def test_functions_go_by_their_own_name_or_a_given_one() -> None:
    assert [tool.name for tool in Toolbox.of(weather).tools] == ["weather"]
    assert [tool.name for tool in Toolbox.of([partial(weather, days=2)]).tools] == ["weather"]
    named = Toolbox.of({"double": lambda n: 2 * n, "again": weather})
    assert [tool.name for tool in named.tools] == ["double", "again"]
    assert named.call([wanted("double", n=4)])[0].value == 8
    with pytest.raises(OptionError, match="two tools are named 'weather'; give one"):
        Toolbox.of([weather, partial(weather, days=2)])
    for nameless in (lambda: 1, type("Thing", (), {"__call__": lambda self: 1})()):
        with pytest.raises(OptionError, match=r"no name; give it one: tools=\{'name': function\}"):
            Toolbox.of([nameless])
    with pytest.raises(OptionError, match="'f' is not a function"):
        Toolbox.of({"f": 3})  # type: ignore[dict-item]
    for wrong in ("weather", ["weather"], 3, [weather, None]):
        with pytest.raises(OptionError, match="is not a function; give the functions themselves"):
            Toolbox.of(wrong)  # type: ignore[arg-type]


def test_wrong_arguments_never_reach_the_function() -> None:
    reached: list[int] = []

    def note(n: int) -> None:
        reached.append(n)

    result = run(note, n="3")
    assert result.text == "f was not called: n: Input should be a valid integer"
    assert reached == [] and isinstance(result.error, OptionError)
    assert run(note, n=3).text == "null" and reached == [3]


def test_an_exception_goes_to_the_model_and_is_kept() -> None:
    result = run(weather, city="Atlantis")
    assert result.text == "ValueError: no such city" and result.value is None
    frame = result.error.__traceback__  # type: ignore[union-attr]
    while frame and frame.tb_next:
        frame = frame.tb_next
    assert frame and frame.tb_frame.f_code.co_name == "weather"


def test_an_exception_that_cannot_be_told_is_told_somehow() -> None:
    class Rude(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    def rude() -> None:
        raise Rude

    def long() -> None:
        raise KeyError("x\n" * 10_000)

    assert "Rude: <exception str() failed>" in run(rude).text
    assert len(run(long).text) <= 1_000 and "\n" not in run(long).text


@pytest.mark.parametrize("raised", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_passes_through(raised: type[BaseException]) -> None:
    def plain() -> None:
        raise raised

    async def later() -> None:
        raise raised

    for function in (plain, later):
        with pytest.raises(raised):
            run(function)


def test_plain_functions_run_in_order_in_the_calling_thread() -> None:
    seen: list[tuple[int, threading.Thread]] = []

    def plain(n: int) -> int:
        seen.append((n, threading.current_thread()))
        return n

    results = Toolbox.of(plain).call([wanted("plain", n=n) for n in range(5)])
    assert [result.value for result in results] == list(range(5))
    assert seen == [(n, threading.current_thread()) for n in range(5)]


def test_async_functions_run_together_and_answer_in_order() -> None:
    met = asyncio.Barrier(3)

    async def meet(n: int) -> int:
        await asyncio.wait_for(met.wait(), 20)  # for the others, who must be there too
        return n

    calls = [wanted("meet", n=n) for n in range(3)]
    calls.insert(1, wanted("weather", city="Köln"))
    calls.append(wanted("meet", n="many"))
    results = Toolbox.of([weather, meet]).call(calls)
    assert [result.value for result in results] == [0, "12 °C", 1, 2, None]


def test_async_functions_run_where_a_loop_is_running_already() -> None:
    async def cell() -> ToolResult:
        return run(slow, seconds=0.01)

    assert asyncio.run(cell()).value == 0.01


def test_whatever_is_awaitable_is_awaited() -> None:
    class Station:
        async def __call__(self, city: str) -> str:
            return city

    assert run(Station(), city="Köln").value == "Köln"
    assert run(lambda: slow(0.01)).value == 0.01


def test_an_async_failure_takes_no_other_with_it() -> None:
    async def fail() -> None:
        raise ValueError("no")

    async def give_up() -> None:
        raise asyncio.CancelledError

    async def hurry() -> None:
        await asyncio.wait_for(asyncio.sleep(9), 0.01)

    box = Toolbox.of([fail, give_up, hurry, slow])
    calls = [wanted(name) for name in ("fail", "give_up", "hurry")]
    results = box.call([*calls, wanted("slow", seconds=0.05)])
    assert [r.text for r in results] == [
        "ValueError: no", "RuntimeError: cancelled", "TimeoutError", "0.05",
    ]  # fmt: skip


def test_what_an_async_function_left_running_is_ended() -> None:
    ended = threading.Event()

    async def background() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    kept: list[asyncio.Task[None]] = []

    async def start() -> str:
        kept.append(asyncio.create_task(background()))
        await asyncio.sleep(0)
        return "started"

    assert run(start).value == "started"
    assert ended.is_set()


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a signal at a time")
def test_stop_ends_async_functions() -> None:
    ended = threading.Event()

    async def forever() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with pytest.raises(KeyboardInterrupt):
            run(forever)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert ended.wait(5)
