"""LangChain's `ChatOpenAI` against the served engine, by chat completions and by responses."""

from typing import Any

import pytest
from pydantic import BaseModel

langchain: Any = pytest.importorskip("langchain_openai")

QUESTION = "What is the capital of France?"


class City(BaseModel):
    """A city."""

    name: str
    country: str


@pytest.fixture(params=[False, True], ids=["chat", "responses"])
def model(api: dict[str, str], request: pytest.FixtureRequest) -> Any:
    return langchain.ChatOpenAI(model="local-engine", use_responses_api=request.param, **api)


def weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


def test_an_answer(model: Any) -> None:
    answer = model.invoke(QUESTION)
    assert "Paris" in answer.text and answer.usage_metadata["total_tokens"] > 0


def test_a_stream(model: Any) -> None:
    assert "Paris" in "".join(chunk.text for chunk in model.stream(QUESTION))


def test_a_conversation(model: Any) -> None:
    answer = model.invoke(QUESTION)
    again = model.invoke([("user", QUESTION), answer, ("user", "Of which country?")])
    assert "France" in again.text


def test_a_tool(model: Any) -> None:
    from langchain_core.messages import HumanMessage
    from langchain_core.tools import tool

    asked = HumanMessage("What is the weather in Paris?")
    bound = model.bind_tools([tool(weather)])
    answer = bound.invoke([asked])
    (call,) = answer.tool_calls
    assert (call["name"], call["args"]) == ("weather", {"city": "Paris"})
    assert "sunny" in bound.invoke([asked, answer, tool(weather).invoke(call)]).text


def test_an_answer_by_a_schema(model: Any) -> None:
    parsed = model.with_structured_output(City).invoke("Paris is the capital of France.")
    assert isinstance(parsed, City)


def test_sound_in_and_out(api: dict[str, str], spoken_in_base64: str) -> None:
    from langchain_core.messages import HumanMessage

    speaker = langchain.ChatOpenAI(
        model="local-engine",
        modalities=["text", "audio"],
        audio={"voice": "coral", "format": "wav"},
        **api,
    )
    sound = {"format": "wav", "data": spoken_in_base64}
    answer = speaker.invoke([HumanMessage([{"type": "input_audio", "input_audio": sound}])])
    audio = answer.additional_kwargs["audio"]
    assert "Paris" in audio["transcript"]
    again = speaker.invoke([HumanMessage(QUESTION), answer, HumanMessage("Of which country?")])
    assert "France" in again.additional_kwargs["audio"]["transcript"]
