"""Conversations: what a request says of earlier turns, and what running a cell again does."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from audiomagic import AudiomagicError, Session, Sound
from audiomagic.errors import OptionError
from audiomagic.notebook import commands
from audiomagic.notebook.arguments import MagicOptions
from audiomagic.protocol.request import Message
from audiomagic.render.html import HIDDEN
from audiomagic.transports.endpoint import Endpoint
from audiomagic.transports.local import LocalTransport
from audiomagic.transports.openai_client import OpenAITransport
from audiomagic.turn.conversation import CellRun, Conversation, Exchange, History, Speaker

from ..support.fake_server import FakeServer, Handler, Script, chunk, spoken, wants, written
from ..support.faults import refuse, send
from ..support.other_servers import wrapped
from ..support.page_reading import CONTROLS

pytestmark = pytest.mark.usefixtures("key")
ID = "audio_69e01732c7f08191afe5d97a54081075"
LATER = int(time.time()) + 3600


def said(text: str, pcm: bytes, expires_at: int = LATER) -> list[Any]:
    """A spoken answer whose sound lives until then."""
    return [*spoken([text], pcm)[:-1], chunk({"audio": {"expires_at": expires_at}})]


@pytest.fixture
def tutor(fake_server: FakeServer, tone: Sound) -> Session:
    """A session whose chat holds an answer, of which the server knows the sound by its id."""
    session = Session(chat="tutor")
    fake_server.send_chunks(said("Bonjour.", tone.pcm16()))
    session.speak("Say hello.")
    return session


def contents(request: dict[str, Any]) -> list[Any]:
    """What each message of a request says."""
    return [m.get("audio") or m["content"] for m in request["messages"]]


def test_the_next_request_refers_to_the_answer_by_its_id(
    fake_server: FakeServer, tone: Sound
) -> None:
    session = Session(chat="tutor", system="Be kind.")
    for text in ("Bonjour.", "Ça va."):
        fake_server.send_chunks(said(text, tone.pcm16()))
    session.speak("Say hello.")
    reply = session.speak("Go on.", style="slow")
    assert fake_server.requests[1]["messages"] == [
        {"role": "system", "content": "Be kind.\nSpeak in this way: slow"},
        {"role": "user", "content": "Say hello."},
        {"role": "assistant", "audio": {"id": ID}},
        {"role": "user", "content": "Go on."},
    ]
    assert reply.notes == ()
    assert [one.answer for one in session.chats.get("tutor").exchanges] == ["Bonjour.", "Ça va."]


def test_without_a_chat_a_call_stands_alone(fake_server: FakeServer, tone: Sound) -> None:
    session = Session()
    for text in ("A.", "B.", "C."):
        fake_server.send_chunks(said(text, tone.pcm16()))
    session.speak("a", chat="one")
    session.speak("b")
    session.speak("c", chat="two")
    assert [contents(request) for request in fake_server.requests] == [["a"], ["b"], ["c"]]


def test_an_answer_that_expired_is_told_in_text_and_said_so(
    fake_server: FakeServer, tone: Sound
) -> None:
    session = Session(chat="tutor")
    fake_server.send_chunks(said("Bonjour.", tone.pcm16(), int(time.time()) - 1))
    fake_server.send_chunks(said("Ça va.", tone.pcm16()))
    session.speak("Say hello.")
    reply = session.speak("Go on.")
    assert contents(fake_server.requests[1]) == ["Say hello.", "Bonjour.", "Go on."]
    assert reply.notes == ("Some earlier answers were sent as text: their sound has expired.",)


@pytest.mark.parametrize(
    "words",
    [
        (
            400,
            f"Assistant audio {ID} not found.",
            "content.messages[1].audio.id",
            "audio_not_found",
        ),
        (404, f"Audio with id '{ID}' not found"),  # vLLM-Omni's
    ],
)
def test_an_id_that_the_service_forgot_is_replaced_by_the_words(
    fake_server: FakeServer, tutor: Session, tone: Sound, words: tuple[Any, ...]
) -> None:
    def forgotten(handler: Handler, body: dict[str, Any]) -> None:
        handler.refuse(*words)

    fake_server.then(forgotten)
    fake_server.send_chunks(said("Ça va.", tone.pcm16()))
    assert tutor.speak("Go on.").text == "Ça va."
    assert contents(fake_server.requests[1])[1] == {"id": ID}
    assert contents(fake_server.requests[2]) == ["Say hello.", "Bonjour.", "Go on."]


@pytest.mark.parametrize(
    "audio_id",
    [
        "audio-0123456789abcdef",  # vLLM-Omni's
        "audio_2a7e",  # DashScope's
        "69e01732-c7f0-8191-afe5-d97a54081075",
        ID + "0",
        ID.upper(),
        "",
    ],
)
def test_a_server_whose_ids_are_not_the_services_is_told_in_words(
    fake_server: FakeServer, tone: Sound, audio_id: str
) -> None:
    session = Session(chat="tutor")
    for text in ("Bonjour.", "Ça va."):
        wired = json.dumps(said(text, tone.pcm16())).replace(ID, audio_id)
        fake_server.send_chunks(json.loads(wired))
    session.speak("Say hello.")
    assert session.speak("Go on.").notes == ()
    assert contents(fake_server.requests[1]) == ["Say hello.", "Bonjour.", "Go on."]


def refused_in_band(handler: Handler, body: dict[str, Any]) -> None:
    handler.send(200, b'{"object": "error", "message": "no content", "code": 400}')


def refused_within_the_stream(handler: Handler, body: dict[str, Any]) -> None:
    handler.stream([chunk({"role": "assistant"}), {"error": "no content"}])


REFUSALS: dict[str, Script] = {
    "the service": refuse(400, "Unknown parameter: 'messages[1].audio'.", "messages[1].audio"),
    "FastAPI": send(422, b'{"detail": [{"loc": ["body", "messages"], "msg": "Field required"}]}'),
    "a text": send(400, b"content may not be null", "text/plain"),
    "OpenRouter": lambda handler, _: wrapped(handler, 400, "Invalid value", code="invalid_value"),
    "too long": refuse(400, "This model's maximum context length is 4096 tokens."),
    "a 500": refuse(500, "KeyError: 'audio'"),
    "a 500 that names the message": send(500, b"messages[1] has no text", "text/plain"),
    "a 500 that names the id": refuse(500, f"cannot load {ID}"),
    "not implemented": refuse(501, "Not here"),
    "in band": refused_in_band,
    "within the stream": refused_within_the_stream,
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_request_with_ids_that_is_refused_is_sent_once_more_in_words(
    fake_server: FakeServer, tutor: Session, tone: Sound, name: str
) -> None:
    fake_server.then(REFUSALS[name])
    fake_server.send_chunks(said("Ça va.", tone.pcm16()))
    reply = tutor.speak("Go on.")
    assert [contents(request)[1] for request in fake_server.requests[1:]] == [
        {"id": ID},
        "Bonjour.",
    ]
    host = fake_server.url.split("/")[2]
    assert (reply.text, reply.notes) == (
        "Ça va.",
        (f"Some earlier answers were sent as text: {host} does not have their sound.",),
    )
    fake_server.send_chunks(said("Oui.", tone.pcm16()))
    tutor.speak("And now?")  # what was forgotten once is not referred to again
    answers = contents(fake_server.requests[3])[1::2]
    assert answers == ["Bonjour.", {"id": ID}]


@pytest.mark.parametrize(
    "refusal",
    [
        refuse(401, "Incorrect API key"),
        refuse(403, "Not in your country"),
        refuse(429, "You exceeded your current quota", None, "insufficient_quota"),
        refuse(500, "Broken", x_should_retry="false"),
        refuse(500, "The model gpt-audio-1.5 is overloaded", x_should_retry="false"),
        refuse(500, "Quote the request ID req_1 in your message.", x_should_retry="false"),
        refuse(503, "audio is overloaded", x_should_retry="false"),
        refuse(505, "audio needs HTTP/3"),
        refuse(404, "The model `x` does not exist", None, "model_not_found"),
    ],
)
def test_a_request_that_is_refused_for_another_reason_is_not(
    fake_server: FakeServer, tutor: Session, refusal: Script
) -> None:
    fake_server.then(refusal)
    with pytest.raises(AudiomagicError):
        tutor.speak("Go on.")
    assert len(fake_server.requests) == 2


def test_in_words_a_request_may_be_refused_again(fake_server: FakeServer, tutor: Session) -> None:
    for line in ("No ids", "No such voice"):
        fake_server.then(refuse(400, line))
    with pytest.raises(AudiomagicError, match="No such voice"):
        tutor.speak("Go on.")
    assert len(fake_server.requests) == 3


def test_an_id_that_is_forgotten_between_two_rounds_is_replaced_too(
    fake_server: FakeServer, tutor: Session, tone: Sound
) -> None:
    called = list[str]()
    fake_server.send_chunks(wants(("note", '{"word": "a"}')))
    fake_server.then(refuse(400, f"Assistant audio {ID} not found.", None, "audio_not_found"))
    fake_server.send_chunks(wants(("note", '{"word": "b"}')))
    fake_server.send_chunks(said("Done.", tone.pcm16()))

    def note(word: str) -> None:
        called.append(word)

    assert tutor.speak("Note a and b.", tools=note).text == "Done."
    assert called == ["a", "b"]  # no tool is called twice
    answers = [contents(request)[1] for request in fake_server.requests[1:]]
    assert answers == [{"id": ID}, {"id": ID}, "Bonjour.", "Bonjour."]


def test_a_long_text_that_is_read_aloud_is_refused_once(
    fake_server: FakeServer, tutor: Session, tone: Sound
) -> None:
    fake_server.then(refuse(400, "No ids"))
    long = "This is a sentence of a long text. " * 120
    for _ in range(9):
        fake_server.send_chunks(said("So.", tone.pcm16()))
    tutor.speak(long, verbatim=True)
    answers = [contents(request)[-2] for request in fake_server.requests[1:]]
    assert len(answers) > 2 and answers == [{"id": ID}, *["Bonjour."] * (len(answers) - 1)]


def test_another_model_is_told_in_text(fake_server: FakeServer, tone: Sound) -> None:
    session = Session(chat="tutor")
    fake_server.send_chunks(said("Bonjour.", tone.pcm16()))
    fake_server.send_chunks(said("Ça va.", tone.pcm16()))
    session.speak("Say hello.")
    reply = session.speak("Go on.", model="gpt-audio-mini")
    assert contents(fake_server.requests[1])[1] == "Bonjour."
    assert "Some earlier answers were sent as text: another model gave them." in reply.notes


def test_a_cell_that_runs_again_replaces_its_turn(fake_server: FakeServer, tone: Sound) -> None:
    session = Session(chat="tutor")
    for text in ("One.", "Two.", "Three.", "Two again."):
        fake_server.send_chunks(said(text, tone.pcm16()))
    for run, cell in enumerate("abc"):
        session.bound(cell=CellRun(cell, run)).speak(cell)
    reply = session.bound(cell=CellRun("b", 7)).speak("b")
    assert contents(fake_server.requests[3]) == ["a", {"id": ID}, "b"]
    assert reply.notes == ("Re-ran turn 2 of chat tutor: turn 3 was removed.",)
    answers = [one.answer for one in session.chats.get("tutor").exchanges]
    assert answers == ["One.", "Two again."]


def test_one_run_of_a_cell_may_take_several_turns(fake_server: FakeServer, tone: Sound) -> None:
    session = Session(chat="tutor")
    for text in ("One.", "Two.", "One again."):
        fake_server.send_chunks(said(text, tone.pcm16()))
    session.bound(cell=CellRun("a", 1)).speak("1")
    session.bound(cell=CellRun("a", 1)).speak("2")
    assert len(session.chats.get("tutor").exchanges) == 2
    assert session.bound(cell=CellRun("a", 2)).speak("1").notes == ()
    assert len(session.chats.get("tutor").exchanges) == 1


def test_a_failed_call_leaves_the_chat_as_it_was(fake_server: FakeServer, tone: Sound) -> None:
    session = Session(chat="tutor")
    fake_server.send_chunks(said("One.", tone.pcm16()))
    session.bound(cell=CellRun("a", 1)).speak("1")
    fake_server.then(lambda handler, body: handler.refuse(400, "No.", None, None))
    with pytest.raises(AudiomagicError):
        session.bound(cell=CellRun("a", 2)).speak("1")
    broken = [*said("Two", tone.pcm16())[:5], "data: {oops\n\n"]
    fake_server.send_chunks(broken)
    with pytest.raises(AudiomagicError) as caught:
        session.bound(cell=CellRun("b", 3)).speak("2")
    assert caught.value.reply and caught.value.reply.text == "Two"
    assert [one.answer for one in session.chats.get("tutor").exchanges] == ["One."]


def test_a_recording_stays_in_the_chat(fake_server: FakeServer, tone: Sound) -> None:
    session = Session(chat="tutor")
    fake_server.send_chunks(said("A tone.", tone.pcm16()))
    fake_server.send_chunks(written(["Yes."]))
    session.listen(tone, "What is this?")
    session.listen(tone, "And this?", text_only=True)
    kinds = [part["type"] for part in contents(fake_server.requests[1])[0]]
    assert kinds == ["text", "input_audio"]


@pytest.mark.parametrize(("small", "kept"), [(False, 66), (True, 1)])
def test_the_oldest_turns_make_room(small: bool, kept: int) -> None:
    long = [
        Exchange(Message("user", (f"{n} " + "word " * 1000,)), "Yes.", Speaker("h", "m"))
        for n in range(100)
    ]
    provider = (LocalTransport("") if small else OpenAITransport(Endpoint(""))).provider
    speaker, room, text_only = Speaker("h", "m"), provider.max_context, provider.text_history
    history = History.of(tuple(long), speaker, room, text_only)
    assert history.messages[0].text.startswith(f"{100 - kept} ")
    assert len(history.messages) == 2 * kept
    note = f"The oldest {100 - kept} turns were left out: the model's context is full."
    assert history.notes == (note,)


# -- files --------------------------------------------------------------------------------------
def test_a_chat_is_saved_and_loaded(fake_server: FakeServer, tone: Sound, tmp_path: Path) -> None:
    session = Session(chat="tutor")
    fake_server.send_chunks(said("A tone.", tone.pcm16()))
    session.bound(cell=CellRun("a", 1)).listen(tone, "What is this?")
    session.chats.save("tutor", tmp_path / "tutor.json")
    assert "NeverShow" not in (tmp_path / "tutor.json").read_text("utf-8")
    other = Session(chat="again")
    other.chats.load("again", tmp_path / "tutor.json")
    (before,), (after,) = session.chats.get("tutor").exchanges, other.chats.get("again").exchanges
    assert (after.answer, after.speaker, after.cell) == ("A tone.", before.speaker, ("a", 1))
    assert after.receipt == before.receipt
    fake_server.send_chunks(said("Yes.", tone.pcm16()))
    other.speak("Are you sure?")
    asked, answered, _ = contents(fake_server.requests[1])
    assert [part["type"] for part in asked] == ["text", "input_audio"] and answered == {"id": ID}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "Invalid JSON"),
        ("{}", "should be a valid"),
        ('[{"answer": "a"}]', "0.question: Field required"),
        (
            json.dumps([{"question": {"role": "system"}, "answer": "", "speaker": ["h", "m"]}]),
            "a message in a role that it cannot have",
        ),
        (
            json.dumps(
                [
                    {
                        "question": {"role": "user", "parts": [{"mp3": "AAAA"}]},
                        "answer": "",
                        "speaker": ["h", "m"],
                    }
                ]
            ),
            "(0.question.parts.0: not a sound file that can be read; try wav, mp3, flac or ogg)",
        ),
    ],
)
def test_a_file_that_holds_no_chat_is_refused(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "chat.json"
    file.write_text(text)
    session = Session()
    with pytest.raises(OptionError, match="is not a saved chat") as caught:
        session.chats.load("main", file)
    assert why in str(caught.value) and "\n" not in str(caught.value)
    with pytest.raises(OptionError, match=r"^cannot read .*: No such file or directory$"):
        session.chats.load("main", tmp_path / "none.json")
    with pytest.raises(OptionError, match=r"^no chat 'main' yet"):
        session.chats.get("main")


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("seconds_in", 1e300),
        ("duration", -1e300),
        ("usage.input_tokens", 10**4_000),
        ("usage.output_tokens", 10**13),
        ("usage.server_cost", "1e999999"),
        ("usage.server_cost", "-1"),
        ("usage.server_cost", "1e-999999"),
        ("usage.server_cost", "1e9999999999999999999"),
        ("usage.server_cost", "sNaN"),
        ("time_to_first_audio", float("inf")),
    ],
)
def test_a_chat_with_absurd_numbers_is_refused(
    fake_server: FakeServer, tone: Sound, tmp_path: Path, place: str, value: object
) -> None:
    session = Session(chat="tutor")
    fake_server.send_chunks(said("A tone.", tone.pcm16()))
    session.speak("What is this?")
    session.chats.save("tutor", file := tmp_path / "tutor.json")
    exchanges = json.loads(file.read_text("utf-8"))
    *folders, name = ["receipt", *place.split(".")]
    inner = exchanges[0]
    for folder in folders:
        inner = inner[folder]
    inner[name] = value
    file.write_text(json.dumps(exchanges), "utf-8")
    with pytest.raises(OptionError, match="is not a saved chat"):
        session.chats.load("again", file)


def test_a_chat_that_is_nested_too_deep_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "chat.json"
    for text in ("[" * 100_000, '[{"question": ' * 50_000):
        file.write_text(text)
        with pytest.raises(OptionError, match="is not a saved chat"):
            Session().chats.load("main", file)


def test_a_chats_name_is_what_can_be_seen_of_it(
    fake_server: FakeServer, tone: Sound, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, session = f"tu{CONTROLS}\x1b]0;owned\x07tor", Session()
    for _ in range(2):
        fake_server.send_chunks(said("A tone.", tone.pcm16()))
        reply = session.speak("What is this?", chat=name)
        assert not HIDDEN.search(" ".join(reply.notes))
    (chat,) = session.chats
    assert len(chat.exchanges) == 2 and not HIDDEN.search(chat.name)
    session.chats.save(name, tmp_path / "chat.json")
    session.chats.load(f"{name}2", tmp_path / "chat.json")
    shown = [repr(commands.chats(session.chats)), repr(commands.status(session, MagicOptions()))]
    commands.run(
        f"chat {chat.name.split()[0]} --load {tmp_path}/chat.json", session, MagicOptions()
    )
    commands.run(f"chat \x1b[31mred --load {tmp_path}/chat.json --forget", session, MagicOptions())
    shown.append(capsys.readouterr().out)
    assert "forgot chat" in shown[-1] and not HIDDEN.search("".join(shown))


def test_a_conversation_begins_empty() -> None:
    assert Conversation("main").before(CellRun("a", 1)) == ()
