"""A recogniser behind an address: any server that answers `/audio/transcriptions`."""

import numpy as np
from numpy.typing import NDArray

from ..sound import Sound
from .remote import RemoteServer
from .stt import RATE
from .text_chat import heard_words

CHARACTERS_PER_TOKEN = 4  # a guess


class RemoteRecognizer:
    """The server at an address like `http://localhost:8000/v1#whisper-large`; see RemoteServer."""

    def __init__(self, address: str):
        self._server = RemoteServer(address, "stt")

    def words(self, samples: NDArray[np.float32]) -> str:
        """Return the words of float32 samples at RATE. Raises EngineError, one line."""
        file = Sound(samples, RATE).encode("wav")
        answer = self._server.ask(
            "/audio/transcriptions",
            data={"model": self._server.model},
            files={"file": ("speech.wav", file, "audio/wav")},
        )
        return heard_words(answer)

    def count(self, text: str) -> int:
        """Guess the tokens of a text."""
        return -(-len(text) // CHARACTERS_PER_TOKEN)
