"""The fault matrix: what a server may do; the line that tells of it, what is kept and booked."""

import os
import re
import shutil
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from audiomagic import Session, Sound
from audiomagic.costs.ledger import Ledger
from audiomagic.errors import ConnectionFailed, InvalidResponse
from audiomagic.transports import openai_client, retry
from audiomagic.turn.reply import STOPPED

from ..support.fake_server import KEY, REQUEST_ID, FakeServer, Script, chunk, spoken, written
from ..support.faults import FAULTS, NAMED, SAID, Fault, hang_up, refuse, send
from ..support.kernel import Kernel
from ..support.key_scan import assert_no_key
from ..support.listener import Listener
from ..support.other_servers import b64, lenient, wav


@pytest.fixture(autouse=True)
def short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_client, "SILENCE", 0.3)
    monkeypatch.setattr(retry, "PAUSES", (0.005,) * 3)


@pytest.fixture(scope="module")
def server() -> Iterator[FakeServer]:
    with FakeServer() as fake_server:
        fake_server.checks = lenient
        yield fake_server


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    return Ledger(tmp_path_factory.mktemp("ledger") / "ledger.sqlite")


@pytest.fixture(scope="module")
def kernel(server: FakeServer, ledger: Ledger) -> Iterator[Kernel]:
    env = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": server.url}
    with Kernel(os.environ | env | {"AUDIOMAGIC_LEDGER": str(ledger.path)}) as running:
        running.run(
            "%load_ext audiomagic\nfrom audiomagic.transports import openai_client as client, retry"
        )
        running.run("import sys; client.SILENCE, retry.PAUSES = 0.3, (0.005,) * 3")
        yield running


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_one_line_what_came_is_kept_and_the_next_call_works(
    kernel: Kernel, server: FakeServer, ledger: Ledger, tone: Sound, name: str
) -> None:
    fault = FAULTS[name]
    server.requests.clear()
    server.scripts[:] = [fault.script] * fault.tries
    *shown, error = kernel.run("%speak Hi")
    line = fault.line.replace("{host}", server.url.split("/")[2])
    assert (error["ename"], error["evalue"]) == (fault.kind.__name__, line)
    assert len(error["traceback"]) == 1
    assert kernel.value("sys.last_value.code, sys.last_value.request_id") in (
        repr((fault.code, REQUEST_ID)),
        repr((fault.code, None)),
    )
    assert len(server.requests) == fault.tries and server.scripts == []
    assert_kept(fault, shown, ledger.rows()[-1])
    (whole,) = kernel.run("%audiomagic traceback")
    assert (
        whole["text"].startswith("Traceback (most") and f"{fault.kind.__name__}: " in whole["text"]
    )
    assert_no_key(f"{error} {shown} {whole} {kernel.run('%audiomagic costs')}")
    server.say("Here I am.", tone.pcm16())
    kernel.run("%speak -q --out next Hi")
    assert kernel.value("next.text") == "'Here I am.'"


def test_a_key_in_a_cell_is_not_in_the_traceback(kernel: Kernel, server: FakeServer) -> None:
    server.scripts[:] = [send(404, b"{}")]
    line = kernel.error(f"from audiomagic import Session; Session(api_key={KEY!r}).speak('Hi')")
    (whole,) = kernel.run("%audiomagic traceback")
    assert "Session(api_key='…').speak('Hi')" in whole["text"]
    assert_no_key(f"{line} {whole}")


def assert_kept(fault: Fault, shown: list[dict[str, Any]], row: dict[str, Any]) -> None:
    """What came is on the card, marked, its cost estimated; the ledger says what became of it."""
    assert row["outcome"] == f"failed: {fault.kind.__name__}"
    assert row["estimated"] is (row["dollars"] > 0) is fault.billable
    text = "".join(output["data"]["text/plain"] for output in shown)
    if not fault.kept:
        assert text == ""
        return
    assert 0 < row["dollars"] < 1 and row["seconds_out"] == 0.2
    assert text.startswith(
        f"{fault.kept}\nCut off: the server stopped before the end of the answer"
    )
    assert "0.2 s out" in text and "~$0.0" in text and "<audio" in shown[0]["data"]["text/html"]


# -- a network that fails ---------------------------------------------------------------------
def nobody(fake_server: FakeServer) -> str:
    return "http://127.0.0.1:9/v1"


def nowhere(fake_server: FakeServer) -> str:
    return "https://nowhere.invalid/v1"


def no_tls(fake_server: FakeServer) -> str:
    return fake_server.url.replace("http:", "https:")


