"""Live conversations with the served engine, by the official client and by OpenAI's Agents SDK."""

import asyncio
import base64
import io
import json
import threading
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from audiomagic import Sound

from ..support.realtime_events import check

agents: Any = pytest.importorskip("agents")
TOOL = {
    "type": "function",
    "name": "weather",
    "description": "The weather in a city.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
}
SILENCE = bytes(48 * 1_500)


@pytest.fixture
def microphone(spoken: bytes) -> list[bytes]:
    """The spoken question as it is recorded, a tenth of a second at a time."""
    pcm = Sound.read(io.BytesIO(spoken)).pcm16() + SILENCE
    return [pcm[start : start + 4_800] for start in range(0, len(pcm), 4_800)]


@pytest.fixture
def connection(api: dict[str, str]) -> Iterator[Any]:
    with (
        openai.OpenAI(**api) as client,
        client.realtime.connect(model="gpt-realtime-2.1") as connection,
    ):
        assert connection.recv().type == "session.created"
        yield connection


def until(connection: Any, kind: str) -> list[Any]:
    """The events up to one of a kind, each as its type has it."""
    seen = []
    while not seen or seen[-1].type != kind:
        raw = connection.recv_bytes()
        check(json.loads(raw))
        seen.append(connection.parse_event(raw))
        assert seen[-1].type != "error", seen[-1]
    return seen


def write(connection: Any, text: str) -> None:
    content = [{"type": "input_text", "text": text}]
    item: Any = {"type": "message", "role": "user", "content": content}
    connection.conversation.item.create(item=item)


def transcript(events: list[Any]) -> str:
    return "".join(event.delta for event in events
                   if event.type == "response.output_audio_transcript.delta")  # fmt: skip


# -- the official client --------------------------------------------------------------------------
def test_a_question_by_voice_and_one_in_writing(connection: Any, microphone: list[bytes]) -> None:
    listening: dict[str, Any] = {"transcription": {"model": "gpt-live-transcribe"}}
    connection.session.update(session={"type": "realtime", "audio": {"input": listening}})

    def speak() -> None:
        for chunk in microphone:
            connection.input_audio_buffer.append(audio=base64.b64encode(chunk).decode())

    speaker = threading.Thread(target=speak)
    speaker.start()
    events = until(connection, "response.done")
    speaker.join()
    assert "Paris" in transcript(events)
    (told,) = (event for event in events if event.type.endswith("transcription.completed"))
    assert "France" in told.transcript
    pcm = b"".join(base64.b64decode(event.delta) for event in events
                   if event.type == "response.output_audio.delta")  # fmt: skip
    answer = events[-1].response
    assert answer.usage.output_token_details.audio_tokens == round(len(pcm) / 2_400)

    write(connection, "What is the capital of Japan?")
    connection.response.create(response={"output_modalities": ["text"]})
    done = until(connection, "response.done")[-1].response
    assert done.status == "completed" and done.output[0].content[0].text
    assert done.usage.input_token_details.audio_tokens > answer.usage.input_tokens


def test_a_tool_of_the_official_clients(connection: Any) -> None:
    settings: Any = {"type": "realtime", "tools": [TOOL]}
    connection.session.update(session=settings)
    write(connection, "What is the weather in Paris?")
    connection.response.create()
    events = until(connection, "response.done")
    (call,) = events[-1].response.output
    assert (call.type, json.loads(call.arguments)) == ("function_call", {"city": "Paris"})
    output: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
    connection.conversation.item.create(item=output)
    connection.response.create()
    assert "sunny" in transcript(until(connection, "response.done"))


def test_a_bad_key_is_refused(api: dict[str, str]) -> None:
    from websockets.exceptions import InvalidStatus

    with (
        openai.OpenAI(base_url=api["base_url"], api_key="wrong") as client,
        pytest.raises(InvalidStatus) as caught,
        client.realtime.connect(model="gpt-realtime-2.1"),
    ):
        pass
    response = caught.value.response
    assert response.status_code == 401
    assert json.loads(response.body or b"")["error"]["code"] == "invalid_api_key"


# -- the Agents SDK -------------------------------------------------------------------------------
def test_an_agent_hears_calls_a_tool_and_speaks(
    api: dict[str, str], microphone: list[bytes]
) -> None:
    from agents.realtime import RealtimeAgent, RealtimeRunner

    cities = []

    @agents.function_tool
    def weather(city: str) -> str:
        """The weather in a city."""
        cities.append(city)
        return "sunny"

    async def talk() -> tuple[list[str], bytes]:
        agent = RealtimeAgent(name="guide", instructions="Be brief.", tools=[weather])
        address = api["base_url"].replace("http", "ws", 1) + "/realtime?model=local-engine"
        config = {"url": address, "api_key": api["api_key"]}
        answers, sound = [""], b""
        async with await RealtimeRunner(agent).run(model_config=config) as session:
            for chunk in microphone:
                await session.send_audio(chunk)
            async for event in session:
                assert event.type != "error", event.error
                if event.type == "audio":
                    sound += event.audio.data
                elif event.type == "raw_model_event" and event.data.type == "transcript_delta":
                    answers[-1] += event.data.delta
                elif event.type == "agent_end":
                    answers.append("")
                    if len(answers) == 2:
                        await session.send_message("What is the weather in Paris?")
                    elif len(answers) == 4:  # the call, and its result in words
                        break
        return answers, sound

    answers, sound = asyncio.run(asyncio.wait_for(talk(), 60))
    assert "Paris" in answers[0] and "sunny" in answers[2]
    assert cities == ["Paris"] and Sound.from_pcm16(sound).seconds > 1
