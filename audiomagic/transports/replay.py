"""ReplayTransport: answers from a cassette, at no cost."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..protocol.request import Request
from .cancellation import Cancellation
from .transport import Provider, Report, Response, Transport

if TYPE_CHECKING:
    from .cassette import Cassette


@dataclass(frozen=True)
class ReplayTransport(Transport):
    """Gives recorded answers again, at the pace at which they came or at once."""

    cassette: "Cassette"
    pace: bool = True

    @property
    def provider(self) -> Provider:
        """The cassette."""
        why = f"cassette {self.cassette.folder.name}"
        return Provider("replay", "the cassette", why, label="replayed · free")

    @contextmanager
    def stream(
        self, request: Request, cancellation: Cancellation, report: Report
    ) -> Iterator[Response]:
        """Look the request up. Raises NotRecorded, CassetteError."""
        with cancellation.bound():
            yield Response(self.cassette.answer(request, self.pace))
