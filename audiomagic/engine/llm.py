"""Language models: what any of them offers, and a GGUF file on llama.cpp in this process."""

import json
import os
import re
import time
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ..errors import InvalidResponse, one_line
from ..protocol import sse
from ..protocol.error import TOO_LONG
from ..protocol.request import Message, Request
from ..protocol.response import ResponseAccumulator
from ..protocol.thoughts import Thoughts
from ..protocol.tool_calls import ToolCall, cut
from .api.errors import APIError
from .json_schema.dialect import ANY_OBJECT, followable, has_free_names, unknown_keyword
from .json_schema.length import Lengths, unrolled
from .json_schema.max_length import fitted
from .json_schema.tree import DEFINITIONS
from .llama_cpp import LlamaCpp, errors, json_grammar, plain_text, sampling
from .tool_calling import ToolCaller, tool_results

if TYPE_CHECKING:
    import openai

CONTEXT = 8192  # tokens; a model of 7 billion parameters takes some 1 GB of memory for them
SMALL_CONTEXT = 4096
PULSE = 0.5  # seconds after which somebody who waits is told that nothing has come
FEWEST_CHARACTERS = 3  # per token: a low estimate, to stay inside the context

# What the smallest models need, and larger ones would suffer from.
LIMIT = 120  # tokens of an answer without a cap: they do not stop by themselves
CLAUSE = re.compile(r"[,.;:!?\n]+")
MOST_FREE = 600  # characters of JSON, besides what is required: 2 s, or 6 of digits alone
LONGEST_JSON = 500  # characters that a schema may require
REPEATS = 3  # the same clause for the third time: the model is in a loop
# SmolLM2 answers best to the very line that it was trained with (measured: Paris, not "la France"),
# which it needs before instructions, too: as "You are a tutor" alone has it, it babbles French.
DEFAULT_SYSTEM = (
    "You are a helpful AI assistant named SmolLM, trained by Hugging Face. "
    "Answer in one short sentence."
)


@dataclass(frozen=True)
class TextDelta:
    """What one chunk adds to an answer; the last has the tool calls and the finish reason."""

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str | None = None


class LanguageModel(Protocol):
    """A model of text, in this process or on a server; threads may use it at once.

    `small` models are not asked what speech recognition can answer alone. `check` raises APIError
    for what the model is known not to do. `reply` yields an answer as it is generated, and closing
    the generator stops the model; the request holds no sound.
    """

    @property
    def small(self) -> bool: ...
    def count(self, text: str) -> int: ...
    def check(self, request: Request) -> None: ...
    def reply(self, request: Request) -> Generator[TextDelta, None, None]: ...


