"""Models: for how long they are there, who has them, and what is said of those that are not."""

import gzip
import json
import re
import time
from datetime import date
from typing import Any

import pytest

from audiomagic import Session, Sound
from audiomagic.errors import OptionError, RequestRejected
from audiomagic.notebook import commands
from audiomagic.notebook.arguments import MagicOptions
from audiomagic.transports import model_list
from audiomagic.transports.endpoint import SERVICE, Endpoint

from ...support.fake_server import KEY, FakeServer, Handler
from ...support.other_servers import lenient

US = Endpoint("", SERVICE, KEY)
EUROPE = Endpoint("", "https://eu.api.openai.com/v1", KEY)
AZURE = Endpoint("", "https://me.openai.azure.com/openai/v1", KEY)
OTHER = Endpoint("", "http://local/v1")
OFF = date(2027, 1, 20)  # gpt-audio's last day is the one before
LISTED = [
    {"id": "gpt-audio-1.5", "shutdown_date": None},
    {"id": "gpt-audio", "shutdown_date": "2027-03-02"},
    {"id": "gpt-audio-2", "shutdown_date": "soon"},
    {"id": "gpt-realtime-audio"},
    {"id": "gpt-realtime-whisper"},
    {"id": "gpt-realtime-2.1"},
    {"id": "gpt-4o"},
    {"id": 7},
    None,
]


@pytest.mark.parametrize(
    ("route", "model", "today", "note"),
    [
        (US, "gpt-audio", date(2026, 10, 21), None),
        (US, "gpt-audio", date(2026, 10, 22),
         "gpt-audio is shut down on 2027-01-20; use 'gpt-audio-1.5'."),
        (EUROPE, "gpt-audio-mini", date(2027, 1, 19),
         "gpt-audio-mini is shut down on 2027-01-20; use 'gpt-audio-1.5'."),
        (US, "gpt-audio-1.5", date(2030, 1, 1), None),
        (US, "home-made", OFF, None),
        (AZURE, "gpt-audio", OFF, None),
        (OTHER, "gpt-audio", OFF, None),
    ],
)  # fmt: skip
def test_a_shutdown_is_warned_of_90_days_before(
    route: Endpoint, model: str, today: date, note: str | None
) -> None:
    assert model_list.warning(model, route, today) == note


def test_a_model_that_is_shut_down_is_refused_by_the_service_alone() -> None:
    model_list.refuse_shut_down("gpt-audio", US, date(2027, 1, 19))
    for route in (US, EUROPE):
        with pytest.raises(OptionError) as caught:
            model_list.refuse_shut_down("gpt-audio", route, OFF)
        assert str(caught.value) == "'gpt-audio' was shut down on 2027-01-20; use 'gpt-audio-1.5'"
    for route in (AZURE, OTHER):
        model_list.refuse_shut_down("gpt-audio", route, OFF)


def test_a_model_that_is_gone_is_not_offered() -> None:
    assert model_list.unknown("gpt-4o-audio-preview", US) == (
        "no model 'gpt-4o-audio-preview': it was shut down on 2026-05-07; use 'gpt-audio-1.5'"
    )
    assert "was shut down" in model_list.unknown("gpt-4o-audio-previw", US)
    assert model_list.unknown("zzz", US).startswith("no model 'zzz'; choose gpt-audio-1.5, ")


def test_nothing_is_sent_to_a_model_that_is_shut_down(fake_server: FakeServer, tone: Sound) -> None:
    session = Session(api_key=KEY, model="gpt-4o-audio-preview")
    with pytest.raises(OptionError, match="was shut down on 2026-05-07; use 'gpt-audio-1"):
        session.speak("Hi")
    fake_server.checks = lenient
    fake_server.say("Here it lives on.", tone.pcm16())
    assert session.speak("Hi", base_url=fake_server.url).notes == ()


