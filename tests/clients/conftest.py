"""One served engine for all clients, and a spoken question."""

import base64
from collections.abc import Iterator

import openai
import pytest

from audiomagic.engine import weights

from ..support.served_engine import served_engine

QUESTION = "What is the capital of France?"


@pytest.fixture(scope="session")
def api() -> Iterator[dict[str, str]]:
    """Where the engine is served, and the token for it, by the names of the official client."""
    assert weights.llm(), f"run first: {weights.INSTALL}"
    with served_engine() as served:
        yield served


@pytest.fixture(scope="session")
def spoken(api: dict[str, str]) -> bytes:
    """The question "What is the capital of France?", as a WAV file."""
    with openai.OpenAI(**api) as client:
        speech = client.audio.speech
        answer = speech.create(model="tts-1", voice="verse", input=QUESTION, response_format="wav")
        return answer.content


@pytest.fixture(scope="session")
def spoken_in_base64(spoken: bytes) -> str:
    return base64.b64encode(spoken).decode()
