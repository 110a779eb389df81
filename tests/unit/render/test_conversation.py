"""A conversation as a page: each face tells its words and costs; foreign text is shown."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from audiomagic import Sound
from audiomagic.costs.receipt import Receipt
from audiomagic.protocol.request import Message
from audiomagic.protocol.tool_calls import ToolCall
from audiomagic.protocol.usage import Usage
from audiomagic.render.conversation import ConversationPage
from audiomagic.turn.conversation import Exchange, Speaker

CALL = ToolCall("call_1", "look_up", '{"word": "pain"}')
BETWEEN = (
    Message("assistant", tool_calls=(CALL,)),
    Message("tool", ("bread",), tool_call_id="call_1"),
)
RECEIPT = Receipt(
    datetime(2026, 11, 22, tzinfo=UTC), "openai", "api.openai.com", "gpt-realtime-2.1",
    "gpt-realtime-2.1", "marin", 1.2, 1.0, Usage(62, 26, 12, 20), 0.51, 1.234,
)  # fmt: skip
SPEAKER = Speaker("api.openai.com", "gpt-realtime-2.1")


@pytest.fixture
def exchange(tone: Sound) -> Exchange:
    return Exchange(
        Message("user", ("What is pain?",)), "It is bread.", SPEAKER, BETWEEN, tone,
        receipt=RECEIPT, notes=("Cut off: it was long.",),
    )  # fmt: skip


def faces(page: ConversationPage) -> dict[str, str]:
    return page._repr_mimebundle_()


def test_each_face_tells_both_sides_tools_notes_badges_and_the_total(exchange: Exchange) -> None:
    written = Exchange(Message("user", ("Thanks",)), "With pleasure.", SPEAKER)
    page = ConversationPage("", (exchange, written), {"Transcription": Decimal("0.5")})
    said = ["What is pain?", "look_up", "bread", "It is bread.", "Cut off", "1.0 s out", "Thanks"]
    plain = faces(page)["text/plain"]
    assert plain.splitlines()[0] == "Conversation · 2 turns · $0.5020"
    assert plain.splitlines()[1:3] == [
        "you: What is pain?",
        "look_up(word='pain') → bread",
    ]
    assert plain.splitlines()[-3:] == [
        "you: Thanks",
        "model: With pleasure.",
        "Transcription: $0.5000",
    ]
    for face in faces(page).values():
        at = [face.replace("\\", "").index(words) for words in said]
        assert at == sorted(at)
        assert "0.5020" in face.replace("\\", "") and "Transcription" in face


def test_a_badge_folds_out_and_an_answer_has_its_player_and_its_place(
    exchange: Exchange, tone: Sound
) -> None:
    spoken = replace(exchange, between=(), recording=tone)
    html = ConversationPage("main", (exchange, spoken), places=("player-1",)).html
    assert html.count("<audio") == 3 and html.count('class="player-1"') == 1
    assert html.count('class="audiomagic-card"') == 2
    assert html.count("sound out") == 2 and html.count("<details") == 3
    assert "Chat main · 2 turns" in html


def test_an_answer_that_was_interrupted_says_so(exchange: Exchange) -> None:
    cut = replace(exchange, heard=0.4)
    for face in faces(ConversationPage("", (cut,))).values():
        assert "You interrupted it after 0.4 s." in face.replace("\\", "")


def test_what_is_noted_of_every_answer_is_said_once(exchange: Exchange) -> None:
    other = replace(exchange, notes=("Answered in text.", *exchange.notes))
    for face in faces(ConversationPage("", (exchange, other, exchange))).values():
        face = face.replace("\\", "")
        assert face.count("Cut off: it was long.") == face.count("Answered in text.") == 1
        assert face.index("Answered in text.") < face.index("Cut off: it was long.")


def test_a_total_says_where_it_is_not_whole(exchange: Exchange) -> None:
    unpriced = replace(exchange, receipt=replace(RECEIPT, requested_model="x", model="x"))
    assert " and more" in ConversationPage("", (exchange, unpriced)).summary[0]
    page = ConversationPage("", (exchange,), {"Transcription": None})
    assert page.summary == [
        "Conversation · 1 turn · $0.0020 and more",
        "Transcription: price unknown",
    ]


def test_what_others_wrote_is_shown_and_not_obeyed(exchange: Exchange) -> None:
    bad = "<img src=x onerror=alert(1)> \x1b[31m $a$ **b** [c](http://d)"
    hostile = replace(
        exchange, question=Message("user", (bad,)), answer=bad, notes=(bad,),
        between=(Message("assistant", tool_calls=(ToolCall("1", bad, bad),)),),
    )  # fmt: skip
    shown = faces(ConversationPage(bad, (hostile,), {bad: None}))
    assert "<img" not in shown["text/html"] and "<img" not in shown["text/markdown"]
    assert not any("\x1b" in face for face in shown.values())
    assert "**b**" not in shown["text/markdown"] and "](http" not in shown["text/markdown"]
