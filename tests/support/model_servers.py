"""Servers that the engine asks: one for chats in text and transcriptions, and a model hub."""

import hashlib
import itertools
import json
import re
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def send(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"content-length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            with suppress(ConnectionError):  # the client read enough
                self.wfile.write(body)


class _Server:
    """A loopback server in a thread; `asked` holds (path, headers, body) of each request."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        outer = self

        class Handler(_Handler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                outer.asked.append((self.path, headers, body))
                outer.answer(self, self.path, body)

            do_POST = do_HEAD = do_GET

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def answer(self, handler: _Handler, path: str, body: bytes) -> None:
        raise NotImplementedError

    def __enter__(self) -> Any:
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._http.shutdown()
        self._http.server_close()


class ModelServer(_Server):
    """Ollama and its kind: answers with these `deltas`, transcribes to `heard`, or refuses.

    `listing` stands in place of its list of `models`; `headers` are added to a refusal or listing.
    With `endless` it repeats the first delta until the client hangs up.
    """

    def __init__(
        self,
        *deltas: dict[str, Any],
        finish: str | None = "stop",
        heard: str = "",
        models: Iterable[str] = ("llama3.2", "gemma3"),
        refusal: Any = None,
        listing: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        endless: bool = False,
    ) -> None:
        super().__init__()
        self.deltas, self.finish, self.heard = deltas, finish, heard
        self.models, self.refusal, self.endless = models, refusal, endless
        self.listing, self.headers = listing, headers or {}
        self.begun, self.hung_up = threading.Event(), threading.Event()

    def answer(self, handler: _Handler, path: str, body: bytes) -> None:
        if self.refusal and path != "/v1/models":
            status, said = self.refusal
            data = said if isinstance(said, bytes) else json.dumps(said).encode()
            handler.send(status, data, **self.headers)
        elif self.listing is not None:
            handler.send(200, self.listing, **self.headers)
        elif path == "/v1/models":
            listed = {"object": "list", "data": [{"id": name} for name in self.models]}
            handler.send(200, json.dumps(listed).encode())
        elif path == "/v1/audio/transcriptions":
            handler.send(200, json.dumps({"text": self.heard}).encode())
        elif self.endless:
            self._repeat(handler)
        else:
            choices = [{"index": 0, "delta": delta, "finish_reason": None} for delta in self.deltas]
            choices += [{"index": 0, "delta": {}, "finish_reason": self.finish}]
            lines = [f"data: {json.dumps({'choices': [choice]})}\n\n" for choice in choices]
            handler.send(200, (": hello\n\n" + "".join(lines) + "data: [DONE]\n\n").encode())

    def _repeat(self, handler: _Handler) -> None:
        choice = {"index": 0, "delta": self.deltas[0], "finish_reason": None}
        event = f"data: {json.dumps({'choices': [choice]})}\n\n".encode()
        handler.close_connection = True
        handler.send_response(200)
        handler.end_headers()
        try:
            for number in itertools.count():
                handler.wfile.write(event)
                if number == 20:
                    self.begun.set()
                time.sleep(0.01)
        except OSError:
            self.hung_up.set()

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """What was asked of the model."""
        return [json.loads(body) for path, _, body in self.asked if path == "/v1/chat/completions"]


class ModelHub(_Server):
    """A model hub with one repository, `me/tiny`, of these files; or whose answer is `listing`."""

    COMMIT = "0123456789abcdef0123456789abcdef01234567"

    def __init__(
        self,
        files: dict[str, bytes],
        listing: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self.files, self.listing, self.headers = files, listing, headers or {}

    def answer(self, handler: _Handler, path: str, body: bytes) -> None:
        path = path.partition("?")[0]
        if self.listing:
            handler.send(200, self.listing, **self.headers)
        elif path.startswith("/api/models/me/tiny/tree/"):
            listed = [{"type": "file", "oid": "0" * 40, "size": len(data), "path": name}
                      for name, data in self.files.items()]  # fmt: skip
            handler.send(200, json.dumps(listed).encode(), content_type="application/json")
        elif path.startswith("/api/models/me/tiny"):
            info = {"id": "me/tiny", "modelId": "me/tiny", "sha": self.COMMIT, "tags": [],
                    "siblings": [{"rfilename": name} for name in self.files]}  # fmt: skip
            handler.send(200, json.dumps(info).encode(), content_type="application/json")
        elif (name := re.split("/resolve/[^/]+/", path)[-1]) in self.files:
            data = self.files[name]
            etag = f'"{hashlib.sha1(data).hexdigest()}"'
            handler.send(200, data, etag=etag, x_repo_commit=self.COMMIT)
        else:
            handler.send(404, b"{}", x_error_code="RepoNotFound")
