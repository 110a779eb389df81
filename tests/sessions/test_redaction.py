"""The key goes to its server: not into a request's text, an answer, a cassette, a line, a cause."""

import base64
import html
import json
import os
import pickle
import re
import traceback
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from audiomagic import Session, Sound, redaction
from audiomagic.errors import OptionError, RequestRejected
from audiomagic.transports.resolve import resolve

from ..support.fake_server import KEY, FakeServer, Handler, spoken, wants, written
from ..support.kernel import Kernel
from ..support.key_scan import assert_no_key
from ..support.listener import Listener
from ..support.other_servers import lenient

OTHER = "sk-live-SomebodyElses-5678"  # typed where it does not belong; nobody set it


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize(
    ("text", "options"),
    [
        (f"My key is {KEY}", {}),
        ("Hi", {"system": f"Use {KEY}"}),
        ("Hi", {"style": KEY}),
        ("Hi", {"model": KEY}),
        (f"It begins with {KEY[:20]}", {}),
    ],
)
def test_a_text_that_holds_the_key_is_not_sent(
    fake_server: FakeServer, tmp_path: Path, text: str, options: dict[str, Any]
) -> None:
    session = Session(chat="main")
    session.record(tmp_path / "tape")
    for call in (session.speak, session.dry_run):
        with pytest.raises(OptionError, match="contains an API key, and was not sent") as caught:
            call(text, **options)
        assert_no_key(caught.value)
    assert fake_server.requests == [] and session.ledger.rows() == []
    assert list((tmp_path / "tape").iterdir()) == []


@pytest.mark.usefixtures("key")
def test_an_answer_that_holds_the_key_is_kept_without_it(
    fake_server: FakeServer, tone: Sound, tmp_path: Path
) -> None:
    session = Session(chat="main")
    session.record(tmp_path / "tape")
    whole = spoken(["It is ", KEY + " ", "indeed."], tone.pcm16())
    tokens = [KEY[i : i + 10] for i in range(0, len(KEY), 10)]
    pieces = spoken(["It is ", *tokens, " indeed."], tone.pcm16())
    for chunks in (whole, pieces):
        fake_server.send_chunks([{**one, "model": f"echo-{KEY}"} for one in chunks])
    reply = session.speak("Hi")
    assert reply.text == "It is … indeed."
    listener = Listener()
    split = session.bound(listener=listener).speak("Hi again")
    assert split.text == "It is … indeed." == "".join(piece.text for piece in listener.pieces)
    session.chats.save("main", tmp_path / "chat.json")
    reply.save(tmp_path / "reply.html")
    for shown in (reply, split):
        assert_no_key(shown._repr_mimebundle_())
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or KEY[:16].encode() not in path.read_bytes(), path
    assert_no_key(session.ledger.rows())


def in_pieces(size: int) -> list[str]:
    return [KEY[i : i + size] for i in range(0, len(KEY), size)]


ESCAPED = "".join(f"\\u{ord(c):04x}" for c in KEY)
DISGUISED = {
    "as escapes": f'{{"city": "{ESCAPED}"}}',
    "as some escapes": f'{{"city": "\\u0073{KEY[1:]}"}}',
    "as escapes of JSON in JSON": json.dumps({"city": f'{{"x": "{ESCAPED}"}}'}),
    "in pieces": json.dumps({"city": in_pieces(7)}),
    "in named pieces": json.dumps({f"part{i}": part for i, part in enumerate(in_pieces(6))}),
    "in pieces in another order": json.dumps({"city": in_pieces(8)[::-1]}),
    "letter by letter": json.dumps({"city": list(KEY)}),
    "without its ends": json.dumps({"city": KEY[5:-5]}),
    "a half": json.dumps({"city": KEY[9:30]}),
    "as an argument's name": json.dumps({KEY: "Ulm"}),
    "in pieces of escapes": json.dumps({"city": in_pieces(7)}).replace("N", "\\u004E"),
}


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize("how", DISGUISED)
def test_a_key_in_a_tools_arguments_is_kept_nowhere(
    fake_server: FakeServer, tone: Sound, tmp_path: Path, how: str
) -> None:
    def weather(city: object = "") -> str:
        """Tell the weather."""
        return "rain"

    assert_key_is_kept_nowhere(fake_server, tone, tmp_path, weather, [DISGUISED[how]])


@pytest.mark.usefixtures("key")
def test_a_key_in_pieces_in_several_calls_is_kept_nowhere(
    fake_server: FakeServer, tone: Sound, tmp_path: Path
) -> None:
    def weather(city: object = "") -> str:
        """Tell the weather."""
        return "rain"

    calls = [json.dumps({"city": part}) for part in in_pieces(7)]
    assert_key_is_kept_nowhere(fake_server, tone, tmp_path, weather, calls)


