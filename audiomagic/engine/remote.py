"""A model server of the user's choice: Ollama, llama.cpp, LM Studio, vLLM, or one far away."""

import json
import os
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..errors import EngineError, one_line
from .text_chat import model_names, refusal_words

if TYPE_CHECKING:
    import httpx2

CONNECTING, READING = 5.0, 600.0  # seconds; a large model reads a long prompt for minutes


class RemoteServer:
    """The server at `http://host:port/v1#model`; without a model it is asked for its first.

    Without a path the usual /v1 is meant. A key is sent where the variable `key` holds one, and
    goes nowhere else: `$OPENAI_API_KEY` is not for this server.
    """

    def __init__(self, address: str, part: str):
        import httpx2

        url, _, self._named = address.partition("#")
        self._variable = f"AUDIOMAGIC_{part.upper()}_KEY"
        self._key = os.environ.get(self._variable, "")
        path = urlsplit(url).path.strip("/")
        self.url = url.rstrip("/") + ("" if path else "/v1")
        self._name = f"the {part} at {one_line(self.url, 80)}"
        self._part = part
        self._http = httpx2.Client(
            headers={"Authorization": f"Bearer {self._key}"} if self._key else {},
            timeout=httpx2.Timeout(READING, connect=CONNECTING),
        )

    @cached_property
    def model(self) -> str:
        """The model's name. Raises EngineError where the server has none."""
        if self._named:
            return self._named
        names = model_names(self.ask("/models", "GET"))
        if not names:
            raise EngineError(f"{self._name} names no model; say which: {self.url}#model")
        return names[0]

    def stream(self, path: str, body: dict[str, Any]) -> Generator[Mapping[str, Any], None, None]:
        """Send JSON; yield the events of the answer. Raises EngineError, one line."""
        with self._sent("POST", path, json=body) as answer:
            event = None
            for line in answer.iter_lines():
                data = line.removeprefix("data:").strip() if line.startswith("data:") else ""
                if data and data != "[DONE]":
                    event = json.loads(data)
                    yield event
            if event is None:
                raise ValueError("no event at all")

    def ask(self, path: str, method: str = "POST", **what: Any) -> Any:
        """Send a form, or nothing; return the JSON of the answer. Raises EngineError, one line."""
        with self._sent(method, path, **what) as answer:
            return json.loads(answer.read())

    @contextmanager
    def _sent(self, method: str, path: str, **what: Any) -> Iterator["httpx2.Response"]:
        import httpx2

        setting = f"AudioMagics.{self._part}"
        try:
            with self._http.stream(method, self.url + path, **what) as answer:
                if answer.status_code != 200:
                    raise self._refusal(answer)
                yield answer
        except httpx2.TimeoutException as error:
            raise EngineError(f"{self._name} did not answer in time; try again") from error
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            why = self._safe(error, 100)
            raise EngineError(
                f"no connection to {self._name} ({why}); start that server, or set {setting} anew"
            ) from error
        except (ValueError, RecursionError) as error:
            raise EngineError(
                f"{self._name} does not speak the protocol; its address usually ends in /v1"
            ) from error

    def _refusal(self, answer: "httpx2.Response") -> EngineError:
        body, status = answer.read(), answer.status_code
        if status in (401, 403):
            return EngineError(f"{self._name} wants a valid key; set ${self._variable}")
        try:
            said = refusal_words(json.loads(body))
        except (ValueError, RecursionError):
            said = None
        line = f"{self._name} refused the request ({status}"
        line += f": {self._safe(said, 200)})" if said else ")"
        if status == 404:
            line += f"; is {self.url}#{one_line(self._named or 'model', 60)} right?"
        return EngineError(line)

    def _safe(self, text: object, limit: int) -> str:
        line = one_line(text, limit)
        return line.replace(self._key, "…") if self._key else line
