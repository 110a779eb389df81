"""Requests as the engine reads them, or refuses them."""

import base64
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from audiomagic import Sound
from audiomagic.decoding.limit import together
from audiomagic.engine.api import chat_requests
from audiomagic.engine.api.chat_requests import read
from audiomagic.engine.api.errors import APIError
from audiomagic.protocol.request import Message, Request
from audiomagic.protocol.tool_calls import Tool, ToolCall

from ....support.fake_server import VOICES

TRANSCRIPTS = {"audio_1": "Earlier words."}
TONE = Sound(0.3 * np.sin(np.arange(4_800) / 10), 24_000)
WAV, MP3 = (base64.b64encode(TONE.encode(ending)).decode() for ending in ("wav", "mp3"))
WEATHER = Tool("weather", "Say the weather.", {"type": "object", "properties": {"city": {}}})
TIME = Tool("time", "", {"type": "object", "properties": {}})
TOOLS = [WEATHER.wire()]
CALL = ToolCall("call_1", "weather", '{"city": "Köln"}')
CALLED = {"role": "assistant", "content": None, "tool_calls": [CALL.wire()]}
ANSWERED = {"role": "tool", "tool_call_id": "call_1", "content": "It rains."}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def parsed(body: object) -> Request:
    return read(json.dumps(body).encode(), TRANSCRIPTS, VOICES)


def refusal(data: bytes) -> dict[str, Any]:
    with pytest.raises(APIError) as caught:
        read(data, TRANSCRIPTS, VOICES)
    error = caught.value.wire()["error"]
    assert error["type"] == "invalid_request_error" and caught.value.status == 400
    assert 0 < len(error["message"]) < 400 and "\n" not in error["message"]
    return dict(error)


def sound(data: Any = WAV, form: Any = "wav") -> dict[str, Any]:
    return {"type": "input_audio", "input_audio": {"data": data, "format": form}}


def asked(*parts: Any, voice: Any = "coral", form: Any = "pcm16", **more: Any) -> dict[str, Any]:
    return {
        "model": "gpt-audio-1.5",
        "modalities": ["text", "audio"],
        "audio": {"voice": voice, "format": form},
        "messages": [{"role": "user", "content": list(parts) or "Hi"}],
        "stream": True,
    } | more