@pytest.mark.usefixtures("key")
def test_a_servers_own_dates_are_known_once_it_was_asked(
    fake_server: FakeServer, tone: Sound
) -> None:
    session, soon = Session(model="gpt-audio"), date.today().isoformat()
    fake_server.listing = [{"id": "gpt-audio", "shutdown_date": soon}]
    assert session.transport().models() == {"gpt-audio": date.today()}
    fake_server.say("Hi.", tone.pcm16())
    assert session.speak("Hi").notes == (f"gpt-audio is shut down on {soon}; use 'gpt-audio-1.5'.",)


@pytest.mark.usefixtures("key")
def test_the_table_says_which_are_yours(fake_server: FakeServer) -> None:
    fake_server.listing = LISTED
    table = commands.models(Session(), MagicOptions())
    rows = {row[0]: row[2] for row in table.rows}
    assert rows["gpt-audio-1.5"] == "current"
    assert rows["gpt-audio"] == "until 2027-03-02"
    assert rows["gpt-audio-mini"] == "until 2027-01-20, not for your key"
    assert rows["gpt-audio-2"] == "no known price"
    assert rows["gpt-realtime-2.1"] == "current"
    assert rows["gpt-realtime-mini"] == "until 2027-01-20, not for your key"
    assert rows["gpt-realtime-audio"] == "no known price"
    assert "gpt-4o" not in rows and "gpt-realtime-whisper" not in rows
    live = [row[0] for row in table.rows if row[1] == "%%converse"]
    assert len(set(live)) == 9 and all(name.startswith("gpt-realtime") for name in live)
    assert fake_server.requests == [] and "does not say" not in str(table)


def test_models_of_live_conversations_have_dates_and_names_of_their_own() -> None:
    for note in (model_list.warning, model_list.refuse_shut_down):
        assert note("gpt-realtime", US, OFF) is None  # for Chat Completions it never was one
        assert note("gpt-audio", US, OFF, realtime=True) is None
    line = "gpt-realtime-mini is shut down on 2027-01-20; use 'gpt-realtime-2.1-mini'."
    assert model_list.warning("gpt-realtime-mini", US, OFF, realtime=True) == line
    assert model_list.warning("gpt-realtime-mini", AZURE, OFF, realtime=True) is None
    model_list.refuse_shut_down("gpt-realtime", US, date(2027, 1, 19), realtime=True)
    with pytest.raises(OptionError) as caught:
        model_list.refuse_shut_down("gpt-realtime", US, OFF, realtime=True)
    assert str(caught.value) == "'gpt-realtime' was shut down on 2027-01-20; use 'gpt-realtime-2.1'"


@pytest.mark.parametrize(
    ("model", "realtime", "line"),
    [
        ("gpt-realtime-21", True, "no model 'gpt-realtime-21'; did you mean 'gpt-realtime-2.1'?"),
        ("gpt-audio", True, "'gpt-audio' holds no live conversations; use 'gpt-realtime-2.1'"),
        ("gpt-realtime-2.1", False,
         "'gpt-realtime-2.1' is only for live conversations; use 'gpt-audio-1.5'"),
    ],
)  # fmt: skip
def test_a_model_of_the_other_kind_is_not_offered(model: str, realtime: bool, line: str) -> None:
    assert model_list.unknown(model, US, realtime=realtime) == line
    offered = model_list.unknown("zzz", US, realtime=realtime)
    assert ("gpt-realtime" in offered, "gpt-audio" in offered) == (realtime, not realtime)


@pytest.mark.usefixtures("key")
def test_the_nearest_of_a_servers_models_that_hold_conversations(fake_server: FakeServer) -> None:
    names = ["Qwen-Omni-Realtime", "Qwen-Omni", "qwen-realtime-translate"]
    fake_server.listing = [{"id": name} for name in names]
    Session().transport().models()
    there = Endpoint.find()
    assert model_list.unknown("qwen-omni-realtim", there, realtime=True) == (
        "no model 'qwen-omni-realtim'; did you mean 'Qwen-Omni-Realtime'?"
    )
    assert model_list.unknown("zzz", there, realtime=True) == (
        "no model 'zzz'; the only one is Qwen-Omni-Realtime"
    )
    assert "for this key" in model_list.unknown("Qwen-Omni", there, realtime=True)


