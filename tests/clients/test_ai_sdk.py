"""The Vercel AI SDK (Node.js) against the served engine, by each of its ways to ask."""

import json
from pathlib import Path
from typing import Any

import pytest

from ..support.npm import find_node, installed, run

QUESTION = "What is the capital of France?"
SOURCE = Path(__file__).parents[1] / "support" / "ai_sdk_js"
NODE = find_node()
pytestmark = pytest.mark.skipif(NODE is None, reason="needs Node.js and npm")
every_way = pytest.mark.parametrize("provider", ["chat", "responses", "compatible"])


@pytest.fixture(scope="module")
def folder() -> Path:
    return installed(SOURCE)


def did(folder: Path, api: dict[str, str], task: str, prompt: str = "", **more: str) -> Any:
    """What came of a task of `client.mjs`."""
    asked = {"task": task, "prompt": prompt, "baseURL": api["base_url"], "apiKey": api["api_key"]}
    return json.loads(run([str(NODE), "client.mjs"], folder, json.dumps(asked | more)))


@every_way
def test_an_answer(folder: Path, api: dict[str, str], provider: str) -> None:
    answer = did(folder, api, "text", QUESTION, provider=provider)
    assert "Paris" in answer["text"] and answer["tokens"] > 0


@every_way
def test_a_stream(folder: Path, api: dict[str, str], provider: str) -> None:
    assert "Paris" in did(folder, api, "stream", QUESTION, provider=provider)["text"]


@every_way
def test_a_tool(folder: Path, api: dict[str, str], provider: str) -> None:
    answer = did(folder, api, "tool", "What is the weather in Paris?", provider=provider)
    assert answer["cities"] == ["Paris"] and "sunny" in answer["text"]


@every_way
def test_an_answer_by_a_schema(folder: Path, api: dict[str, str], provider: str) -> None:
    found = did(folder, api, "object", "Paris is the capital of France.", provider=provider)
    assert found.keys() == {"name", "country"}


@every_way
def test_a_tool_with_objects_in_objects(folder: Path, api: dict[str, str], provider: str) -> None:
    answer = did(folder, api, "nested", "Order 2 margherita pizzas for Bob.", provider=provider)
    [order] = answer["orders"]
    assert order["customer"]["name"] == "Bob" and "minutes: 20" in answer["text"]
    assert {"pizza": "margherita", "count": 2} in order["items"]


@every_way
@pytest.mark.parametrize("shape", ["union", "formats", "tuple", "recursive"])
def test_an_answer_of_any_shape(
    folder: Path, api: dict[str, str], provider: str, shape: str
) -> None:
    prompt = "Bob is bob@example.com, and draws a circle of radius 3."
    found = did(folder, api, "shape", prompt, provider=provider, shape=shape)
    if shape == "union":
        assert found["shape"] == {"kind": "circle", "radius": 3}


@every_way
def test_an_abort_stops_the_model(folder: Path, api: dict[str, str], provider: str) -> None:
    answer = did(folder, api, "abort", "Tell me a long story of a king.", provider=provider)
    assert answer["seen"][-1] == "abort" and answer["seen"].count("text-delta") < 10
    assert "Paris" in answer["text"]


@every_way
def test_a_text_that_is_too_long_is_refused_once(
    folder: Path, api: dict[str, str], provider: str
) -> None:
    answer = did(folder, api, "refused", "The king has many horses. " * 20_000, provider=provider)
    assert answer["status"] == 400 and "tokens of text" in answer["said"]
    assert answer["retried"] is False


@pytest.mark.parametrize("provider", ["chat", "compatible"])
def test_sound_in(folder: Path, api: dict[str, str], provider: str, spoken_in_base64: str) -> None:
    answer = did(folder, api, "hear", provider=provider, sound=spoken_in_base64)
    assert "Paris" in answer["text"]


def test_speech_and_its_transcription(folder: Path, api: dict[str, str]) -> None:
    heard = did(folder, api, "speech", QUESTION)
    assert (heard["text"], heard["words"]) == (QUESTION, len(QUESTION.split()))
    assert (heard["language"], heard["mediaType"]) == ("en", "audio/wav")
