"""What thinks for the engine: any model of text."""

from collections.abc import Generator
from typing import Protocol

from ..protocol.request import Request
from .text_chat import TextDelta


class LanguageModel(Protocol):
    """A model of text, in this process or behind an address; threads may use it at once."""

    @property
    def small(self) -> bool:
        """Whether it needs help: what the ears can answer alone is not put to it."""
        ...

    def count(self, text: str) -> int:
        """Count the tokens of a text."""
        ...

    def reply(self, request: Request) -> Generator[TextDelta, None, None]:
        """Yield an answer in pieces, as they come; closing the iterator stops the model.

        The request holds no sound: its words were recognised before. Without a cap the brain's
        own holds. Raises AudiomagicError where nothing can be answered.
        """
        ...
