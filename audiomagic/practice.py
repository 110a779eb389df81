"""Practice: what a learner said, as it was understood, against what was to be said."""

from collections.abc import Callable
from dataclasses import replace

from .diction import compare
from .errors import AudiomagicError, Interrupted
from .receipt import together
from .reply import Reply
from .turn import Turn
from .wire.request import TRANSCRIPT, Message


def practise(turn: Turn, expected: str, run: Callable[[Turn], Reply]) -> Reply:
    """Have the turn's sound written down, and hold it against `expected`.

    The transcript is the reply, unless the turn has words too: then they are answered, by a model
    that knows both texts. `run` runs a turn.
    """
    question, sounds = turn.question, turn.question.sounds
    dictation = replace(
        turn, question=Message("user", sounds), voice=None, system="", style="",
        task=TRANSCRIPT, toolbox=None, chat=None,
    )  # fmt: skip
    written = run(dictation)
    diction = compare(expected, written.text)
    if not question.text:
        return replace(written, diction=diction)
    known = f"The user was to say: {expected}\nWhat was understood: {written.text}"
    try:
        reply = run(replace(turn, system="\n".join(filter(None, (turn.system, known)))))
    except (AudiomagicError, Interrupted) as error:
        error.reply = error.reply or replace(written, diction=diction)
        raise
    return replace(reply, receipt=together((written.receipt, reply.receipt)), diction=diction)
