"""The settings of a session: what an update changes, and what is refused, by its path."""

from typing import Any

import pytest
from openai.types.realtime import RealtimeSessionCreateRequest
from pydantic import ValidationError

from audiomagic.engine.api.errors import APIError
from audiomagic.engine.realtime.client_events import read
from audiomagic.engine.realtime.settings import ResponseSettings, Settings
from audiomagic.engine.tts import voices

TOOL = {"type": "function", "name": "add", "parameters": {"type": "object", "properties": {}}}


def update(**fields: Any) -> Settings:
    event = read({"type": "session.update", "session": {"type": "realtime", **fields}})
    return event.session  # type: ignore[attr-defined]


def refused(session: Any) -> tuple[str | None, str | None]:
    with pytest.raises(APIError) as caught:
        read({"type": "session.update", "session": session})
    return caught.value.param, caught.value.code


def realtime(**fields: Any) -> dict[str, Any]:
    return {"type": "realtime", **fields}


def given_input(**fields: Any) -> dict[str, Any]:
    return realtime(audio={"input": fields})


@pytest.mark.parametrize(
    ("session", "param", "code"),
    [
        ({}, "session.type", "missing_required_parameter"),
        ({"type": "transcription"}, "session.type", "invalid_value"),
        (realtime(temperature=0.8), "session.temperature", "unknown_parameter"),
        (realtime(modalities=["text"]), "session.modalities", "unknown_parameter"),
        (realtime(output_modalities=["video"]), "session.output_modalities[0]", "invalid_value"),
        (realtime(output_modalities=["text", "audio"]), "session.output_modalities",
         "invalid_value"),
        (realtime(max_output_tokens=0), "session.max_output_tokens", "integer_below_min_value"),
        (realtime(max_output_tokens=5000), "session.max_output_tokens",
         "integer_above_max_value"),
        (realtime(instructions=3), "session.instructions", "invalid_type"),
        (realtime(audio={"voice": "marin"}), "session.audio.voice", "unknown_parameter"),
        (realtime(audio={"output": {"voice": "nobody"}}), "session.audio.output.voice",
         "invalid_value"),
        (realtime(audio={"output": {"speed": 3}}), "session.audio.output.speed",
         "decimal_above_max_value"),
        (realtime(audio={"output": {"format": {"type": "audio/pcmu"}}}),
         "session.audio.output.format.type", "invalid_value"),
        (given_input(format={"type": "audio/pcma"}), "session.audio.input.format.type",
         "invalid_value"),
        (given_input(format={"type": "audio/pcm", "rate": 16_000}),
         "session.audio.input.format.rate", "invalid_value"),
        (given_input(turn_detection={}), "session.audio.input.turn_detection.type",
         "missing_required_parameter"),
        (given_input(turn_detection={"type": "ears"}), "session.audio.input.turn_detection.type",
         "invalid_value"),
        (given_input(turn_detection={"type": "server_vad", "threshold": 2}),
         "session.audio.input.turn_detection.threshold", "decimal_above_max_value"),
        (given_input(turn_detection={"type": "server_vad", "eagerness": "low"}),
         "session.audio.input.turn_detection.eagerness", "unknown_parameter"),
        (given_input(turn_detection={"type": "server_vad", "idle_timeout_ms": 5000}),
         "session.audio.input.turn_detection.idle_timeout_ms", "invalid_value"),
        (given_input(turn_detection={"type": "semantic_vad", "threshold": 0.5}),
         "session.audio.input.turn_detection.threshold", "unknown_parameter"),
        (realtime(tools=[{"type": "function", "function": {"name": "add"}}]),
         "session.tools[0].name", "missing_required_parameter"),
        (realtime(tools=[TOOL | {"parameters": {"type": "string"}}]),
         "session.tools[0].parameters", "invalid_value"),
        (realtime(tools=[TOOL, {"type": "mcp"}]), "session.tools[1].type", "invalid_value"),
        (realtime(tool_choice="maybe"), "session.tool_choice", "invalid_value"),
        (realtime(tool_choice={"type": "function"}), "session.tool_choice.name",
         "missing_required_parameter"),
        (realtime(truncation={"type": "retention_ratio", "retention_ratio": 2}),
         "session.truncation.retention_ratio", "decimal_above_max_value"),
        (realtime(prompt={"id": "p"}), "session.prompt", "invalid_value"),
        (None, "session", "invalid_type"),
    ],
)  # fmt: skip
def test_a_bad_field_is_refused_by_its_path(session: Any, param: str, code: str) -> None:
    assert refused(session) == (param, code)


