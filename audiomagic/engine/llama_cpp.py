"""llama.cpp in this process: a GGUF file, opened."""

import json
import queue
import secrets
import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import EngineError, one_line

Chunk = Mapping[str, Any]


class LlamaCpp:
    """A GGUF file, opened; threads may use it at once, and are answered one after the other.

    `context` is the most tokens of question and answer together. Raises EngineError where
    llama.cpp cannot open the file.
    """

    def __init__(self, model: Path, context: int, threads: int):
        import httpx2
        import xllamacpp

        key = secrets.token_hex(16)
        settings = xllamacpp.CommonParams()
        settings.model.path = str(model)
        settings.n_ctx = context
        settings.n_parallel = 1
        settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = threads
        settings.verbosity = -1
        settings.api_keys = [key]  # it listens on a loopback port: for us alone
        settings.ui = settings.endpoint_slots = False
        try:
            self._server = xllamacpp.Server(settings)
        except RuntimeError as error:
            why = one_line(error, 100)
            raise EngineError(f"llama.cpp cannot open {model.name} ({why})") from error
        self.context = context
        self._http = httpx2.Client(
            base_url=self._server.listening_address,
            headers={"Authorization": f"Bearer {key}"},
            timeout=30,
            trust_env=False,  # a proxy has no business on the loopback
        )

    @property
    def knows_tools(self) -> bool:
        """Whether the model was trained to call tools: its template then has a place for them."""
        answer = self._http.get("/props").raise_for_status().json()
        return bool(answer.get("chat_template_caps", {}).get("supports_tool_calls"))

    def tokens(self, text: str) -> list[int]:
        """Split a text as the model's own tokenizer does."""
        answer = self._http.post("/tokenize", json={"content": text})
        return [int(token) for token in answer.raise_for_status().json()["tokens"]]

    def stream(self, body: dict[str, Any]) -> Generator[Chunk, None, None]:
        """Yield the chunks of a chat's answer; closing the iterator stops the model."""
        stop = threading.Event()
        chunks: queue.Queue[Chunk | Exception | None] = queue.Queue()

        def work() -> None:
            def take(chunk: Chunk) -> bool:
                chunks.put(chunk)
                return stop.is_set()

            try:
                self._server.handle_chat_completions(body, take)
                chunks.put(None)
            except Exception as error:  # goes to the caller's thread
                chunks.put(error)

        worker = threading.Thread(target=work, daemon=True)
        worker.start()
        try:
            yield from _until_none(chunks)
        finally:
            stop.set()
            worker.join()

    def complete(self, prompt: str, limit: int, **constraint: Any) -> str:
        """Go on from a prompt, without a chat's template, for at most `limit` tokens.

        `constraint` is llama.cpp's `grammar` (GBNF) or `json_schema`.
        """
        return str(self._completion(prompt, limit, constraint)["text"])

    def likelihood(self, prompt: str, tokens: Sequence[int]) -> float:
        """Return the logarithm of how likely these tokens are to follow a prompt."""
        grammar = "root ::= " + " ".join(f"<[{token}]>" for token in tokens)
        choice = self._completion(prompt, len(tokens), {"grammar": grammar, "n_probs": 1})
        found = choice["logprobs"]["content"][: len(tokens)]
        return float(sum(token["logprob"] for token in found))

    def _completion(self, prompt: str, limit: int, constraint: dict[str, Any]) -> dict[str, Any]:
        answers: list[dict[str, Any]] = []

        def take(answer: dict[str, Any]) -> bool:
            answers.append(answer)
            return False

        body = {"prompt": prompt, "temperature": 0, "n_predict": limit} | constraint
        self._server.handle_completions(body, take)
        if not answers or "choices" not in answers[-1]:
            said = one_line(json.dumps(answers[-1:]))
            raise EngineError(f"llama.cpp cannot answer: {said}")
        choice: dict[str, Any] = answers[-1]["choices"][0]
        return choice


def _until_none(chunks: "queue.Queue[Chunk | Exception | None]") -> Iterator[Chunk]:
    while (chunk := chunks.get()) is not None:
        if isinstance(chunk, Exception):
            raise chunk
        yield chunk
