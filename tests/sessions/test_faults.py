"""The fault matrix: what a far end may do; the line that tells of it, what is kept and booked."""

import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from audiomagic import Session, Sound
from audiomagic.costs.ledger import Ledger
from audiomagic.errors import ConnectionFailed, InvalidResponse, RequestFailed, RequestRejected
from audiomagic.transports import openai_client, retry
from audiomagic.turn.notes import STOPPED

from ..support.fake_server import KEY, REQUEST_ID, FarEnd, Handler, Script, chunk, spoken, written
from ..support.kernel import Kernel
from ..support.listener import Listener
from ..support.other_servers import lenient

NAMED = f" (request {REQUEST_ID})"
QUOTA = (
    "You exceeded your current quota, please check your plan and billing details.",
    None,
    "insufficient_quota",
    "insufficient_quota",
)


@dataclass(frozen=True)
class Fault:
    """What the far end does, once or for each try, and the line that tells of it."""

    script: Script
    line: str  # {host} is the far end's address
    kind: type[RequestFailed] = RequestRejected
    tries: int = 1
    code: str | None = None
    kept: str = ""  # the words on the card, with their sound
    paid: str = "nothing"  # as the ledger has it; or "unknown", or "estimated"


def refuse(*what: Any, **headers: str) -> Script:
    return lambda handler, body: handler.refuse(*what, **headers)


def send(status: int, body: bytes, kind: str = "application/json", **headers: str) -> Script:
    return lambda handler, _: handler.send(status, body, kind, **headers)


def events(*items: Any, **how: Any) -> Script:
    return lambda handler, body: handler.stream(items, **how)


def hang(handler: Handler, body: Any) -> None:
    time.sleep(0.6)


def fall_silent(handler: Handler, body: Any) -> None:
    handler.stream([*BEGUN, ": still there\n\n"], done=False)
    time.sleep(0.6)


def hang_up(handler: Handler, body: Any) -> None:
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def cut(handler: Handler, body: Any) -> None:
    """Promise more than is sent."""
    handler.send_response(200)
    handler.send_header("content-type", "text/event-stream")
    handler.send_header("content-length", "100000")
    handler.send_header("x-request-id", REQUEST_ID)
    handler.end_headers()
    handler.wfile.write("".join(f"data: {json.dumps(item)}\n\n" for item in BEGUN).encode())
    handler.close_connection = True


def redirect(handler: Handler, body: Any) -> None:
    handler.send(307, b"", location="http://127.0.0.1:9/v1/chat/completions")


SAID = chunk({"audio": {"transcript": "Once upon "}})
BEGUN = spoken(["Once ", "upon "], bytes(9_600))[:-2]
BROKEN_OFF: dict[str, Any] = {"kept": "Once upon", "paid": "estimated"}
AGAIN = {"retry_after_ms": "5"}
TOMORROW = format_datetime(datetime.now(UTC) + timedelta(days=1), usegmt=True)
HUGE = ["data: ", *["A" * 1_000_000] * 100]
NO_CHAT = "which is not Chat Completions; check --base-url (it usually ends in /v1)"
ERROR = {"message": f"Out of\norder, {KEY}", "type": "server_error", "code": "overloaded"}

