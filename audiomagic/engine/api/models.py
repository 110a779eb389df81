"""Which models the engine's API answers to: its own name, and those of the service's it stands for.

A program that was written for the service names one of these; any other is a mistake.
"""

from typing import Any, get_args

from ...catalogue import catalogue
from ...errors import one_line
from ..engine import MODEL, known_models
from .errors import APIError

CARD = {"id": MODEL, "object": "model", "created": 0, "owned_by": "audiomagic"}


def card(model: str) -> dict[str, Any]:
    """Describe the one model that the API lists. Raises APIError for another."""
    if model != MODEL:
        raise _unknown(model, None)
    return CARD


def check_chat(model: str) -> None:
    """Raise APIError where `model` is not one that writes or speaks answers."""
    _check(model, known_models())


def check_realtime(model: str) -> None:
    """Raise APIError where `model` is not one that holds conversations."""
    _check(model, tuple(catalogue().realtime_models))


def check_speech(model: str) -> None:
    """Raise APIError where `model` is not one that reads aloud."""
    from openai.types.audio import SpeechModel

    _check(model, get_args(SpeechModel))


def check_transcription(model: str) -> None:
    """Raise APIError where `model` is not one that writes down what is said."""
    from openai.types import AudioModel

    _check(model, get_args(AudioModel))


def _check(model: str, known: tuple[str, ...]) -> None:
    if model not in (MODEL, *known):
        raise _unknown(model, "model")


def _unknown(model: str, param: str | None) -> APIError:
    name = one_line(model, 60)
    line = f"The model `{name}` does not exist or you do not have access to it. Use `{MODEL}`."
    return APIError(line, param, "model_not_found", 404)
