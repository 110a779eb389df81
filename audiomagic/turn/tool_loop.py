"""The tool loop: the requests of one turn, and the tools that are called between them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..costs.receipt import Receipt, together
from ..errors import BudgetExceeded, RequestRejected
from ..protocol.request import Message, Request
from ..protocol.response import Completion, joined
from ..protocol.tool_calls import ToolCall
from .client import Call, Client
from .reply import STOPPED

if TYPE_CHECKING:
    from ..tools.result import ToolResult
    from ..tools.toolbox import Toolbox

MAX_ROUNDS = 8  # in the last one no tool is offered, so that an answer comes


@dataclass(frozen=True)
class Rounds:
    """The calls of one turn, and the tools' messages and results between them."""

    calls: tuple[Call, ...] = ()
    between: tuple[Message, ...] = ()
    results: "tuple[ToolResult, ...]" = ()

    @property
    def completion(self) -> Completion:
        return joined([call.completion for call in self.calls])

    @property
    def receipt(self) -> Receipt:
        return together([call.receipt for call in self.calls])

    @property
    def error(self) -> BaseException | None:
        """What broke the last one off."""
        return self.calls[-1].error

    @property
    def undone(self) -> tuple[ToolCall, ...]:
        """The tool calls that were requested and not made, or not completed."""
        requested = (one for call in self.calls for one in call.completion.tool_calls)
        return tuple(requested)[len(self.results) :]

    def broken(self, error: BaseException) -> "Rounds":
        """Return what came before an error without an answer of its own. Raises it if nothing."""
        if not self.calls:
            raise error
        *before, last = self.calls
        finish = STOPPED if isinstance(error, KeyboardInterrupt) else None
        cut = replace(last.completion, finish_reason=finish)
        return replace(self, calls=(*before, replace(last, completion=cut, error=error)))

    def called(self, results: "Sequence[ToolResult]") -> "Rounds":
        """Return them with what came of the tools that the last completion called."""
        completion = self.calls[-1].completion
        text = (completion.text,) if completion.text else ()
        between = (
            Message("assistant", text, tool_calls=completion.tool_calls),
            *(Message("tool", (result.text,), tool_call_id=result.call.id) for result in results),
        )
        return replace(self, between=(*self.between, *between), results=(*self.results, *results))


@contextmanager
def in_words(request: Request, rejected: RequestRejected) -> Iterator[Request]:
    """Give a request that was refused, with words in place of earlier answers' audio ids.

    It is reserved by itself. Raises the refusal where it would not help, or is no longer allowed
    because the refused one may be billed.
    """
    if not (rejected.faulty and request.has_audio_ids):
        raise rejected
    try:
        yield request.in_words()
    except BudgetExceeded:
        if rejected.may_be_billed:
            raise rejected from None
        raise


def run_tools(client: Client, request: Request, toolbox: "Toolbox | None") -> Rounds:
    """Make a request; while the model calls tools, call them and ask again, MAX_ROUNDS times.

    What fails in the first round before anything was answered is raised (see `Client.complete`);
    later, and where a tool is interrupted, it is the error of the last call.
    """
    rounds, messages = Rounds(), request.messages
    try:
        for number in range(1, MAX_ROUNDS + 1):
            is_last = number == MAX_ROUNDS
            choice = "none" if toolbox and is_last else None
            asked = replace(request, messages=messages, tool_choice=choice)
            try:
                call = client.complete(asked)
            except RequestRejected as rejected:
                with in_words(asked, rejected) as repeated:
                    call = client.complete(repeated)
            rounds = replace(rounds, calls=(*rounds.calls, call))
            requested = call.completion.tool_calls
            ended = is_last or client.listener.cancellation.cancelled
            if call.error or not requested or not toolbox or ended:
                break
            rounds = rounds.called(toolbox.call(requested))
            messages = (*call.request.messages, *rounds.between[-1 - len(requested) :])
    except BaseException as error:
        return rounds.broken(error)
    return rounds
