"""An audience for tests: keeps what it is told and hears, and can stop the call."""

from audiomagic.far.line import Line
from audiomagic.wire.answer import Piece


class Listener:
    """Follows a call; another thread may cut its `line`."""

    def __init__(self) -> None:
        self.line = Line()
        self.lines: list[str] = []
        self.pieces: list[Piece] = []

    @property
    def pcm(self) -> bytes:
        """All the sound."""
        return b"".join(piece.pcm for piece in self.pieces)

    def progress(self, line: str) -> None:
        self.lines.append(line)

    def hear(self, piece: Piece) -> None:
        self.pieces.append(piece)
