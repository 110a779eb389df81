"""An audience for tests: keeps what it is told and hears, and can stop the call."""

from audiomagic.protocol.response import Delta
from audiomagic.transports.cancellation import Cancellation


class Listener:
    """Follows a call; another thread may cut its `cancellation`."""

    def __init__(self) -> None:
        self.cancellation = Cancellation()
        self.lines: list[str] = []
        self.pieces: list[Delta] = []

    @property
    def pcm(self) -> bytes:
        """All the sound."""
        return b"".join(piece.pcm for piece in self.pieces)

    def on_progress(self, line: str) -> None:
        self.lines.append(line)

    def on_delta(self, piece: Delta) -> None:
        self.pieces.append(piece)
