"""A request's JSON, read and refused as the service does it: for the embedded engine."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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

    Raises Refused in the order of the service's own checks: the labels of all sounds, their bytes,
    the voice, the format, the earlier answers.
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
    drafts = [_draft(item, index) for index, item in enumerate(listed)]
    heard = [tuple(part if isinstance(part, str) else part.decode() for part in draft.parts)
             for draft in drafts]  # fmt: skip
    stream = body.get("stream") is True
    voice, form = _read_audio(body, voices, stream)
    limit = body.get("max_completion_tokens", body.get("max_tokens"))
    if limit is not None and (not isinstance(limit, int) or limit is True or limit < 1):
        raise Refused(
            "Invalid 'max_completion_tokens': expected an integer above 0.", "max_completion_tokens"
        )
    messages = tuple(
        Message(draft.role, draft.said(spoken, index) or parts)
        for index, (draft, parts) in enumerate(zip(drafts, heard, strict=True))
    )
    options = body.get("stream_options")
    usage = isinstance(options, Mapping) and options.get("include_usage") is True
    return Request(model, messages, voice, form, limit, stream, usage)


@dataclass(frozen=True)
class _Recording:
    """A sound of a message, not yet decoded: its label, its base64, its place."""

    label: str
    data: object
    message: int
    part: int

    def decode(self) -> Sound:
        """Look at the bytes, whatever the label says, then decode them."""
        try:
            file = base64.b64decode(str(self.data or ""), validate=True)
        except ValueError:
            file = b"no base64"
        if file and _sniff(file) != self.label:
            raise Refused(
                "This model does not support the format you provided.",
                "messages",
                "unsupported_format",
            )
        try:
            sound = Sound.decode(file) if file else None
        except SoundError as error:
            raise Refused(
                f"The data provided for 'input_audio' is not of valid {self.label} format.",
                f"messages.[{self.message}].content.[{self.part}].input_audio.data",
            ) from error
        if sound is None or sound.seconds < SHORTEST:
            raise Refused("Input audio is too short. Provide at least 0.1 seconds.", "messages")
        return sound


def _sniff(file: bytes) -> str | None:
    if file[:4] == b"RIFF" and file[8:12] == b"WAVE":
        return "wav"
    # An ID3 tag, or the eleven set bits of a frame and the two of layer III.
    is_mp3 = file[:3] == b"ID3" or (file[:1] == b"\xff" and file[1:2] and file[1] & 0xE6 == 0xE2)
    return "mp3" if is_mp3 else None


@dataclass(frozen=True)
class _Draft:
    """A message whose sounds and whose reference to an earlier answer are still to be checked."""

    role: str
    parts: tuple[str | _Recording, ...] = ()
    audio_id: str | None = None

    def said(self, spoken: Mapping[str, str], index: int) -> tuple[str, ...]:
        """The transcript of the earlier answer, where the message is one."""
        if self.audio_id is None:
            return ()
        if self.audio_id not in spoken:
            raise Refused(
                f"Assistant audio {self.audio_id[:60]} not found.",
                f"content.messages[{index}].audio.id",
                "audio_not_found",
            )
        return (spoken[self.audio_id],)


def _draft(item: object, index: int) -> _Draft:
    where = f"messages[{index}]"
    if not isinstance(item, Mapping) or item.get("role") not in ROLES:
        raise Refused(f"Invalid '{where}': expected an object with a role of {ROLES}.", where)
    role = str(item["role"])
    audio = item.get("audio")
    if role == "assistant" and isinstance(audio, Mapping):
        return _Draft(role, audio_id=str(audio.get("id")))
    content = item.get("content")
    if content is None or isinstance(content, str):
        return _Draft(role, (content,) if content else ())
    if not isinstance(content, list):
        raise Refused(f"Invalid type for '{where}.content'.", f"{where}.content")
    parts = (_read_part(part, index, k) for k, part in enumerate(content))
    return _Draft(role, tuple(part for part in parts if part != ""))


def _read_part(part: object, message: int, index: int) -> str | _Recording:
    where = f"messages[{message}].content[{index}]"
    if not isinstance(part, Mapping):
        raise Refused(f"Invalid type for '{where}'.", where)
    if part.get("type") in ("text", "refusal"):
        return str(part.get(str(part["type"])) or "")
    audio = part.get("input_audio")
    if part.get("type") != "input_audio" or not isinstance(audio, Mapping):
        raise Refused(
            f"Invalid value: '{_short(part.get('type'))}'. Supported values are: "
            "'text' and 'input_audio'.",
            f"{where}.type",
        )
    label = audio.get("format")
    if label not in ("wav", "mp3"):
        raise Refused(
            f"Invalid value: '{_short(label)}'. Supported values are: 'wav' and 'mp3'.",
            f"{where}.input_audio.format",
        )
    return _Recording(str(label), audio.get("data"), message, index)


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
        *most, last = (f"'{name}'" for name in voices)
        raise Refused(
            f"Invalid value: '{_short(voice)}'. Supported values are: "
            f"{', '.join(most)}, and {last}.",
            "audio.voice",
        )
    form = audio.get("format")
    if stream and form != "pcm16":
        raise Refused(
            f"Unsupported value: 'audio.format' does not support '{_short(form)}' when "
            "stream=true. Supported values are: 'pcm16'.",
            "audio.format",
            "unsupported_value",
        )
    if form not in ("pcm16", "wav", "mp3", "flac", "opus"):
        raise Refused(
            f"Invalid value: '{_short(form)}'. Supported values are: 'wav', 'mp3', "
            "'flac', 'opus', and 'pcm16'.",
            "audio.format",
        )
    return str(voice), str(form)


def _short(value: object) -> str:
    """Shorten a long value as the service does."""
    text = str(value)
    return text if len(text) <= 20 else f"{text[:3]}...{text[-3:]}"
