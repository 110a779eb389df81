"""A brain in this process: a GGUF file on llama.cpp."""

import os
import re
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from ..protocol.error import TOO_LONG
from ..protocol.request import Message, Request
from ..protocol.tool_calls import cut
from .api_errors import APIError
from .llama_cpp import LlamaCpp
from .text_chat import TextDelta, plain, text_deltas
from .tool_calling import ToolCaller, results_wait

CONTEXT = 8192  # tokens; a model of 7 billion parameters takes some 1 GB of memory for them
SMALL_CONTEXT = 4096
CHARACTERS_PER_TOKEN = 3  # a low guess, to stay inside the context

# What the smallest models need, and larger ones would suffer from.
LIMIT = 120  # tokens of an answer without a cap: they do not stop by themselves
CLAUSE = re.compile(r"[,.;:!?\n]+")
REPEATS = 3  # the same clause for the third time: the model has lost its way
# SmolLM2 answers best to the very line that it was trained with (measured: Paris, not "la France").
DEFAULT_SYSTEM = (
    "You are a helpful AI assistant named SmolLM, trained by Hugging Face. "
    "Answer in one short sentence."
)


class LlamaModel:
    """A GGUF file that thinks; `small` is for the engine's own, which needs help."""

    def __init__(self, model: Path, small: bool = False):
        threads = 1 if small else max(1, (os.cpu_count() or 2) // 2)
        self.small = small
        self._context = SMALL_CONTEXT if small else CONTEXT
        self._llama = LlamaCpp(model, self._context, threads)
        self._knows_tools = not small and self._llama.knows_tools
        self._chooser = ToolCaller(self._llama)

    def count(self, text: str) -> int:
        """Count the tokens of a text, as the model's own tokenizer splits it."""
        return len(self._llama.tokens(text))

    def reply(self, request: Request) -> Generator[TextDelta, None, None]:
        """Yield an answer in pieces, as they come; closing the iterator stops the model.

        Calls are constrained: llama.cpp's own way holds no model to a `tool_choice`, and
        Qwen2.5-Coder-0.5B then wrote its calls as text; constrained, it decided rightly on 23 of
        25 requests. Raises APIError for a text that the context has no room for.
        """
        self._check_length(request.messages)
        told = results_wait(request.messages)
        forced = request.tool_choice not in (None, "auto", "none")
        asks = request.tools and request.tool_choice != "none" and not told
        if (asks or forced) and (call := self._chooser.call(request)):
            yield TextDelta(tool_calls=(call,), finish_reason="tool_calls")
        elif told and self.small:
            yield TextDelta(self._chooser.tell(request), finish_reason="stop")
        elif self.small:
            yield from self._short_reply(request)
        else:
            body = plain(self._understood(request))
            with closing(self._llama.stream(body)) as chunks:
                yield from text_deltas(chunks)

    def _check_length(self, messages: Sequence[Message]) -> None:
        """Refuse an instruction and a last text that are too long: neither can be left out."""
        head, _, last = _parted(messages)
        own = [message.text for message in (*head, *last) if message.role != "tool"]
        text, room = "\n".join(own), self._context // 2  # the rest is for the answer
        if len(text.encode()) > room and (count := self.count(text)) > room:
            line = f"its language model takes {room} tokens of text, this has {count}"
            raise APIError(line, "messages", TOO_LONG)

    def _short_reply(self, request: Request) -> Generator[TextDelta, None, None]:
        said = [message for message in request.messages if message.role != "tool" and message.parts]
        if not said or said[0].role != "system":
            said.insert(0, Message("system", (DEFAULT_SYSTEM,)))
        cap = min(request.max_tokens or LIMIT, self._context // 2)
        asked = replace(request, messages=_fitting(said, self._context), tools=(), tool_choice=None)
        body = plain(replace(asked, max_tokens=cap)) | {"temperature": 0}
        with closing(self._llama.stream(body)) as chunks:
            yield from _until_repeating(text_deltas(chunks))

    def _understood(self, request: Request) -> Request:
        """Put a request as the model's template can take it, in the room that there is."""
        messages = _fitting(request.messages, self._context)
        if not self._knows_tools:
            messages = tuple(_in_words(message) for message in messages)
            request = replace(request, tools=(), tool_choice=None)
        return replace(request, messages=messages)


def _in_words(message: Message) -> Message:
    """Tell of calls and their results to a model that has no place for them."""
    if message.role == "tool":
        return Message("user", (f"The tool answered: {message.text}\nNow answer me.",))
    calls = [f"I call {call.name} with {call.arguments}." for call in message.tool_calls]
    return Message(message.role, (*message.parts, *calls))


def _until_repeating(pieces: Iterable[TextDelta]) -> Generator[TextDelta, None, None]:
    """Pass pieces on until a clause comes for the third time; where it ends is no cap's doing."""
    said = ""
    for piece in pieces:
        said += piece.text
        clauses = [clause.strip().casefold() for clause in CLAUSE.split(said)]
        if clauses[-1] == "" and len(clauses) > 1 and clauses.count(clauses[-2]) >= REPEATS:
            return
        yield TextDelta(piece.text)


def _parted(messages: Sequence[Message]) -> tuple[Sequence[Message], ...]:
    """Part a chat into the instruction at its head, the turns since, and the last message."""
    start = 1 if messages and messages[0].role == "system" else 0
    return messages[:start], messages[start:-1], messages[start:][-1:]


def _fitting(messages: Sequence[Message], context: int) -> tuple[Message, ...]:
    """Leave out the oldest turns that the context has no room for."""
    room = context // 2 * CHARACTERS_PER_TOKEN
    messages = [
        replace(one, parts=(cut(one.text, room // 2),)) if one.role == "tool" else one
        for one in messages
    ]
    head, turns, last = _parted(messages)
    used = sum(len(message.text) for message in (*head, *last))
    kept: list[Message] = []
    for message in reversed(turns):
        used += len(message.text)
        if used > room:
            break
        kept.insert(0, message)
    while kept and kept[0].role == "tool":  # a result whose call is gone
        del kept[0]
    return (*head, *kept, *last)
