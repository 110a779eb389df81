"""Session against the scripted server, through the real openai client."""

import asyncio
import base64
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audiomagic import Session, Sound, compare
from audiomagic.errors import (
    AudiomagicError,
    ConnectionFailed,
    EngineError,
    InvalidResponse,
    OptionError,
    RequestRejected,
    SoundError,
)
from audiomagic.protocol import notes

from ..support.fake_server import KEY, FakeServer, Handler, chunk, spoken, usage, written

pytestmark = pytest.mark.usefixtures("key")


def test_a_text_is_sent_and_a_spoken_answer_comes_back(
    fake_server: FakeServer, tone: Sound
) -> None:
    fake_server.say("Hello there, Ada.", tone.pcm16(), usage(11, 0, 6, 20))
    reply = Session().speak("Greet Ada.", voice="coral", style="warm", system="You are Bob.")
    assert reply.text == "Hello there, Ada."
    assert reply.sound is not None and reply.sound.rate == 24_000
    assert np.array_equal(reply.sound.samples, Sound.from_pcm16(tone.pcm16()).samples)
    assert reply.cost == Decimal("11") * Decimal("2.5e-6") + Decimal(6) * Decimal("1e-5") + (
        20 * Decimal("6.4e-5")
    )
    assert reply.finish_reason == "stop" and reply.seconds == 1.0 and str(reply) == reply.text
    assert fake_server.requests == [
        {
            "model": "gpt-audio-1.5",
            "modalities": ["text", "audio"],
            "audio": {"voice": "coral", "format": "pcm16"},
            "messages": [
                {"role": "system", "content": "You are Bob.\nSpeak in this way: warm"},
                {"role": "user", "content": "Greet Ada."},
            ],
            "stream": True,
            "stream_options": {"include_usage": True},
        }
    ]


def test_a_sound_is_sent_as_wav_with_its_instruction(fake_server: FakeServer, tone: Sound) -> None:
    fake_server.say("A tone.", tone.pcm16())
    high = tone.resample(44_100)
    reply = Session().listen((44_100, high.samples), "What is this?")
    text, sound = fake_server.requests[0]["messages"][0]["content"]
    assert text == {"type": "text", "text": "What is this?"}
    data = base64.b64decode(sound["input_audio"]["data"])
    assert sound["input_audio"]["format"] == "wav"
    assert data[4:8] == (len(data) - 8).to_bytes(4, "little")
    sent = Sound.decode(data)
    assert sent.rate == 24_000 and sent.seconds == pytest.approx(1.0, abs=0.001)
    assert reply.receipt.seconds_in == pytest.approx(1.0, abs=0.001)


def test_a_sound_alone_is_the_message(fake_server: FakeServer, tone: Sound) -> None:
    fake_server.say("A tone.", tone.pcm16())
    Session().listen(tone, "  \n")
    assert [part["type"] for part in fake_server.requests[0]["messages"][0]["content"]] == [
        "input_audio"
    ]


def test_sounds_stand_where_the_words_say_so(fake_server: FakeServer, tone: Sound) -> None:
    for _ in range(3):
        fake_server.say("Higher.", tone.pcm16())
    half = Sound(tone.samples[:12_000], tone.rate)

    def sent(*given: Any) -> list[str]:
        Session().listen(*given)
        parts = fake_server.requests[-1]["messages"][0]["content"]
        return [part.get("text") or f"{_seconds(part):.1f} s" for part in parts]

    assert sent([tone, half], "Is {sound} higher than {sound}?") == [
        "Is", "1.0 s", "higher than", "0.5 s", "?"
    ]  # fmt: skip
    assert sent([tone, half], "After {sound}, this:") == ["After", "1.0 s", ", this:", "0.5 s"]
    assert sent(tone, "{sound} or {sound}?") == ["1.0 s", "or {sound}?"]


def _seconds(part: Any) -> float:
    return Sound.decode(base64.b64decode(part["input_audio"]["data"])).seconds


def test_a_text_answer_asks_for_no_sound(fake_server: FakeServer, tone: Sound) -> None:
    fake_server.send_chunks(written(["A ", "tone."]))
    reply = Session().listen(tone, text_only=True)
    assert (reply.text, reply.sound, reply.notes) == ("A tone.", None, ())
    assert (
        fake_server.requests[0]["modalities"] == ["text"] and "audio" not in fake_server.requests[0]
    )


def test_text_where_sound_was_asked_for_is_said_so(fake_server: FakeServer) -> None:
    fake_server.send_chunks(written(["No ", "sound."]))
    reply = Session().speak("Hi")
    assert reply.text == "No sound." and reply.sound is None
    assert reply.notes == (
        "The model answered in text, although sound was requested; run it again.",
    )


