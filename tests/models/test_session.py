"""What a session can do, on the local engine with its real models."""

import pytest

from audiomagic import Session, Sound, compare
from audiomagic.engine import synthesize, transcribe
from audiomagic.errors import RequestRejected

from ..support.model_servers import ModelServer


@pytest.fixture
def session() -> Session:
    return Session(engine="local")


@pytest.fixture(scope="module")
def question() -> Sound:
    """A question, spoken."""
    return synthesize("How is the weather in Paris?", "coral")


def weather(city: str) -> str:
    """Say how the weather is in a city.

    Args:
        city: name of the city
    """
    return f"12 degrees and rain in {city}"


def test_a_spoken_question_calls_a_tool_and_is_answered_in_sound(
    session: Session, question: Sound
) -> None:
    reply = session.listen(question, tools=weather)
    (result,) = reply.tool_results
    assert result.call.name == "weather" and result.value == "12 degrees and rain in Paris"
    assert reply.sound and "rain" in transcribe(reply.sound).lower()
    assert reply.cost == 0


def test_a_chat_goes_on(session: Session) -> None:
    first = session.speak("Say hello.", chat="main")
    second = session.speak("Say goodbye.", chat="main")
    (one, two) = session.chats.get("main").exchanges
    assert (one.answer, two.answer) == (first.text, second.text)
    # The engine is asked for its earlier answer by id, and knows it.
    assert [m.audio_id for m in second.request.messages] == [None, first.audio_id, None]


def test_a_long_text_is_read_in_one_go(session: Session) -> None:
    text = "\n\n".join(f"This is part {n}. " + "We read it slowly and well. " * 30 for n in "ab")
    reply = session.speak(text, verbatim=True)
    assert reply.transcript_diff and reply.transcript_diff.score == 1 and reply.seconds > 60


def test_a_text_that_the_model_has_no_room_for_is_refused_not_cut(session: Session) -> None:
    text = "Say what the capital of France is. " * 300
    with pytest.raises(RequestRejected, match=r"too long .* 2048 tokens of text, this has 2"):
        session.speak(text, voice="coral")
    with pytest.raises(RequestRejected, match="too long"):
        session.speak(text, tools=weather)
    assert session.speak(text[:7000]).text


def test_practice_hears_with_its_own_stt(session: Session) -> None:
    said = synthesize("The cat sat on the hat.", "sage")
    reply = session.listen(said, expect="The cat sat on the mat.")
    assert reply.transcript_diff and [
        w.heard for w in reply.transcript_diff.words if w.kind != "right"
    ] == ["hat"]
    assert reply.text == "The cat sat on the hat."
    answered = session.listen(said, "Say hello to me.", expect="The cat sat on the mat.")
    assert answered.sound and answered.transcript_diff and answered.transcript_diff.score < 1


def test_voices_are_compared(session: Session) -> None:
    both = compare(session.speak, "Good morning.", verbatim=True, voice=["coral", "onyx"])
    assert [transcribe(reply.sound).lower() for reply in both] == ["good morning."] * 2
    assert both["coral"].seconds != both["onyx"].seconds


def test_another_llm_thinks_and_the_engine_speaks_for_it() -> None:
    with ModelServer({"content": "The quick brown "}, {"content": "fox is here."}) as server:
        session = Session(engine="local", llm=server.url)
        reply = session.speak("Who is here?", system="Be brief.")
    assert reply.text == "The quick brown fox is here."
    assert reply.sound and "quick brown fox" in transcribe(reply.sound).lower()
    asked = server.bodies[-1]["messages"]
    assert [message["role"] for message in asked] == ["system", "user"]
    assert server.url in reply.notes[0]
