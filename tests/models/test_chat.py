"""`POST /v1/chat/completions`, with the engine's own models and with others behind it."""

import base64
import io
import json
from collections.abc import Iterator
from typing import Any

import httpx2
import jsonschema
import openai
import pytest
import soundfile

from audiomagic import Sound
from audiomagic.engine import synthesize
from audiomagic.engine.api.app import App
from audiomagic.engine.engine import engine
from audiomagic.protocol.request import VERBATIM, Message

from ..support.model_servers import ModelServer

KEY = "its-own-key-of-the-server"
COUNTING = "One, two, three. Four, five, six! Seven, eight, nine, ten."
SPOKEN: dict[str, Any] = {"modalities": ["text", "audio"]}


def client_of(app: App) -> openai.OpenAI:
    http = httpx2.Client(transport=httpx2.WSGITransport(app))
    return openai.OpenAI(api_key="x", base_url="http://local/v1", http_client=http, max_retries=0)


@pytest.fixture(scope="module")
def client() -> Iterator[openai.OpenAI]:
    with client_of(App(engine())) as own:
        yield own


def ask(client: openai.OpenAI, *messages: Any, **more: Any) -> Any:
    asked = [m if isinstance(m, dict) else {"role": "user", "content": m} for m in messages]
    body: dict[str, Any] = {"model": "local-engine", "messages": asked} | more
    return client.chat.completions.create(**body)


def read_aloud(client: openai.OpenAI, text: str, form: str = "wav", **more: Any) -> Any:
    audio = {"voice": "coral", "format": form}
    task = {"role": "system", "content": VERBATIM}
    return ask(client, task, text, audio=audio, **SPOKEN, **more)


def words(chunks: Any) -> list[str]:
    return [c.choices[0].delta.content for c in chunks if c.choices and c.choices[0].delta.content]


