"""Notes: what the reader of a card should know about the answer, a sentence each."""

from ..errors import one_line
from ..protocol.request import Request
from ..protocol.response import Completion
from ..transports import model_list
from ..transports.endpoint import Endpoint

LOCAL_NOTE = (
    "Answered by the local engine: three small models, often wrong, English only, "
    "with voices of its own."
)
NAMED_NOTE = "Answered by the local engine, with {}; its own voices speak English only."
STOPPED = "stopped"  # an answer's finish when whoever listened asked for no more


def notes_on(
    request: Request, route: Endpoint, answer: Completion, style: str, request_id: str | None = None
) -> list[str]:
    """Say what the reader of a card should know; of a broken answer, the name to complain by."""
    notes = []
    if answer.finish_reason is None:
        named = f" (request {request_id})" if request_id else ""
        notes.append(f"Cut off: the server stopped before the end of the answer{named}.")
    if answer.finish_reason == STOPPED:
        notes.append("Stopped here: no more of it was asked for.")
    if answer.finish_reason == "length":
        notes.append(
            "Cut off: the cap on output tokens was reached (--max-tokens, or what a budget leaves)."
        )
    if answer.finish_reason == "content_filter":
        notes.append("Cut off by the service's content filter; word it differently.")
    if answer.refused:
        notes.append("The model declined to answer; word it differently.")
    elif answer.empty and answer.finish_reason == "stop":
        notes.append("The model answered with nothing; run it again.")
    elif request.voice and answer.text and not answer.pcm and answer.finish_reason == "stop":
        notes.append("The model answered in text, although sound was asked for; run it again.")
    if route.engine == "local":
        named = " and ".join(one_line(name, 80) for name in (route.llm, route.stt) if name)
        notes.append(NAMED_NOTE.format(named) if named else LOCAL_NOTE)
        if style:
            notes.append("The local engine cannot follow --style.")
    if ending := model_list.warning(request.model, route):
        notes.append(ending)
    return notes
