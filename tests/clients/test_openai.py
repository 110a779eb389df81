"""The official client against the served engine, at each of its endpoints."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import openai
import pytest
from pydantic import BaseModel

from audiomagic import Sound

MODEL = "local-engine"
QUESTION = "What is the capital of France?"
WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}


class City(BaseModel):
    name: str
    country: str


@pytest.fixture(scope="module")
def client(api: dict[str, str]) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(**api, max_retries=0) as client:
        yield client


def user(content: Any) -> list[Any]:
    return [{"role": "user", "content": content}]


# -- models -------------------------------------------------------------------------------------
def test_the_one_model_is_listed_and_found(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == [MODEL]
    assert client.models.retrieve(MODEL).id == MODEL
    with pytest.raises(openai.NotFoundError) as refused:
        client.models.retrieve("org/another")
    assert refused.value.code == "model_not_found" and refused.value.request_id


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/models", 405),
        ("GET", "/audio/speech", 405),
        ("GET", "/files", 404),
        ("POST", "/audio/translations", 404),
    ],
)
def test_what_is_not_there_is_refused_in_the_services_shape(
    client: openai.OpenAI, method: str, path: str, status: int
) -> None:
    with pytest.raises(openai.APIStatusError) as refused:
        client.get(path, cast_to=object) if method == "GET" else client.post(path, cast_to=object)
    assert refused.value.status_code == status
    assert refused.value.type == "invalid_request_error" and refused.value.request_id


def test_a_head_request_has_no_body(client: openai.OpenAI) -> None:
    answer = client._client.head(f"{client.base_url}models", headers=client.auth_headers)
    assert answer.status_code == 200 and answer.content == b""


# -- chat completions -----------------------------------------------------------------------------
def test_chat(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model=MODEL, messages=user(QUESTION))
    assert "Paris" in (answer.choices[0].message.content or "")
    assert answer.usage and answer.usage.completion_tokens > 0


def test_chat_in_a_stream(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(model=MODEL, messages=user(QUESTION)) as stream:
        texts = [event.delta for event in stream if event.type == "content.delta"]
        assert "".join(texts) == stream.get_final_completion().choices[0].message.content


def test_chat_with_sound_in_and_out(client: openai.OpenAI, spoken: bytes) -> None:
    sound = {"format": "wav", "data": base64.b64encode(spoken).decode()}
    answer = client.chat.completions.create(
        model=MODEL,
        modalities=["text", "audio"],
        audio={"voice": "coral", "format": "flac"},
        messages=user([{"type": "input_audio", "input_audio": sound}]),
    )
    audio = answer.choices[0].message.audio
    assert audio and "Paris" in audio.transcript
    assert Sound.decode(base64.b64decode(audio.data)).seconds > 0.5


def test_chat_with_a_tool(client: openai.OpenAI) -> None:
    function = {"name": "weather", "description": "The weather in a city", "parameters": WEATHER}
    tools: Any = [{"type": "function", "function": function | {"strict": True}}]
    messages = user("What is the weather in Paris?")
    answer = client.chat.completions.create(model=MODEL, messages=messages, tools=tools)
    message = answer.choices[0].message
    assert answer.choices[0].finish_reason == "tool_calls" and message.tool_calls
    call: Any = message.tool_calls[0]
    assert (call.function.name, json.loads(call.function.arguments)) == (
        "weather",
        {"city": "Paris"},
    )
    result = {"role": "tool", "tool_call_id": call.id, "content": "sunny"}
    answer = client.chat.completions.create(
        model=MODEL,
        messages=[*messages, message, result],
        tools=tools,  # type: ignore[list-item]
    )
    assert "sunny" in (answer.choices[0].message.content or "")


def test_chat_by_a_schema(client: openai.OpenAI) -> None:
    answer = client.chat.completions.parse(
        model=MODEL, messages=user("Paris is the capital of France."), response_format=City
    )
    assert isinstance(answer.choices[0].message.parsed, City)


# -- speech ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("form", "kind"),
    [("mp3", "audio/mpeg"), ("opus", "audio/ogg"), ("aac", "audio/aac"), ("flac", "audio/flac"),
     ("wav", "audio/wav")],
)  # fmt: skip
def test_speech_is_a_file_of_the_format_asked_for(
    client: openai.OpenAI, form: Any, kind: str
) -> None:
    answer = client.audio.speech.create(
        model="gpt-4o-mini-tts", voice="coral", input="Hello there.", response_format=form,
        instructions="Whisper.",
    )  # fmt: skip
    assert answer.response.headers["content-type"] == kind
    assert 0.5 < Sound.decode(answer.content).seconds < 2


def test_speech_follows_instructions(client: openai.OpenAI) -> None:
    def seconds(instructions: str) -> float:
        answer = client.audio.speech.create(
            model="gpt-4o-mini-tts", voice="coral", input="Hello there, how are you today?",
            response_format="wav", instructions=instructions, speed=1.0,
        )  # fmt: skip
        return Sound.decode(answer.content).seconds

    assert seconds("Speak very slowly.") > 1.3 * seconds("Be yourself.")


def test_speech_is_mp3_unless_something_else_is_asked_for(
    client: openai.OpenAI, tmp_path: Path
) -> None:
    with client.audio.speech.with_streaming_response.create(
        model="tts-1", voice="alloy", input="Hello there."
    ) as answer:
        answer.stream_to_file(tmp_path / "hello.mp3")
    assert Sound.read(tmp_path / "hello.mp3").seconds > 0.5


def test_pcm_is_sent_sentence_by_sentence(client: openai.OpenAI) -> None:
    text = "One is a number. Two is a number too. Three is the last of them."
    with client.audio.speech.with_streaming_response.create(
        model="tts-1", voice="echo", input=text, response_format="pcm"
    ) as answer:
        assert "content-length" not in answer.headers
        pcm = b"".join(answer.iter_bytes())
    whole = client.audio.speech.create(
        model="tts-1", voice="echo", input=text, response_format="wav"
    )
    assert np.allclose(
        Sound.from_pcm16(pcm).samples, Sound.decode(whole.content).samples, atol=1e-4
    )


def test_the_speed_of_speech_is_kept(client: openai.OpenAI) -> None:
    seconds = []
    for speed in (0.5, 1.0, 2.0):
        answer = client.audio.speech.create(
            model="tts-1", voice="alloy", input="The clock is ticking on the wall.", speed=speed,
            response_format="wav",
        )  # fmt: skip
        seconds.append(Sound.decode(answer.content).seconds)
    slow, normal, fast = seconds
    assert slow > 1.4 * normal and normal > 1.4 * fast


def test_speech_in_events(client: openai.OpenAI) -> None:
    with client.audio.speech.with_streaming_response.create(
        model="tts-1", voice="coral", input="One. Two. Three.", response_format="pcm",
        stream_format="sse",
    ) as answer:  # fmt: skip
        lines = [line[6:] for line in answer.iter_lines() if line.startswith("data: ")]
    *deltas, done = map(json.loads, lines)
    pcm = b"".join(base64.b64decode(delta["audio"]) for delta in deltas)
    assert {delta["type"] for delta in deltas} == {"speech.audio.delta"}
    assert done["type"] == "speech.audio.done"
    assert done["usage"]["output_tokens"] == round(20 * len(pcm) / 48_000)


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"voice": "corl"}, "voice"),
        ({"voice": {"id": "voice_1"}}, "voice"),
        ({"input": ""}, "input"),
        ({"input": " \n"}, "input"),
        ({"input": "a" * 4097}, "input"),
        ({"response_format": "amr"}, "response_format"),
        ({"speed": 0.1}, "speed"),
        ({"speed": 3.0}, "speed"),
        ({"stream_format": "ws"}, "stream_format"),
        ({"model": "tts-3"}, "model"),
        ({"extra_body": {"pitch": 2}}, "pitch"),
    ],
)
def test_speech_that_cannot_be_made_is_refused(
    client: openai.OpenAI, asked: dict[str, Any], param: str
) -> None:
    usual: dict[str, Any] = {"model": "tts-1", "voice": "coral", "input": "Hello."}
    with pytest.raises((openai.BadRequestError, openai.NotFoundError)) as refused:
        client.audio.speech.create(**usual | asked)
    assert refused.value.param == param


# -- transcriptions -------------------------------------------------------------------------------
def test_a_transcription(client: openai.OpenAI, spoken: bytes) -> None:
    heard = client.audio.transcriptions.create(model="whisper-1", file=("q.wav", spoken))
    assert heard.text == QUESTION
    text: Any = client.audio.transcriptions.create(
        model="whisper-1", file=("q.wav", spoken), response_format="text"
    )
    assert text.strip() == QUESTION


@pytest.mark.parametrize("ending", ["mp3", "flac", "ogg"])
def test_a_file_of_any_format_is_heard(client: openai.OpenAI, spoken: bytes, ending: str) -> None:
    file = (f"q.{ending}", Sound.decode(spoken).encode(ending))
    heard = client.audio.transcriptions.create(
        model=MODEL, file=file, language="en", prompt="A question.", temperature=0
    )
    assert heard.text == QUESTION


def test_each_word_has_its_time(client: openai.OpenAI, spoken: bytes) -> None:
    silence = np.zeros(24_000, np.float32)  # a second
    late = Sound(np.concatenate([silence, Sound.decode(spoken).samples]), 24_000)
    heard = client.audio.transcriptions.create(
        model="whisper-1",
        file=("q.wav", late.encode("wav")),
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
    )
    assert heard.words and heard.segments and heard.text == QUESTION
    assert [word.word for word in heard.words] == QUESTION.split()
    times = [time for word in heard.words for time in (word.start, word.end)]
    assert times == sorted(times) and 0.5 < times[0] < 1.3 and times[-1] <= late.seconds
    assert heard.duration == pytest.approx(late.seconds, abs=0.01)
    assert heard.language == "english"


def test_only_the_times_that_are_asked_for_are_told(client: openai.OpenAI, spoken: bytes) -> None:
    def told(**asked: Any) -> tuple[bool, bool]:
        heard = client.audio.transcriptions.create(
            model="whisper-1", file=("q.wav", spoken), response_format="verbose_json", **asked
        )
        return heard.segments is not None, heard.words is not None

    assert told() == (True, False)
    assert told(timestamp_granularities=["word"]) == (False, True)


@pytest.mark.parametrize("form", ["srt", "vtt"])
def test_subtitles(client: openai.OpenAI, spoken: bytes, form: Any) -> None:
    subtitles: Any = client.audio.transcriptions.create(
        model="whisper-1", file=("q.wav", spoken), response_format=form
    )
    assert QUESTION in subtitles and "00:00:0" in subtitles and " --> " in subtitles
    assert subtitles.startswith("WEBVTT\n\n" if form == "vtt" else "1\n")


def test_a_transcription_in_events(client: openai.OpenAI, spoken: bytes) -> None:
    with client.audio.transcriptions.create(
        model="gpt-4o-transcribe", file=("q.wav", spoken), stream=True
    ) as stream:
        *deltas, done = stream
    assert "".join(delta.delta for delta in deltas) == done.text == QUESTION  # type: ignore


def test_nothing_is_heard_in_silence(client: openai.OpenAI) -> None:
    silence = Sound(np.zeros(48_000), 24_000).encode("wav")
    heard = client.audio.transcriptions.create(
        model="whisper-1", file=("s.wav", silence), response_format="verbose_json"
    )
    assert (heard.text, heard.segments) == ("", [])


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"file": ("q.wav", b"oops")}, "file"),
        ({"file": ("q.wav", b"")}, "file"),
        ({"file": ("q.wav", Sound(np.zeros(2000), 24_000).encode("wav"))}, "file"),
        ({"language": "de"}, "language"),
        ({"temperature": 2}, "temperature"),
        ({"response_format": "diarized_json"}, "response_format"),
        ({"timestamp_granularities": ["word"]}, "timestamp_granularities"),
        ({"timestamp_granularities": ["letter"]}, "timestamp_granularities[0]"),
        ({"include": ["logprobs"]}, "include"),
        ({"chunking_strategy": {"type": "server_vad"}}, "chunking_strategy[type]"),
        ({"stream": True, "response_format": "srt"}, "stream"),
        ({"model": "whisper-9"}, "model"),
    ],
)
def test_a_transcription_that_cannot_be_made_is_refused(
    client: openai.OpenAI, spoken: bytes, asked: dict[str, Any], param: str
) -> None:
    usual: dict[str, Any] = {"model": "whisper-1", "file": ("q.wav", spoken)}
    with pytest.raises((openai.BadRequestError, openai.NotFoundError)) as refused:
        client.audio.transcriptions.create(**usual | asked)
    assert refused.value.param == param


def test_an_upload_that_is_too_large_is_refused(client: openai.OpenAI) -> None:
    with pytest.raises(openai.APIStatusError, match="Maximum content size") as refused:
        client.audio.transcriptions.create(model="whisper-1", file=("q.wav", bytes(26 * 2**20)))
    assert refused.value.status_code == 413


def test_a_small_upload_of_hours_is_refused(client: openai.OpenAI) -> None:
    hours = Sound(np.zeros(8_000 * 3600 * 6, np.float32), 8_000).encode("flac")
    assert len(hours) < 1_000_000
    with pytest.raises(openai.APIStatusError, match="Maximum audio length is 2400") as refused:
        client.audio.transcriptions.create(model="whisper-1", file=("q.flac", hours))
    assert refused.value.status_code == 413


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data", "text/plain"])
def test_an_upload_that_is_no_form_is_refused(client: openai.OpenAI, kind: str) -> None:
    headers = {**client.auth_headers, "content-type": kind}
    answer = client._client.post(
        f"{client.base_url}audio/transcriptions", content=b"--x\r\n", headers=headers
    )
    assert answer.status_code == 400 and answer.json()["error"]["message"]


# -- responses ------------------------------------------------------------------------------------
def test_a_response(client: openai.OpenAI) -> None:
    answer = client.responses.create(model=MODEL, input=QUESTION, metadata={"run": "1"})
    assert "Paris" in answer.output_text and answer.status == "completed"
    assert answer.usage and answer.usage.total_tokens > 0 and answer.metadata == {"run": "1"}


def test_a_response_in_a_stream_has_the_services_events_in_order(client: openai.OpenAI) -> None:
    with client.responses.create(model=MODEL, input=QUESTION, stream=True) as stream:
        events = list(stream)
    kinds = [event.type for event in events]
    assert kinds[:4] == ["response.created", "response.in_progress", "response.output_item.added",
                         "response.content_part.added"]  # fmt: skip
    assert set(kinds[4:-4]) == {"response.output_text.delta"}
    assert kinds[-4:] == ["response.output_text.done", "response.content_part.done",
                          "response.output_item.done", "response.completed"]  # fmt: skip
    assert [event.sequence_number for event in events] == list(range(len(events)))
    said = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    last: Any = events[-1]
    assert said == last.response.output_text and "Paris" in said


def test_a_response_to_messages_and_instructions(client: openai.OpenAI) -> None:
    conversation: Any = [
        {"role": "user", "content": [{"type": "input_text", "text": QUESTION}]},
        {"type": "message", "role": "assistant", "id": "msg_1", "status": "completed",
         "content": [{"type": "output_text", "text": "Paris.", "annotations": []}]},
        {"role": "user", "content": "Of which country is it the capital?"},
    ]  # fmt: skip
    answer = client.responses.create(
        model=MODEL, input=conversation, instructions="Answer briefly.", store=False
    )
    assert "France" in answer.output_text and answer.instructions == "Answer briefly."
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(answer.id)


def test_a_response_to_an_earlier_one(client: openai.OpenAI) -> None:
    first = client.responses.create(model=MODEL, input=QUESTION)
    assert client.responses.retrieve(first.id) == first
    second = client.responses.create(
        model=MODEL, input="Of which country is it the capital?", previous_response_id=first.id
    )
    assert "France" in second.output_text and second.previous_response_id == first.id
    assert second.usage and first.usage and second.usage.input_tokens > first.usage.input_tokens
    client.responses.delete(first.id)
    for gone in (first.id, second.id):  # the conversation has lost its beginning
        with pytest.raises(openai.BadRequestError) as refused:
            client.responses.create(model=MODEL, input="Again.", previous_response_id=gone)
        assert refused.value.code == "previous_response_not_found"


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"stream": True}, "stream"),
        ({"stream": True, "starting_after": 3}, "starting_after"),
        ({"include": ["message.output_text.logprobs"]}, "include[]"),
    ],
)
def test_a_response_is_not_streamed_again(
    client: openai.OpenAI, query: dict[str, Any], param: str
) -> None:
    first = client.responses.create(model=MODEL, input=QUESTION)
    with pytest.raises(openai.BadRequestError) as refused:
        client.responses.retrieve(first.id, **query)
    assert (refused.value.code, refused.value.param) == ("unsupported_parameter", param)
    assert client.responses.retrieve(first.id, stream=False, include_obfuscation=False) == first


@pytest.mark.parametrize("by_reference", [False, True])
def test_a_response_calls_a_function(client: openai.OpenAI, by_reference: bool) -> None:
    tool: Any = {
        "type": "function", "name": "weather", "description": "The weather in a city",
        "parameters": WEATHER, "strict": True,
    }  # fmt: skip
    asked: Any = {"role": "user", "content": "What is the weather in Paris?"}
    answer = client.responses.create(model=MODEL, input=[asked], tools=[tool])
    (call,) = answer.output
    assert call.type == "function_call" and json.loads(call.arguments) == {"city": "Paris"}
    again: Any = {"type": "item_reference", "id": call.id} if by_reference else call
    result: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
    final = client.responses.create(model=MODEL, input=[asked, again, result], tools=[tool])
    assert "sunny" in final.output_text
    with client.responses.create(
        model=MODEL,
        input=[asked],
        tools=[tool],
        tool_choice={"type": "function", "name": "weather"},
        stream=True,
    ) as stream:
        kinds = [event.type for event in stream]
    assert kinds[2:] == [
        "response.output_item.added", "response.function_call_arguments.delta",
        "response.function_call_arguments.done", "response.output_item.done", "response.completed",
    ]  # fmt: skip


def test_a_response_by_a_schema(client: openai.OpenAI) -> None:
    answer = client.responses.parse(
        model=MODEL, input="Paris is the capital of France.", text_format=City
    )
    assert isinstance(answer.output_parsed, City)


def test_a_response_that_is_cut_says_so(client: openai.OpenAI) -> None:
    answer = client.responses.create(
        model=MODEL, input="Tell me a long story of a king.", max_output_tokens=5
    )
    assert answer.status == "incomplete" and answer.incomplete_details
    assert answer.incomplete_details.reason == "max_output_tokens"
    assert [item.status for item in answer.output] == ["incomplete"]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"input": []}, "input"),
        ({"input": 3}, "input"),
        ({"input": [{"role": "user", "content": [{"type": "input_image"}]}]},
         "input[0].content[0].type"),
        ({"input": [{"type": "computer_call"}]}, "input[0].type"),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "input[0].id"),
        ({"input": [{"type": "function_call_output", "call_id": "1", "output": ""}]}, "input"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        ({"tools": [{"type": "function", "name": "f", "parameters": {"type": "string"}}]},
         "tools[0].parameters"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"background": True}, "background"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"reasoning": {"effort": "high"}}, "reasoning.effort"),
        ({"truncation": "disabled"}, "truncation"),
        ({"include": ["message.output_text.logprobs"]}, "include[0]"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"model": "gpt-9"}, "model"),
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("stream", [False, True])
def test_a_response_that_cannot_be_made_is_refused(
    client: openai.OpenAI, asked: dict[str, Any], param: str, stream: bool
) -> None:
    with pytest.raises((openai.BadRequestError, openai.NotFoundError)) as refused:
        client.responses.create(**{"model": MODEL, "input": "Hello.", "stream": stream} | asked)
    assert refused.value.param == param


def test_what_fails_before_the_first_word_is_an_error_also_of_a_stream(
    client: openai.OpenAI,
) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.responses.create(model=MODEL, input="0123 " * 20_000, stream=True)
    assert (refused.value.code, refused.value.param) == ("context_length_exceeded", "input")


def test_a_client_that_hangs_up_stops_the_response(client: openai.OpenAI) -> None:
    with client.responses.create(
        model=MODEL, input="Tell me a long story of a king.", stream=True
    ) as stream:
        assert next(iter(stream)).type == "response.created"
    story = client.responses.create(model=MODEL, input=QUESTION, timeout=60)  # the model is free
    assert "Paris" in story.output_text
