"""Notes: what the reader of a card should know about the answer, a sentence each."""

from datetime import date, timedelta

from .catalogue import catalogue
from .wire.answer import Answer
from .wire.request import Request

LOCAL_NOTE = (
    "Answered by the local engine: three small models, often wrong, English only, "
    "with voices of its own."
)
STOPPED = "stopped"  # an answer's finish when whoever listened asked for no more
WARNING_TIME = timedelta(days=90)  # before a model's shutdown


def notes_on(request: Request, engine: str, answer: Answer, style: str) -> list[str]:
    """Say what the reader of a card should know."""
    notes = []
    if answer.finish is None:
        notes.append("Cut off: the server stopped before the end of the answer.")
    if answer.finish == STOPPED:
        notes.append("Stopped here: no more of it was asked for.")
    if answer.finish == "length":
        notes.append("Cut off: the cap on output tokens was reached (--max-tokens).")
    if answer.finish == "content_filter":
        notes.append("Cut off by the service's content filter.")
    if request.voice and answer.text and not answer.pcm and answer.finish != STOPPED:
        notes.append("The model answered in text, although sound was asked for.")
    model = catalogue().models.get(request.model)
    if engine == "local":
        notes.append(LOCAL_NOTE)
        if style:
            notes.append("The local engine cannot follow --style.")
    elif model and model.shutdown and model.shutdown - date.today() <= WARNING_TIME:
        notes.append(f"{model.id} is shut down on {model.shutdown}; use {model.successor}.")
    return notes