def test_what_a_server_notes_of_its_answer_is_on_the_card(
    fake_server: FakeServer, tone: Sound
) -> None:
    *before, last = spoken(["Hi."], tone.pcm16())
    fake_server.send_chunks([*before, last | notes.written(["Style: <slower>."])])
    reply = Session().speak("Hi")
    assert reply.notes == ("Style: <slower>.",)
    assert "Style: &lt;slower&gt;." in reply._repr_mimebundle_()["text/html"]


def test_empty_audio_with_an_id_alone(fake_server: FakeServer) -> None:
    fake_server.send_chunks(
        [
            chunk({"audio": {"id": "audio_1", "transcript": "Hm."}}),
            chunk({"audio": {"id": "audio_1", "data": ""}}),
            chunk({"audio": {"expires_at": 1776297282}}),
        ]
    )
    reply = Session().speak("Hi")
    assert (reply.text, reply.sound, reply.usage, reply.cost) == ("Hm.", None, None, None)


def test_a_cut_stream_keeps_what_came(fake_server: FakeServer, tone: Sound) -> None:
    whole = spoken(["Once ", "upon "], tone.pcm16())
    fake_server.send_chunks(whole[:-2], done=False)
    reply = Session().speak("Tell a story")
    assert reply.text == "Once upon" and reply.finish_reason is None and reply.seconds == 1.0
    assert reply.notes[0].startswith("Cut off")
    assert reply.cost is None


def test_when_words_are_said_is_worked_out_for_whoever_asks(
    fake_server: FakeServer, tone: Sound
) -> None:
    fake_server.say("Once upon a time", tone.pcm16())
    reply = Session().speak("Tell a story")
    assert "word_starts" not in vars(reply)  # it takes longer than all else
    assert len(reply.word_starts) == 4 and vars(reply)["word_starts"] is reply.word_starts
    assert (
        f'data-starts="{" ".join(map(str, reply.word_starts))}"'
        in reply._repr_mimebundle_()["text/html"]
    )


def test_a_custom_voice_and_a_cap_reach_the_body(fake_server: FakeServer, tone: Sound) -> None:
    fake_server.say("Hi.", tone.pcm16())
    Session(voice="voice_1234", max_tokens=300).speak("Hi")
    assert fake_server.requests[0]["audio"]["voice"] == {"id": "voice_1234"}
    assert fake_server.requests[0]["max_completion_tokens"] == 300


def test_verbatim_is_asked_for_in_the_system_message(fake_server: FakeServer, tone: Sound) -> None:
    fake_server.say("Hi.", tone.pcm16())
    Session().speak("Hi.", verbatim=True)
    assert "word for word" in fake_server.requests[0]["messages"][0]["content"]


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"model": "gpt-audio-15"}, "no model 'gpt-audio-15'; did you mean 'gpt-audio-1.5'?"),
        (
            {"model": "gpt-40-audio-priview"},
            "no model 'gpt-40-audio-priview'; did you mean 'gpt-4o-audio-preview'? "
            "('gpt-4o-audio-preview' was shut down on 2026-05-07; use 'gpt-audio-1.5')",
        ),
        ({"voice": "corl"}, "no voice 'corl'; did you mean 'coral'?"),
    ],
)
def test_the_nearest_name_is_offered(
    fake_server: FakeServer, options: dict[str, str], line: str
) -> None:
    with pytest.raises(RequestRejected) as caught:
        Session().speak("Hi", **options)  # type: ignore[arg-type]
    assert str(caught.value).startswith(line)
    assert caught.value.request_id == "req_0123456789abcdef0123456789abcdef"


def test_a_wrong_key_is_never_repeated(fake_server: FakeServer) -> None:
    with pytest.raises(RequestRejected, match="rejected the API key; set OPENAI_API_KEY") as caught:
        Session(api_key="sk-proj-AnotherSecretKey-9876wxyz").speak("Hi")
    said = f"{caught.value} {caught.value!r} {caught.value._render_traceback_()}"
    assert "sk-" not in said and "wxyz" not in said


def test_a_servers_words_are_one_line_without_the_key(fake_server: FakeServer) -> None:
    words = f"Oh\nno\x1b[31m {KEY}" + "x" * 5000
    fake_server.then(lambda handler, body: handler.refuse(400, words))
    with pytest.raises(RequestRejected) as caught:
        Session().speak("Hi")
    said = str(caught.value)
    assert "\n" not in said and "\x1b" not in said and KEY not in said and len(said) < 500