def assert_key_is_kept_nowhere(
    server: FakeServer,
    tone: Sound,
    folder: Path,
    tool: Callable[..., str],
    arguments: list[str],
) -> None:
    """Neither card nor page, chat file nor pickle holds a piece of the key."""
    server.send_chunks(wants(*((tool.__name__, each) for each in arguments)))
    server.say("It rains.", tone.pcm16())
    session = Session(chat="main", tools=[tool])
    reply = session.speak("Hi")
    reply.save(folder / "reply.html")
    session.chats.save("main", folder / "chat.json")
    kept = [
        *(part for call in reply.tool_results for part in (call.call.arguments, str(call))),
        *reply._repr_mimebundle_().values(),
        *(path.read_text("utf-8") for path in folder.glob("*.*") if path.suffix != ".sqlite"),
        str([part.arguments for message in session.chats.get("main").exchanges[0].between
             for part in message.tool_calls]),
        pickle.dumps(session.chats.get("main").exchanges).decode("latin-1"),
        str(server.requests[1]["messages"]),
    ]  # fmt: skip
    for text in kept:
        plain = html.unescape(re.sub(r"\\+u00([0-9a-fA-F]{2})", lambda m: chr(int(m[1], 16)), text))
        letters = re.sub(r"[\W_]", "", plain)
        bare = re.sub(r"[\W_]", "", KEY)
        assert not [i for i in range(len(bare) - 8) if bare[i : i + 9] in letters], text
        found = [i for i in range(len(KEY) - 5) if KEY[i : i + 6] in plain]
        assert found == [], (KEY[found[0] :], text)


@pytest.mark.usefixtures("key")
def test_what_a_tool_gives_is_told_without_the_key(fake_server: FakeServer, tone: Sound) -> None:
    def environment() -> dict[str, str]:
        """Show the environment."""
        return dict(os.environ)

    fake_server.send_chunks(wants(("environment", "{}")))
    fake_server.say("Done.", tone.pcm16())
    reply = Session(tools=[environment]).speak("Hi")
    assert "OPENAI_API_KEY" in fake_server.requests[1]["messages"][-1]["content"]
    assert_no_key(fake_server.requests)
    assert_no_key(reply._repr_mimebundle_())


@pytest.mark.usefixtures("key")
def test_the_key_is_in_no_cause_of_an_error(fake_server: FakeServer) -> None:
    def echo(handler: Handler, body: object) -> None:
        handler.refuse(400, f"You sent {KEY}", request=KEY)

    def broken(handler: Handler, body: object) -> None:
        handler.stream([*spoken(["Oh "], b""), {"error": {"message": f"{KEY} is tired"}}])

    for script in (echo, broken):
        fake_server.then(script)
        with pytest.raises(RequestRejected) as caught:
            Session().speak("Hi")
        error: BaseException | None = caught.value
        while error:
            assert_no_key(error)
            error = error.__cause__ or error.__context__


ACCOUNT = {
    "OPENAI_ORG_ID": "org-of-the-account",
    "OPENAI_PROJECT_ID": "project-of-the-account",
    "OPENAI_CUSTOM_HEADERS": "X-Team: team-of-the-account\nAuthorization: Bearer of-the-account",
}


