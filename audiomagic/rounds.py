"""Rounds: the requests of one turn, and the tools that are called between them."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .caller import Call, Caller
from .far.client import Route
from .hearing import Audience
from .money.account import Account
from .money.receipt import Receipt, together
from .notes import STOPPED
from .wire.answer import Answer, joined
from .wire.request import Message, Request
from .wire.tool import ToolCall

if TYPE_CHECKING:
    from .toolbox.result import ToolResult
    from .toolbox.tools import Toolbox

MOST = 8  # rounds; in the last one no tool is offered, so that an answer comes


@dataclass(frozen=True)
class Rounds:
    """The calls of one turn, and the tools' messages and results between them."""

    calls: tuple[Call, ...]
    between: tuple[Message, ...] = ()
    results: "tuple[ToolResult, ...]" = ()

    @property
    def answer(self) -> Answer:
        """What was said in all of them."""
        return joined([call.answer for call in self.calls])

    @property
    def receipt(self) -> Receipt:
        """What all of them took."""
        return together([call.receipt for call in self.calls])

    @property
    def error(self) -> BaseException | None:
        """What broke the last one off."""
        return self.calls[-1].error

    @property
    def undone(self) -> tuple[ToolCall, ...]:
        """The calls of tools that were wanted and not made, or not to their end."""
        wanted = (one for call in self.calls for one in call.answer.calls)
        return tuple(wanted)[len(self.results) :]

    def broken(self, error: BaseException) -> "Rounds":
        """Return what came before an error that gave no answer of its own. Raises it if nothing."""
        if not self.calls:
            raise error
        *before, last = self.calls
        finish = STOPPED if isinstance(error, KeyboardInterrupt) else None
        cut = replace(last, answer=replace(last.answer, finish=finish), error=error)
        return replace(self, calls=(*before, cut))


def run(
    caller: Caller,
    request: Request,
    route: Route,
    account: Account,
    toolbox: "Toolbox | None" = None,
    audience: Audience | None = None,
) -> Rounds:
    """Ask; while the model wants tools called, call them and ask again, `MOST` times in all.

    What fails in the first round before anything was answered is raised (see `Caller.call`); later,
    and where a tool is interrupted, it is the error of the last call.
    """
    done = Rounds(())
    try:
        for number in range(1, MOST + 1):
            last = "none" if toolbox and number == MOST else None
            messages = (*request.messages, *done.between)
            asked = replace(request, messages=messages, tool_choice=last)
            call = caller.call(asked, route, account, audience)
            done = replace(done, calls=(*done.calls, call))
            wanted = call.answer.calls
            ended = number == MOST or (audience and audience.line.cut)
            if call.error or not wanted or not toolbox or ended:
                break
            done = _called(done, call.answer, toolbox.call(wanted))
    except BaseException as error:
        return done.broken(error)
    return done


def _called(done: Rounds, answer: Answer, results: "tuple[ToolResult, ...]") -> Rounds:
    said = (answer.text,) if answer.text else ()
    between = (
        Message("assistant", said, calls=answer.calls),
        *(Message("tool", (result.text,), call_id=result.call.id) for result in results),
    )
    return replace(done, between=(*done.between, *between), results=(*done.results, *results))