@pytest.mark.parametrize("around", ["{}\n", "  {}\r\n", " {} "])
def test_blanks_around_a_key_are_not_part_of_it(
    fake_server: FakeServer, tone: Sound, around: str
) -> None:
    fake_server.say("Hi.", tone.pcm16())
    assert Session(api_key=around.format(KEY)).speak("Hi").text == "Hi."


@pytest.mark.parametrize("key", ["sk-LEAK\nME99-secret", "sk-“LEAKME99”-secret"])
def test_a_key_that_can_be_none_is_not_repeated(key: str) -> None:
    with pytest.raises(OptionError, match="contains characters that no key has") as caught:
        Session(api_key=key).speak("Hi")
    assert "LEAK" not in str(caught.value)


def test_a_password_in_an_address_is_not_repeated() -> None:
    with pytest.raises(ConnectionFailed, match=r"no connection to 127\.0\.0\.1:9 ") as caught:
        Session(base_url="http://me:hunter2@127.0.0.1:9/v1").speak("Hi")
    assert "hunter2" not in str(caught.value)


def test_a_redirect_is_not_followed(fake_server: FakeServer) -> None:
    with FakeServer() as thief:

        def elsewhere(handler: Handler, body: object) -> None:
            handler.send_response(307)
            handler.send_header("location", f"{thief.url}/chat/completions")
            handler.send_header("content-length", "0")
            handler.end_headers()

        fake_server.then(elsewhere)
        with pytest.raises(RequestRejected, match="redirects to another address"):
            Session().speak("My secret")
        assert thief.requests == []


def test_another_server_is_named_on_the_card(fake_server: FakeServer, tone: Sound) -> None:
    fake_server.say("Hi.", tone.pcm16())
    bundle = Session().speak("Hi")._repr_mimebundle_()
    assert all(fake_server.url.split("/")[2] in face.replace("\\", "") for face in bundle.values())