# -- errors -----------------------------------------------------------------------------------
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("refusal", "said"),
    [((500, {"error": {"message": f"out of memory, {KEY}"}}), "out of memory"),
     ((400, {"error": {"message": "no such grammar"}}), "no such grammar"),
     ((200, b"<html>"), "answered with a web page")],
)  # fmt: skip
def test_a_language_model_that_fails_is_told_in_its_words(
    refusal: Any, said: str, stream: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUDIOMAGIC_LLM_KEY", KEY)
    with (
        ModelServer(refusal=refusal) as server,
        client_of(App(engine(f"{server.url}/v1#llama"))) as client,
        pytest.raises(openai.InternalServerError, match=said) as caught,
    ):
        ask(client, "Hello.", stream=stream)
    error = caught.value
    assert error.status_code == 502 and error.type == "server_error"
    assert str(error.request_id).startswith("req_") and KEY not in str(error)


def test_a_recogniser_that_fails_is_told_likewise() -> None:
    question = Message("user", (synthesize("Hello there."),)).wire()
    with (
        ModelServer(refusal=(503, {"error": {"message": "still loading"}})) as server,
        client_of(App(engine(stt=f"{server.url}/v1#whisper"))) as client,
        pytest.raises(openai.InternalServerError, match="still loading") as caught,
    ):
        ask(client, question)
    assert caught.value.status_code == 502 and caught.value.request_id


def test_a_text_that_is_too_long_is_refused_before_a_stream_begins(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="at most 2048 tokens") as caught:
        ask(client, "How late is it? " * 2_000, stream=True)
    assert caught.value.code == "context_length_exceeded"


def test_a_model_that_is_not_known_is_not_found(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="`gpt-9` does not exist") as caught:
        ask(client, "Hello.", model="gpt-9")
    assert caught.value.code == "model_not_found"
    said = ask(client, "One.", model="gpt-audio-1.5", max_tokens=2)
    assert said.model == "local-engine"


# -- caps -------------------------------------------------------------------------------------
@pytest.mark.parametrize("cap", [1, 5, 20, 60])
def test_a_spoken_answer_holds_the_words_that_the_cap_has_room_for(
    client: openai.OpenAI, cap: int
) -> None:
    answer = read_aloud(client, COUNTING, max_completion_tokens=cap)
    audio, usage = answer.choices[0].message.audio, answer.usage
    assert answer.choices[0].finish_reason == "length"
    assert usage.completion_tokens <= cap and COUNTING.startswith(audio.transcript)
    sound, rate = soundfile.read(io.BytesIO(base64.b64decode(audio.data)))
    assert usage.completion_tokens_details.audio_tokens == round(20 * len(sound) / rate)
    assert bool(audio.transcript) == (len(sound) > 1) == (cap > 5)


@pytest.mark.parametrize("form", ["mp3", "flac", "opus", "aac"])
def test_a_cap_of_one_token_gives_an_empty_file(client: openai.OpenAI, form: str) -> None:
    answer = read_aloud(client, COUNTING, form, max_completion_tokens=None, max_tokens=1)
    data = base64.b64decode(answer.choices[0].message.audio.data)
    assert Sound.decode(data).seconds < 0.1
    assert answer.usage.completion_tokens == 0


def test_a_text_answer_keeps_to_its_cap_too(client: openai.OpenAI) -> None:
    task = {"role": "system", "content": VERBATIM}
    for asked in ([task, COUNTING], ["Tell me a long story."]):
        answer = ask(client, *asked, max_tokens=4)
        assert answer.choices[0].finish_reason == "length"
        assert answer.choices[0].message.content and answer.usage.completion_tokens <= 4


# -- streams ----------------------------------------------------------------------------------
def test_a_text_is_streamed_as_the_model_makes_it(client: openai.OpenAI) -> None:
    asked = "What is the capital of France?"
    pieces = words(ask(client, asked, stream=True))
    assert len(pieces) > 4 and "Paris" in "".join(pieces)
    assert "".join(pieces) == ask(client, asked).choices[0].message.content


def test_the_deltas_of_another_model_are_streamed_as_they_are() -> None:
    deltas = ({"content": text} for text in ("\n Is", "n't", " it? ", "Ye", "s. "))
    with ModelServer(*deltas) as server, client_of(App(engine(server.url))) as client:
        ask(client, "Hm?")  # then it is known not to think aloud
        assert words(ask(client, "Hm?", stream=True)) == ["Is", "n't", " it?", " Ye", "s."]


def test_the_audio_id_comes_with_the_first_words_and_the_first_sound(client: openai.OpenAI) -> None:
    chunks = read_aloud(client, COUNTING, "pcm16", stream=True)
    audios = [c.choices[0].delta.audio for c in chunks if c.choices and c.choices[0].delta.audio]
    named = [audio for audio in audios if audio.id]
    assert len(named) == 2 and len({audio.id for audio in named}) == 1
    assert named[0] is audios[0] and named[0].transcript
    assert named[1] is next(audio for audio in audios if audio.data)


# -- what shapes an answer --------------------------------------------------------------------
def test_an_answer_ends_before_a_stop(client: openai.OpenAI) -> None:
    answer = ask(client, "What is the capital of France?", stop=["Paris", "London"])
    assert answer.choices[0].message.content == "The capital of France is"
    assert answer.choices[0].finish_reason == "stop"
    spoken = read_aloud(client, COUNTING, stop="Four")
    assert spoken.choices[0].message.audio.transcript == "One, two, three."


def test_a_seed_repeats_a_sample_and_another_does_not(client: openai.OpenAI) -> None:
    def sampled(seed: int) -> Any:
        shape = {"temperature": 1.5, "seed": seed, "max_tokens": 12}
        return ask(client, "Tell me about cats.", **shape).choices[0].message.content

    assert sampled(3) == sampled(3) != sampled(4)


def call_of(answer: Any) -> Any:
    calls = answer.choices[0].message.tool_calls
    return json.loads(calls[0].function.arguments) if calls else None


def test_a_seed_repeats_the_arguments_of_a_call_and_another_does_not(
    client: openai.OpenAI,
) -> None:
    def sampled(**shape: Any) -> Any:
        properties = {"note": {"type": "string", "minLength": 40}}
        return call_of(
            ask(client, ASKED, tools=[tool(properties)], tool_choice="required", **shape)
        )

    assert sampled() == sampled(seed=3)  # the likeliest
    assert sampled(temperature=1.5, seed=3) == sampled(temperature=1.5, seed=3)
    assert len({str(sampled(temperature=1.5, seed=seed)) for seed in range(4)}) > 1


@pytest.mark.parametrize(
    ("shape", "reason"), [({"stop": "2026"}, "stop"), ({"max_tokens": 3}, "length")]
)
def test_a_call_that_would_be_cut_is_not_made(
    client: openai.OpenAI, shape: dict[str, Any], reason: str
) -> None:
    day = tool({"day": {"type": "string", "format": "date"}})
    cut = ask(client, ASKED, tools=[day], tool_choice="required", **shape)
    assert (call_of(cut), cut.choices[0].finish_reason) == (None, reason)
    whole = ask(client, ASKED, tools=[day], tool_choice="required", stop="Observation:")
    assert call_of(whole) == {"day": "2026-11-30"}


def test_an_answer_to_a_result_keeps_to_its_cap_and_its_stop(client: openai.OpenAI) -> None:
    call = {"id": "1", "type": "function", "function": {"name": "sky", "arguments": "{}"}}
    told = [
        {"role": "user", "content": "How is the sky?"},
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "1", "content": "blue, with some clouds in the west"},
    ]
    cut = ask(client, *told, max_tokens=5)
    assert cut.choices[0].finish_reason == "length" and cut.usage.completion_tokens == 5
    assert "clouds" not in cut.choices[0].message.content
    stopped = ask(client, *told, stop="with").choices[0]
    assert stopped.finish_reason == "stop" and stopped.message.content.endswith("blue,")