FAULTS = {
    # -- the connection
    "silence before the answer": Fault(
        hang,
        "{host} did not answer in time; run it again",
        ConnectionFailed,
        paid="unknown",
    ),
    "silence within it": Fault(
        fall_silent,
        "{host} fell silent in the middle of its answer; run it again" + NAMED,
        ConnectionFailed,
        **BROKEN_OFF,
    ),
    "hung up before it": Fault(
        hang_up,
        "no connection to {host} (Server disconnected without sending a response.); "
        "check the network and --base-url, or use --engine local",
        ConnectionFailed,
        tries=4,
        paid="unknown",
    ),
    "cut within it": Fault(
        cut,
        "the connection to {host} was lost in the middle of its answer; run it again" + NAMED,
        ConnectionFailed,
        **BROKEN_OFF,
    ),
    # -- answers that are none
    "rubbish for JSON": Fault(
        events(*BEGUN, "data: {oops\n\n"),
        f"the server answered with something that is no JSON, {NO_CHAT}{NAMED}",
        InvalidResponse,
        **BROKEN_OFF,
    ),
    "rubbish in place of JSON": Fault(
        send(200, b'{"choices": [{"mess'),
        f"the server answered with something that is no JSON, {NO_CHAT}{NAMED}",
        InvalidResponse,
        paid="unknown",
    ),
    "a list": Fault(
        events(*BEGUN, [1]),
        f"the server answered with a chunk that is no object, {NO_CHAT}{NAMED}",
        InvalidResponse,
        **BROKEN_OFF,
    ),
    "no text": Fault(
        send(200, bytes(range(128, 256)), "text/event-stream"),
        f"the server answered with something that is no text, {NO_CHAT}{NAMED}",
        InvalidResponse,
        paid="unknown",
    ),
    "a web page": Fault(
        send(200, b"\n<!doctype html><title>Sign in</title>", "text/html"),
        f"the server answered with a web page, {NO_CHAT}{NAMED}",
        InvalidResponse,
        paid="unknown",
    ),
    "a web page, not found": Fault(
        send(404, b"<html>no such model here</html>", "text/html"),
        "{host} has no Chat Completions at this address (404); check --base-url (it usually ends "
        "in /v1)" + NAMED,
    ),
    "rubbish for base64": Fault(
        events(*BEGUN, chunk({"audio": {"data": "!!"}})),
        "the server sent sound that is not base64; run it again" + NAMED,
        InvalidResponse,
        **BROKEN_OFF,
    ),
    "a chunk of 100 MB": Fault(
        events(*BEGUN, *HUGE),
        "the server sent a chunk of more than 80 MB, more than any answer; stopped reading" + NAMED,
        InvalidResponse,
        **BROKEN_OFF,
    ),
    "nothing there": Fault(
        send(404, b'{"detail": "Not Found"}'),
        "{host} found nothing there (404: Not Found); check --base-url and --model" + NAMED,
    ),
    "a redirect": Fault(
        redirect,
        "{host} redirects to another address; if you trust it, name it by --base-url" + NAMED,
    ),
    # -- refusals
    "a wrong key": Fault(
        refuse(401, f"Incorrect API key: {KEY[:9]}****{KEY[-4:]}.", None, "invalid_api_key"),
        "{host} refused the key; set OPENAI_API_KEY to a valid one" + NAMED,
        code="invalid_api_key",
    ),
    "too many requests": Fault(
        refuse(429, "Rate limit reached", **AGAIN),
        "{host} is limiting the rate of requests; wait a little, then run it again" + NAMED,
        tries=4,
    ),
    "too many requests, for an hour": Fault(
        refuse(429, "Rate limit reached", retry_after="3600"),
        "{host} is limiting the rate of requests; run it again in 60 minutes" + NAMED,
    ),
    "too many requests, until tomorrow": Fault(
        refuse(429, "Rate limit reached", retry_after=TOMORROW),
        "{host} is limiting the rate of requests; run it again in 24 hours" + NAMED,
    ),
    "too many requests, for ever": Fault(
        refuse(429, "Rate limit reached", retry_after="inf"),
        "{host} is limiting the rate of requests; wait a little, then run it again" + NAMED,
        tries=4,
    ),
    "no credit": Fault(
        refuse(429, *QUOTA),
        "the account has no credit left; add some, or use --engine local" + NAMED,
        code="insufficient_quota",
    ),
    "an error of its own": Fault(
        refuse(500, f"The server had an error. {KEY}", **AGAIN),
        "{host} had an error of its own (500: The server had an error. …); run it again" + NAMED,
        tries=4,
    ),
    "an error of its own, in HTML": Fault(
        send(502, b"<h1>Bad gateway</h1>", "text/html", **AGAIN),
        "{host} had an error of its own (502: <h1>Bad gateway</h1>); run it again" + NAMED,
        tries=4,
    ),
    "not to be sent again": Fault(
        refuse(503, "Down for repairs", x_should_retry="false"),
        "{host} had an error of its own (503: Down for repairs); run it again" + NAMED,
    ),
    "an expired sound": Fault(
        refuse(
            400,
            "Assistant audio audio_6754 not found.",
            "content.messages[2].audio.id",
            "audio_not_found",
        ),
        "{host} has forgotten an earlier spoken answer; it can be sent as text" + NAMED,
        code="audio_not_found",
    ),
    "the filter, before it": Fault(
        refuse(400, "The prompt was filtered", "prompt", "content_filter"),
        "the content filter of {host} stopped this; word it differently" + NAMED,
        code="content_filter",
    ),
    "any other refusal": Fault(
        refuse(400, f"Unknown\x1b parameter: 'x'. {KEY[:20]}", "x", "unknown_parameter"),
        "{host} refused the request (400: Unknown parameter: 'x'. …); change that, and run it again"
        + NAMED,
        code="unknown_parameter",
    ),
    "an error without end": Fault(
        send(400, b"x" * 50_000_000, "text/plain"),
        "{host} has no Chat Completions at this address (400); check --base-url (it usually ends "
        "in /v1)" + NAMED,
    ),
    # -- errors within the stream
    "an error within it": Fault(
        events(*BEGUN, {"error": ERROR}),
        "{host} broke off with an error: Out of order, …; run it again" + NAMED,
        code="overloaded",
        **BROKEN_OFF,
    ),
    "an error within it, by its name": Fault(
        events(*BEGUN, f"event: error\ndata: {json.dumps(ERROR)}\n\n"),
        "{host} broke off with an error: Out of order, …; run it again" + NAMED,
        code="overloaded",
        **BROKEN_OFF,
    ),
    "no credit, within it": Fault(
        events({"error": {"message": QUOTA[0], "code": QUOTA[2]}}),
        "the account has no credit left; add some, or use --engine local" + NAMED,
        code="insufficient_quota",
        paid="unknown",
    ),
    "an error that is text": Fault(
        events({"error": "worn out"}),
        "{host} broke off with an error: worn out; run it again" + NAMED,
        paid="unknown",
    ),
}


