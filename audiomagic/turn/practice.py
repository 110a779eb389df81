"""Practice: what a learner said, as it was understood, against what was to be said."""

from collections.abc import Callable
from dataclasses import replace

from ..costs.receipt import together
from ..errors import AudiomagicError, Interrupted
from ..protocol.request import TRANSCRIPT, Message
from ..render.dry_run import DryRun
from ..speech.transcript_diff import compare
from .client import Client
from .reply import Reply
from .turn import Turn


def transcribe_and_compare(turn: Turn, expected: str, run: Callable[[Turn], Reply]) -> Reply:
    """Have the turn's sound written down, and hold it against `expected`.

    The transcript is the reply, unless the turn has words too: then they are answered, by a model
    that knows both texts. `run` runs a turn.
    """
    written = run(_dictation(turn))
    diction = compare(expected, written.text)
    if not turn.question.text:
        return replace(written, transcript_diff=diction)
    try:
        reply = run(_informed(turn, expected, written.text))
    except (AudiomagicError, Interrupted) as error:
        error.reply = error.reply or replace(written, transcript_diff=diction)
        raise
    return replace(
        reply, receipt=together((written.receipt, reply.receipt)), transcript_diff=diction
    )


def forecast(turn: Turn, expected: str, caller: Client) -> DryRun:
    """Say what that would send and cost, if all was understood as expected."""
    found = _dictation(turn).dry_run(caller)
    if not turn.question.text:
        return found
    return found + _informed(turn, expected, expected).dry_run(caller)


def _dictation(turn: Turn) -> Turn:
    return replace(
        turn, question=Message("user", turn.question.sounds), voice=None, system="", style="",
        task=TRANSCRIPT, toolbox=None, chat=None,
    )  # fmt: skip


def _informed(turn: Turn, expected: str, heard: str) -> Turn:
    known = f"The user was to say: {expected}\nWhat was understood: {heard}"
    return replace(turn, system="\n".join(filter(None, (turn.system, known))))
