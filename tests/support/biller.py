"""A far end that bills by itself: for what it makes, whoever is there to read it.

Its bill is the judge of caps and ledgers, which know only what they saw.
"""

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from .fake_server import FakeServer, Handler, Script, chunk, spoken

TEXT_IN, TEXT_OUT, AUDIO_OUT = Decimal("2.5"), Decimal(10), Decimal(64)  # $ per million tokens
UNCAPPED = 400  # tokens of an answer to a request that names no cap


class Biller:
    """Bills requests at the rates of gpt-audio-1.5, as the text and sound that are made for them.

    The prompt is a token for four bytes, a word of an answer one, a twentieth of a second of its
    sound one.
    """

    def __init__(self, server: FakeServer):
        self.server = server
        self.bills: list[Decimal] = []  # US dollars, of each request
        # To scripted answers as to any other.
        server.then = self._then  # type: ignore[method-assign]

    @property
    def total(self) -> Decimal:
        return sum(self.bills, Decimal(0))

    def makes_all_and(self, script: Script, count: int = 1) -> None:
        """Bill the next requests for the longest spoken answer they allow; then do this."""

        def made(handler: Handler, body: dict[str, Any]) -> None:
            self.bills[-1] += longest(body) * AUDIO_OUT / 1_000_000
            script(handler, body)

        for _ in range(count):
            self.server.then(made)

    def makes_on_and_on(self, make: Callable[[], Iterator[Any]], rate: Decimal, **how: Any) -> None:
        """Answer the next request with tokens as long as it is read, whatever its cap."""

        def script(handler: Handler, body: dict[str, Any]) -> None:
            def billed() -> Iterator[Any]:
                for one in make():
                    self.bills[-1] += rate / 1_000_000
                    yield one

            handler.stream(billed(), **how)

        self.server.then(script)

    def _then(self, script: Script) -> None:
        def billed(handler: Handler, body: dict[str, Any]) -> None:
            prompt = len(json.dumps(body["messages"])) // 4
            self.bills.append(prompt * TEXT_IN / 1_000_000)
            script(handler, body)

        self.server.scripts.append(billed)


def longest(body: dict[str, Any]) -> int:
    return int(body.get("max_completion_tokens", UNCAPPED))


def running_usage(chunks: list[Any], told: Any) -> list[Any]:
    """The chunks with usage in each of them, as some servers report it."""
    return [item | {"usage": told} for item in chunks]


def half(words: str = "Once upon ") -> list[Any]:
    """The first chunks of a spoken answer, before its usage and its end."""
    return spoken([words], bytes(9_600))[:-2]


def deltas(delta: dict[str, Any]) -> Iterator[Any]:
    """The same delta without end."""
    while True:
        yield chunk(delta, finish_reason=None)
