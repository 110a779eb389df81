"""A sound at an address: fetched from the server that was named, and from no other."""

import gzip
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from audiomagic import Session, Sound
from audiomagic.errors import SoundError
from audiomagic.transports.download import fetch, fetched

from ...support.fake_server import FakeServer


class Library(ThreadingHTTPServer):
    """Serves answers by path, (status, headers, body) each; keeps what it was asked for."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Shelf)
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.asked: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.pace = 0.0  # seconds between two bytes

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def redirect(self, path: str, to: str, status: int = 302) -> None:
        self.answers[path] = status, {"Location": to}, b""


class Shelf(BaseHTTPRequestHandler):
    server: Library

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.server.headers.append({name.lower(): text for name, text in self.headers.items()})
        status, headers, body = self.server.answers.get(self.path, (404, {}, b"<h1>No</h1>"))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            for part in [body] if not self.server.pace else [bytes([byte]) for byte in body]:
                self.wfile.write(part)
                time.sleep(self.server.pace)
        except OSError:  # the reader has left
            pass

    def log_message(self, *_: Any) -> None:
        pass


def serving() -> Iterator[Library]:
    with Library() as library:
        thread = threading.Thread(target=library.serve_forever, args=(0.01,))
        thread.start()
        yield library
        library.shutdown()
        thread.join()


library = pytest.fixture(serving, name="library")
another = pytest.fixture(serving, name="another")


@pytest.fixture
def wav(tone: Sound, library: Library) -> bytes:
    data = tone.encode("wav")
    library.answers["/a.wav"] = 200, {"Content-Type": "audio/wav"}, data
    return data


@pytest.mark.usefixtures("wav")
def test_a_sound_is_fetched_once_without_anything_of_ours(library: Library) -> None:
    assert fetch(f" {library.url}/a.wav ").seconds == 1.0
    library.redirect("/old", "/older")
    library.redirect("/older", f"{library.url}/a.wav", 307)
    assert fetch(f"{library.url}/old").seconds == 1.0
    assert library.asked == ["/a.wav", "/old", "/older", "/a.wav"]
    for headers in library.headers:
        assert headers["accept-encoding"] == "identity"
        assert not {"authorization", "cookie", "referer"} & headers.keys()


def test_a_session_sends_what_is_at_an_address(
    library: Library, wav: bytes, tone: Sound, fake_server: FakeServer, key: str
) -> None:
    fake_server.say("A tone.", tone.pcm16())
    assert Session().listen(f"{library.url}/a.wav", "What is it?").request.seconds == 1.0
    fake_server.say("Two tones.", tone.pcm16())
    twice = Session().listen([f"{library.url}/a.wav", tone], "What are they?")
    assert twice.request.seconds == 2.0 and library.asked == ["/a.wav"] * 2
    assert not any(key in str(headers) for headers in library.headers)


def test_nothing_is_fetched_that_nobody_named(library: Library, wav: bytes) -> None:
    address = f"{library.url}/a.wav"
    for read in (Sound.of, Sound.read):
        with pytest.raises(SoundError, match=r"is no file; Session\.listen and --file fetch"):
            read(address)
    batch = Session().map([{"file": address}, {"sound": address}], "What?", progress=False)
    assert all("a batch fetches nothing" in str(error) for error in batch) and not library.asked
    assert fetched(wav) is wav and fetched(["a.wav", 3]) == ["a.wav", 3]


def test_another_server_is_not_asked(library: Library, another: Library, wav: bytes) -> None:
    another.answers["/a.wav"] = 200, {}, wav
    for to in (f"{another.url}/a.wav", f"//localhost:{library.server_port}/a.wav",
               f"https://127.0.0.1:{library.server_port}/a.wav"):  # fmt: skip
        library.redirect("/moved", to)
        with pytest.raises(SoundError, match="redirects to another server, which was not asked"):
            fetch(f"{library.url}/moved")
    assert not another.asked and set(library.asked) == {"/moved"}
    for to in ("file:///etc/passwd", "ftp://127.0.0.1/a.wav", "http://[", "javascript:1"):
        library.redirect("/moved", to)
        with pytest.raises(SoundError):
            fetch(f"{library.url}/moved")


GZIP = {"Content-Encoding": "gzip"}


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        ((404, {}, b""), "answered 404 (Not Found); check the address"),
        ((401, {}, b""), "answered 401 (Unauthorized)"),
        ((204, {}, b""), "answered 204 (No Content)"),
        ((799, {}, b""), "answered 799; check"),
        ((302, {"Location": "/a"}, b""), "redirects again and again"),
        ((200, {"Content-Type": "text/html; charset=utf-8"}, b"<html>"), "(it is a web page)"),
        ((200, {}, b""), "/a: not a sound file"),
        ((200, {"Content-Length": "9" * 15}, b"RIFF"), "it is larger than 0 MB"),
        ((200, {}, bytes(5_000)), "it is larger than 0 MB"),
        ((200, {"Content-Length": "50"}, b"RIFF"), "cannot fetch it from 127.0.0.1"),
        ((200, GZIP, gzip.compress(bytes(10**6))), "sends it compressed"),
    ],
)
def test_what_is_not_a_sound_is_told_in_one_line(library: Library, answer: Any, line: str) -> None:
    library.answers["/a"] = answer
    with pytest.raises(SoundError) as caught:
        fetch(f"{library.url}/a?token=secret", largest=4_000)
    assert "\n" not in str(caught.value) and "secret" not in str(caught.value)
    library.answers["/a?token=secret"] = answer
    with pytest.raises(SoundError) as caught:
        fetch(f"{library.url}/a?token=secret", largest=4_000)
    assert line in str(caught.value) and "secret" not in str(caught.value)


def test_a_server_that_trickles_is_left(library: Library) -> None:
    library.answers["/a"] = 200, {}, bytes(1_000)
    library.pace = 0.05
    with pytest.raises(SoundError, match="too slowly; download it, and give the file"):
        fetch(f"{library.url}/a", longest=0.3)
    library.pace = 0


@pytest.mark.parametrize("address", ["s3://bucket/a.wav", "http://", "https://[::1", "file:///a"])
def test_only_the_web_is_asked(address: str) -> None:
    with pytest.raises(SoundError, match=r"a sound is fetched from http:// or https://, not from"):
        fetch(address)


def test_nobody_is_there(library: Library) -> None:
    library.shutdown()
    library.server_close()
    with pytest.raises(SoundError, match=r"cannot fetch it from 127\.0\.0\.1: .*check the address"):
        fetch(f"{library.url}/a.wav")
