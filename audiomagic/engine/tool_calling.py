"""Tool calls of models that were not trained to make them.

Such a model, asked which tool it wants, picks one at random, or none ever. But it knows how likely
a request is: "Is it raining?" is likelier from someone who was told of the tool "weather" than from
someone who was told of none. That much likelier it must be, and likeliest with this tool.
"""

import json
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from ..errors import EngineError
from ..protocol.request import Message, Request
from ..protocol.tool_calls import Tool, ToolCall
from .arguments import narrowed, numbers, texts
from .json_schema.dialect import distinct, followable
from .json_schema.length import Lengths, least, unrolled
from .json_schema.max_length import fitted, longest
from .llama_cpp import LlamaCpp, json_grammar, sampling

LIKELIER = 2.0  # log of a factor; set on 36 requests (34 decided rightly), of 30 others 28 were
LONGEST_REQUEST = 64  # tokens: the end of the request whose likelihood is compared
MOST_WORDS = 60  # of a request, from which arguments are taken
LONGEST_ARGUMENTS = 200  # tokens, besides those of what is required
MOST_REQUIRED = 1_000  # tokens more, of patterns that are required: a mail, a URL, a hash
LONGEST_RESULT = 400  # characters that are spoken

NO_TOOL = "A user asks an assistant a question."
WITH_TOOL = 'A user asks an assistant to use a tool. The tool "{name}": {description}'
# With one example: without it every third form is filled in badly.
FORM = """\
Function: greet(name, times): Greet somebody.
Request: Please greet Maria 3 times.
Arguments: {{"name": "Maria", "times": 3}}

Function: {name}({parameters}): {description}
Request: {request}
Arguments: """
ANSWER = """\
Question: What is the price of tea?
Result of price: 3 euros
Answer: The price of tea is 3 euros.

Question: Who is at the door?
Result of camera: a postman
Answer: The person at the door is a postman.

Question: {request}
Result of {name}: {result}
Answer:"""
LINKS = ("of", "the", "in", "from", "to", "at", "for", "now", "result", "answer")
# Words of a question that make no sense before "is".
VERBS = (
    "is are was were am be been do does did will would can could may what how who when where why "
    "which i me my you your we it please tell say give show"
)


class ToolCaller:
    """Makes a model's tool calls, and puts their results into words."""

    def __init__(self, llama: LlamaCpp):
        self._llama = llama

    def call(self, request: Request) -> ToolCall | None:
        """Return the one call that the last message asks for, or None. Raises EngineError."""
        asked = _asked(request.messages)
        named = [tool for tool in request.tools if tool.name == request.tool_choice]
        tool = self._chosen(named or request.tools, asked, request.tool_choice)
        if tool is None:
            return None
        arguments = self._arguments(tool, asked, sampling(request.parameters))
        return ToolCall(f"call_{secrets.token_hex(12)}", tool.name, arguments)

    def answer(self, request: Request) -> str:
        """Put the results of the last calls into a sentence each.

        The model chooses the first words; the result follows as it is. Left alone, SmolLM2 got 5 of
        12 results wrong ("No, you will not need an umbrella", of rain), like this none.
        """
        names = {call.id: call.name for message in request.messages for call in message.tool_calls}
        asked, shape = _asked(request.messages), sampling(request.parameters)
        return " ".join(
            self._sentence(asked, names.get(str(message.tool_call_id), "tool"), message.text, shape)
            for message in tool_results(request.messages)
        )

    def _chosen(self, tools: Sequence[Tool], asked: str, choice: str | None) -> Tool | None:
        forced = choice not in (None, "auto")
        if forced and len(tools) == 1:
            return tools[0]
        tokens = self._llama.tokens(" " + asked)[-LONGEST_REQUEST:]

        def likelihood(heading: str) -> float:
            return self._llama.likelihood(f"{heading}\nRequest:", tokens)

        scores = [
            likelihood(WITH_TOOL.format(name=_readable(tool.name), description=tool.description))
            for tool in tools
        ]
        best = max(scores)
        if not forced and best - likelihood(NO_TOOL) < LIKELIER:
            return None
        return tools[scores.index(best)]

    def _arguments(self, tool: Tool, asked: str, shape: Mapping[str, Any]) -> str:
        properties = tool.parameters.get("properties") or {}
        words = asked.split()[-MOST_WORDS:]
        prompt = FORM.format(
            name=tool.name,
            parameters=", ".join(properties),
            description=tool.description,
            request=" ".join(words),
        )
        schema = followable(tool.parameters, arguments=True)
        narrow = narrowed(schema, texts(words), numbers(words))
        # A model that does not find an end is asked again, for what is required alone, with room
        # for all of it.
        lengths = Lengths(narrow)
        limit = LONGEST_ARGUMENTS + int(lengths.of(narrow))
        whole, required = unrolled(narrow, lengths), fitted(least(narrow, lengths), limit)
        room = limit + int(min(longest(required), MOST_REQUIRED))
        first = [(whole, limit)] if whole != required else []
        for form, most in (*first, (required, room)):
            if not self._llama.follows(form):
                continue
            filled = self._llama.complete(prompt, most, json_grammar(form), shape)
            with suppress(ValueError):
                found = distinct(json.loads(filled), tool.parameters, tool.parameters)
                return json.dumps(found, ensure_ascii=False)
        raise EngineError(f"the model did not end the arguments of {tool.name}; ask in other words")

    def _sentence(self, asked: str, name: str, result: str, shape: Mapping[str, Any]) -> str:
        result = _in_words(result)
        words = re.findall(r"[^\W\d_]+", f"{asked} {_readable(name)}")
        words = [word for word in words if word.lower() not in VERBS.split()]
        allowed = " | ".join(json.dumps(word) for word in dict.fromkeys((*words, *LINKS)))
        grammar = f'root ::= " The" (" " word){{1,8}} (" is" | " are")\nword ::= {allowed}'
        prompt = ANSWER.format(request=asked, name=_readable(name), result=result)
        start = self._llama.complete(prompt, 32, grammar, shape).strip()
        return f"{start} {result}".rstrip(".") + "."


def tool_results(messages: Iterable[Message]) -> list[Message]:
    """Return what tools have answered since the user spoke last."""
    found: list[Message] = []
    for message in messages:
        if message.role == "tool":
            found.append(message)
        elif message.role == "user":
            found = []
    return found


def _asked(messages: Sequence[Message]) -> str:
    texts = [message.text for message in messages if message.role == "user"]
    return " ".join(texts[-1].split()) if texts else ""


def _readable(name: str) -> str:
    return re.sub(r"[_-]+", " ", name).strip()


def _in_words(result: str) -> str:
    """Put a result into words: JSON without its punctuation."""
    with suppress(ValueError, RecursionError):
        result = _flat(json.loads(result))
    words = " ".join(result.split())
    if len(words) <= LONGEST_RESULT:
        return words
    return words[:LONGEST_RESULT].rsplit(" ", 1)[0] + " …"


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{_readable(key)}: {_flat(item)}" for key, item in value.items())
    if isinstance(value, list):
        return "; ".join(map(_flat, value))
    if value is None:
        return "done"
    return value if isinstance(value, str) else json.dumps(value)
