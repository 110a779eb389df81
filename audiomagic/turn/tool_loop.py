"""ToolLoop: the requests of one turn, and the tools that are called between them."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..costs.call_budget import CallBudget
from ..costs.receipt import Receipt, together
from ..protocol.request import Message, Request
from ..protocol.response import Completion, joined
from ..protocol.tool_calls import ToolCall
from ..transports.openai_client import Endpoint
from .client import Call, Client
from .listener import StreamListener
from .notes import STOPPED

if TYPE_CHECKING:
    from ..tools.result import ToolResult
    from ..tools.toolbox import Toolbox

MOST = 8  # rounds; in the last one no tool is offered, so that an answer comes


@dataclass(frozen=True)
class ToolLoop:
    """The calls of one turn, and the tools' messages and results between them."""

    calls: tuple[Call, ...]
    between: tuple[Message, ...] = ()
    results: "tuple[ToolResult, ...]" = ()

    @property
    def answer(self) -> Completion:
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
        wanted = (one for call in self.calls for one in call.answer.tool_calls)
        return tuple(wanted)[len(self.results) :]

    def broken(self, error: BaseException) -> "ToolLoop":
        """Return what came before an error that gave no answer of its own. Raises it if nothing."""
        if not self.calls:
            raise error
        *before, last = self.calls
        finish = STOPPED if isinstance(error, KeyboardInterrupt) else None
        cut = replace(last, answer=replace(last.answer, finish_reason=finish), error=error)
        return replace(self, calls=(*before, cut))


def run_tools(
    caller: Client,
    request: Request,
    route: Endpoint,
    account: CallBudget,
    toolbox: "Toolbox | None" = None,
    listener: StreamListener | None = None,
) -> ToolLoop:
    """Ask; while the model wants tools called, call them and ask again, `MOST` times in all.

    What fails in the first round before anything was answered is raised (see `Client.call`); later,
    and where a tool is interrupted, it is the error of the last call.
    """
    done = ToolLoop(())
    try:
        for number in range(1, MOST + 1):
            last = "none" if toolbox and number == MOST else None
            messages = (*request.messages, *done.between)
            asked = replace(request, messages=messages, tool_choice=last)
            call = caller.call(asked, route, account, listener)
            done = replace(done, calls=(*done.calls, call))
            wanted = call.answer.tool_calls
            ended = number == MOST or (listener and listener.cancellation.cancelled)
            if call.error or not wanted or not toolbox or ended:
                break
            done = _called(done, call.answer, toolbox.call(wanted))
    except BaseException as error:
        return done.broken(error)
    return done


def _called(done: ToolLoop, answer: Completion, results: "tuple[ToolResult, ...]") -> ToolLoop:
    said = (answer.text,) if answer.text else ()
    between = (
        Message("assistant", said, tool_calls=answer.tool_calls),
        *(Message("tool", (result.text,), tool_call_id=result.call.id) for result in results),
    )
    return replace(done, between=(*done.between, *between), results=(*done.results, *results))
