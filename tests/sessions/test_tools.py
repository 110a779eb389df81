"""Rounds: a model has tools called before it answers, on the scripted server."""

import json
from decimal import Decimal

import pytest

from audiomagic import AudiomagicError, Reply, Session, Sound
from audiomagic.errors import Interrupted
from audiomagic.turn.reply import STOPPED
from audiomagic.turn.turn import UNANSWERED

from ..support.fake_server import FakeServer, chunk, usage, wants

pytestmark = pytest.mark.usefixtures("key")


def weather(city: str) -> str:
    """Say how the weather is.

    Args:
        city: where
    """
    return {"Köln": "12 °C, rain"}[city]


def test_a_tool_is_called_and_its_result_goes_back(fake_server: FakeServer, tone: Sound) -> None:
    fake_server.send_chunks(wants(("weather", '{"city": "Köln"}')))
    fake_server.say("It rains in Cologne.", tone.pcm16(), usage(60, 0, 6, 20))
    reply = Session().speak("How is the weather in Köln?", tools=weather)
    first, second = fake_server.requests
    assert first["tools"][0]["function"]["name"] == "weather"
    assert second["messages"][1]["tool_calls"][0]["function"]["arguments"] == '{"city": "Köln"}'
    assert second["messages"][2] == {
        "role": "tool", "tool_call_id": "call_0", "content": "12 °C, rain",
    }  # fmt: skip
    assert reply.text == "It rains in Cologne." and reply.sound
    (result,) = reply.tool_results
    assert (result.call.name, result.value, result.error) == ("weather", "12 °C, rain", None)
    counts = reply.usage and (
        reply.usage.input_text_tokens,
        reply.usage.output_text_tokens,
        reply.usage.output_audio_tokens,
    )
    assert counts == (90, 26, 20)
    assert reply.cost == (90 * Decimal("2.5") + 26 * 10 + 20 * 64) / 1_000_000
    assert reply.receipt.duration >= (reply.receipt.time_to_first_audio or 9) > 0
    faces = reply._repr_mimebundle_()
    assert all("weather(city=" in face.replace("\\", "") for face in faces.values())


KÖLN = '{"city": "Köln"}'
NAMED = {"role": "assistant", "content": None}
SPELLED = {
    "a placeholder first": ["{}", KÖLN],
    "all so far in every delta": [KÖLN[:end] for end in range(1, len(KÖLN) + 1)],
}


@pytest.mark.parametrize("name", SPELLED)
def test_a_call_is_made_however_its_server_spells_it(
    fake_server: FakeServer, tone: Sound, name: str
) -> None:
    head = {"index": 0, "id": "call_0", "type": "function"}
    functions = [{"name": " functions.weather", "arguments": SPELLED[name][0]}]
    functions += [{"arguments": arguments} for arguments in SPELLED[name][1:]]
    whole = head | {"function": functions[0] | {"arguments": KÖLN}}
    end = {"index": 0, "message": NAMED | {"tool_calls": [whole]}, "finish_reason": "tool_calls"}
    deltas = [chunk({"tool_calls": [head | {"function": one}]}) for one in functions]
    fake_server.send_chunks([*deltas, chunk() | {"choices": [end]}])
    fake_server.say("It rains in Cologne.", tone.pcm16())
    (result,) = Session().speak("How is it?", tools=weather, max_tokens=99).tool_results
    assert (result.value, result.error) == ("12 °C, rain", None)
    (sent,) = fake_server.requests[1]["messages"][1]["tool_calls"]
    assert sent["function"] == {"name": "weather", "arguments": KÖLN}


def test_errors_and_unknown_tools_go_back_too(fake_server: FakeServer, tone: Sound) -> None:
    calls = (("weather", '{"city": "Bonn"}'), ("weather", '{"town": 1}'), ("wether", "{}"))
    fake_server.send_chunks(wants(*calls))
    fake_server.say("I do not know.", tone.pcm16())
    reply = Session().speak("Weather?", tools=[weather])
    answers = [m["content"] for m in fake_server.requests[1]["messages"] if m["role"] == "tool"]
    assert "KeyError" in answers[0] and "city" in answers[1] and "weather" in answers[2]
    assert [result.error is None for result in reply.tool_results] == [False] * 3


def test_the_eighth_round_must_answer(fake_server: FakeServer, tone: Sound) -> None:
    for _ in range(7):
        fake_server.send_chunks(wants(("weather", '{"city": "Köln"}')))
    fake_server.say("Rain.", tone.pcm16())
    reply = Session().speak("Weather?", tools=[weather])
    assert [r.get("tool_choice") for r in fake_server.requests] == [None] * 7 + ["none"]
    assert reply.text == "Rain." and len(reply.tool_results) == 7


