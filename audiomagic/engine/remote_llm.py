"""A brain behind an address: any server that answers `/chat/completions` in text."""

from collections.abc import Generator
from contextlib import closing
from dataclasses import replace

from ..protocol.request import Request
from .remote import RemoteServer
from .text_chat import TextDelta, plain, text_deltas

CHARACTERS_PER_TOKEN = 4  # a guess: these servers agree on no way to ask


class RemoteLanguageModel:
    """The server at an address like `http://localhost:11434/v1#llama3.2`; see RemoteServer."""

    small = False

    def __init__(self, address: str):
        self._server = RemoteServer(address, "llm")

    def count(self, text: str) -> int:
        """Guess the tokens of a text."""
        return -(-len(text) // CHARACTERS_PER_TOKEN)

    def reply(self, request: Request) -> Generator[TextDelta, None, None]:
        """Yield an answer in pieces, as they come; closing the iterator hangs up.

        Raises EngineError where the server cannot be reached or refuses.
        """
        body = plain(replace(request, model=self._server.model, stream=True))
        with closing(self._server.stream("/chat/completions", body)) as chunks:
            yield from text_deltas(chunks)
