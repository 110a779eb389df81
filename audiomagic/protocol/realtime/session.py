"""The session object: what a client asks a server to be for one conversation."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...sound import WIRE_RATE
from ..request import Request
from ..tool_calls import Tool

FORMAT = {"type": "audio/pcm", "rate": WIRE_RATE}


@dataclass(frozen=True)
class SessionConfig:
    """Everything that a session is told. `transcription`: the model that writes down what the user
    says; `language`: the one that is spoken (ISO 639-1), "" where it is not known.

    The server does not listen for turns by itself: each is committed.
    """

    instructions: str
    voice: str
    tools: Sequence[Tool]
    transcription: str
    language: str = ""

    @classmethod
    def of(cls, request: Request, transcription: str, language: str) -> "SessionConfig":
        voice = request.voice or ""
        return cls(request.system, voice, request.tools, transcription, language)

    def wire(self) -> dict[str, Any]:
        """Return it whole: a session that lacks a field has the server's own default."""
        transcription = {"model": self.transcription}
        if self.language:
            transcription["language"] = self.language
        voice = {"id": self.voice} if self.voice.startswith("voice_") else self.voice
        return {
            "type": "realtime",
            "output_modalities": ["audio"],
            "instructions": self.instructions,
            "audio": {
                "input": {
                    "format": FORMAT,
                    "transcription": transcription,
                    "turn_detection": None,
                },
                "output": {"format": FORMAT, "voice": voice},
            },
            "tools": [{"type": "function", **tool.wire()["function"]} for tool in self.tools],
            "tool_choice": "auto",
        }