def test_a_chat_remembers_what_was_called(fake_server: FakeServer, tone: Sound) -> None:
    session = Session(chat="main")
    fake_server.send_chunks(wants(("weather", '{"city": "Köln"}')))
    fake_server.say("Rain.", tone.pcm16())
    fake_server.say("Yes.", tone.pcm16())
    session.speak("Weather?", tools=[weather])
    session.speak("Really?")
    roles = [message["role"] for message in fake_server.requests[2]["messages"]]
    assert roles == ["user", "assistant", "tool", "assistant", "user"]


def test_without_tools_a_wish_to_call_one_is_no_answer(fake_server: FakeServer) -> None:
    fake_server.send_chunks(wants(("weather", "{}")))
    reply = Session().speak("Weather?")
    assert reply.text == "" and reply.tool_results == ()
    assert len(fake_server.requests) == 1 and UNANSWERED in reply.notes


def test_a_model_that_calls_on_is_not_answered_for_ever(fake_server: FakeServer) -> None:
    for _ in range(8):
        fake_server.send_chunks(wants(("weather", '{"city": "Köln"}')))
    reply = Session().speak("Weather?", tools=[weather])
    assert len(reply.tool_results) == 7 and UNANSWERED in reply.notes


def test_a_later_round_that_fails_keeps_what_came(fake_server: FakeServer, tone: Sound) -> None:
    fake_server.send_chunks(wants(("weather", '{"city": "Köln"}')))
    fake_server.then(lambda handler, body: handler.refuse(400, "No more."))
    with pytest.raises(AudiomagicError, match=r"No more\.") as caught:
        Session().speak("Weather?", tools=weather)
    reply = caught.value.reply
    assert isinstance(reply, Reply) and reply.tool_results[0].value == "12 °C, rain"
    assert reply.cost == (30 * Decimal("2.5") + 20 * 10) / 1_000_000
    assert reply.finish_reason is None


def test_a_tool_that_is_interrupted_keeps_what_came(fake_server: FakeServer, tone: Sound) -> None:
    def impatient() -> None:
        raise KeyboardInterrupt

    fake_server.send_chunks(wants(("weather", '{"city": "Köln"}')))
    fake_server.send_chunks(wants(("impatient", "{}"), ("weather", '{"city": "Bonn"}')))
    session = Session(chat="main")
    with pytest.raises(Interrupted) as caught:
        session.speak("Weather?", tools=[weather, impatient])
    reply = caught.value.reply
    assert isinstance(reply, Reply) and reply.cost and reply.finish_reason == STOPPED
    assert [result.value for result in reply.tool_results] == ["12 °C, rain"]
    assert reply.notes == (
        "Stopped here: nothing more was requested.",
        "Stopped before these were done: impatient(), weather(city='Bonn').",
    )
    assert session.chats.get("main").exchanges == ()


def test_calls_as_other_servers_write_them_are_called_as_they_were_meant(
    fake_server: FakeServer, tone: Sound
) -> None:
    """Gemini's: all at index 0, without ids; and arguments that are an object, not a text."""

    def forecast(city: str = "Berlin", days: int = 1) -> str:
        return f"{city}, {days}"

    asked = ({"city": "Köln"}, '{"city": "Bonn", "days": 2}', "{}")
    for_each = [
        chunk({"tool_calls": [{"index": 0, "id": "", "type": "function",
                               "function": {"name": "forecast", "arguments": arguments}}]})
        for arguments in asked
    ]  # fmt: skip
    fake_server.send_chunks([*for_each, chunk({}, finish_reason="stop")])
    fake_server.say("Rain, mostly.", tone.pcm16())
    reply = Session().speak("Weather?", tools=forecast)
    assert [result.value for result in reply.tool_results] == ["Köln, 1", "Bonn, 2", "Berlin, 1"]
    _, repeated, *results = fake_server.requests[1]["messages"]
    sent = repeated["tool_calls"]
    assert [call["function"]["arguments"] for call in sent] == ['{"city": "Köln"}', asked[1], "{}"]
    assert [result["tool_call_id"] for result in results] == [call["id"] for call in sent]
    assert len({call["id"] for call in sent}) == 3


def test_a_call_that_cannot_be_read_is_repeated_so_that_a_strict_server_can(
    fake_server: FakeServer, tone: Sound
) -> None:
    fake_server.send_chunks(wants(("weather", '{"city": "Kö')))
    fake_server.say("I could not ask.", tone.pcm16())
    reply = Session().speak("Weather?", tools=weather)
    _, repeated, result = fake_server.requests[1]["messages"]
    arguments = json.loads(repeated["tool_calls"][0]["function"]["arguments"])
    assert arguments == {"INVALID_JSON": '{"city": "Kö'}
    assert "weather was not called: Invalid JSON" in result["content"]
    assert reply.tool_results[0].error
