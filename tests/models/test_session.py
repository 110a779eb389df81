"""What a session can do, on the local engine with its real models."""

import re
from threading import Thread
from typing import Any

import pytest

from audiomagic import Session, Sound, compare
from audiomagic.engine import synthesize, transcribe
from audiomagic.errors import RequestRejected
from audiomagic.turn.reply import STOPPED

from ..support.listener import Listener
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
    with pytest.raises(
        RequestRejected, match=r"too long .* 2048 tokens of text; this request has 2"
    ):
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


MARKDOWN = """Here it is:

---

| Name | Age |
|:-----|----:|
| Ann  | 5   |

```python
print("hi")
```

That is all. 😀"""


def test_rules_tables_and_fences_are_silent(session: Session) -> None:
    reply = session.speak(MARKDOWN, verbatim=True)
    said = ["Here it is:", "Name, Age", "Ann, 5", 'print("hi")', "That is all."]
    assert [line for line in reply.text.splitlines() if line] == said
    with ModelServer({"content": MARKDOWN}) as server:
        assert Session(llm=server.url).speak("Go on.").text == reply.text
        written = Session(llm=server.url).listen(reply.sound, "Go on.", text_only=True)
    assert written.text == MARKDOWN


@pytest.mark.parametrize(
    "deltas",
    [
        ["<think>Which town? ", "Paris.</think>", "It is Paris. ", "It is in France."],
        ["<th", "ink>Which town? Paris.</", "think>It is Paris. ", "It is in France."],
        ["Which town? Paris.\n", "</think>\n\nIt is Paris. ", "It is in France."],
        ["<|channel|>analysis<|message|>Which town? Paris.<|end|><|start|>assistant",
         "<|channel|>final<|message|>It is Paris. ", "It is in France.<|return|>"],
        ["<unused94>thought\nWhich town? Paris.<unused95>It is Paris. It is in France.<|eot_id|>"],
        ["<think>Which <think>town</think>? Paris.</think>It is Paris. It is in France."],
        [{"reasoning_content": "Which town?"}, {"content": "It is Paris. It is in France."}],
        [[{"type": "thinking", "thinking": [{"type": "text", "text": "Which town?"}]},
          {"type": "text", "text": "It is Paris. It is in France."}]],
    ],
)  # fmt: skip
def test_thoughts_are_neither_spoken_nor_shown(deltas: list[Any]) -> None:
    sent = [delta if isinstance(delta, dict) else {"content": delta} for delta in deltas]
    with ModelServer(*sent) as server:
        session = Session(llm=server.url)
        for _ in range(2):
            reply = session.speak("Where?")
            assert reply.text == "It is Paris. It is in France."
            assert reply.sound and transcribe(reply.sound).count("Paris") == 1
            assert session.listen(reply.sound, "Where?", text_only=True).text == reply.text


def test_comments_are_not_spoken() -> None:
    with ModelServer(
        {"content": "It is <!-- No. Yes! -->Paris.<!-- I"}, {"content": "s it? -->"}
    ) as server:
        reply = Session(llm=server.url).speak("Where?")
    assert reply.text == "It is Paris."


def test_a_model_that_thinks_can_be_stopped() -> None:
    def stop(listener: Listener) -> None:
        assert server.begun.wait(20)
        listener.cancellation.cancel()

    with ModelServer({"content": "Or is it? "}, endless=True) as server:
        watching = Listener()
        Thread(target=stop, args=(watching,)).start()
        reply = Session(llm=server.url).bound(listener=watching).speak("Where?")
        assert server.hung_up.wait(20)
    assert (reply.text, reply.finish_reason) == ("", STOPPED)


@pytest.mark.parametrize("finish", ["stop", "length"])
def test_a_thought_without_an_end_leaves_an_empty_answer(finish: str) -> None:
    with ModelServer({"content": "<think>Which town? Paris, or"}, finish=finish) as server:
        reply = Session(llm=server.url).speak("Where?")
    assert (reply.text, reply.sound, reply.finish_reason) == ("", None, finish)
    note = "The model returned an empty answer" if finish == "stop" else "Cut off: the cap"
    assert any(each.startswith(note) for each in reply.notes)


def test_a_language_model_that_cannot_be_reached_is_one_line() -> None:
    with pytest.raises(RequestRejected) as caught:
        Session(llm="http://127.0.0.1:9/v1#llama").speak("Hi")
    assert re.fullmatch(
        r"no connection to the language model at http://127\.0\.0\.1:9/v1 \(.*refused.*\); "
        r"start that server, or change --llm \(request req_\w+\)",
        str(caught.value),
    )


@pytest.mark.parametrize(
    ("refusal", "line"),
    [
        (
            (401, {}),
            r"^the language model at \S+ requires a valid key \(401\); set \$AUDIOMAGIC_LLM_KEY",
        ),
        (
            (404, {"error": "model 'lama3.2' not found"}),
            r"^the language model at \S+ rejected the request \(404\): model 'lama3.2' not found; "
            r"is \S+#lama3.2 right\? Did you mean #llama3.2\?",
        ),
        (
            (400, {"detail": [{"loc": ["body", "messages"], "msg": "Field required"}]}),
            r"rejected the request \(400\): messages: Field required",
        ),
        ((200, {"object": "error", "message": "Too many knobs"}), "an error: Too many knobs"),
        ((200, {"error": "Too many knobs"}), "broke off with an error: Too many knobs"),
        ((200, b"<html>"), "a web page, which is not Chat Completions; check --llm"),
    ],
)
def test_what_another_model_says_is_shown_as_it_is(refusal: Any, line: str) -> None:
    with ModelServer(refusal=refusal) as server:
        session = Session(llm=f"{server.url}/v1#lama3.2")
        with pytest.raises(RequestRejected, match=line) as caught:
            session.speak("Hi")
        assert "local engine" not in str(caught.value)
