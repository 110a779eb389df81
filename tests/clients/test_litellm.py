"""LiteLLM against the served engine."""

import json
import os
from typing import Any

import openai
import pytest
from pydantic import BaseModel

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # or it would ask for prices on the internet
litellm: Any = pytest.importorskip("litellm")

MODEL = "openai/local-engine"
QUESTION = "What is the capital of France?"
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather in a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}


class City(BaseModel):
    name: str
    country: str


def user(content: object) -> list[dict[str, object]]:
    return [{"role": "user", "content": content}]


def test_chat_in_one_piece_and_in_a_stream(api: dict[str, str]) -> None:
    whole = litellm.completion(model=MODEL, messages=user(QUESTION), **api)
    assert "Paris" in whole.choices[0].message.content and whole.usage.total_tokens > 0
    stream = litellm.completion(model=MODEL, messages=user(QUESTION), stream=True, **api)
    said = "".join(chunk.choices[0].delta.content or "" for chunk in stream)
    assert said == whole.choices[0].message.content


def test_chat_with_sound_in_and_out(api: dict[str, str], spoken_in_base64: str) -> None:
    sound = {"format": "wav", "data": spoken_in_base64}
    answer = litellm.completion(
        model=MODEL,
        messages=user([{"type": "input_audio", "input_audio": sound}]),
        modalities=["text", "audio"],
        audio={"voice": "coral", "format": "mp3"},
        **api,
    )
    audio = answer.choices[0].message.audio
    assert "Paris" in audio.transcript and len(audio.data) > 10_000


def test_chat_with_a_tool(api: dict[str, str]) -> None:
    asked = user("What is the weather in Paris?")
    answer = litellm.completion(model=MODEL, messages=asked, tools=[WEATHER], **api)
    message = answer.choices[0].message
    (call,) = message.tool_calls
    assert json.loads(call.function.arguments) == {"city": "Paris"}
    result = {"role": "tool", "tool_call_id": call.id, "content": "sunny"}
    messages = [*asked, message, result]
    answer = litellm.completion(model=MODEL, messages=messages, tools=[WEATHER], **api)
    assert "sunny" in answer.choices[0].message.content


def test_chat_by_a_schema(api: dict[str, str]) -> None:
    answer = litellm.completion(
        model=MODEL, messages=user("Paris is in France."), response_format=City, **api
    )
    assert City.model_validate_json(answer.choices[0].message.content)


def test_speech_and_its_transcription(api: dict[str, str]) -> None:
    spoken = litellm.speech(
        model="openai/tts-1", voice="onyx", input=QUESTION, response_format="flac", **api
    )
    heard = litellm.transcription(
        model="openai/whisper-1",
        file=("q.flac", spoken.content),
        response_format="verbose_json",
        timestamp_granularities=["word"],
        **api,
    )
    assert heard.text == QUESTION and len(heard.words) == len(QUESTION.split())


def test_responses(api: dict[str, str]) -> None:
    at = {"api_base": api["base_url"], "api_key": api["api_key"]}
    first = litellm.responses(model=MODEL, input=QUESTION, **at)
    assert "Paris" in first.output_text
    stream = litellm.responses(model=MODEL, input=QUESTION, stream=True, **at)
    kinds = [str(getattr(event.type, "value", event.type)) for event in stream]
    assert "response.output_text.delta" in kinds and kinds[-1] == "response.completed"


def test_an_error_has_the_engines_words(api: dict[str, str]) -> None:
    with pytest.raises(openai.BadRequestError, match="coral"):
        litellm.speech(model="openai/tts-1", voice="corl", input="Hi.", **api)