LENGTHS = {"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 1}


@pytest.mark.parametrize(
    "form",
    [
        {"type": "json_object"},
        {"type": "json_schema", "json_schema": {"name": "lengths", "schema": LENGTHS}},
        {"type": "json_schema", "json_schema": {"name": "a", "schema": {
            "properties": {"lengths": LENGTHS}, "required": ["lengths"]}}},
    ],
)  # fmt: skip
def test_an_object_holds_each_name_once(client: openai.OpenAI, form: Any) -> None:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len(dict(pairs)) == len(pairs)
        return dict(pairs)

    asked = "List ten words with their lengths: go go go go."
    pieces = words(ask(client, asked, response_format=form, stream=True))
    assert json.loads("".join(pieces), object_pairs_hook=once)


def test_another_model_gets_what_shapes_an_answer() -> None:
    form = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}
    shape = {"temperature": 0.5, "seed": -1, "frequency_penalty": 1.0, "response_format": form}
    with ModelServer({"content": "{}"}) as server, client_of(App(engine(server.url))) as client:
        assert ask(client, "Hm?", **shape).choices[0].message.content == "{}"
        assert server.bodies[0].items() >= shape.items()


def test_an_answer_follows_a_schema(client: openai.OpenAI) -> None:
    point = {"type": "object", "properties": {"x": {"type": "integer", "maximum": 9}},
             "required": ["x"]}  # fmt: skip
    schema = {
        "type": "object",
        "properties": {
            "name": {"type": "string", "maxLength": 12},
            "kind": {"enum": ["town", "river"]},
            "points": {"type": "array", "items": {"$ref": "#/definitions/Point"}, "minItems": 2},
        },
        "required": ["name", "kind", "points"],
        "definitions": {"Point": point},
    }
    form = {"type": "json_schema", "json_schema": {"name": "place", "schema": schema}}
    text = "".join(words(ask(client, "Tell me of Paris.", response_format=form, stream=True)))
    jsonschema.validate(json.loads(text), schema)


def test_an_answer_is_an_object_even_to_silence_and_to_a_request_to_transcribe(
    client: openai.OpenAI,
) -> None:
    question = Message("user", ("Transcribe this.", synthesize("Hello there."))).wire()
    answer = ask(client, question, response_format={"type": "json_object"})
    assert isinstance(json.loads(answer.choices[0].message.content), dict)


# -- schemas of tools -------------------------------------------------------------------------
ASKED = "File 3 reports of 2026-11-30 by bob@example.com under red, red and green."
EVERY_DAY: list[dict[str, Any]] = [
    {
        "count": {"type": "integer", "minimum": 2, "maximum": 5},
        "share": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
        "short": {"type": "string", "maxLength": 3},
        "day": {"type": "string", "format": "date"},
        "mail": {"type": "string", "format": "email"},
        "id": {"type": "string", "format": "uuid4"},
    },
    {
        "pair": {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}],
                 "minItems": 2, "maxItems": 2},
        "tags": {"type": "array", "items": {"type": "string"}, "uniqueItems": True, "minItems": 1},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
        "place": {"$ref": "#/definitions/Place"},
        "scores": {"type": "object", "additionalProperties": {"type": "integer"}},
        "codes": {"type": "object", "patternProperties": {"^x": {"type": "integer"}}},
    },
    {
        "mode": {"const": "fast"},
        "by_color": {"propertyNames": {"enum": ["red", "green"]}, "type": "object",
                     "additionalProperties": {"type": "integer"}},
        "price": {"anyOf": [{"type": "number"}, {"type": "string", "pattern": "^(?!x)\\d+$"}]},
        "link": {"type": "string", "format": "uri"},
        "at": {"type": "string", "format": "date-time"},
        "anything": {},
    },
    {
        "address": {"type": "string", "format": "ipv6"},
        "network": {"type": "string", "format": "ipv4network"},
        "where": {"type": "string", "format": "json-pointer"},
        "data": {"type": "string", "format": "base64"},
        "days": {"type": "array", "items": {"type": "integer"}, "minItems": 30},
        "both": {"allOf": [{"$ref": "#/definitions/Place"}, {"type": "object"}]},
        "steps": {"$ref": "#/definitions/Step"},
    },
]  # fmt: skip
STEP = {
    "type": "object",
    "required": ["name", "next"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string"},
        "next": {"anyOf": [{"$ref": "#/definitions/Step"}, {"type": "null"}]},
    },
}
PLACE = {"type": "object", "properties": {"zip": {"type": "string", "pattern": "^[0-9]{5}$"}},
         "required": ["zip"], "additionalProperties": False}  # fmt: skip


