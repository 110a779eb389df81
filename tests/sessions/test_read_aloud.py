"""Reading aloud and practice, against the scripted server: what was said, held against a text."""

from typing import Any

import numpy as np
import pytest

from audiomagic import Session, Sound
from audiomagic.protocol.request import TRANSCRIPT, VERBATIM
from audiomagic.protocol.response import Delta

from ..support.fake_server import FakeServer, Handler, spoken, usage, written
from ..support.listener import Listener

pytestmark = pytest.mark.usefixtures("key")


def echo(pcm: bytes) -> Any:
    """A script that says the last message."""

    def answer(handler: Handler, body: dict[str, Any]) -> None:
        words = body["messages"][-1]["content"].split(" ")
        handler.stream(spoken([word + " " for word in words], pcm, usage(5, 0, len(words), 20)))

    return answer


def test_a_text_read_word_for_word_says_so(fake_server: FakeServer, tone: Sound) -> None:
    fake_server.then(echo(tone.pcm16()))
    reply = Session().speak("It is 7 o'clock.", verbatim=True)
    assert fake_server.requests[0]["messages"][0]["content"] == VERBATIM
    assert reply.transcript_diff and reply.transcript_diff.score == 1
    for face in reply._repr_mimebundle_().values():
        assert "100%" in face.replace("\\", "")


def test_words_that_were_read_wrong_are_marked(fake_server: FakeServer, tone: Sound) -> None:
    fake_server.say("Good evening, my class.", tone.pcm16())
    reply = Session().speak("Good morning, class.", verbatim=True)
    assert reply.transcript_diff and [word.kind for word in reply.transcript_diff.words] == [
        "right", "wrong", "added", "right",
    ]  # fmt: skip
    faces = reply._repr_mimebundle_()
    assert "<del" in faces["text/html"] and "morning" in faces["text/html"]
    assert "[morning → evening]" in faces["text/plain"]


def test_a_long_text_is_read_in_passages_and_heard_as_one(
    fake_server: FakeServer, tone: Sound
) -> None:
    quiet = np.zeros(24_000, np.int16).tobytes()
    for _ in range(3):
        fake_server.then(echo(quiet + tone.pcm16() + quiet))
    text = "\n\n".join(f"Paragraph {n}. " + "Some more words. " * 50 for n in range(3))
    ear = Listener()
    reply = Session().bound(listener=ear).speak(text, verbatim=True)
    asked = [request["messages"][-1]["content"] for request in fake_server.requests]
    assert " ".join(" ".join(asked).split()) == " ".join(text.split())
    assert len(asked) == 3 and ear.lines[-1] == "passage 3 of 3 …"
    assert reply.transcript_diff and reply.transcript_diff.score == 1
    assert reply.sound and np.array_equal(reply.sound.samples, Sound.from_pcm16(ear.pcm).samples)
    # Silence of 1 s at both ends stays; each of the seams' 2 s became a pause between paragraphs.
    assert reply.seconds == pytest.approx(5 + 2 * 0.7, abs=0.1)
    assert reply.usage and reply.usage.output_audio_tokens == 60 and reply.audio_id is None


def test_a_reading_that_is_stopped_is_not_held_against_the_whole_text(
    fake_server: FakeServer, tone: Sound
) -> None:
    class Stops(Listener):
        def on_delta(self, piece: Delta) -> None:
            super().on_delta(piece)
            if "morning" in piece.text:
                self.cancellation.cancel()

    fake_server.stall(spoken(["Good ", "morning, ", "class."], tone.pcm16())[:3])
    reply = Session().bound(listener=Stops()).speak("Good morning, class.", verbatim=True)
    assert (
        reply.finish_reason == "stopped"
        and reply.text == "Good morning,"
        and reply.transcript_diff is None
    )


def test_a_reading_that_breaks_off_keeps_what_was_read(
    fake_server: FakeServer, tone: Sound
) -> None:
    fake_server.then(echo(tone.pcm16()))
    broken = [*spoken(["Paragraph 1"], tone.pcm16())[:14], "data: {oops\n\n"]
    fake_server.send_chunks(broken)
    text = "\n\n".join(f"Paragraph {n}. " + "Some more words. " * 50 for n in range(3))
    with pytest.raises(Exception, match="Chat Completions") as caught:
        Session().speak(text, verbatim=True)
    reply = caught.value.reply  # type: ignore[attr-defined]
    assert reply.text.startswith("Paragraph 0.") and reply.text.endswith("Paragraph 1")
    assert reply.seconds > 1 and len(fake_server.requests) == 2


def test_a_passage_that_is_refused_leaves_those_before_it(
    fake_server: FakeServer, tone: Sound
) -> None:
    fake_server.then(echo(tone.pcm16()))
    fake_server.then(lambda handler, body: handler.refuse(400, "No more."))
    text = "\n\n".join(f"Paragraph {n}. " + "Some more words. " * 50 for n in range(3))
    with pytest.raises(Exception, match="No more") as caught:
        Session().speak(text, verbatim=True)
    reply = caught.value.reply  # type: ignore[attr-defined]
    assert reply.text.startswith("Paragraph 0.") and reply.seconds == pytest.approx(1, abs=0.2)


def test_practice_without_an_answer_keeps_what_was_understood(
    fake_server: FakeServer, tone: Sound
) -> None:
    fake_server.send_chunks(written(["Je suis le pain."]))
    fake_server.then(lambda handler, body: handler.refuse(400, "No more."))
    with pytest.raises(Exception, match="No more") as caught:
        Session().listen(tone, "Help me.", expect="Je veux le pain.")
    assert caught.value.reply.transcript_diff.score == 0.75  # type: ignore[attr-defined]


def test_practice_shows_what_was_understood(fake_server: FakeServer, tone: Sound) -> None:
    fake_server.send_chunks(written(["Je suis ", "le pain."]))
    reply = Session().listen(tone, expect="Je veux le pain.")
    (request,) = fake_server.requests
    assert request["modalities"] == ["text"] and request["messages"][0]["content"] == TRANSCRIPT
    assert reply.text == "Je suis le pain." and reply.sound is None
    assert reply.transcript_diff and reply.transcript_diff.score == 0.75


def test_practice_with_an_instruction_is_answered_too(fake_server: FakeServer, tone: Sound) -> None:
    fake_server.send_chunks(written(["Je suis le pain."], usage(50, 10, 6, 0)))
    fake_server.say("Say veux.", tone.pcm16(), usage(60, 10, 3, 20))
    reply = Session().listen(tone, "Help me.", expect="Je veux le pain.", chat="french")
    second = fake_server.requests[1]
    system, question = second["messages"]
    assert "Je veux le pain." in system["content"] and "Je suis le pain." in system["content"]
    assert [part["type"] for part in question["content"]] == ["text", "input_audio"]
    assert reply.text == "Say veux." and reply.sound
    assert reply.transcript_diff and reply.transcript_diff.score == 0.75
    assert reply.usage and reply.usage.input_tokens == 130