def test_an_update_changes_the_fields_that_it_names() -> None:
    settings = Settings(type="realtime")
    settings = settings.updated(update(instructions="Be brief.", tools=[TOOL]))
    settings = settings.updated(update(audio={"output": {"voice": "echo"}}))
    settings = settings.updated(update(audio={"input": {"turn_detection": None}}))
    assert settings.instructions == "Be brief." and settings.tools[0].name == "add"
    assert settings.audio.output.voice == "echo" and settings.audio.output.speed == 1
    assert settings.detection is None
    cleared = settings.updated(update(instructions="", tools=[]))
    assert (cleared.instructions, cleared.tools, cleared.voice) == ("", [], "echo")


def test_turn_detection_is_replaced_as_a_whole() -> None:
    settings = Settings(type="realtime")
    for detection in ({"type": "server_vad", "threshold": 0.9}, {"type": "server_vad"}):
        settings = settings.updated(update(audio={"input": {"turn_detection": detection}}))
    assert settings.detection is not None
    assert (settings.detection.threshold, settings.detection.silence_duration_ms) == (0.5, 500)


def test_the_less_eager_wait_longer() -> None:
    waits = []
    for eagerness in ("high", "medium", "low"):
        detection = {"type": "semantic_vad", "eagerness": eagerness}
        found = update(audio={"input": {"turn_detection": detection}}).detection
        assert found is not None
        waits.append(found.silence_duration_ms)
    assert waits == sorted(set(waits))


@pytest.mark.parametrize("voice", voices())
def test_all_voices_of_the_engine_are_known(voice: str) -> None:
    assert update(audio={"output": {"voice": voice}}).voice == voice


def test_what_the_engine_has_no_use_for_is_told_again() -> None:
    sent = {
        "truncation": {"type": "retention_ratio", "retention_ratio": 0.8},
        "tracing": "auto",
        "reasoning": {"effort": "low"},
        "parallel_tool_calls": True,
        "audio": {"input": {"noise_reduction": {"type": "far_field"}}},
    }
    told = Settings(type="realtime").updated(update(**sent)).model_dump()
    assert told["audio"]["input"].pop("noise_reduction") == {"type": "far_field"}
    assert {name: told[name] for name in sent if name != "audio"} == {
        name: value for name, value in sent.items() if name != "audio"}  # fmt: skip
    RealtimeSessionCreateRequest.model_validate(told, strict=True)


def test_a_response_has_settings_of_its_own() -> None:
    session = Settings(type="realtime").updated(
        update(instructions="Be brief.", tools=[TOOL], max_output_tokens=100)
    )
    own = ResponseSettings.model_validate(
        {"output_modalities": ["text"], "tools": [], "max_output_tokens": "inf",
         "instructions": None, "audio": {"output": {"voice": "echo"}}}
    )  # fmt: skip
    found = own.over(session)
    assert (found.voice, found.tools, found.most_tokens) == (None, [], None)
    assert (found.instructions, found.audio.output.voice) == ("Be brief.", "echo")
    assert session.voice == "marin" and session.most_tokens == 100


def test_a_choice_of_tools_needs_tools() -> None:
    assert update(tool_choice="required").choice is None
    assert update(tools=[TOOL], tool_choice="required").choice == "required"
    assert update(tools=[TOOL], tool_choice={"type": "function", "name": "add"}).choice == "add"


def test_settings_of_a_response_are_as_strict() -> None:
    with pytest.raises(ValidationError):
        ResponseSettings.model_validate({"temperature": 1})