def chat(*messages: Any, **more: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": "Rain?"}, *messages]} | more


def tool(**function: Any) -> dict[str, Any]:
    return chat(tools=[{"type": "function", "function": function}])


# -- good requests ----------------------------------------------------------------------------
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SOUND = st.builds(
    lambda seed, n, rate: Sound(np.random.default_rng(seed).uniform(-1, 1, n), rate),
    st.integers(0, 9), st.integers(2_400, 4_800), st.sampled_from([8_000, 16_000, 24_000]),
)  # fmt: skip
MESSAGES = st.lists(
    st.builds(
        lambda role, parts: Message(role, tuple(parts)),
        st.sampled_from(["user", "system", "assistant"]),
        st.lists(TEXT | SOUND, min_size=1, max_size=3),
    )
    | st.just(Message("assistant", (), "audio_1")),
    min_size=1,
    max_size=3,
)


@given(MESSAGES, st.none() | st.sampled_from(VOICES), st.none() | st.integers(1, 9_999))
def test_what_is_written_is_read(messages: Any, voice: str | None, cap: int | None) -> None:
    sent = Request("gpt-audio-1.5", tuple(messages), voice, max_tokens=cap)
    got = parsed(sent.wire())
    assert (got.model, got.voice, got.max_tokens, got.stream) == (sent.model, voice, cap, True)
    assert got.format == "pcm16"
    for mine, theirs in zip(sent.messages, got.messages, strict=True):
        assert theirs.role == mine.role and len(theirs.sounds) == len(mine.sounds)
        texts = [part for part in mine.parts if isinstance(part, str) and part]
        assert theirs.text == (TRANSCRIPTS["audio_1"] if mine.audio_id else
                               "\n".join(texts) if mine.sounds else mine.text)  # fmt: skip
        for a, b in zip(mine.sounds, theirs.sounds, strict=True):
            assert a.rate == b.rate and np.abs(a.samples - b.samples).max() <= 1.01 / 32_768


@pytest.mark.parametrize("choice", [None, "none", "auto", "required", "weather"])
def test_tools_are_read(choice: str | None) -> None:
    messages = (
        Message("user", ("Is it raining?",)),
        Message("assistant", tool_calls=(CALL,)),
        Message("tool", ("It rains.",), tool_call_id="call_1"),
    )
    sent = Request("m", messages, "coral", tools=(WEATHER, TIME), tool_choice=choice)
    assert parsed(sent.wire()) == sent
    assert parsed(tool(name="time")).tools == (TIME,)


def test_mp3_custom_voices_other_formats_and_limits_are_read() -> None:
    got = parsed(
        asked(sound(MP3, "mp3"), voice={"id": "coral"}, form="opus", stream=False, n=1,
              temperature=0, top_p=1.0, frequency_penalty=-2, max_completion_tokens=5)
    )  # fmt: skip
    assert (got.voice, got.format, got.stream, got.max_tokens) == ("coral", "opus", False, 5)
    assert got.seconds == pytest.approx(0.2, abs=0.08)


def test_a_cap_that_is_null_leaves_the_other_and_the_smaller_of_two_counts() -> None:
    for caps, cap in [({"max_completion_tokens": None, "max_tokens": 5}, 5),
                      ({"max_completion_tokens": 7, "max_tokens": None}, 7),
                      ({"max_completion_tokens": 9, "max_tokens": 5}, 5),
                      ({"max_completion_tokens": None}, None)]:  # fmt: skip
        assert parsed(chat(**caps)).max_tokens == cap


def test_what_shapes_an_answer_is_kept_as_it_was_sent() -> None:
    schema = {"name": "city", "schema": {"type": "object"}, "strict": True}
    form = {"type": "json_schema", "json_schema": schema}
    shaping = {"temperature": 0.5, "top_p": 0.9, "seed": -3, "presence_penalty": 1.5}
    got = parsed(chat(stop="\n", response_format=form, **shaping))
    assert got.stop == ("\n",) and got.parameters == shaping | {"response_format": form}
    assert parsed(got.wire()) == got
    assert parsed(chat(stop=["a", "b"], response_format={"type": "text"})).parameters == {}


def test_what_changes_no_answer_is_let_through() -> None:
    parsed(
        chat(store=True, metadata={"a": "b"}, user="me", service_tier="flex", seed=None, stop=None,
             safety_identifier="x", prompt_cache_key="k", prompt_cache_retention="24h",
             prediction={"type": "content", "content": "Rain."}, logprobs=False, logit_bias={},
             verbosity="medium", reasoning_effort="none", n=1, stream=True,
             stream_options={"include_usage": True, "include_obfuscation": False})
    )  # fmt: skip


# -- bad requests -----------------------------------------------------------------------------
MISSING, VALUE, TYPE = "missing_required_parameter", "invalid_value", "invalid_type"
UNSUPPORTED = "unsupported_parameter"
AUDIO = "messages[0].content[0].input_audio"
REFUSALS: list[tuple[Any, str | None, str | None]] = [
    ([], None, TYPE),
    (asked(model=None), "model", TYPE),
    (asked(messages=[]), "messages", VALUE),
    ({"model": "m"}, "messages", MISSING),
    (asked(messages=[{"role": "robot"}]), "messages[0].role", VALUE),
    (asked({"type": "image_url"}), "messages[0].content[0].type", VALUE),
    (asked(modalities=["video"]), "modalities[0]", VALUE),
    # sound
    (asked(sound(form="webm")), f"{AUDIO}.format", VALUE),
    (asked(sound("data:audio/wav;base64," + WAV)), f"{AUDIO}.data", VALUE),
    (asked(sound(MP3)), f"{AUDIO}.data", "unsupported_format"),
    (asked(sound(WAV, "mp3")), f"{AUDIO}.data", "unsupported_format"),
    (asked(sound(WAV[:24])), f"{AUDIO}.data", VALUE),
    (asked(sound("")), f"{AUDIO}.data", VALUE),
    (asked(sound("Ünicode")), f"{AUDIO}.data", VALUE),
    (asked({"type": "input_audio"}), AUDIO, MISSING),
    # answers
    (asked(voice="default-fizzy-buzzy"), "audio.voice", VALUE),
    (asked(voice=""), "audio.voice", MISSING),
    (asked(audio=None), "audio.voice", MISSING),
    (asked(form="wav"), "audio.format", "unsupported_value"),
    (asked(form="webm"), "audio.format", VALUE),
    (asked(messages=[{"role": "assistant", "audio": {"id": "audio_6"}}]), "messages[0].audio.id",
        "audio_not_found"),
    # tools
    (chat(tools={}), "tools", TYPE),
    (chat(tools=[]), "tools", VALUE),
    (chat(tools=TOOLS * 129), "tools", VALUE),
    (chat(tools=[{"type": "web_search", "function": {"name": "x"}}]), "tools[0].type", VALUE),
    (tool(), "tools[0].function.name", MISSING),
    (tool(name="my tool"), "tools[0].function.name", VALUE),
    (tool(name="t" * 65), "tools[0].function.name", VALUE),
    (tool(name="t", parameters={"type": "array"}), "tools[0].function.parameters",
        "invalid_function_parameters"),
    (chat(tool_choice="auto"), "tool_choice", VALUE),
    (chat(parallel_tool_calls=True), "parallel_tool_calls", VALUE),
    (chat(tools=TOOLS, parallel_tool_calls="no"), "parallel_tool_calls", TYPE),
    (chat(tools=TOOLS, tool_choice="weather"), "tool_choice", VALUE),
    (chat(tools=TOOLS, tool_choice={"type": "function", "function": {"name": "time"}}),
        "tool_choice", VALUE),
    (chat(CALLED), "messages[2].role", VALUE),
    (chat(CALLED, {"role": "user", "content": "?"}, ANSWERED), "messages[2].role", VALUE),
    (chat(ANSWERED), "messages[1].role", VALUE),
    (chat(CALLED, ANSWERED, ANSWERED), "messages[3].role", VALUE),
    (chat({"role": "tool", "content": "It rains."}), "messages[1].tool_call_id", MISSING),
    # numbers
    (chat(n=2), "n", "integer_above_max_value"),
    (chat(n=0), "n", "integer_below_min_value"),
    (chat(temperature=2.5), "temperature", "decimal_above_max_value"),
    (chat(temperature="hot"), "temperature", TYPE),
    (chat(top_p=-0.1), "top_p", "decimal_below_min_value"),
    (chat(seed=2**63), "seed", VALUE),
    (chat(stop=["a"] * 5), "stop", VALUE),
    (chat(stop=[""]), "stop[0]", VALUE),
    # what is not done
    (chat(logprobs=True), "logprobs", UNSUPPORTED),
    (chat(top_logprobs=2), "top_logprobs", UNSUPPORTED),
    (chat(logit_bias={"50256": -100}), "logit_bias", UNSUPPORTED),
    (chat(functions=[{"name": "f"}]), "functions", UNSUPPORTED),
    (chat(function_call="auto"), "function_call", UNSUPPORTED),
    (chat(reasoning_effort="high"), "reasoning_effort", UNSUPPORTED),
    (chat(verbosity="low"), "verbosity", UNSUPPORTED),
    (chat(web_search_options={}), "web_search_options", UNSUPPORTED),
    (chat(response_format={"type": "json_schema"}), "response_format.json_schema", MISSING),
    (chat(response_format={"type": "xml"}), "response_format.type", VALUE),
    (chat(response_format={"type": "text", "properties": {}}), "response_format.properties",
        "unknown_parameter"),
    (asked(response_format={"type": "json_object"}), "response_format", "unsupported_value"),
    (chat(stream_options={"include_usage": True}), "stream_options", VALUE),
    (chat(max_token=5), "max_token", "unknown_parameter"),
    (asked(audio={"voice": "coral", "format": "pcm16", "speed": 2}), "audio.speed",
        "unknown_parameter"),
    (chat(max_tokens=-1), "max_tokens", "integer_below_min_value"),
    (chat(max_completion_tokens=True), "max_completion_tokens", TYPE),
]  # fmt: skip


@pytest.mark.parametrize(("body", "param", "code"), REFUSALS)
def test_a_bad_request_is_refused_with_its_parameter(body: Any, param: Any, code: Any) -> None:
    error = refusal(json.dumps(body).encode())
    assert (error["param"], error["code"]) == (param, code), error


def test_a_message_says_what_is_wrong_and_what_is_right() -> None:
    def message(body: object) -> str:
        return str(refusal(json.dumps(body).encode())["message"])

    assert message({"model": "m"}) == "Missing required parameter: 'messages'."
    expected = "integer above maximum value. Expected a value <= 1, but got 2 instead."
    assert message(chat(n=2)) == f"Invalid 'n': {expected}"
    expected = "decimal below minimum value. Expected a value >= 0.0, but got -0.5 instead."
    assert message(chat(top_p=-0.5)) == f"Invalid 'top_p': {expected}"
    assert "'fizzy' is not one of alloy, echo" in message(asked(voice="fizzy"))
    assert "'wav' or 'mp3'" in message(asked(sound(form="webm")))


@pytest.mark.parametrize(
    "data",
    [b"", b"{oops", b"[" * 100_000, b"\xff", b'{"model": "\\ud800"}', b'{"n": ' + b"9" * 5000],
)
def test_what_is_not_json_is_refused(data: bytes) -> None:
    assert "could not parse the JSON" in refusal(data)["message"]


@given(JSON)
def test_any_json_is_refused_as_a_request(body: Any) -> None:
    refusal(json.dumps(body).encode())


PLACES = (
    "model messages modalities audio stream max_completion_tokens stream_options tools tool_choice "
    "parallel_tool_calls n temperature messages.0.content messages.0.role messages.0.content.0 "
    "messages.0.content.0.input_audio.data tools.0 tools.0.function tools.0.function.name "
    "tools.0.function.parameters tools.0.function.parameters.properties messages.1.tool_calls "
    "messages.1.tool_calls.0 messages.1.tool_calls.0.function.arguments messages.2.tool_call_id"
)


@given(JSON, st.sampled_from(PLACES.split()))
@example([[]], "modalities")
@example({"id": []}, "audio")
@example(0, "max_completion_tokens")
def test_anything_else_is_refused_and_nothing_worse(value: Any, place: str) -> None:
    body = json.loads(json.dumps(asked(sound(), tools=TOOLS)))
    body["messages"] += json.loads(json.dumps([CALLED, ANSWERED]))
    *path, last = (int(key) if key.isdigit() else key for key in place.split("."))
    inner = body
    for key in path:
        inner = inner[key]
    inner[last] = value
    try:
        request = parsed(body)
    except APIError as error:
        assert json.dumps(error.wire()) and len(str(error)) < 400
    else:
        assert request.max_tokens is None or request.max_tokens >= 1
        assert request.voice in (None, *VOICES)
        assert all(isinstance(tool.parameters, dict) for tool in request.tools)


def test_the_sounds_of_a_request_have_a_longest_length(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = len(TONE.samples) / TONE.rate
    monkeypatch.setattr(chat_requests, "LONGEST", 2.5 * seconds)
    read(json.dumps(asked(*[sound()] * 2)).encode(), TRANSCRIPTS, VOICES)
    assert refusal(json.dumps(asked(*[sound()] * 3)).encode())["code"] == "audio_too_long"


def test_all_sounds_of_a_request_have_one_bound() -> None:
    data = json.dumps(asked(*[sound()] * 5)).encode()
    assert len(read(data, TRANSCRIPTS, VOICES).messages[0].parts) == 5
    with together() as limit:
        limit.left = 4 * len(TONE.samples)
        refusal(data)