def test_a_named_server_needs_no_key(
    monkeypatch: pytest.MonkeyPatch, fake_server: FakeServer
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    assert Session().transport().provider.name == "openai"


def test_why_a_transport_was_chosen_is_that_of_the_call(fake_server: FakeServer) -> None:
    session = Session()
    for url, why in (({"base_url": fake_server.url}, "--base-url"), ({}, "OPENAI_BASE_URL")):
        assert session.transport(**url).provider.why == f"{why} is set"


def test_no_credit_is_said(fake_server: FakeServer) -> None:
    for _ in range(3):  # the client itself retries
        fake_server.then(lambda handler, body: handler.refuse(
            429, "You exceeded your current quota", None, "insufficient_quota"))  # fmt: skip
    with pytest.raises(RequestRejected, match="no credit left"):
        Session().speak("Hi")


def test_a_refused_connection_names_the_address() -> None:
    with pytest.raises(ConnectionFailed, match=r"no connection to 127\.0\.0\.1:9 .*--base-url"):
        Session(base_url="http://127.0.0.1:9/v1").speak("Hi")


RUBBISH = {
    "html": lambda handler, body: handler.send(200, b"<html>Sign in</html>", "text/html"),
    "no json": lambda handler, body: handler.stream(["data: {oops\n\n"]),
    "a list": lambda handler, body: handler.stream([[1, 2]]),
    "a number for choices": lambda handler, body: handler.stream([{"choices": 3}]),
    "text for a choice": lambda handler, body: handler.stream([{"choices": ["x"]}]),
    "a list for audio": lambda handler, body: handler.stream([chunk({"audio": [1]})]),
    "no base64": lambda handler, body: handler.stream([chunk({"audio": {"data": "!!"}})]),
    "nothing": lambda handler, body: handler.stream([]),
    "an error in the stream": lambda handler, body: handler.stream(
        [{"error": {"message": "out of\norder", "type": "server_error"}}]
    ),
    "a huge number": lambda handler, body: handler.stream(
        [f'data: {{"created": {"9" * 5000}}}\n\n']
    ),
    "great depth": lambda handler, body: handler.stream([f"data: {'[' * 100_000}\n\n"]),
    "bytes": lambda handler, body: handler.send(200, bytes(range(256)), "text/event-stream"),
}


@pytest.mark.parametrize("kind", RUBBISH)
def test_rubbish_is_one_line(fake_server: FakeServer, tone: Sound, kind: str) -> None:
    fake_server.then(RUBBISH[kind])
    with pytest.raises((InvalidResponse, RequestRejected)) as caught:
        Session().speak("Hi")
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400
    fake_server.say("Hello again.", tone.pcm16())
    assert Session().speak("Hi").text == "Hello again."


@pytest.mark.parametrize(
    ("sound", "line"),
    [
        (b"", "not a sound file"),
        (b"hello, I am no sound", "not a sound file"),
        ("nowhere.wav", "cannot read nowhere.wav: No such file"),
        ((24_000, np.zeros(0, np.float32)), "too short"),
        ((24_000, np.zeros(2_000, np.float32)), "0.08 s of sound is too short"),
        ((1_000, np.zeros(3_000_000, np.float32)), "50 minutes of sound are too long"),
        ((24_000, np.full(9_000, np.nan)), "NaN"),
        (3.14, "a value of type float is not a sound"),
    ],
)
def test_a_sound_that_cannot_be_sent(fake_server: FakeServer, sound: object, line: str) -> None:
    with pytest.raises(SoundError, match=line):
        Session().listen(sound)
    assert fake_server.requests == []


def test_half_a_character_is_replaced(fake_server: FakeServer, tone: Sound) -> None:
    fake_server.say("Hi.", tone.pcm16())
    Session().speak("Hi \ud800", style="\ud83d\ude00")
    system, user = fake_server.requests[0]["messages"]
    assert user["content"] == "Hi \ufffd" and system["content"].endswith("\U0001f600")


def test_what_is_misspelled_in_python(fake_server: FakeServer) -> None:
    for name, wrong in {"voice": 5, "model": ["a", "b"], "max_tokens": "9", "engine": 3}.items():
        with pytest.raises(
            OptionError, match=f"^{name} must be a (string|whole number above 0), not "
        ):
            Session().speak("Hi", **{name: wrong})  # type: ignore[arg-type]
    for number in (0, -5, True, False):
        with pytest.raises(OptionError, match=r"^max_tokens must be a whole number above 0, not "):
            Session(max_tokens=number)
    with pytest.raises(OptionError, match="no option 'voise'; did you mean 'voice'"):
        Session(voise="coral")  # type: ignore[call-arg]
    with pytest.raises(OptionError, match="no engine 'locl'; did you mean 'local'"):
        Session(engine="locl").speak("Hi")
    with pytest.raises(OptionError, match="nothing to say"):
        Session().speak("  ")
    assert fake_server.requests == []


SECRET = "sk-" + "a1" * 20


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (lambda s, t: s.speak(42), "text must be a string, not int"),
        (lambda s, t: s.speak(None), "text must be a string, not NoneType"),
        (lambda s, t: s.speak(t), "text must be a string, not Sound"),
        (lambda s, t: s.speak(["Hi"]), "text must be a string, not list"),
        (lambda s, t: s.speak("Hi", verbatim="no"), "verbatim must be True or False, not str"),
        (lambda s, t: s.dry_run(42), "text must be a string, not int"),
        (lambda s, t: s.dry_run("Hi", []), "there is no sound in an empty list"),
        (lambda s, t: s.listen([], "Hi"), "there is no sound in an empty list"),
        (lambda s, t: s.listen(t, 42), "instruction must be a string, not int"),
        (lambda s, t: s.listen(t, expect=None), "expect must be a string, not NoneType"),
        (lambda s, t: s.listen(t, text_only=1), "text_only must be True or False, not int"),
        (lambda s, t: s.map(["a"], 5), "template must be a string, not int"),
        (lambda s, t: s.map(["a"], expect=5), "expect must be a string, not int"),
        (lambda s, t: s.map(["a"], workers=True), "workers must be a whole number above 0"),
        (lambda s, t: s.record(5), "a file's name must be a string or a Path, not int"),
        (lambda s, t: s.replay(None), "a file's name must be a string or a Path, not NoneType"),
        (lambda s, t: s.chats.save("main", b"x"), "no chat 'main' yet"),
        (lambda s, t: s.chats.load("main", b"x"), "a file's name must be a string or a Path"),
        (lambda s, t: s.chats.load(5, "x"), "name must be a string, not int"),
        (lambda s, t: s.chats.get([]), "name must be a string, not list"),
        (lambda s, t: s.set_api_key(None), "key must be a string, not NoneType"),
        (lambda s, t: Session(api_key=SECRET.encode()), "api_key must be a string, not bytes"),
        (lambda s, t: Session(api_key=[SECRET]), "api_key must be a string, not list"),
        (lambda s, t: Session(notebook=5), "notebook must be a path, not int"),
    ],
)
def test_what_is_of_the_wrong_kind_is_told_in_one_line(
    fake_server: FakeServer, tone: Sound, call: Any, line: str
) -> None:
    with pytest.raises(AudiomagicError) as caught:
        call(Session(), tone)
    assert str(caught.value).startswith(line) and SECRET[:8] not in str(caught.value)
    assert fake_server.requests == []


