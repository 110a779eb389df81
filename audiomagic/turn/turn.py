"""Turn: one question, put with all that belongs to it, and the reply."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .. import redaction
from ..costs.budget import Cap
from ..costs.estimate import Estimate
from ..costs.pricing import exact
from ..costs.receipt import together
from ..errors import (
    AudiomagicError,
    BudgetExceeded,
    Interrupted,
    LedgerError,
    OptionError,
)  # fmt: skip
from ..protocol.request import TRANSCRIPT, VERBATIM, Message, Request, system
from ..protocol.response import Completion
from ..render.dry_run import DryRun
from ..sound import Sound
from ..transports.model_list import audio_models
from .client import Client
from .conversation import IN_WORDS, CellRun, Conversation, Exchange, History, Speaker
from .read_aloud import read_aloud, requests
from .reply import STOPPED, Reply
from .tool_loop import Rounds, run_tools

if TYPE_CHECKING:
    from ..tools.toolbox import Toolbox

UNANSWERED = "The model kept calling tools instead of answering; no more were called."
UNDONE = "Stopped before these were done: {}."
RECORDED = "The cassette already had an answer to this; %audiomagic replay gives it at no cost."


@dataclass(frozen=True)
class Turn:
    """What is asked, and how it is to be answered; without a `voice`, in text."""

    question: Message
    model: str
    voice: str | None
    system: str = ""
    style: str = ""
    task: str = ""  # VERBATIM, TRANSCRIPT, or "": to answer
    max_tokens: int | None = None
    toolbox: "Toolbox | None" = None
    chat: Conversation | None = None  # that it belongs to, if any
    cell: CellRun | None = None
    notes: tuple[str, ...] = ()  # that its reader should know already
    talk: str = ""  # the id of the live conversation that it is part of, if any
    keeps_unanswered: bool = False  # whether the chat keeps a question whose answer was stopped

    def run(self, client: Client) -> Reply:
        """Ask, and return the reply.

        Raises AudiomagicError or Interrupted; what was answered by then is the error's `reply`.
        """
        provider = client.transport.provider
        speaker = Speaker(provider.host, self.model)
        history = self._history(client, speaker)
        client, request = replace(client, spoken=history.spoken), self._request(history)
        if self.task == VERBATIM:
            rounds = read_aloud(client, request)
        else:
            rounds = run_tools(client, request, self.toolbox)
        notes = history.notes
        if self.chat and request.has_audio_ids and not rounds.calls[-1].request.has_audio_ids:
            self.chat.forget_sound()
            notes = (*notes, IN_WORDS.format(f"{provider.host} does not have their sound"))
        reply = self._reply(client, rounds, notes)
        stopped = reply.finish_reason == STOPPED and (reply.text or self.keeps_unanswered)
        if self.chat and (rounds.error is None or stopped):
            exchange = Exchange(
                self.question, reply.text, speaker, rounds.between, reply.sound, reply.audio_id,
                reply.expires_at, self.cell, reply.receipt, notes=reply.notes, talk=self.talk,
            )  # fmt: skip
            reply = reply.noted(*self.chat.add(exchange))
        if rounds.error:
            if isinstance(rounds.error, KeyboardInterrupt):
                raise Interrupted("what had arrived is kept", reply)
            if isinstance(rounds.error, AudiomagicError):
                rounds.error.reply = reply
            raise rounds.error
        return reply

    def request(self, client: Client) -> Request:
        """Return what would be sent."""
        host = client.transport.provider.host
        return self._request(self._history(client, Speaker(host, self.model)))

    def dry_run(self, client: Client) -> DryRun:
        """Return what would be sent, and what it would take, without sending anything."""
        host = client.transport.provider.host
        history = self._history(client, Speaker(host, self.model))
        client, request = replace(client, spoken=history.spoken), self._request(history)
        asked = requests(request) if self.task == VERBATIM else [request]
        parts = tuple((part, client.estimate(part)) for part in asked)
        return DryRun(host, parts, tuple(_verdict(client, estimate) for _, estimate in parts))

    def _history(self, client: Client, speaker: Speaker) -> History:
        earlier = self.chat.before(self.cell) if self.chat else ()
        provider = client.transport.provider
        return History.of(earlier, speaker, provider.max_context, provider.text_history)

    def _request(self, history: History) -> Request:
        head = system(self.system, self.style, self.task)
        request = Request(
            self.model,
            (*head, *history.messages, self.question),
            self.voice,
            max_tokens=self.max_tokens,
            tools=self.toolbox.tools if self.toolbox else (),
        )
        if any(map(redaction.has_key, request.texts)):  # cards, cassettes and chats would show it
            raise OptionError("the text contains an API key, and was not sent; take it out")
        return request

    def _reply(self, client: Client, rounds: Rounds, notes: tuple[str, ...]) -> Reply:
        request, completion = rounds.calls[0].request, rounds.completion
        about = _notes_on(request, completion, rounds.receipt.request_id)
        about += [*client.transport.notes(self.model), *completion.notes]
        if rounds.error is None and rounds.calls[-1].completion.tool_calls:
            notes = (*notes, UNANSWERED)
        elif rounds.undone:
            from ..tools.result import called

            notes = (*notes, UNDONE.format(", ".join(map(called, rounds.undone))))
        recorded = (RECORDED,) if all(call.already_recorded for call in rounds.calls) else ()
        notes = (*about, *self.notes, *notes, *recorded)
        sound = Sound.from_pcm16(completion.pcm) if completion.pcm else None
        reply = Reply(
            completion.text, sound, rounds.receipt, request, completion.finish_reason, notes,
            completion.marks, completion.audio_id, completion.expires_at, rounds.results,
        )  # fmt: skip
        whole = rounds.error is None and completion.finish_reason == "stop"
        if self.task != VERBATIM or not whole:  # what was not read yet was not read wrong
            return reply
        from ..speech.transcript_diff import compare  # 55 ms, for those who use it

        return replace(reply, transcript_diff=compare(self.question.text, reply.text))


def _notes_on(request: Request, completion: Completion, request_id: str | None = None) -> list[str]:
    """Return what the reader should know; of a broken reply, the request id to report it by."""
    notes, finish = [], completion.finish_reason
    if finish is None:
        named = f" (request {request_id})" if request_id else ""
        notes.append(f"Cut off: the server stopped before the end of the answer{named}.")
    if finish == STOPPED:
        notes.append("Stopped here: nothing more was requested.")
    if finish == "length":
        notes.append(
            "Cut off: the cap on output tokens was reached (--max-tokens, or what a budget leaves)."
        )
    if finish == "content_filter":
        notes.append("Cut off by the service's content filter; rephrase it.")
    if completion.refused:
        notes.append("The model declined to answer; rephrase it.")
    elif completion.empty and finish in ("stop", "tool_calls"):
        notes.append("The model returned an empty answer; run it again.")
    elif request.voice and completion.text and not completion.pcm and finish in ("stop", "length"):
        speaks = audio_models([completion.model or request.model])
        step = "run it again" if finish == "stop" else "allow it more tokens"
        step = step if speaks else "name one that speaks with --model"
        notes.append(f"The model answered in text, although sound was requested; {step}.")
    elif completion.pcm and not completion.pcm.strip(b"\0") and finish in ("stop", "length"):
        step = "run it again, or name another with --model"
        notes.append(f"The model answered in silence: all of its sound is zeros; {step}.")
    return notes


@exact()
def _verdict(client: Client, estimate: Estimate | None) -> str:
    """Say what the caps would make of a request, after those before it: "" where none applies."""
    budget = client.call_budget
    if estimate is None:
        return ""
    try:
        caps = client.budget.caps(client.notebook)
        longest = budget.allow(estimate, caps).max_tokens
    except BudgetExceeded as refusal:
        return f"refused: {refusal}"
    except LedgerError as error:
        return f"refused: no budget can be enforced: {error}" if budget.cap is not None else ""
    budget.spent += estimate.dollars[1] if estimate.dollars else 0
    named = [*([] if budget.cap is None else [Cap(budget.cap, "call")]), *caps]
    if not named:
        return ""
    allowed = f"allowed by {' and '.join(map(str, named))}"
    if longest is None or longest >= estimate.high.output_tokens:
        return allowed
    return f"{allowed}, with an answer of at most {longest} tokens"


def transcribe_and_compare(turn: Turn, client: Client, expected: str) -> Reply:
    """Have the turn's sound transcribed, and compare that with `expected`.

    The transcript is the reply, unless the turn has words too: then they are answered, by a model
    that knows both texts.
    """
    from ..speech.transcript_diff import compare

    transcript = _transcription(turn).run(client)
    diff = compare(expected, transcript.text)
    if not turn.question.text:
        return replace(transcript, transcript_diff=diff)
    try:
        reply = _knowing(turn, expected, transcript.text).run(client)
    except (AudiomagicError, Interrupted) as error:
        error.reply = error.reply or replace(transcript, transcript_diff=diff)
        raise
    receipt = together((transcript.receipt, reply.receipt))
    return replace(reply, receipt=receipt, transcript_diff=diff)


def dry_run_comparison(turn: Turn, client: Client, expected: str) -> DryRun:
    """Return what that would send and cost, if all was understood as expected."""
    found = _transcription(turn).dry_run(client)
    if not turn.question.text:
        return found
    return found + _knowing(turn, expected, expected).dry_run(client)


def _transcription(turn: Turn) -> Turn:
    return replace(
        turn, question=Message("user", turn.question.sounds), voice=None, system="", style="",
        task=TRANSCRIPT, toolbox=None, chat=None,
    )  # fmt: skip


def _knowing(turn: Turn, expected: str, understood: str) -> Turn:
    known = f"The user was to say: {expected}\nWhat was understood: {understood}"
    return replace(turn, system="\n".join(filter(None, (turn.system, known))))