class LlamaModel:
    """A GGUF file; `small` marks the engine's own model, which needs help."""

    def __init__(self, model: Path, small: bool = False):
        threads = 1 if small else max(1, (os.cpu_count() or 2) // 2)
        self.small = small
        self._context = SMALL_CONTEXT if small else CONTEXT
        self._llama = LlamaCpp(model, self._context, threads)
        self._supports_tools = not small and self._llama.supports_tools
        self._tool_caller = ToolCaller(self._llama)

    def count(self, text: str) -> int:
        return len(self._llama.tokens(text))

    def check(self, request: Request) -> None:
        """Raise APIError for a JSON schema that no grammar can be made of."""
        for index, tool in enumerate(request.tools):
            if refused := self._not_followed(tool.parameters, arguments=True):
                where = f"tools[{index}].function.parameters"
                line = f"Invalid schema for function '{tool.name}': {refused}."
                raise APIError(line, where, "invalid_function_parameters")
        schema = answer_schema(request)
        if schema and (refused := self._not_followed(schema)):
            raise APIError(f"Invalid schema for 'response_format': {refused}.", "response_format")

    def _not_followed(self, schema: Mapping[str, Any], arguments: bool = False) -> str | None:
        """Say what of a schema cannot be followed; None where all can."""
        form = _translated(schema, arguments)
        if form is not None and self._llama.follows(form):
            length = Lengths(form).of(form)
            if length == inf:
                return "nothing that follows it has an end"
            if length > LONGEST_JSON and (self.small or arguments):
                return f"it requires {length:,.0f} characters, of at most {LONGEST_JSON:,}"
            return None
        if form is not None and (keyword := unknown_keyword(form)):
            return f"'{keyword}' cannot be followed"
        properties = schema.get("properties")
        rest = {key: schema[key] for key in DEFINITIONS if key in schema}
        for name, inner in properties.items() if isinstance(properties, dict) else ():
            one = rest | {"type": "object", "properties": {name: inner}, "required": [name]}
            form = _translated(one, arguments)
            if form is None or not self._llama.follows(form):
                return f"the property '{one_line(name, 60)}' cannot be followed"
        return "it cannot be followed"

    def reply(self, request: Request) -> Generator[TextDelta, None, None]:
        """Raises APIError for a text that does not fit into the context."""
        # Tool calls are made for models that could make them, too: llama.cpp holds no model to a
        # `tool_choice`, and Qwen2.5-Coder-0.5B wrote its calls as text; so it decided rightly on
        # 23 of 25 requests.
        messages = self._plain(self._fitted(request.messages))
        request = replace(request, messages=messages)
        results = tool_results(request.messages)
        forced = request.tool_choice not in (None, "auto", "none")
        may_call = request.tools and request.tool_choice != "none" and not results
        if (may_call or forced) and (call := self._tool_caller.call(request)):
            yield self._whole(call, request)
        elif results and self.small and not answer_schema(request):
            answer = self._tool_caller.answer(request)
            said = self._llama.cut(answer, request.max_tokens or CONTEXT)
            yield TextDelta(said, finish_reason="stop" if said == answer else "length")
        elif self.small and not answer_schema(request):
            yield from self._short_reply(request)
        else:
            schema = answer_schema(request)
            form = followable(schema) if schema else None
            body = self._body(request, form)
            with errors(), closing(text_deltas(self._llama.client, body)) as deltas:
                yield from _named_once(deltas) if has_free_names(form) else deltas

    def _whole(self, call: ToolCall, request: Request) -> TextDelta:
        """Make a call, unless a cap or a stop would have cut it: there are no calls in part."""
        if any(stop in call.arguments for stop in request.stop):
            return TextDelta(finish_reason="stop")
        if self.count(call.name + call.arguments) > (request.max_tokens or CONTEXT):
            return TextDelta(finish_reason="length")
        return TextDelta(tool_calls=(call,), finish_reason="tool_calls")

    def _fitted(self, messages: Sequence[Message]) -> tuple[Message, ...]:
        """Leave out the oldest turns that do not fit; refuse what cannot be left out."""
        room = self._context // 2  # tokens; the rest is for the answer
        characters = room * FEWEST_CHARACTERS
        messages = [
            replace(m, parts=(cut(m.text, characters // 2),)) if m.role == "tool" else m
            for m in messages
        ]
        start = 1 if messages and messages[0].role == "system" else 0
        head, turns, last = messages[:start], messages[start:-1], messages[start:][-1:]
        text = "\n".join(message.text for message in (*head, *last) if message.role != "tool")
        if len(text.encode()) > room and (count := self.count(text)) > room:
            line = f"the model takes at most {room} tokens of text; this request has {count}"
            raise APIError(line, "messages", TOO_LONG)
        # A result whose call is left out goes, too.
        while turns and (_length(head + turns + last) > characters or turns[0].role == "tool"):
            del turns[0]
        return (*head, *turns, *last)

    def _plain(self, messages: Sequence[Message]) -> tuple[Message, ...]:
        """Leave no special token in a text, such as the end of a turn: it is what somebody said."""
        special = self._llama.special_tokens("\n".join(message.text for message in messages))
        if not special:
            return tuple(messages)
        return tuple(
            replace(message, parts=(plain_text(message.text, special),))
            if message.parts
            else message
            for message in messages
        )

    def _body(self, request: Request, form: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the request for llama.cpp; `form` is the schema that the grammar of it follows."""
        if not self._supports_tools:
            messages = tuple(_in_words(message) for message in request.messages)
            request = replace(request, messages=messages, tools=(), tool_choice=None)
        tools = (replace(one, parameters=followable(one.parameters)) for one in request.tools)
        body = replace(request, tools=tuple(tools)).text_wire() | sampling(request.parameters)
        if self.small:
            body.setdefault("temperature", 0)
        if form is not None:
            if self.small:
                lengths = Lengths(form)
                form = fitted(unrolled(form, lengths), lengths.of(form) + MOST_FREE)
                body.setdefault("max_tokens", self._context // 2)
            body["extra_body"] = {"grammar": json_grammar(form)}
            del body["response_format"]
        return body

    def _short_reply(self, request: Request) -> Generator[TextDelta, None, None]:
        """Answer in at most LIMIT tokens, and stop when a clause repeats."""
        said = (m for m in request.messages if m.role != "tool" and m.parts)
        messages = [replace(message, tool_calls=()) for message in said]
        told = messages.pop(0).parts if messages and messages[0].role == "system" else ()
        messages.insert(0, Message("system", (DEFAULT_SYSTEM, *told)))
        cap = min(request.max_tokens or LIMIT, self._context // 2)
        body = self._body(replace(request, messages=tuple(messages), max_tokens=cap))
        text = ""
        with errors(), closing(text_deltas(self._llama.client, body)) as deltas:
            for delta in deltas:
                text += delta.text
                clauses = [clause.strip().casefold() for clause in CLAUSE.split(text)]
                ended = len(clauses) > 1 and clauses[-1] == ""
                if ended and clauses.count(clauses[-2]) >= REPEATS:
                    return
                yield delta


def _translated(schema: Mapping[str, Any], arguments: bool) -> dict[str, Any] | None:
    """Return the schema that the grammar gets; None where a keyword's value is no such value."""
    try:
        return followable(schema, arguments)
    except (TypeError, ValueError, AttributeError):
        return None


def answer_schema(request: Request) -> Mapping[str, Any] | None:
    """Return the JSON schema that the text of an answer must follow, if it must."""
    form = request.parameters.get("response_format")
    if form is None:
        return None
    schema: Mapping[str, Any] = (form.get("json_schema") or {}).get("schema") or ANY_OBJECT
    return schema


def _named_once(deltas: Iterable[TextDelta]) -> Iterator[TextDelta]:
    """Yield JSON once it is whole, with each name of an object once, which no grammar demands."""
    text = ""
    for delta in deltas:
        text += delta.text
        if delta.finish_reason:
            with suppress(ValueError):  # it was cut
                text = json.dumps(json.loads(text), separators=(",", ":"), ensure_ascii=False)
            yield TextDelta(text)
        yield replace(delta, text="")


def _in_words(message: Message) -> Message:
    """Describe tool calls and their results to a model whose template has no place for them."""
    if message.role == "tool":
        return Message("user", (f"The tool answered: {message.text}\nNow answer me.",))
    calls = [f"I call {call.name} with {call.arguments}." for call in message.tool_calls]
    return Message(message.role, (*message.parts, *calls))


def _length(messages: Sequence[Message]) -> int:
    return sum(len(message.text) for message in messages)


def text_deltas(
    client: "openai.OpenAI", body: Any, thoughts: Thoughts | None = None
) -> Generator[TextDelta, None, None]:
    """Send a chat; yield the answer as it arrives. Closing the generator ends the request.

    Without `thoughts`, the model is known not to begin one without a tag, as llama.cpp's in this
    process.

    Raises InvalidResponse for what is not Chat Completions, ErrorEvent for an error within it.
    """
    accumulator = ResponseAccumulator(thoughts=thoughts or Thoughts(untagged=False))
    chunk, yielded = None, time.monotonic()
    with client.chat.completions.create(**body) as stream:
        for chunk in sse.chunks(stream.response.iter_bytes()):
            text = accumulator.add(chunk).text
            if text or time.monotonic() > yielded + PULSE:
                yield TextDelta(text)
                yielded = time.monotonic()
    if chunk is None:
        raise ValueError("no event at all")
    if text := accumulator.end().text:
        yield TextDelta(text)
    answer = accumulator.completion()
    if answer.finish_reason is None:
        raise InvalidResponse("the language model broke off in the middle of its answer")
    yield TextDelta(tool_calls=answer.tool_calls, finish_reason=answer.finish_reason)


def estimated_tokens(text: str) -> int:
    """Estimate the tokens of a text where no tokenizer is at hand."""
    return -(-len(text) // 4)
