"""The engine's brain: a small language model on llama.cpp."""

import queue
import re
import secrets
import threading
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

CONTEXT = 4096  # tokens
LIMIT = 120  # tokens of an answer without a cap: small models do not stop by themselves
CHARACTERS_PER_TOKEN = 3  # a low guess, to stay inside the context
CLAUSE = re.compile(r"[,.;:!?\n]+")
REPEATS = 3  # the same clause for the third time: the model has lost its way

# SmolLM2 answers best to the very line that it was trained with (measured: Paris, not "la France").
DEFAULT_SYSTEM = (
    "You are a helpful AI assistant named SmolLM, trained by Hugging Face. "
    "Answer in one short sentence."
)


class Brain:
    """A GGUF file, opened; threads may use it at once."""

    def __init__(self, model: Path, threads: int = 1):
        import httpx2
        import xllamacpp

        key = secrets.token_hex(16)
        settings = xllamacpp.CommonParams()
        settings.model.path = str(model)
        settings.n_ctx = CONTEXT
        settings.n_parallel = 1
        settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = threads
        settings.verbosity = -1
        settings.api_keys = [key]  # it listens on a loopback port: for us alone
        settings.ui = settings.endpoint_slots = False
        self._server = xllamacpp.Server(settings)
        self._http = httpx2.Client(
            base_url=self._server.listening_address,
            headers={"Authorization": f"Bearer {key}"},
            timeout=30,
            trust_env=False,  # a proxy has no business on the loopback
        )

    def count(self, text: str) -> int:
        """Count the tokens of a text, as the model's own tokenizer splits it."""
        answer = self._http.post("/tokenize", json={"content": text})
        return len(answer.raise_for_status().json()["tokens"])

    def reply(
        self, messages: list[dict[str, str]], limit: int | None = None
    ) -> Generator[str, None, None]:
        """Yield an answer in pieces, as they come; closing the iterator stops the model.

        `messages` are `{"role": ..., "content": ...}`; `limit` caps the answer in tokens.
        """
        if messages[0]["role"] != "system":
            messages = [{"role": "system", "content": DEFAULT_SYSTEM}, *messages]
        body = {
            "messages": _fitting(messages),
            "stream": True,
            "temperature": 0,
            "max_tokens": min(limit or LIMIT, CONTEXT // 2),
        }
        stop = threading.Event()
        pieces: queue.Queue[str | Exception | None] = queue.Queue()
        worker = threading.Thread(target=self._run, args=(body, pieces, stop), daemon=True)
        worker.start()
        try:
            yield from _until_repeating(_pieces(pieces))
        finally:
            stop.set()
            worker.join()

    def _run(self, body: dict[str, Any], pieces: "queue.Queue[Any]", stop: threading.Event) -> None:
        def take(chunk: dict[str, Any]) -> bool:
            if "error" in chunk:  # a prompt longer than the context, say
                pieces.put(RuntimeError(chunk["error"].get("message", "the model failed")))
            for choice in chunk.get("choices") or ():
                if words := choice["delta"].get("content"):
                    pieces.put(words)
            return stop.is_set()

        try:
            self._server.handle_chat_completions(body, take)
            pieces.put(None)
        except Exception as error:  # goes to the caller's thread
            pieces.put(error)


def _pieces(pieces: "queue.Queue[str | Exception | None]") -> Iterator[str]:
    while (piece := pieces.get()) is not None:
        if isinstance(piece, Exception):
            raise piece
        yield piece


def _until_repeating(pieces: Iterator[str]) -> Iterator[str]:
    """Pass pieces on until a clause comes for the third time."""
    said = ""
    for piece in pieces:
        said += piece
        clauses = [clause.strip().casefold() for clause in CLAUSE.split(said)]
        if clauses[-1] == "" and len(clauses) > 1 and clauses.count(clauses[-2]) >= REPEATS:
            return
        yield piece


def _fitting(messages: list[dict[str, str]]) -> list[dict[str, str]]:
    """Leave out the oldest turns that the context has no room for; keep system and last."""
    room = CONTEXT // 2 * CHARACTERS_PER_TOKEN
    head, last = messages[0], messages[-1]
    kept: list[dict[str, str]] = []
    used = len(head["content"]) + len(last["content"])
    for message in reversed(messages[1:-1]):
        used += len(message["content"])
        if used > room:
            break
        kept.insert(0, message)
    return [{**message, "content": message["content"][:room]} for message in (head, *kept, last)]