@pytest.mark.parametrize(
    ("variables", "options", "told"),
    [
        ({}, {"base_url": "{url}", "api_key": KEY}, False),
        ({"OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}, {"base_url": "{url}"}, False),
        ({"AZURE_OPENAI_ENDPOINT": "{root}", "AZURE_OPENAI_API_KEY": KEY}, {}, False),
        ({"AZURE_OPENAI_ENDPOINT": "{root}", "AZURE_OPENAI_API_KEY": KEY,
          "OPENAI_API_VERSION": "2025-01-01-preview"}, {}, False),
        ({"OPENAI_BASE_URL": "{url}"}, {}, True),
        ({"OPENAI_BASE_URL": "{url}"}, {"base_url": "{url}"}, True),
    ],
)  # fmt: skip
def test_the_accounts_headers_go_to_the_server_that_the_environment_names(
    fake_server: FakeServer,
    tone: Sound,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    options: dict[str, Any],
    told: bool,
) -> None:
    def here(named: dict[str, str]) -> dict[str, str]:
        root = fake_server.url.removesuffix("v1")
        return {k: v.format(url=fake_server.url, root=root) for k, v in named.items()}

    for name, value in (here(variables) | ACCOUNT).items():
        monkeypatch.setenv(name, value)
    fake_server.checks = lenient
    fake_server.say("Hello.", tone.pcm16())
    assert Session(**here(options)).speak("Hi").text == "Hello."
    (headers,) = fake_server.headers
    assert ("of-the-account" in str(headers)) is told
    assert ("openai-organization" in headers) is told and headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    "mistake",
    [
        lambda: Session(engine=OTHER).speak("Hi"),
        lambda: Session(base_url=OTHER).speak("Hi"),
        lambda: Session(base_url=f"http://me:{OTHER}@127.0.0.1:9:9/v1").speak("Hi"),
        lambda: Session(voice=OTHER, engine="openai", api_key=KEY).speak("Hi"),
        lambda: Session(llm=f"http://me:{OTHER}@127.0.0.1:9/v1#m").speak("Hi"),
        lambda: Session(stt="http://me:hunter2-hunter2@127.0.0.1:9/v1").listen("no file"),
        lambda: resolve(OTHER),
    ],
)
def test_a_key_in_the_wrong_place_is_not_repeated(mistake: Callable[[], Any]) -> None:
    with pytest.raises(Exception) as caught:
        mistake()
    said = f"{caught.value!r} {traceback.format_exception_only(caught.value)}"
    assert OTHER[:12] not in said and "hunter2" not in said


def test_a_key_typed_behind_a_command_is_not_repeated() -> None:
    with Kernel(os.environ | {"OPENAI_API_KEY": KEY}) as kernel:
        kernel.run("%load_ext audiomagic")
        for line in (f"key {KEY}", f"key {OTHER}", OTHER, "key 0123456789abcdef0123456789abcdef"):
            said = kernel.error(f"%audiomagic {line}")
            assert_no_key(said)
            assert OTHER[:12] not in said and "0123456789abcdef" not in said
        assert "do not type a key" in said


def test_a_key_is_told_from_chance(
    monkeypatch: pytest.MonkeyPatch, fake_server: FakeServer
) -> None:
    """A placeholder is no secret, and the sound of an answer may hold a few of its letters."""
    monkeypatch.setenv("OPENAI_API_KEY", "local")
    fake_server.checks = lambda *_: iter(())
    fake_server.send_chunks(written(["a local ", "speciality"]))
    reply = Session(base_url=fake_server.url).listen(tone_of(0.5), "What is local?", text_only=True)
    assert reply.text == "a local speciality"


SAID = "A valid key is required here: field required, no voice; your secret is not needed"


@pytest.mark.parametrize(
    "key",
    ["sk-no-key-required", "your-api-key-here", "no-key-needed-for-this", "xxxxxxxxxxxxxxxxxxxx",
     "EMPTY-EMPTY-EMPTY", "sk-xxxxxxxxxxxxxxxxxxxxxxxx", "not-needed-not-used",
     "corp-gateway-17-key-required", "corp-gateway-17-the-secret", "secret-1234567890-needed"],
)  # fmt: skip
def test_ordinary_words_of_a_key_are_not_taken_out(
    monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    assert redaction.without_pieces(SAID) == SAID
    secret = any(map(str.isdigit, key))
    assert redaction.has_key(f"It is {key}.") is secret
    assert (key in redaction.without_pieces(f"It is {key}.")) is not secret


@pytest.mark.parametrize("key", [KEY, f"{KEY}-wxyz", "secret-1234567890-wxyz", f"{KEY[:-4]}WXYZ"])
@pytest.mark.parametrize(
    "shown",
    ["{0:.9}****{1}", "***{1}", "sk-...{1}", "…{1}", "xxxx{1}", "XXXXXXXX{1} is wrong",
     "****-{1}", "{0:.12}", "no key {0} here"],
)  # fmt: skip
def test_what_a_server_shows_of_a_key_is_taken_out(
    monkeypatch: pytest.MonkeyPatch, key: str, shown: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    said = redaction.without_pieces(shown.format(key, key[-4:]))
    assert key[:9] not in said and key[-4:] not in said


def test_the_end_of_a_key_is_taken_out_alone_but_not_of_a_word(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", f"{KEY[:-4]}able")
    assert redaction.without_pieces("It ends in able, unable") == "It ends in …, unable"
    monkeypatch.setenv("OPENAI_API_KEY", "secretly1234567890")
    assert redaction.without_pieces("secretly, secretly***") == "secretly, …***"
    monkeypatch.setenv("OPENAI_API_KEY", "abcdefghijklmnopqrst")
    assert redaction.without_pieces("abcdefghijklmnop, abc") == "…, abc"
    monkeypatch.setenv("OPENAI_API_KEY", "----------------secret")
    assert redaction.without_pieces("a secret, no key") == "a secret, no key"


@pytest.mark.usefixtures("key")
def test_much_that_is_random_holds_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "0123456789abcdef0123456789abcdef"[::-1])
    data = Random(17).randbytes(200_000)
    for text in (data.hex(), base64.b64encode(data).decode(), "sk-proj-… and Never show this key"):
        assert not redaction.has_key(text) and redaction.without_key(text) == text


def tone_of(seconds: float) -> tuple[int, Any]:
    import numpy as np

    return 24_000, np.sin(np.arange(int(seconds * 24_000)) / 10)
