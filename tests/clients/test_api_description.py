"""What the served engine sends is what OpenAI's published description of its API says."""

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import jsonschema
import pytest

from ..support.api_description import check

MODEL = "local-engine"
QUESTION = "What is the capital of France?"
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"name": "weather", "description": "The weather in a city", "parameters": PARAMETERS}
SPOKEN = {"modalities": ["text", "audio"], "audio": {"voice": "coral", "format": "pcm16"}}
ASKED = {"model": MODEL, "messages": [{"role": "user", "content": QUESTION}]}
TOOL = {
    "model": MODEL,
    "messages": [{"role": "user", "content": "What is the weather in Paris?"}],
    "tools": [{"type": "function", "function": WEATHER}],
}
RESPONSE = {"model": MODEL, "input": QUESTION}
RESPONSE_TOOL = {
    "model": MODEL,
    "input": "What is the weather in Paris?",
    "tools": [{"type": "function", "strict": False} | WEATHER],
}
SPEECH = {"model": "tts-1", "voice": "coral", "input": "Hello there.", "stream_format": "sse"}


@pytest.fixture(scope="module")
def http(api: dict[str, str]) -> Iterator[httpx2.Client]:
    headers = {"authorization": f"Bearer {api['api_key']}"}
    with httpx2.Client(base_url=api["base_url"], headers=headers, timeout=120) as client:
        yield client


def events(text: str) -> list[Any]:
    """The values of server-sent events, without the closing `[DONE]`."""
    lines = [line[6:] for line in text.splitlines() if line.startswith("data: ")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


def test_a_wrong_answer_is_noticed() -> None:
    card = {"id": MODEL, "object": "model", "created": 0, "owned_by": "audiomagic"}
    check(card, "Model")
    for wrong in (card | {"object": "models"}, card | {"created": "0"}, {"id": MODEL}):
        with pytest.raises(jsonschema.ValidationError):
            check(wrong, "Model")


def test_models(http: httpx2.Client) -> None:
    check(http.get("/models").json(), "ListModelsResponse")
    check(http.get(f"/models/{MODEL}").json(), "Model")


@pytest.mark.parametrize("body", [ASKED, ASKED | SPOKEN, TOOL], ids=["text", "spoken", "tool"])
def test_a_chat_completion_and_its_chunks(http: httpx2.Client, body: dict[str, Any]) -> None:
    check(http.post("/chat/completions", json=body).json(), "CreateChatCompletionResponse")
    stream = http.post(
        "/chat/completions", json=body | {"stream": True, "stream_options": {"include_usage": True}}
    )
    chunks = events(stream.text)
    assert len(chunks) > 2
    for chunk in chunks:
        check(chunk, "CreateChatCompletionStreamResponse")


@pytest.mark.parametrize("body", [RESPONSE, RESPONSE_TOOL], ids=["text", "tool"])
def test_a_response_and_its_events(http: httpx2.Client, body: dict[str, Any]) -> None:
    check(http.post("/responses", json=body).json(), "Response")
    found = events(http.post("/responses", json=body | {"stream": True}).text)
    assert len(found) > 5
    for each in found:
        check(each, "ResponseStreamEvent")


def test_a_response_that_is_cut(http: httpx2.Client) -> None:
    body = RESPONSE | {"input": "Tell me a long story.", "max_output_tokens": 5}
    check(http.post("/responses", json=body).json(), "Response")


@pytest.mark.parametrize("form", ["mp3", "pcm"])
def test_the_events_of_speech(http: httpx2.Client, form: str) -> None:
    found = events(http.post("/audio/speech", json=SPEECH | {"response_format": form}).text)
    assert len(found) > 1
    for each in found:
        check(each, "CreateSpeechResponseStreamEvent")


def test_a_transcription_and_its_events(http: httpx2.Client, spoken: bytes) -> None:
    def told(**asked: Any) -> httpx2.Response:
        form = {"model": "whisper-1"} | asked
        return http.post("/audio/transcriptions", data=form, files={"file": ("q.wav", spoken)})

    check(told().json(), "CreateTranscriptionResponseJson")
    asked = {"timestamp_granularities[]": ["word", "segment"], "response_format": "verbose_json"}
    verbose = told(**asked).json()
    assert verbose["words"] and verbose["segments"]
    check(verbose, "CreateTranscriptionResponseVerboseJson")
    for each in events(told(stream="true").text):
        check(each, "CreateTranscriptionResponseStreamEvent")


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/chat/completions", {}, 400),
        ("/responses", {"model": MODEL}, 400),
        ("/responses", RESPONSE | {"model": "gpt-9"}, 404),
        ("/audio/speech", SPEECH | {"voice": "corl"}, 400),
        ("/audio/transcriptions", {}, 400),
        ("/models", {}, 405),
        ("/nothing", {}, 404),
    ],
)
def test_errors(http: httpx2.Client, path: str, body: dict[str, Any], status: int) -> None:
    answer = http.post(path, json=body)
    assert answer.status_code == status
    check(answer.json(), "ErrorResponse")


def test_an_error_without_a_token(http: httpx2.Client) -> None:
    answer = http.get("/models", headers={"authorization": "Bearer wrong"})
    assert answer.status_code == 401 and answer.headers["x-request-id"]
    check(answer.json(), "ErrorResponse")
