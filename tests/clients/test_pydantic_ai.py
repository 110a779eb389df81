"""Pydantic AI against the served engine, by chat completions and by responses."""

import base64
from typing import Any

import pytest
from pydantic import BaseModel

pydantic_ai: Any = pytest.importorskip("pydantic_ai")
QUESTION = "What is the capital of France?"


class City(BaseModel):
    """A city."""

    name: str
    country: str


@pytest.fixture(params=["chat", "responses"])
def model(api: dict[str, str], request: pytest.FixtureRequest) -> Any:
    from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
    from pydantic_ai.providers.openai import OpenAIProvider

    kind = {"chat": OpenAIChatModel, "responses": OpenAIResponsesModel}[request.param]
    return kind("local-engine", provider=OpenAIProvider(**api))


def test_an_answer_and_a_conversation(model: Any) -> None:
    agent = pydantic_ai.Agent(model)
    answer = agent.run_sync(QUESTION)
    assert "Paris" in answer.output and answer.usage.output_tokens > 0
    again = agent.run_sync("Of which country?", message_history=answer.all_messages())
    assert "France" in again.output


def test_a_stream(model: Any) -> None:
    with pydantic_ai.Agent(model).run_stream_sync(QUESTION) as stream:
        assert "Paris" in "".join(stream.stream_text(delta=True))


def test_a_tool(model: Any) -> None:
    agent, cities = pydantic_ai.Agent(model), []

    @agent.tool_plain
    def weather(city: str) -> str:
        """The weather in a city."""
        cities.append(city)
        return "sunny"

    assert "sunny" in agent.run_sync("What is the weather in Paris?").output
    assert cities == ["Paris"]


@pytest.mark.parametrize("output", ["NativeOutput", "ToolOutput"])
def test_an_answer_by_a_schema(model: Any, output: str) -> None:
    agent = pydantic_ai.Agent(model, output_type=getattr(pydantic_ai, output)(City))
    assert isinstance(agent.run_sync("Paris is the capital of France.").output, City)


def test_sound_in(api: dict[str, str], spoken_in_base64: str) -> None:
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    agent = pydantic_ai.Agent(OpenAIChatModel("local-engine", provider=OpenAIProvider(**api)))
    sound = pydantic_ai.BinaryContent(
        data=base64.b64decode(spoken_in_base64), media_type="audio/wav"
    )
    assert "Paris" in agent.run_sync([sound]).output
