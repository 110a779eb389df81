"""Turn: one question, put with all that belongs to it, and the reply."""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from .. import redaction
from ..costs.call_budget import CallBudget
from ..errors import AudiomagicError, Interrupted, OptionError, RequestRejected
from ..protocol.request import VERBATIM, Message, Request, system
from ..render.dry_run import DryRun
from ..transports.error_messages import FORGOTTEN
from ..transports.openai_client import Endpoint
from . import read_aloud, tool_loop
from .client import Client
from .conversation import CellRun, Conversation, Exchange, History, Speaker
from .listener import StreamListener
from .notes import STOPPED, notes_on
from .options import Settings
from .reply import Reply
from .tool_loop import ToolLoop

if TYPE_CHECKING:
    from ..tools.toolbox import Toolbox

UNANSWERED = "The model went on calling tools instead of answering; no more were called."
UNDONE = "Stopped before these were done: {}."
KNOWN = "The cassette had an answer to this already; %audiomagic replay gives it at no cost."


@dataclass(frozen=True)
class Turn:
    """What is asked, of whom, and how it is to be answered; without a `voice`, in text."""

    question: Message
    endpoint: Endpoint
    model: str
    voice: str | None
    system: str = ""
    style: str = ""
    task: str = ""  # VERBATIM, TRANSCRIPT, or none: to answer
    max_tokens: int | None = None
    toolbox: "Toolbox | None" = None
    chat: Conversation | None = None  # that it belongs to, if any
    origin: CellRun | None = None
    account: CallBudget = field(default_factory=CallBudget)
    notes: tuple[str, ...] = ()  # that its reader should know already

    @classmethod
    def of(
        cls,
        question: Message,
        route: Endpoint,
        voice: str | None,
        settings: Settings,
        chat: Conversation | None = None,
        origin: CellRun | None = None,
        among: int = 1,
    ) -> "Turn":
        """Take the rest from settings. Raises OptionError for tools, amounts, prices."""
        return cls(
            question,
            route,
            settings["model"],
            voice,
            system=settings["system"] or "",
            style=settings["style"] or "",
            max_tokens=settings["max_tokens"],
            toolbox=settings.toolbox,
            chat=chat,
            origin=origin,
            account=settings.account(origin.cell if origin else "", among),
        )

    def run(self, caller: Client, listener: StreamListener | None = None) -> Reply:
        """Ask, and give the reply.

        Raises AudiomagicError or Interrupted; what was answered by then is the error's `reply`.
        """
        speaker = Speaker(self.endpoint.host, self.model)
        history = self._history(speaker)
        try:
            done = self._ask(caller, history, listener)
        except RequestRejected as refused:
            if refused.code != FORGOTTEN or not any(m.audio_id for m in history.messages):
                raise
            history = self._history(None)  # its sound is gone before its time
            done = self._ask(caller, history, listener)
        reply = self._reply(done, history.notes)
        if self.chat and (done.error is None or (reply.finish_reason == STOPPED and reply.text)):
            reply = reply.noted(*self.chat.add(self._exchange(done, reply, speaker)))
        if done.error:
            raise _keeping(reply, done.error)
        return reply

    def dry_run(self, caller: Client) -> DryRun:
        """Say what would be sent, and what it would take, without sending anything."""
        request = self._request(self._history(Speaker(self.endpoint.host, self.model)))
        requests = read_aloud.requests(request) if self.task == VERBATIM else [request]
        return DryRun(
            tuple((one, caller.estimate(one, self.endpoint, self.account)) for one in requests)
        )

    def _ask(self, caller: Client, history: History, listener: StreamListener | None) -> ToolLoop:
        request = self._request(history)
        if self.task == VERBATIM:
            return read_aloud.read_aloud(caller, request, self.endpoint, self.account, listener)
        return tool_loop.run_tools(
            caller, request, self.endpoint, self.account, self.toolbox, listener
        )

    def _history(self, speaker: Speaker | None) -> History:
        earlier = self.chat.before(self.origin) if self.chat else ()
        return History.of(
            earlier, speaker, self.endpoint.engine == "local" and not self.endpoint.llm
        )

    def _request(self, history: History) -> Request:
        head = system(self.system, self.style, self.task)
        request = Request(
            self.model,
            (*head, *history.messages, self.question),
            self.voice,
            max_tokens=self.max_tokens,
            tools=self.toolbox.tools if self.toolbox else (),
        )
        if any(map(redaction.held, request.texts)):  # cards, cassettes and chats would show it
            raise OptionError("the text holds an API key, and was not sent; take it out")
        return request

    def _reply(self, done: ToolLoop, notes: tuple[str, ...]) -> Reply:
        request, answer = done.calls[0].request, done.answer
        about = notes_on(request, self.endpoint, answer, self.style, done.receipt.request_id)
        if done.error is None and done.calls[-1].answer.tool_calls:
            notes = (*notes, UNANSWERED)
        elif done.undone:
            from ..tools.result import called

            notes = (*notes, UNDONE.format(", ".join(map(called, done.undone))))
        known = (KNOWN,) if all(call.known for call in done.calls) else ()
        notes = (*about, *self.notes, *notes, *known)
        reply = Reply.of(request, answer, done.receipt, notes, done.results)
        whole = done.error is None and answer.finish_reason == "stop"
        if self.task != VERBATIM or not whole:  # what was not read yet was not read wrong
            return reply
        from ..speech.transcript_diff import compare  # 55 ms, for those who use it

        return replace(reply, transcript_diff=compare(self.question.text, reply.text))

    def _exchange(self, done: ToolLoop, reply: Reply, speaker: Speaker) -> Exchange:
        return Exchange(
            question=self.question,
            answer=reply.text,
            speaker=speaker,
            between=done.between,
            sound=reply.sound,
            audio_id=reply.audio_id,
            expires_at=reply.expires_at,
            origin=self.origin,
            receipt=reply.receipt,
        )


def _keeping(reply: Reply, error: BaseException) -> BaseException:
    """Give what broke an answer off, with the part that came."""
    if isinstance(error, KeyboardInterrupt):
        return Interrupted("what came is kept", reply)
    if isinstance(error, AudiomagicError):
        error.reply = reply
    return error
