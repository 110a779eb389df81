"""A request's JSON, read and refused as the service does it: for the embedded engine."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import SoundError
from ..protocol.request import Message, Request
from ..protocol.tool_calls import ToolCall
from ..sound import SHORTEST, Sound
from .api_errors import APIError, check_number, missing, short
from .api_tools import check_answered, read_call_id, read_calls, read_tools

ROLES = ("system", "developer", "user", "assistant", "tool")


def read(body: object, spoken: Mapping[str, str], voices: Sequence[str]) -> Request:
    """Read a request's JSON; `spoken` holds earlier answers' transcripts by audio id.

    Raises APIError in the order of the service's own checks: the labels of all sounds, their bytes,
    the voice, the format, the earlier answers. Numbers and tools come first.
    """
    if not isinstance(body, Mapping):
        raise APIError("The request body must be a JSON object.", code=None)
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise APIError("you must provide a model parameter", "model", None)
    listed = body.get("messages")
    if not isinstance(listed, list) or not listed:
        raise missing("messages")
    _check_numbers(body)
    tools, choice = read_tools(body)
    drafts = [_draft(item, index) for index, item in enumerate(listed)]
    heard = [tuple(part if isinstance(part, str) else part.decode() for part in draft.parts)
             for draft in drafts]  # fmt: skip
    stream = body.get("stream") is True
    voice, form = _read_audio(body, voices, stream)
    messages = tuple(
        Message(
            draft.role,
            draft.said(spoken, index) or parts,
            tool_calls=draft.calls,
            tool_call_id=draft.call_id,
        )
        for index, (draft, parts) in enumerate(zip(drafts, heard, strict=True))
    )
    check_answered([(message.tool_calls, message.tool_call_id) for message in messages])
    options = body.get("stream_options")
    usage = isinstance(options, Mapping) and options.get("include_usage") is True
    limit = body.get("max_completion_tokens", body.get("max_tokens"))
    return Request(model, messages, voice, form, limit, stream, usage, tools, choice)


def _check_numbers(body: Mapping[str, Any]) -> None:
    """Refuse what the service would, and two answers at once, which the engine does not give."""
    check_number(body, "n", int, 1, 1)
    for param in ("max_completion_tokens", "max_tokens"):
        check_number(body, param, int, 1, None)
    for param, least, most in (
        ("temperature", 0, 2),
        ("top_p", 0, 1),
        ("frequency_penalty", -2, 2),
        ("presence_penalty", -2, 2),
    ):
        check_number(body, param, float, least, most)


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
            raise APIError(
                "This model does not support the format you provided.",
                "messages",
                "unsupported_format",
            )
        try:
            sound = Sound.decode(file) if file else None
        except SoundError as error:
            raise APIError(
                f"The data provided for 'input_audio' is not of valid {self.label} format.",
                f"messages.[{self.message}].content.[{self.part}].input_audio.data",
            ) from error
        if sound is None or sound.seconds < SHORTEST:
            raise APIError("Input audio is too short. Provide at least 0.1 seconds.", "messages")
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
    calls: tuple[ToolCall, ...] = ()
    call_id: str | None = None

    def said(self, spoken: Mapping[str, str], index: int) -> tuple[str, ...]:
        """The transcript of the earlier answer, where the message is one."""
        if self.audio_id is None:
            return ()
        if self.audio_id not in spoken:
            raise APIError(
                f"Assistant audio {self.audio_id[:60]} not found.",
                f"content.messages[{index}].audio.id",
                "audio_not_found",
            )
        return (spoken[self.audio_id],)


def _draft(item: object, index: int) -> _Draft:
    where = f"messages[{index}]"
    if not isinstance(item, Mapping) or item.get("role") not in ROLES:
        raise APIError(f"Invalid '{where}': expected an object with a role of {ROLES}.", where)
    role = str(item["role"])
    calls = read_calls(item, where) if role == "assistant" else ()
    audio = item.get("audio")
    if role == "assistant" and isinstance(audio, Mapping):
        return _Draft(role, audio_id=str(audio.get("id")), calls=calls)
    content = item.get("content")
    parts: tuple[str | _Recording, ...] = ()
    if isinstance(content, list):
        read = (_read_part(part, index, k) for k, part in enumerate(content))
        parts = tuple(part for part in read if part != "")
    elif isinstance(content, str) and content:
        parts = (content,)
    elif content not in (None, ""):
        raise APIError(f"Invalid type for '{where}.content'.", f"{where}.content")
    return _Draft(role, parts, calls=calls, call_id=read_call_id(item, where))


def _read_part(part: object, message: int, index: int) -> str | _Recording:
    where = f"messages[{message}].content[{index}]"
    if not isinstance(part, Mapping):
        raise APIError(f"Invalid type for '{where}'.", where)
    if part.get("type") in ("text", "refusal"):
        return str(part.get(str(part["type"])) or "")
    audio = part.get("input_audio")
    if part.get("type") != "input_audio" or not isinstance(audio, Mapping):
        raise APIError(
            f"Invalid value: '{short(part.get('type'))}'. Supported values are: "
            "'text' and 'input_audio'.",
            f"{where}.type",
        )
    label = audio.get("format")
    if label not in ("wav", "mp3"):
        raise APIError(
            f"Invalid value: '{short(label)}'. Supported values are: 'wav' and 'mp3'.",
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
        raise missing("audio.voice")
    if voice not in voices:
        *most, last = (f"'{name}'" for name in voices)
        raise APIError(
            f"Invalid value: '{short(voice)}'. Supported values are: "
            f"{', '.join(most)}, and {last}.",
            "audio.voice",
        )
    form = audio.get("format")
    if stream and form != "pcm16":
        raise APIError(
            f"Unsupported value: 'audio.format' does not support '{short(form)}' when "
            "stream=true. Supported values are: 'pcm16'.",
            "audio.format",
            "unsupported_value",
        )
    if form not in ("pcm16", "wav", "mp3", "flac", "opus"):
        raise APIError(
            f"Invalid value: '{short(form)}'. Supported values are: 'wav', 'mp3', "
            "'flac', 'opus', and 'pcm16'.",
            "audio.format",
        )
    return str(voice), str(form)
