"""What a response reads is the whole conversation: its text, and its sound by the second."""

from concurrent.futures import Future

from openai.types.realtime import RealtimeResponseUsage

from audiomagic.engine.realtime.items import AssistantMessage, GivenMessage, Piece, Speech
from audiomagic.engine.realtime.settings import Settings
from audiomagic.engine.realtime.usage import Usage


def count(text: str) -> int:
    return len(text.split())


def test_sound_counts_ten_a_second_of_the_user_and_twenty_of_the_assistant() -> None:
    items = (
        GivenMessage(content=["Two words", Speech(2.0, Future())]),
        AssistantMessage(spoken=True, pieces=[Piece("Not counted as text.", 3 * 48_000)]),
        AssistantMessage(spoken=False, pieces=[Piece("One")]),
    )
    usage = Usage.of(items, Settings(type="realtime", instructions="Be brief."), count)
    assert (usage.text_in, usage.audio_in) == (5, 80)


def test_it_adds_up() -> None:
    wire = Usage(3, 80, 4, 60).wire()
    RealtimeResponseUsage.model_validate(wire, strict=True)
    assert (wire["input_tokens"], wire["output_tokens"], wire["total_tokens"]) == (83, 64, 147)
    assert wire["output_token_details"] == {"text_tokens": 4, "audio_tokens": 60}


def test_an_empty_conversation_costs_nothing() -> None:
    assert Usage.of((), Settings(type="realtime"), count) == Usage()
