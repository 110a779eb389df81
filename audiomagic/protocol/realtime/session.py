"""The session object: what a client asks a server to be for one conversation."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...sound import WIRE_RATE
from ..request import Request
from ..tool_calls import Tool

FORMAT = {"type": "audio/pcm", "rate": WIRE_RATE}
# Always sent, since models differ: 200 ms of silence, as some have, cut a sentence at its comma.
TURN_DETECTION = {
    "type": "server_vad",
    "threshold": 0.5,
    "prefix_padding_ms": 300,
    "silence_duration_ms": 500,
    "create_response": False,  # every answer is reserved first
    "interrupt_response": True,
}


@dataclass(frozen=True)
class SessionConfig:
    """Everything that a session is told. `transcription`: the model that writes down what the user
    says; `language`: the one that is spoken (ISO 639-1), "" where it is not known. `detects_turns`:
    whether the server tells by itself when the user has spoken, and stops an answer when the user
    speaks; it answers only when it is asked to.
    """

    instructions: str
    voice: str
    tools: Sequence[Tool]
    transcription: str
    language: str = ""
    detects_turns: bool = False

    @classmethod
    def of(
        cls, request: Request, transcription: str, language: str = "", detects_turns: bool = False
    ) -> "SessionConfig":
        voice, tools = request.voice or "", request.tools
        return cls(request.system, voice, tools, transcription, language, detects_turns)

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
                    "turn_detection": TURN_DETECTION if self.detects_turns else None,
                },
                "output": {"format": FORMAT, "voice": voice},
            },
            "tools": [{"type": "function", **tool.wire()["function"]} for tool in self.tools],
            "tool_choice": "auto",
        }