PROXY = r"write it as http://HOST:PORT"
CHECK = "check the network and --base-url, or use --engine local"
NETWORK: dict[str, tuple[Callable[[FakeServer], str], dict[str, str], str]] = {
    "nobody there": (nobody, {}, rf"no connection to 127\.0\.0\.1:9 \(.*refused.*\); {CHECK}"),
    "no address": (nowhere, {}, rf"no address is known for nowhere\.invalid \(.+\); {CHECK}"),
    "no TLS": (
        no_tls,
        {},
        r"127\.0\.0\.1:\d+ does not speak TLS \(.+\); is its address http://, not https://\?",
    ),
    "a proxy that refuses": (
        nowhere,
        {"HTTPS_PROXY": "{fake_server}"},
        r"the proxy named by HTTPS_PROXY did not let the request through \(501 .+\); "
        "check HTTPS_PROXY",
    ),
    "a proxy that is not there": (
        nowhere,
        {"ALL_PROXY": "http://me:hunter2@127.0.0.1:9"},
        r"the proxy named by ALL_PROXY did not let the request through \(.*refused.*\); "
        "check ALL_PROXY",
    ),
    "a proxy of another kind": (
        nowhere,
        {"HTTPS_PROXY": "socks5://127.0.0.1:9"},
        r"the proxy named by HTTPS_PROXY cannot be used \(.+\); SOCKS needs: pip install socksio",
    ),
    "a proxy that is none": (
        nowhere,
        {"HTTPS_PROXY": "foo://me:hunter2@127.0.0.1:9"},
        rf"the proxy named by HTTPS_PROXY cannot be used \(Unknown scheme .+\); {PROXY}",
    ),
    "a proxy without a port": (
        nowhere,
        {"ALL_PROXY": "rubbish:::"},
        rf"the proxy named by ALL_PROXY cannot be used \(Invalid port.+\); {PROXY}",
    ),
    "a proxy of a name that is none": (
        nowhere,
        {"HTTPS_PROXY": f"http://{'a' * 70}.x:9"},
        rf"the proxy named by HTTPS_PROXY cannot be used \(.*label.+\); {PROXY}",
    ),
    "no certificates": (
        nowhere,
        {"SSL_CERT_FILE": "/nowhere.pem"},
        r"the certificates named by SSL_CERT_FILE cannot be used \(No such file or directory\); "
        "set it to a file of certificates, or unset it",
    ),
    "certificates that are none": (
        nowhere,
        {"SSL_CERT_FILE": __file__},
        r"the certificates named by SSL_CERT_FILE cannot be used \(.*no certificate.*\); "
        "set it to a file of certificates, or unset it",
    ),
}


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize("name", NETWORK)
def test_a_network_that_fails_is_one_line(
    fake_server: FakeServer, tone: Sound, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    address, variables, line = NETWORK[name]
    session = Session()
    with monkeypatch.context() as environment:
        for variable, value in variables.items():
            environment.setenv(
                variable, value.replace("{fake_server}", fake_server.url.removesuffix("/v1"))
            )
        with pytest.raises(ConnectionFailed) as caught:
            session.speak("Hi", base_url=address(fake_server))
    assert re.fullmatch(line, str(caught.value)), str(caught.value)
    assert len(str(caught.value)) < 400
    assert "hunter2" not in str(caught.value)
    assert_no_key(caught.value)
    (row,) = session.ledger.rows()  # it was never sent, so it cost nothing
    assert (row["outcome"], row["dollars"]) == ("failed: ConnectionFailed", 0)
    fake_server.say("Here I am.", tone.pcm16())
    assert session.speak("Hi").text == "Here I am."


@pytest.mark.usefixtures("key")
@pytest.mark.skipif(not shutil.which("openssl"), reason="makes a certificate")
def test_a_certificate_of_nobodys_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")  # the system's certificates are asked
    signed, secret = tmp_path / "certificate.pem", tmp_path / "key.pem"
    make = f"openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=me -keyout {secret} -out {signed}"
    subprocess.run(make.split(), check=True, stderr=subprocess.DEVNULL)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(signed, secret)
    with FakeServer() as stranger:
        stranger._server.socket = context.wrap_socket(stranger._server.socket, server_side=True)
        session = Session()
        with pytest.raises(ConnectionFailed) as caught:
            session.speak("Hi", base_url=no_tls(stranger))
    assert session.ledger.rows()[0]["dollars"] == 0
    assert re.fullmatch(
        r"the certificate of 127\.0\.0\.1:\d+ is not trusted \(self.signed certificate\); "
        "if your network replaces certificates, set SSL_CERT_FILE to its own",
        str(caught.value),
    )
    assert_no_key(caught.value)


@pytest.mark.usefixtures("key")
def test_one_fault_is_not_told_as_another(fake_server: FakeServer) -> None:
    session = Session()
    try:
        session.speak("Hi", base_url=no_tls(fake_server))
    except ConnectionFailed:
        with pytest.raises(ConnectionFailed, match=r"no connection to 127\.0\.0\.1:9 .*refused"):
            session.speak("Hi", base_url=nobody(fake_server))


# -- what is sent again -----------------------------------------------------------------------


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize(
    ("script", "why"),
    [
        (refuse(429, "Slow down", retry_after_ms="20"), "is limiting the rate of requests"),
        (refuse(429, "Slow down"), "is limiting the rate of requests"),
        (refuse(503, "Full", retry_after="0.02"), "had an internal error (503)"),
        (refuse(409, "Locked"), "had an internal error (409)"),
        (hang_up, "cannot be reached"),
    ],
)
def test_a_busy_server_is_asked_again_and_that_is_shown(
    fake_server: FakeServer, tone: Sound, script: Script, why: str
) -> None:
    fake_server.then(script)
    fake_server.then(script)
    fake_server.say("Here I am.", tone.pcm16())
    watching = Listener()
    assert Session().bound(listener=watching).speak("Hi").text == "Here I am."
    host = fake_server.url.split("/")[2]
    assert watching.lines == [f"{host} {why}; trying again in 1 s"] * 2
    assert fake_server.requests[0] == fake_server.requests[1] == fake_server.requests[2]


@pytest.mark.usefixtures("key")
def test_the_pause_is_the_one_asked_for(fake_server: FakeServer, tone: Sound) -> None:
    fake_server.then(refuse(429, "Slow down", retry_after_ms="300"))
    fake_server.say("Here I am.", tone.pcm16())
    Session().speak("Hi")
    assert 0.3 <= fake_server.times[1] - fake_server.times[0] < 2


@pytest.mark.usefixtures("key")
def test_whoever_stops_does_not_wait_for_another_try(fake_server: FakeServer) -> None:
    fake_server.then(refuse(429, "Slow down", retry_after="30"))

    class Impatient(Listener):
        def on_progress(self, line: str) -> None:
            super().on_progress(line)
            self.cancellation.cancel()

    watching = Impatient()
    reply = Session().bound(listener=watching).speak("Hi")
    assert (reply.text, reply.finish_reason) == ("", STOPPED)
    assert len(watching.lines) == 1 and len(fake_server.requests) == 1


# -- answers that say why they are none -------------------------------------------------------
SILENT = (
    "The model answered in silence: all of its sound is zeros; "
    "run it again, or name another with --model."
)
ENDS = {"expires_at": 1776297282}
ENDINGS = {
    "the filter": (
        [SAID, chunk({}, finish_reason="content_filter")],
        "Cut off by the service's content filter; rephrase it.",
    ),
    "a refusal": (
        [chunk({"refusal": "I can't."}), chunk({}, finish_reason="stop")],
        "The model declined to answer; rephrase it.",
    ),
    "text for sound": (
        written(["No ", "sound."]),
        "The model answered in text, although sound was requested; run it again.",
    ),
    "the cap": (
        [SAID, chunk({}, finish_reason="length")],
        "Cut off: the cap on output tokens was reached (--max-tokens, or what a budget leaves).",
    ),
    "text for sound, of a model that has none": (
        [item | {"model": "llama3.2"} for item in written(["No ", "sound."])],
        "The model answered in text, although sound was requested; "
        "name one that speaks with --model.",
    ),
    "text for sound, and the cap": (
        [chunk({"content": "No sou"}), chunk({}, finish_reason="length")],
        "The model answered in text, although sound was requested; allow it more tokens.",
    ),
    "text for sound, of such a model, and the cap": (
        [chunk({"content": "No sou"}, finish_reason="max_tokens") | {"model": "llama3.2"}],
        "The model answered in text, although sound was requested; "
        "name one that speaks with --model.",
    ),
    "calls without any": (
        [chunk({"content": None}), chunk({}, finish_reason="tool_calls")],
        "The model returned an empty answer; run it again.",
    ),
    "silence": (spoken(["Hm."], bytes(9_600)), SILENT),
    "silence in a file": ([SAID, chunk({"audio": {"data": b64(wav(bytes(999)))} | ENDS})], SILENT),
    "silence, and the cap": (
        [SAID, chunk({"audio": {"data": b64(bytes(99))}}, finish_reason="length")],
        SILENT,
    ),
    "no end": ([SAID], f"Cut off: the server stopped before the end of the answer{NAMED}."),
    "nothing": (written([]), "The model returned an empty answer; run it again."),
}


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize(
    ("pcm", "end"), [(bytes(99) + b"\1", ENDS), (b"\0\1" + bytes(99), ENDS), (bytes(99), {})]
)
def test_an_answer_that_is_quiet_or_begins_so_is_none_of_silence(
    fake_server: FakeServer, pcm: bytes, end: Any
) -> None:
    fake_server.send_chunks([SAID, chunk({"audio": {"data": b64(pcm)} | end})])
    assert SILENT not in Session().speak("Hi").notes


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize("chunks", [[], [chunk()]])
def test_a_stream_of_nothing_is_no_answer(fake_server: FakeServer, chunks: list[Any]) -> None:
    fake_server.send_chunks(chunks)
    with pytest.raises(InvalidResponse, match=r"sent no answer; .* check --base-url") as caught:
        Session().speak("Hi")
    assert caught.value.request_id == REQUEST_ID


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize("name", ENDINGS)
def test_an_answer_that_is_none_says_why(fake_server: FakeServer, name: str) -> None:
    chunks, note = ENDINGS[name]
    fake_server.send_chunks(chunks)
    reply = Session().speak("Hi")
    assert note in reply.notes
    assert bool(reply.text) == (name not in ("nothing", "calls without any"))
    assert reply.finish_reason != "length" or ENDINGS["the cap"][1] in reply.notes
