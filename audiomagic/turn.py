"""Turn: one question, put with all that belongs to it, and the reply."""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from . import reading, rounds, secret
from .caller import Caller
from .conversation import Conversation, Exchange, History, Origin, Speaker
from .errors import AudiomagicError, Interrupted, OptionError, RequestRefused
from .faces.forecast import Forecast
from .far.client import Route
from .far.faults import FORGOTTEN
from .hearing import Audience
from .money.account import Account
from .notes import STOPPED, notes_on
from .options import Settings
from .reply import Reply
from .rounds import Rounds
from .wire.request import VERBATIM, Message, Request, system

if TYPE_CHECKING:
    from .toolbox.tools import Toolbox

UNANSWERED = "The model went on calling tools instead of answering; no more were called."
UNDONE = "Stopped before these were done: {}."
KNOWN = "The cassette had an answer to this already; %audiomagic replay gives it at no cost."


@dataclass(frozen=True)
class Turn:
    """What is asked, of whom, and how it is to be answered; without a `voice`, in text."""

    question: Message
    route: Route
    model: str
    voice: str | None
    system: str = ""
    style: str = ""
    task: str = ""  # VERBATIM, TRANSCRIPT, or none: to answer
    max_tokens: int | None = None
    toolbox: "Toolbox | None" = None
    chat: Conversation | None = None  # that it belongs to, if any
    origin: Origin | None = None
    account: Account = field(default_factory=Account)
    notes: tuple[str, ...] = ()  # that its reader should know already

    @classmethod
    def of(
        cls,
        question: Message,
        route: Route,
        voice: str | None,
        settings: Settings,
        chat: Conversation | None = None,
        origin: Origin | None = None,
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

    def run(self, caller: Caller, audience: Audience | None = None) -> Reply:
        """Ask, and give the reply.

        Raises AudiomagicError or Interrupted; what was answered by then is the error's `reply`.
        """
        speaker = Speaker(self.route.host, self.model)
        history = self._history(speaker)
        try:
            done = self._ask(caller, history, audience)
        except RequestRefused as refused:
            if refused.code != FORGOTTEN or not any(m.audio_id for m in history.messages):
                raise
            history = self._history(None)  # its sound is gone before its time
            done = self._ask(caller, history, audience)
        reply = self._reply(done, history.notes)
        if self.chat and (done.error is None or (reply.finish == STOPPED and reply.text)):
            reply = reply.noted(*self.chat.add(self._exchange(done, reply, speaker)))
        if done.error:
            raise _keeping(reply, done.error)
        return reply

    def forecast(self, caller: Caller) -> Forecast:
        """Say what would be sent, and what it would take, without sending anything."""
        request = self._request(self._history(Speaker(self.route.host, self.model)))
        requests = reading.requests(request) if self.task == VERBATIM else [request]
        return Forecast(
            tuple((one, caller.estimate(one, self.route, self.account)) for one in requests)
        )

    def _ask(self, caller: Caller, history: History, audience: Audience | None) -> Rounds:
        request = self._request(history)
        if self.task == VERBATIM:
            return reading.read(caller, request, self.route, self.account, audience)
        return rounds.run(caller, request, self.route, self.account, self.toolbox, audience)

    def _history(self, speaker: Speaker | None) -> History:
        earlier = self.chat.before(self.origin) if self.chat else ()
        return History.of(earlier, speaker, self.route.engine == "local" and not self.route.brain)

    def _request(self, history: History) -> Request:
        head = system(self.system, self.style, self.task)
        request = Request(
            self.model,
            (*head, *history.messages, self.question),
            self.voice,
            max_tokens=self.max_tokens,
            tools=self.toolbox.tools if self.toolbox else (),
        )
        if any(map(secret.held, request.texts)):  # cards, cassettes and chats would show it
            raise OptionError("the text holds an API key, and was not sent; take it out")
        return request

    def _reply(self, done: Rounds, notes: tuple[str, ...]) -> Reply:
        request, answer = done.calls[0].request, done.answer
        about = notes_on(request, self.route, answer, self.style, done.receipt.request_id)
        if done.error is None and done.calls[-1].answer.calls:
            notes = (*notes, UNANSWERED)
        elif done.undone:
            from .toolbox.result import called

            notes = (*notes, UNDONE.format(", ".join(map(called, done.undone))))
        known = (KNOWN,) if all(call.known for call in done.calls) else ()
        notes = (*about, *self.notes, *notes, *known)
        reply = Reply.of(request, answer, done.receipt, notes, done.results)
        whole = done.error is None and answer.finish == "stop"
        if self.task != VERBATIM or not whole:  # what was not read yet was not read wrong
            return reply
        from .speech.diction import compare  # 55 ms, for those who use it

        return replace(reply, diction=compare(self.question.text, reply.text))

    def _exchange(self, done: Rounds, reply: Reply, speaker: Speaker) -> Exchange:
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