TWICE = gzip.compress(gzip.compress(b'{"data": []}'))


def late(handler: Handler) -> None:
    time.sleep(0.5)


def slow(handler: Handler) -> None:
    handler.stream(["["] * 100, pace=0.02)


def wrong(body: Any) -> Any:
    return lambda handler: handler.send(200, json.dumps(body).encode())


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize(
    "listing",
    [
        None,
        late,
        slow,
        wrong([]),
        wrong({"data": 3}),
        lambda handler: handler.send(200, b"<html>"),
        lambda handler: handler.send(200, b"[" * 100_000),
        lambda handler: handler.send(200, b" " * 6_000_000),
        lambda handler: handler.send(200, gzip.compress(b" " * 6_000_000), content_encoding="gzip"),
        lambda handler: handler.send(200, TWICE, content_encoding="gzip, gzip"),
        lambda handler: handler.send(500, TWICE, content_encoding="gzip, gzip"),
        lambda handler: handler.refuse(401, "No"),
    ],
)
def test_a_list_that_does_not_come_is_no_failure(
    fake_server: FakeServer, monkeypatch: pytest.MonkeyPatch, listing: Any
) -> None:
    monkeypatch.setattr(model_list, "PATIENCE", 0.2)
    fake_server.listing = listing
    table = commands.models(Session(), MagicOptions())
    assert re.search(r"127\.0\.0\.1:\d+ does not list the models that your key may use", str(table))
    with pytest.raises(
        RequestRejected, match=r"no model 'gpt-audio-15'; did you mean 'gpt-audio-1"
    ):
        Session().speak("Hi", model="gpt-audio-15")


def test_without_a_server_the_table_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "gpt-audio-1.5" in str(commands.models(Session(engine="openai"), MagicOptions()))


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize(
    ("model", "line"),
    [
        ("qwen2.5-omni-7b", "no model 'qwen2.5-omni-7b'; did you mean 'Qwen/Qwen2.5-Omni-7B'?"),
        ("gpt-audio-7", "no model 'gpt-audio-7'; the only one is Qwen/Qwen2.5-Omni-7B"),
        ("gpt-4o-audio-preview",
         "no model 'gpt-4o-audio-preview'; the only one is Qwen/Qwen2.5-Omni-7B"),
        ("Qwen/Qwen2.5-Omni-7B", "no model 'Qwen/Qwen2.5-Omni-7B' for this key; %audiomagic "
         "models shows which it may use"),
    ],
)  # fmt: skip
def test_the_nearest_of_a_servers_models_is_offered(
    fake_server: FakeServer, model: str, line: str
) -> None:
    fake_server.listing = [{"id": "Qwen/Qwen2.5-Omni-7B"}]
    with pytest.raises(RequestRejected) as caught:
        Session().speak("Hi", model=model)
    assert str(caught.value).startswith(line)


MANY = [{"id": f"vendor/model-{number}"} for number in range(300)]
UNKNOWN: dict[str, tuple[int, Any]] = {
    "LiteLLM": (400, {"error": {"message": "/chat/completions: Invalid model name passed in "
        "model={}. Call `/v1/models` to view available models for your key.", "type": "None",
        "param": "None", "code": "400"}}),
    "OpenRouter": (400, {"error": {"message": "{} is not a valid model ID", "code": 400}}),
    "vLLM": (404, {"object": "error", "message": "The model `{}` does not exist.",
        "type": "NotFoundError", "param": None, "code": 404}),
    "Ollama": (404, {"error": {"message": 'model "{}" not found, try pulling it first'}}),
    "Mistral": (400, {"object": "error", "message": "Invalid model: {}", "code": "1500"}),
    "DeepSeek": (400, {"error": {"message": "Model Not Exist"}}),
    "Gemini": (404, [{"error": {"code": 404, "message": "models/{} is not found for API"}}]),
    "Fireworks": (404, {"error": {"message": "Model not found, inaccessible, or not deployed"}}),
    "Copilot": (400, {"error": {"message": "The requested model is not supported.",
        "code": "model_not_supported", "param": "model", "type": "invalid_request_error"}}),
    "quoted": (400, {"error": {"message": "Model '{}' is currently not supported"}}),
    "unsupported": (400, {"detail": "model {} unsupported"}),
    "OpenRouter, of one that nobody runs": (404, {"error": {"message": "No endpoints found for {}.",
        "code": 404}}),
    "not loaded": (400, {"error": {"message": "The model `{}` is not loaded"}}),
    "not to be found": (404, {"error": {"message": "Could not find model {}"}}),
    "not to be loaded": (400, {"error": "Cannot load the model '{}'"}),
    "with 200": (200, {"error": {"message": "The model `{}` does not exist.", "code": 404}}),
}  # fmt: skip