@pytest.fixture(autouse=True)
def short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_client, "SILENCE", 0.3)
    monkeypatch.setattr(retry, "PAUSES", (0.005,) * 3)


@pytest.fixture(scope="module")
def server() -> Iterator[FarEnd]:
    with FarEnd() as far_end:
        far_end.checks = lenient
        yield far_end


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    return Ledger(tmp_path_factory.mktemp("ledger") / "ledger.sqlite")


@pytest.fixture(scope="module")
def kernel(server: FarEnd, ledger: Ledger) -> Iterator[Kernel]:
    env = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": server.url}
    with Kernel(os.environ | env | {"AUDIOMAGIC_LEDGER": str(ledger.path)}) as running:
        running.run(
            "%load_ext audiomagic\nfrom audiomagic.transports import openai_client as client, retry"
        )
        running.run("import sys; client.SILENCE, retry.PAUSES = 0.3, (0.005,) * 3")
        yield running


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_one_line_what_came_is_kept_and_the_next_call_works(
    kernel: Kernel, server: FarEnd, ledger: Ledger, tone: Sound, name: str
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


def test_a_key_in_a_cell_is_not_in_the_traceback(kernel: Kernel, server: FarEnd) -> None:
    server.scripts[:] = [send(404, b"{}")]
    line = kernel.error(f"from audiomagic import Session; Session(api_key={KEY!r}).speak('Hi')")
    (whole,) = kernel.run("%audiomagic traceback")
    assert "Session(api_key='…').speak('Hi')" in whole["text"]
    assert_no_key(f"{line} {whole}")


def assert_kept(fault: Fault, shown: list[dict[str, Any]], row: dict[str, Any]) -> None:
    """What came is on the card, marked, its cost estimated; the ledger says what became of it."""
    assert row["outcome"] == f"failed: {fault.kind.__name__}"
    paid = {"nothing": (0, False), "unknown": (None, False)}.get(fault.paid)
    assert (row["dollars"], row["estimated"]) == (paid or (row["dollars"], True))
    text = "".join(output["data"]["text/plain"] for output in shown)
    if not fault.kept:
        assert text == ""
        return
    assert 0 < row["dollars"] < 1 and row["seconds_out"] == 0.2
    assert text.startswith(
        f"{fault.kept}\nCut off: the server stopped before the end of the answer"
    )
    assert "0.2 s out" in text and "~$0.0" in text and "<audio" in shown[0]["data"]["text/html"]


def assert_no_key(error: BaseException | str) -> None:
    """Neither the line nor what Python prints of its causes holds a piece of the key."""
    said = error if isinstance(error, str) else f"{error!r}{traceback.format_exception(error)}"
    assert "sk-p" not in said and KEY[8:16] not in said and KEY[-4:] not in said


# -- a network that fails ---------------------------------------------------------------------
def nobody(far_end: FarEnd) -> str:
    return "http://127.0.0.1:9/v1"


def nowhere(far_end: FarEnd) -> str:
    return "https://nowhere.invalid/v1"


def no_tls(far_end: FarEnd) -> str:
    return far_end.url.replace("http:", "https:")


PROXY = r"write it as http://HOST:PORT"
CHECK = "check the network and --base-url, or use --engine local"
NETWORK: dict[str, tuple[Callable[[FarEnd], str], dict[str, str], str]] = {
    "nobody there": (nobody, {}, rf"no connection to 127\.0\.0\.1:9 \(.*refused.*\); {CHECK}"),
    "no address": (nowhere, {}, rf"no address is known for nowhere\.invalid \(.+\); {CHECK}"),
    "no TLS": (
        no_tls,
        {},
        r"127\.0\.0\.1:\d+ does not speak TLS \(.+\); is its address http://, not https://\?",
    ),
    "a proxy that refuses": (
        nowhere,
        {"HTTPS_PROXY": "{far_end}"},
        r"the proxy that HTTPS_PROXY names did not let it through \(501 .+\); check HTTPS_PROXY",
    ),
    "a proxy that is not there": (
        nowhere,
        {"ALL_PROXY": "http://me:hunter2@127.0.0.1:9"},
        r"the proxy that ALL_PROXY names did not let it through \(.*refused.*\); check ALL_PROXY",
    ),
    "a proxy of another kind": (
        nowhere,
        {"HTTPS_PROXY": "socks5://127.0.0.1:9"},
        r"the proxy that HTTPS_PROXY names cannot be used \(.+\); SOCKS needs: pip install socksio",
    ),
    "a proxy that is none": (
        nowhere,
        {"HTTPS_PROXY": "foo://me:hunter2@127.0.0.1:9"},
        rf"the proxy that HTTPS_PROXY names cannot be used \(Unknown scheme .+\); {PROXY}",
    ),
    "a proxy without a port": (
        nowhere,
        {"ALL_PROXY": "rubbish:::"},
        rf"the proxy that ALL_PROXY names cannot be used \(Invalid port.+\); {PROXY}",
    ),
    "a proxy of a name that is none": (
        nowhere,
        {"HTTPS_PROXY": f"http://{'a' * 70}.x:9"},
        rf"the proxy that HTTPS_PROXY names cannot be used \(.*label.+\); {PROXY}",
    ),
    "no certificates": (
        nowhere,
        {"SSL_CERT_FILE": "/nowhere.pem"},
        r"the certificates that SSL_CERT_FILE names cannot be used \(No such file or directory\); "
        "name a file of them, or unset it",
    ),
    "certificates that are none": (
        nowhere,
        {"SSL_CERT_FILE": __file__},
        r"the certificates that SSL_CERT_FILE names cannot be used \(.*no certificate.*\); "
        "name a file of them, or unset it",
    ),
}


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize("name", NETWORK)
def test_a_network_that_fails_is_one_line(
    far_end: FarEnd, tone: Sound, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    address, variables, line = NETWORK[name]
    session = Session()
    with monkeypatch.context() as environment:
        for variable, value in variables.items():
            environment.setenv(
                variable, value.replace("{far_end}", far_end.url.removesuffix("/v1"))
            )
        with pytest.raises(ConnectionFailed) as caught:
            session.speak("Hi", base_url=address(far_end))
    assert re.fullmatch(line, str(caught.value)), str(caught.value)
    assert len(str(caught.value)) < 400
    assert "hunter2" not in str(caught.value)
    assert_no_key(caught.value)
    (row,) = session.ledger.rows()  # it was never sent, so it cost nothing
    assert (row["outcome"], row["dollars"]) == ("failed: ConnectionFailed", 0)
    far_end.say("Here I am.", tone.pcm16())
    assert session.speak("Hi").text == "Here I am."


@pytest.mark.usefixtures("key")
@pytest.mark.skipif(not shutil.which("openssl"), reason="makes a certificate")
def test_a_certificate_of_nobodys_is_one_line(tmp_path: Path) -> None:
    signed, secret = tmp_path / "certificate.pem", tmp_path / "key.pem"
    make = f"openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=me -keyout {secret} -out {signed}"
    subprocess.run(make.split(), check=True, stderr=subprocess.DEVNULL)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(signed, secret)
    with FarEnd() as stranger:
        stranger._server.socket = context.wrap_socket(stranger._server.socket, server_side=True)
        session = Session()
        with pytest.raises(ConnectionFailed) as caught:
            session.speak("Hi", base_url=no_tls(stranger))
    assert session.ledger.rows()[0]["dollars"] == 0
    assert re.fullmatch(
        r"127\.0\.0\.1:\d+ showed a certificate that is not trusted \(self.signed certificate\); "
        "if your network puts its own in place, name it by SSL_CERT_FILE",
        str(caught.value),
    )
    assert_no_key(caught.value)


@pytest.mark.usefixtures("key")
def test_one_fault_is_not_told_as_another(far_end: FarEnd) -> None:
    session = Session()
    try:
        session.speak("Hi", base_url=no_tls(far_end))
    except ConnectionFailed:
        with pytest.raises(ConnectionFailed, match=r"no connection to 127\.0\.0\.1:9 .*refused"):
            session.speak("Hi", base_url=nobody(far_end))


# -- what is sent again -----------------------------------------------------------------------


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize(
    ("script", "why"),
    [
        (refuse(429, "Slow down", retry_after_ms="20"), "is limiting the rate of requests"),
        (refuse(429, "Slow down"), "is limiting the rate of requests"),
        (refuse(503, "Full", retry_after="0.02"), "had an error of its own (503)"),
        (refuse(409, "Locked"), "had an error of its own (409)"),
        (hang_up, "cannot be reached"),
    ],
)
def test_a_busy_server_is_asked_again_and_that_is_shown(
    far_end: FarEnd, tone: Sound, script: Script, why: str
) -> None:
    far_end.then(script)
    far_end.then(script)
    far_end.say("Here I am.", tone.pcm16())
    watching = Listener()
    assert Session().speak("Hi", listener=watching).text == "Here I am."
    host = far_end.url.split("/")[2]
    assert watching.lines == [f"{host} {why}; trying again in 1 s"] * 2
    assert far_end.requests[0] == far_end.requests[1] == far_end.requests[2]


@pytest.mark.usefixtures("key")
def test_the_pause_is_the_one_asked_for(far_end: FarEnd, tone: Sound) -> None:
    far_end.then(refuse(429, "Slow down", retry_after_ms="300"))
    far_end.say("Here I am.", tone.pcm16())
    Session().speak("Hi")
    assert 0.3 <= far_end.times[1] - far_end.times[0] < 2


@pytest.mark.usefixtures("key")
def test_whoever_stops_does_not_wait_for_another_try(far_end: FarEnd) -> None:
    far_end.then(refuse(429, "Slow down", retry_after="30"))
    watching, start = Listener(), time.perf_counter()
    threading.Timer(0.5, watching.cancellation.cancel).start()
    reply = Session().speak("Hi", listener=watching)
    assert (reply.text, reply.finish_reason) == ("", STOPPED)
    assert len(watching.lines) == 1 and time.perf_counter() - start < 5


# -- answers that say why they are none -------------------------------------------------------
ENDINGS = {
    "the filter": (
        [SAID, chunk({}, finish_reason="content_filter")],
        "Cut off by the service's content filter; word it differently.",
    ),
    "a refusal": (
        [chunk({"refusal": "I can't."}), chunk({}, finish_reason="stop")],
        "The model declined to answer; word it differently.",
    ),
    "text for sound": (
        written(["No ", "sound."]),
        "The model answered in text, although sound was asked for; run it again.",
    ),
    "the cap": (
        [SAID, chunk({}, finish_reason="length")],
        "Cut off: the cap on output tokens was reached (--max-tokens, or what a budget leaves).",
    ),
    "no end": ([SAID], f"Cut off: the server stopped before the end of the answer{NAMED}."),
    "nothing": (written([]), "The model answered with nothing; run it again."),
}


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize("chunks", [[], [chunk()]])
def test_a_stream_of_nothing_is_no_answer(far_end: FarEnd, chunks: list[Any]) -> None:
    far_end.send_chunks(chunks)
    with pytest.raises(InvalidResponse, match=r"sent no answer; .* check --base-url") as caught:
        Session().speak("Hi")
    assert caught.value.request_id == REQUEST_ID


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize("name", ENDINGS)
def test_an_answer_that_is_none_says_why(far_end: FarEnd, name: str) -> None:
    chunks, note = ENDINGS[name]
    far_end.send_chunks(chunks)
    reply = Session().speak("Hi")
    assert note in reply.notes and bool(reply.text) == (name != "nothing")
