"""Notes: what the reader of a card should know about the reply, a sentence each."""

from ..protocol.request import Request
from ..protocol.response import Completion

STOPPED = "stopped"  # the finish reason of a reply that the listener cut short


def notes_on(request: Request, completion: Completion, request_id: str | None = None) -> list[str]:
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
    elif completion.empty and finish == "stop":
        notes.append("The model answered with nothing; run it again.")
    elif request.voice and completion.text and not completion.pcm and finish == "stop":
        notes.append("The model answered in text, although sound was requested; run it again.")
    return notes