def answers(fake_server: FakeServer, name: str, model: str) -> None:
    status, body = UNKNOWN[name]
    sent = json.dumps(body).replace("{}", model).encode()
    fake_server.checks = lenient
    fake_server.then(lambda handler, _: handler.send(status, sent))


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize("name", UNKNOWN)
def test_a_proxy_that_lists_its_models_is_asked_for_the_nearest(
    fake_server: FakeServer, name: str
) -> None:
    fake_server.listing = [*MANY, {"id": "openai/gpt-audio-1.5"}]
    answers(fake_server, name, "gpt-audio-15")
    with pytest.raises(RequestRejected) as caught:
        Session().speak("Hi", model="gpt-audio-15")
    line = "no model 'gpt-audio-15'; did you mean 'openai/gpt-audio-1.5'?"
    assert str(caught.value).startswith(line)


@pytest.mark.usefixtures("key")
def test_where_none_is_near_those_that_speak_are_offered(fake_server: FakeServer) -> None:
    fake_server.listing = [*MANY, {"id": "openai/gpt-audio"}, {"id": "openai/gpt-audio-mini"}]
    answers(fake_server, "LiteLLM", "zzz")
    line = "no model 'zzz'; choose openai/gpt-audio or openai/gpt-audio-mini"
    with pytest.raises(RequestRejected, match=line):
        Session().speak("Hi", model="zzz")


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize(
    ("message", "listing"),
    [
        ("This model does not support the format you provided.", MANY),
        ("'response_format' is not supported with this model.", MANY),
        ("For this model, 'response_format' is not supported.", MANY),
        ("The requested model is not supported.", None),
        ("Model vendor/model-7 is not available in your region", MANY),
        ("Model not found", None),
        ("No endpoints found that support tool use.", MANY),
        ("No endpoints found for vendor/model-7.", MANY),
        ("Could not find a voice for the model", MANY),
        ("Your plan has no room for a model like that", MANY),
    ],
)
def test_a_refusal_for_another_reason_is_not_blamed_on_the_name(
    fake_server: FakeServer, message: str, listing: Any
) -> None:
    fake_server.checks, fake_server.listing = lenient, listing
    fake_server.then(lambda handler, _: handler.refuse(400, message))
    model = "vendor/model-7" if "model-7" in message else "my-deployment"
    with pytest.raises(RequestRejected, match=r"rejected the request \(400: "):
        Session().speak("Hi", model=model)


@pytest.mark.usefixtures("key")
def test_an_address_that_lists_its_models_is_not_blamed(fake_server: FakeServer) -> None:
    fake_server.checks, fake_server.listing = lenient, MANY
    fake_server.then(lambda handler, _: handler.refuse(404, "No endpoints found that speak."))
    line = r"cannot do this with the model \(404: No endpoints found that speak\.\); --model names"
    with pytest.raises(RequestRejected, match=line):
        Session().speak("Hi", model="vendor/model-7")


@pytest.mark.usefixtures("key")
def test_a_server_without_a_list_is_quoted(fake_server: FakeServer) -> None:
    answers(fake_server, "Ollama", "zzz")
    with pytest.raises(RequestRejected, match=r'has no model \'zzz\' \(model "zzz" not found, try'):
        Session().speak("Hi", model="zzz")
