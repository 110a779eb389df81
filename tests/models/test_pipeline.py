"""The local engine with its real models, in this process and over HTTP."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import openai
import pytest

from audiomagic import Session, Sound
from audiomagic.engine import synthesize, transcribe, weights
from audiomagic.engine.__main__ import main
from audiomagic.engine.pipeline import NO_LANGUAGE_MODEL, NO_SPEECH
from audiomagic.engine.text_normalization import UNSPEAKABLE
from audiomagic.errors import OptionError, RequestRejected
from audiomagic.protocol.response import Delta
from audiomagic.transports.local import INSTALLED_NOTE

from ..support.listener import Listener
from ..support.served_engine import served_engine

QUESTION = "What is the capital of France?"


@pytest.fixture(scope="module", autouse=True)
def llm_is_there() -> None:
    """As the README has it, the language model is installed before the tests are run."""
    assert weights.llm(), f"run first: {weights.INSTALL}"


@pytest.fixture(scope="module")
def question() -> Sound:
    return synthesize(QUESTION, "verse")


def test_a_spoken_question_gets_a_spoken_answer(question: Sound) -> None:
    reply = Session().listen(question, "Answer the question.")
    assert "Paris" in reply.text and reply.sound is not None
    assert "Paris" in transcribe(reply.sound)
    receipt = reply.receipt
    assert (receipt.engine, receipt.model, reply.cost) == ("local", "local-engine", 0)
    assert receipt.bill is not None and receipt.bill.dollars > 0
    assert INSTALLED_NOTE in reply.notes
    assert reply.usage is not None
    assert reply.usage.input_audio_tokens == round(10 * question.seconds)
    assert reply.usage.output_audio_tokens == pytest.approx(20 * reply.seconds, abs=1)
    assert reply.usage.output_text_tokens == pytest.approx(len(reply.text.split()), abs=4)


def test_it_streams_sentence_by_sentence() -> None:
    listener = Listener()
    text = "One is a number. Two is a number too. Three is the last of them."
    reply = Session().bound(listener=listener).speak(text, verbatim=True)
    kinds = "".join("w" if piece.text else "s" for piece in listener.pieces if piece != Delta())
    assert re.fullmatch(r"ws+ws+ws+", kinds)
    assert reply.text == text


def test_lines_stay_lines() -> None:
    poem = "Roses are red,\nviolets are blue.\n\nThis is a list:\n- one\n- two"
    listener = Listener()
    reply = Session().bound(listener=listener).speak(poem, verbatim=True)
    assert reply.text == "Roses are red,\nviolets are blue.\n\nThis is a list:\none\ntwo"
    assert "".join(piece.text for piece in listener.pieces) == reply.text


def test_verbatim_reads_the_text_itself() -> None:
    reply = Session().speak(QUESTION, verbatim=True, voice="onyx")
    assert reply.text == QUESTION
    assert transcribe(Sound.of(reply)).rstrip("?") == QUESTION.rstrip("?")


def test_a_style_changes_how_it_is_said_and_not_what() -> None:
    session = Session()
    plain = session.speak(QUESTION)
    styled = session.speak(QUESTION, style="very slowly, like a pirate from the Caribbean")
    assert styled.text == plain.text and styled.seconds > 1.4 * plain.seconds
    assert styled.notes[1:] == (
        "Style: much slower; the engine's voice cannot follow “pirate from the Caribbean”.",
    )
    wished = session.speak(QUESTION, system="You are a tutor. Speak very slowly.")
    assert wished.notes[1:] == ("Voice, as instructed: much slower.",)


@pytest.mark.parametrize("style", ["whispering", "as fast as you can", "in a very deep voice"])
def test_what_is_said_in_a_style_is_understood(style: str) -> None:
    reply = Session().speak(QUESTION, verbatim=True, style=style)
    assert transcribe(Sound.of(reply)).rstrip("?") == QUESTION.rstrip("?")


@pytest.mark.parametrize("instruction", ["Transcribe this.", "What is said here?", "Write it down"])
def test_a_request_to_transcribe_gives_what_was_heard(question: Sound, instruction: str) -> None:
    assert Session().listen(question, instruction, text_only=True).text == QUESTION


def test_silence_and_noise_are_not_words() -> None:
    dice = np.random.default_rng(0)
    for samples in (np.zeros(48_000), 0.1 * dice.standard_normal(48_000)):
        reply = Session().listen((24_000, samples))
        assert reply.text == NO_SPEECH


def test_another_script_is_said_to_be_unpronounceable() -> None:
    assert Session().speak("你好，世界", verbatim=True).text == UNSPEAKABLE
    mixed = Session().speak("Say 你好 to her.", verbatim=True)
    assert mixed.text == "Say (something I cannot pronounce) to her."


def test_a_cap_cuts_the_sound() -> None:
    text = "One, two, three, four, five, six, seven, eight, nine, ten. " * 3
    reply = Session(max_tokens=60).speak(text, verbatim=True)
    assert reply.finish_reason == "length" and any("--max-tokens" in note for note in reply.notes)
    assert reply.usage is not None and reply.usage.output_tokens <= 61


def test_earlier_turns_and_the_system_message_reach_the_model(api: dict[str, str]) -> None:
    client = openai.OpenAI(**api)
    answer = client.chat.completions.create(
        model="local-engine",
        messages=[
            {"role": "system", "content": "You are a pirate."},
            {"role": "user", "content": "What is the capital of France?"},
            {"role": "assistant", "content": "The capital of France is Paris."},
            {"role": "user", "content": "Who are you?"},
        ],
    )
    words = answer.choices[0].message.content or ""
    assert re.search(r"pirate|captain|sea|ship|aye|matey", words, re.IGNORECASE)


@pytest.mark.parametrize("role", ["You are a tutor.", "You are a guide."])
def test_a_role_does_not_have_it_babble(role: str) -> None:
    assert "Paris" in Session().speak(QUESTION, system=role).text


def test_a_prompt_that_is_too_long_is_said_to_be() -> None:
    for dense in (20_000, 1_200):  # more characters than the model takes, or more tokens only
        with pytest.raises(RequestRejected, match=r"^too long for the local engine: "):
            Session().speak("0123 " * dense)


def test_threads_may_call_at_once(question: Sound) -> None:
    def one(i: int) -> str:
        if i % 3 == 0:
            return transcribe(question)
        if i % 3 == 1:
            return Session().speak(QUESTION, verbatim=True).text
        return Session().listen(question, "Answer the question.").text

    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(one, range(9)))
    assert found[0::3] == found[1::3] == [QUESTION] * 3
    assert all("Paris" in text for text in found[2::3])


def test_names_are_checked_as_the_service_would() -> None:
    session = Session()
    with pytest.raises(OptionError, match="no voice 'corl'; did you mean 'coral'"):
        session.speak("Hi", voice="corl")
    with pytest.raises(OptionError, match="no model 'gpt-audio-15'"):
        session.speak("Hi", model="gpt-audio-15")
    with pytest.raises(OptionError, match="no voice 'corl'"):
        synthesize("Hi", "corl")


def test_without_a_llm_it_hears_and_speaks(
    question: Sound, tmp_path: Path, api: dict[str, str]
) -> None:
    """In a process of its own, whose cache is empty."""
    question.save(tmp_path / "q.wav")
    script = (
        "from audiomagic import Session\n"
        f"print(Session().listen({str(tmp_path / 'q.wav')!r}).text)\n"
    )
    env = {**os.environ, "XDG_CACHE_HOME": str(tmp_path), "HOME": str(tmp_path)}
    run = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True)
    assert run.stdout.strip() == f"{NO_LANGUAGE_MODEL} {QUESTION}", run.stderr
    assert "opening the local engine" in run.stderr


def test_a_port_in_use_is_said_so_and_what_to_type(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["serve", "--port", str(port)]) == 1
    line = f"port {port} cannot be used (Address already in use); choose another with --port"
    assert line in capsys.readouterr().err


# -- over HTTP --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def api() -> Iterator[dict[str, str]]:
    """Where `python -m audiomagic.engine serve` answers."""
    with served_engine() as served:
        yield served


def test_any_openai_client_can_use_it(api: dict[str, str], question: Sound) -> None:
    client = openai.OpenAI(**api)
    assert [model.id for model in client.models.list()] == ["local-engine"]
    answer = client.chat.completions.create(
        model="gpt-audio-1.5",
        modalities=["text", "audio"],
        audio={"voice": "coral", "format": "wav"},
        messages=[{"role": "user", "content": QUESTION}],
    )
    audio = answer.choices[0].message.audio
    assert audio and "Paris" in audio.transcript and answer.model == "local-engine"
    again = client.chat.completions.create(
        model="gpt-audio-1.5",
        modalities=["text"],
        messages=[
            {"role": "assistant", "audio": {"id": audio.id}},
            {"role": "user", "content": "Say that again."},
        ],
    )
    assert again.choices[0].message.content
    with pytest.raises(openai.BadRequestError, match=r"Assistant audio audio_1 not found\.") as e:
        client.chat.completions.create(
            model="gpt-audio-1.5",
            messages=[
                {"role": "assistant", "audio": {"id": "audio_1"}},
                {"role": "user", "content": "Again."},
            ],
        )
    assert e.value.code == "audio_not_found"


def test_usage_is_streamed_where_it_is_asked_for(api: dict[str, str]) -> None:
    client = openai.OpenAI(**api)
    for asked in (True, False):
        with client.chat.completions.create(
            model="local-engine",
            messages=[{"role": "user", "content": "Say hello."}],
            stream=True,
            stream_options={"include_usage": asked},
        ) as stream:
            assert any(chunk.usage for chunk in stream) is asked


def test_over_http_too_it_streams(api: dict[str, str]) -> None:
    session = Session(base_url=api["base_url"], api_key=api["api_key"])
    listener = Listener()
    text = "This is the first sentence. " * 40
    reply = session.bound(listener=listener).speak(text, verbatim=True)
    first = reply.receipt.time_to_first_audio
    assert first is not None and first < reply.receipt.duration / 2
    assert reply.receipt.model == "local-engine" and reply.seconds > 30


def test_a_client_that_hangs_up_stops_the_engine(api: dict[str, str]) -> None:
    client = openai.OpenAI(**api)
    with client.chat.completions.create(
        model="local-engine", messages=[{"role": "user", "content": "Tell me a long story."}],
        stream=True,
    ) as stream:  # fmt: skip
        next(iter(stream))
    story = client.chat.completions.create(  # waits until the model is free
        model="local-engine", messages=[{"role": "user", "content": "Say hello."}], timeout=60
    )
    assert story.choices[0].message.content
