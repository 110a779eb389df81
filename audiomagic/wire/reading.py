"""A request's JSON, read and refused as the service does it: for the embedded engine."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import SoundError
from ..sound import SHORTEST, Sound
from .request import Message, Request

ROLES = ("system", "developer", "user", "assistant", "tool")


class Refused(Exception):
    """A request that the engine refuses, in the service's own words and shape."""

    def __init__(
        self,
        message: str,
        param: str | None = None,
        code: str | None = "invalid_value",
        status: int = 400,
    ):
        super().__init__(message)
        self.status = status
        self.param = param
        self.code = code

    def wire(self) -> dict[str, Any]:
        """Spell it."""
        error = {"message": str(self), "type": "invalid_request_error"}
        return {"error": error | {"param": self.param, "code": self.code}}


def read(body: object, spoken: Mapping[str, str], voices: Sequence[str]) -> Request:
    """Read a request's JSON; `spoken` holds earlier answers' transcripts by audio id.

    Raises Refused in the order of the service's own checks.
    """
    if not isinstance(body, Mapping):
        raise Refused("The request body must be a JSON object.", code=None)
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise Refused("you must provide a model parameter", "model", None)
    listed = body.get("messages")
    if not isinstance(listed, list) or not listed:
        raise Refused(
            "Missing required parameter: 'messages'.", "messages", "missing_required_parameter"
        )
    messages = tuple(_read_message(item, index, spoken) for index, item in enumerate(listed))
    stream = body.get("stream") is True
    voice, form = _read_audio(body, voices, stream)
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    if limit is not None and (not isinstance(limit, int) or limit < 1):
        raise Refused(
            "Invalid 'max_completion_tokens': expected an integer above 0.", "max_completion_tokens"
        )
    return Request(model, messages, voice, form, limit, stream)


def _read_audio(
    body: Mapping[str, Any], voices: Sequence[str], stream: bool
) -> tuple[str | None, str]:
    modalities = body.get("modalities") or ["text"]
    if not isinstance(modalities, list) or "audio" not in modalities:
        return None, "pcm16"
    audio = body.get("audio")
    voice = audio.get("voice") if isinstance(audio, Mapping) else None
    voice = voice.get("id") if isinstance(voice, Mapping) else voice
    if not isinstance(audio, Mapping) or not voice:
        raise Refused(
            "Missing required parameter: 'audio.voice'.",
            "audio.voice",
            "missing_required_parameter",
        )
    if voice not in voices:
        known = ", ".join(f"'{name}'" for name in voices)
        raise Refused(
            f"Invalid value: '{str(voice)[:40]}'. Supported values are: {known}.", "audio.voice"
        )
    form = audio.get("format")
    if stream and form != "pcm16":
        raise Refused(
            f"Unsupported value: 'audio.format' does not support '{str(form)[:20]}' when "
            "stream=true. Supported values are: 'pcm16'.",
            "audio.format",
            "unsupported_value",
        )
    if form not in ("pcm16", "wav", "mp3", "flac", "opus"):
        raise Refused(
            f"Invalid value: '{str(form)[:20]}'. Supported values are: 'wav', 'mp3', "
            "'flac', 'opus', and 'pcm16'.",
            "audio.format",
        )
    return str(voice), str(form)


def _read_message(item: object, index: int, spoken: Mapping[str, str]) -> Message:
    where = f"messages[{index}]"
    if not isinstance(item, Mapping) or item.get("role") not in ROLES:
        raise Refused(f"Invalid '{where}': expected an object with a role of {ROLES}.", where)
    role = str(item["role"])
    audio = item.get("audio")
    if role == "assistant" and isinstance(audio, Mapping):
        audio_id = str(audio.get("id"))
        if audio_id not in spoken:
            raise Refused(
                f"Assistant audio {audio_id[:60]} not found.",
                f"content.{where}.audio.id",
                "audio_not_found",
            )
        return Message(role, (spoken[audio_id],))
    content = item.get("content")
    if content is None or isinstance(content, str):
        return Message(role, (content,) if content else ())
    if not isinstance(content, list):
        raise Refused(f"Invalid type for '{where}.content'.", f"{where}.content")
    parts = (_read_part(part, f"{where}.content[{k}]") for k, part in enumerate(content))
    return Message(role, tuple(part for part in parts if part != ""))


def _read_part(part: object, where: str) -> str | Sound:
    if not isinstance(part, Mapping):
        raise Refused(f"Invalid type for '{where}'.", where)
    if part.get("type") in ("text", "refusal"):
        return str(part.get(str(part["type"])) or "")
    audio = part.get("input_audio")
    if part.get("type") != "input_audio" or not isinstance(audio, Mapping):
        raise Refused(
            f"Invalid value: '{str(part.get('type'))[:40]}'. Supported values are: "
            "'text' and 'input_audio'.",
            f"{where}.type",
        )
    label = str(audio.get("format"))[:20]
    if label not in ("wav", "mp3"):
        raise Refused(
            f"Invalid value: '{label}'. Supported values are: 'wav' and 'mp3'.",
            f"{where}.input_audio.format",
        )
    try:
        sound = Sound.decode(base64.b64decode(str(audio.get("data")), validate=True))
    except (binascii.Error, SoundError) as error:
        raise Refused(
            f"The data provided for 'input_audio' is not of valid {label} format.",
            f"{where}.input_audio.data",
        ) from error
    if sound.seconds < SHORTEST:
        raise Refused("Input audio is too short. Provide at least 0.1 seconds.", where)
    return sound