def test_a_path_may_name_a_notebook(tmp_path: Path) -> None:
    assert Session(notebook=tmp_path / "a.ipynb").notebook == str(tmp_path / "a.ipynb")


def test_a_reply_may_be_awaited_like_that_of_a_recording(
    fake_server: FakeServer, tone: Sound
) -> None:
    async def awaited(value: Any) -> Any:
        return await value

    for _ in range(3):
        fake_server.say("Hi.", tone.pcm16())
    reply = Session().listen(tone)
    assert asyncio.run(awaited(reply)) is reply
    both = compare(Session().listen, tone, voice=["coral", "ash"])
    assert asyncio.run(awaited(both)) is both


def test_a_dry_run_says_what_a_cap_would_make_of_it(fake_server: FakeServer) -> None:
    session = Session()
    refused = session.dry_run("Hi", max_cost="0.0001").verdicts
    assert len(refused) == 1 and refused[0].startswith("refused: the cap is $0.0001 per call")
    parts = session.dry_run("Say it again. " * 900, verbatim=True, max_cost="0.09").verdicts
    assert parts[0].startswith("allowed by $0.09 per call, with an answer of at most ")
    assert parts[-1].startswith("refused: the cap is $0.09 per call")
    assert session.dry_run("Hi").verdicts == ("",)
    session.budget.set_cap(Decimal(9), "day", "")
    both = session.dry_run("Hi", max_cost=50, max_tokens=90).verdicts
    assert both == ("allowed by $50 per call and $9 per day",)
    own = {"model": "mine", "base_url": fake_server.url, "max_cost": 1}
    assert session.dry_run("Hi", **own).verdicts[0].startswith("refused: the cap is $1 per call")
    assert session.dry_run("Hi", **own, allow_unpriced=True).verdicts[0].startswith("allowed by $1")
    assert fake_server.requests == []


def test_an_empty_voice_or_model_is_the_default(fake_server: FakeServer, tone: Sound) -> None:
    fake_server.say("Hi.", tone.pcm16())
    Session(voice="").speak("Hi", model="")
    body = fake_server.requests[0]
    assert (body["model"], body["audio"]["voice"]) == ("gpt-audio-1.5", "alloy")


def test_a_model_of_another_name_is_not_priced_as_the_one_asked_for(
    fake_server: FakeServer, tone: Sound
) -> None:
    for name, known in (("gpt-audio-1.5-2026-02-23", True), ("home-made", False)):
        chunks = [chunk | {"model": name} for chunk in spoken(["Hi."], tone.pcm16())]
        fake_server.send_chunks(chunks)
        assert (Session().speak("Hi").cost is not None) is known


@pytest.mark.parametrize("name", ["a\0.wav", "a.doc", "none", "/nowhere/a.wav", "a\0.html"])
def test_where_a_reply_cannot_be_saved(fake_server: FakeServer, tone: Sound, name: str) -> None:
    fake_server.say("Hi.", tone.pcm16())
    with pytest.raises((OptionError, SoundError)):
        Session().speak("Hi").save(name)


def test_without_a_key_the_service_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    monkeypatch.delenv("OPENAI_BASE_URL")
    with pytest.raises(EngineError, match="no API key is set; set OPENAI_API_KEY"):
        Session(engine="openai").speak("Hi")


def test_an_empty_address_means_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "")
    assert Session().transport().provider.host == "api.openai.com"


def test_every_call_is_in_the_ledger(fake_server: FakeServer, tone: Sound) -> None:
    session = Session(notebook="lesson.ipynb")
    for _ in range(3):
        fake_server.say("Hi.", tone.pcm16(), usage(10, 0, 10, 100))
        session.speak("Hi")
    fake_server.then(lambda handler, body: handler.refuse(400, "No."))
    with pytest.raises(RequestRejected):
        session.speak("Hi")
    rows = session.ledger.rows(notebook="lesson.ipynb")
    assert [row["outcome"] for row in rows] == ["answered"] * 3 + ["failed: RequestRejected"]
    assert [row["dollars"] for row in rows] == [Decimal("0.006525")] * 3 + [0]
    assert "Hi" not in str(rows)


def test_every_error_is_one_of_ours() -> None:
    kinds = (
        InvalidResponse,
        ConnectionFailed,
        EngineError,
        OptionError,
        RequestRejected,
        SoundError,
    )
    assert all(issubclass(kind, AudiomagicError) for kind in kinds)
    assert json.dumps(OptionError("x")._render_traceback_())
