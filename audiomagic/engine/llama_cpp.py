"""llama.cpp in this process: a server of its own, on a loopback port that nobody else can use."""

import json
import secrets
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from ..errors import EngineError, one_line

LARGEST = 100_000_000  # bytes of an answer, in small chunks
START, SIGN = "start: ", "@@"  # where a grammar of llama.cpp's begins; what no prompt suggests
# Between tokens of JSON, a small model may write blanks without end.
COMPACT = {"x-guidance": {"whitespace_flexible": False}}


class LlamaCpp:
    """A GGUF file with a context of so many tokens; threads are answered one after the other.

    Raises EngineError when llama.cpp cannot open the file.
    """

    def __init__(self, model: Path, context: int, threads: int):
        import httpx2
        import openai
        import xllamacpp

        from ..protocol import http

        key = secrets.token_hex(16)
        settings = xllamacpp.CommonParams()
        settings.model.path = str(model)
        settings.n_ctx = context
        settings.n_parallel = 1
        settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = threads
        settings.verbosity = -1
        settings.api_keys = [key]
        settings.ui = settings.endpoint_slots = False
        try:
            self._server = xllamacpp.Server(settings)
        except RuntimeError as error:
            line = f"llama.cpp cannot open {model.name} ({one_line(error, 100)})"
            raise EngineError(line) from error
        address = self._server.listening_address
        client = httpx2.Client(
            trust_env=False,  # no proxy on the loopback
            headers=http.IDENTITY,
            event_hooks={"response": [partial(http.bound, LARGEST)]},
        )
        weakref.finalize(self, client.close)
        self.client = openai.OpenAI(
            base_url=address + "/v1", api_key=key, http_client=client, max_retries=0
        )
        self._follows = lru_cache(1_000)(self._compile)

    @property
    def supports_tools(self) -> bool:
        """Whether the model's chat template has a place for tools."""
        answer: Any = self.client.get("../props", cast_to=object)
        return bool(answer.get("chat_template_caps", {}).get("supports_tool_calls"))

    def tokens(self, text: str, special: bool = True) -> list[int]:
        """Split a text as the model's own tokenizer does; with `special`, by those, too."""
        body: dict[str, Any] = {"content": text, "parse_special": special}
        with errors():
            answer: Any = self.client.post("../tokenize", body=body, cast_to=object)
        return list(map(int, answer["tokens"]))

    def special_tokens(self, text: str) -> set[str]:
        """Return the model's special tokens in a text, such as the end of a turn."""
        unsaid = {*self.tokens(text)} - {*self.tokens(text, special=False)}
        pieces = {token: self.detokenized([token]) for token in unsaid}
        # Beside a special token, a text is split in other places, too.
        return {p for token, p in pieces.items() if self.tokens(p, special=False) != [token]}

    def cut(self, text: str, most: int) -> str:
        """Return the text of the first so many tokens."""
        return self.detokenized(self.tokens(text)[:most])

    def detokenized(self, tokens: Sequence[int]) -> str:
        """Return the text of tokens."""
        with errors():
            answer: Any = self.client.post("../detokenize", body={"tokens": tokens}, cast_to=object)
        return str(answer["content"])

    def complete(
        self, prompt: str, limit: int, grammar: str, shape: Mapping[str, Any] | None = None
    ) -> str:
        """Continue a prompt with what a grammar allows, likeliest first unless `shape` (see
        `sampling`) says otherwise.
        """
        return str(self._completion(prompt, limit, {"grammar": grammar, **(shape or {})})["text"])

    def follows(self, schema: Mapping[str, Any]) -> bool:
        """Whether llama.cpp can make a grammar of a JSON schema."""
        return self._follows(json.dumps(schema))

    def _compile(self, schema: str) -> bool:
        # A grammar that it cannot make, it leaves out without a word, so that anything may follow.
        try:
            start, mark, rest = json_grammar(json.loads(schema)).partition(START)
        # NaN, or a number that is too large
        except (ValueError, RuntimeError, TypeError, OverflowError):
            return False
        answer = self.complete("x", 1, f'{start}{mark}"{SIGN}" {rest}')
        return answer.startswith(SIGN[0])

    def likelihood(self, prompt: str, tokens: Sequence[int]) -> float:
        """Return the logarithm of the probability that these tokens follow a prompt."""
        grammar = "root ::= " + " ".join(f"<[{token}]>" for token in tokens)
        choice = self._completion(prompt, len(tokens), {"grammar": grammar, "n_probs": 1})
        found = choice["logprobs"]["content"][: len(tokens)]
        return float(sum(token["logprob"] for token in found))

    def _completion(self, prompt: str, limit: int, constraint: Mapping[str, Any]) -> Any:
        body = {"prompt": prompt, "temperature": 0, "n_predict": limit, **constraint}
        with errors():
            answer: Any = self.client.post("/completions", body=body, cast_to=object)
        return answer["choices"][0]


def plain_text(text: str, special: Iterable[str]) -> str:
    """Return a text in which these special tokens are parted by a blank, so that they are words."""
    for token in special:
        text = text.replace(token, f"{token[:1]} {token[1:]}")
    return text


def json_grammar(schema: Mapping[str, Any]) -> str:
    """Return llama.cpp's grammar of a JSON schema, which may be one that it cannot follow."""
    import xllamacpp

    return str(xllamacpp.json_schema_to_grammar({**schema, **COMPACT}))


def sampling(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of a request's parameters that shape a sample, as llama.cpp takes them."""
    shape = {name: value for name, value in parameters.items() if name != "response_format"}
    if "seed" in shape:  # of 32 bits, of which the last means any
        shape["seed"] %= 2**32 - 1
    return shape


@contextmanager
def errors() -> Iterator[None]:
    """Turn what the client raises into an EngineError of one line."""
    import httpx2
    import openai

    try:
        yield
    except (openai.OpenAIError, httpx2.HTTPError) as error:
        raise EngineError(f"llama.cpp failed ({one_line(error, 100)}); run it again") from error