def tool(properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": list(properties)} | more
    function = {"name": "file", "description": "File reports.", "parameters": schema}
    return {"type": "function", "function": function}


@pytest.mark.parametrize("properties", EVERY_DAY, ids=["limits", "structures", "rewritten", "long"])
def test_arguments_follow_the_schemas_that_libraries_make(
    client: openai.OpenAI, properties: Any
) -> None:
    named = tool(properties, definitions={"Place": PLACE, "Step": STEP})
    answer = ask(client, ASKED, tools=[named], tool_choice="required")
    call = answer.choices[0].message.tool_calls[0]
    schema = named["function"]["parameters"]
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    jsonschema.validate(json.loads(call.function.arguments), schema, format_checker=checker)


@pytest.mark.parametrize(
    ("inner", "said"),
    [
        ({"not": {"type": "string"}}, "'not' cannot be followed"),
        ({"type": "array", "contains": {"type": "integer"}}, "'contains' cannot be followed"),
        ({"type": "string", "pattern": "^(?=a)b$"}, "'pattern' cannot be followed"),
        ({"$ref": "#/$defs/Nowhere"}, "the property 'it' cannot be followed"),
        ({"$ref": "#anchor"}, "the property 'it' cannot be followed"),
        ({"type": "float"}, "the property 'it' cannot be followed"),
        ({"type": {}}, "the property 'it' cannot be followed"),
        ({"type": "integer", "minimum": 5, "maximum": 1}, "the property 'it' cannot be followed"),
        ({"type": "object", "minProperties": 3}, "the property 'it' cannot be followed"),
        ({"$ref": "#"}, "nothing that follows it has an end"),
        ({"type": "array", "items": {"type": "string"}, "minItems": 400}, "1,2.. characters"),
    ],
)
def test_a_schema_that_cannot_be_followed_is_refused(
    client: openai.OpenAI, inner: Any, said: str
) -> None:
    with pytest.raises(openai.BadRequestError, match=said) as caught:
        ask(client, ASKED, tools=[tool({"other": {"type": "string"}, "it": inner})], stream=True)
    error = caught.value
    assert error.code == "invalid_function_parameters"
    assert error.param == "tools[0].function.parameters"
    schema = {"properties": {"it": inner}, "required": ["it"]}
    form = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}
    with pytest.raises(openai.BadRequestError, match=said.rpartition("'")[2]) as caught:
        ask(client, ASKED, response_format=form)
    assert caught.value.param == "response_format"


@pytest.mark.parametrize(
    ("beside", "said"),
    [
        ({"if": {"required": ["a"]}, "then": {"required": ["b"]}}, "'if'"),
        ({"dependentRequired": {"a": ["b"]}}, "'dependentRequired'"),
        ({"not": {"required": ["a"]}}, "'not'"),
        ({"$defs": {"B": {"contains": {}}}, "patternProperties": {"^x": {"$ref": "#/$defs/B"}}},
         "'contains'"),
        ({"minProperties": 5, "patternProperties": {"^x": {}}}, "it"),
    ],
)  # fmt: skip
def test_what_is_beside_the_properties_is_not_blamed_on_one(
    client: openai.OpenAI, beside: Any, said: str
) -> None:
    text = {"type": "string"}
    named = tool({"a": text, "b": text}, **beside)
    with pytest.raises(openai.BadRequestError, match=f"'file': {said} cannot be followed"):
        ask(client, ASKED, tools=[named])
    schema = named["function"]["parameters"]
    form = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}
    with pytest.raises(openai.BadRequestError, match=f"'response_format': {said} cannot"):
        ask(client, ASKED, response_format=form)


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"properties": {"a": {}}},
        {"type": "array", "minItems": 1},
        STEP | {"definitions": {"Step": STEP}},
    ],
)
def test_an_answer_comes_to_an_end_where_its_schema_says_little(
    client: openai.OpenAI, schema: Any
) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}
    answer = ask(client, "Tell me of Paris.", response_format=form)
    assert answer.choices[0].finish_reason == "stop"
    jsonschema.validate(json.loads(answer.choices[0].message.content), schema)
