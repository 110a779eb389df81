"""Language models and speech recognition on a server: Ollama, llama.cpp, LM Studio, vLLM, ..."""

import json
import os
import weakref
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from .. import suggestions
from ..errors import EngineError, InvalidResponse, one_line
from ..protocol import model_list
from ..protocol.error import ErrorBody
from ..protocol.request import Request
from ..protocol.sse import ErrorEvent
from ..protocol.thoughts import Thoughts
from ..sound import Sound
from .llm import TextDelta, estimated_tokens, text_deltas
from .stt import RATE

if TYPE_CHECKING:
    import openai

CONNECT_TIMEOUT, READ_TIMEOUT = 5.0, 600.0  # seconds; a large model reads a long prompt for minutes
NAMES = {"llm": "language model", "stt": "speech recognition"}
LARGEST = 100_000_000  # bytes of an answer in text, in small chunks
LARGEST_BODY = 5_000_000  # bytes of a list of models, and of a transcription


class RemoteModel:
    """A model of an OpenAI-compatible server: `http://host:port/v1#model`.

    Without a path /v1 is meant, without a model the server's first. The key comes from
    $AUDIOMAGIC_LLM_KEY or $AUDIOMAGIC_STT_KEY alone.
    """

    part: str

    def __init__(self, address: str):
        url, _, self._named = address.partition("#")
        self.url = url.rstrip("/") + ("" if urlsplit(url).path.strip("/") else "/v1")
        self._key_variable = f"AUDIOMAGIC_{self.part.upper()}_KEY"
        self._key = os.environ.get(self._key_variable, "")
        self._name = f"the {NAMES[self.part]} at {one_line(self.url, 80)}"

    @cached_property
    def client(self) -> "openai.OpenAI":
        import httpx2
        import openai

        from ..protocol import http

        credentials = {"authorization": f"Bearer {self._key}"} if self._key else {}
        client = openai.DefaultHttpxClient(
            follow_redirects=False,
            headers=http.IDENTITY,
            event_hooks={
                "request": [partial(http.own_headers, credentials)],
                "response": [partial(http.bound, LARGEST)],
            },
        )
        weakref.finalize(self, client.close)  # no hook knows self, or it would live for ever
        timeout = httpx2.Timeout(READ_TIMEOUT, connect=CONNECT_TIMEOUT)
        return openai.OpenAI(
            base_url=self.url, api_key="none", http_client=client, timeout=timeout, max_retries=0
        )

    @cached_property
    def model(self) -> str:
        """The name of the model. Raises EngineError when the server has none."""
        if self._named:
            return self._named
        with self.client.models.with_streaming_response.list() as response:
            listed = model_list.read(_json(response.iter_bytes()))
        if listed is None:
            raise ValueError("not a list of models")
        if not listed:
            raise EngineError(f"{self._name} lists no model; name one: {self.url}#model")
        return next(iter(listed))

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn what the client raises into an EngineError of one line, without the key."""
        import httpx2
        import openai

        try:
            yield
        except (openai.APITimeoutError, httpx2.TimeoutException) as error:
            raise EngineError(f"{self._name} did not answer in time; try again") from error
        except (openai.APIConnectionError, httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise EngineError(
                f"no connection to {self._name} ({self._safe(error.__cause__ or error, 100)}); "
                f"start that server, or change --{self.part}"
            ) from error
        except openai.APIStatusError as error:
            body = ErrorBody.read(error.response.text)
            raise EngineError(self._rejection(body, error.status_code)) from None
        except ErrorEvent as error:
            if error.body.status:
                raise EngineError(self._rejection(error.body, error.body.status)) from None
            said = self._safe(error.body.message)
            raise InvalidResponse(f"{self._name} broke off with an error: {said}") from None
        except InvalidResponse as error:
            raise InvalidResponse(str(error).replace("--base-url", f"--{self.part}")) from error
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            raise EngineError(
                f"{self._name} does not speak the protocol; its address usually ends in /v1"
            ) from error

    def _rejection(self, body: ErrorBody, status: int) -> str:
        said = self._safe(body.message)
        told = f": {said}" if said else ""
        if status in (401, 403):
            return f"{self._name} requires a valid key ({status}{told}); set ${self._key_variable}"
        line = f"{self._name} rejected the request ({status}){told}"
        if status == 404:
            line += f"; is {self.url}#{one_line(self._named or 'model', 60)} right?"
        if (status == 404 or body.blames_model) and (near := self._nearest()):
            line += f" Did you mean #{near}?"
        return line

    def _nearest(self) -> str | None:
        """Return the name most like the one given, of a server that has no such model."""
        import httpx2
        import openai

        with suppress(openai.OpenAIError, httpx2.HTTPError, ValueError, TypeError, AttributeError):
            listed = [str(model.id) for model in self.client.models.list().data]
            if self._named and self._named not in listed:
                near = suggestions.nearest(self._named, listed)
                return one_line(near, 60) if near else None
        return None

    def _safe(self, text: object, limit: int = 200) -> str:
        return one_line(str(text).replace(self._key or "\0", "…"), limit)


class RemoteLanguageModel(RemoteModel):
    """A server that answers `/chat/completions` in text."""

    part = "llm"
    small = False
    count = staticmethod(estimated_tokens)  # these servers have no common way to ask

    def __init__(self, address: str):
        super().__init__(address)
        self._thoughts = Thoughts()

    def check(self, request: Request) -> None:
        """Leave it to the server to refuse."""

    def reply(self, request: Request) -> Generator[TextDelta, None, None]:
        """Raises EngineError when the server cannot be reached or rejects the request."""
        with self._errors():
            body = replace(request, model=self.model).text_wire()
            yield from text_deltas(self.client, body, self._thoughts)


class RemoteRecognizer(RemoteModel):
    """A server that answers `/audio/transcriptions`."""

    part = "stt"

    def words(self, samples: NDArray[np.float32]) -> str:
        file = ("speech.wav", Sound(samples, RATE).encode("wav"), "audio/wav")
        with self._errors():
            create: Any = self.client.audio.transcriptions.with_streaming_response.create
            with create(model=self.model, file=file) as response:
                answer = _json(response.iter_bytes())
            if isinstance(answer, Mapping) and isinstance(words := answer.get("text"), str):
                return words
            if error := ErrorBody.in_place_of(answer) or ErrorBody.suspected(answer):
                raise ErrorEvent(error)
        raise InvalidResponse(
            "the transcription server returned no text; does it support /audio/transcriptions?"
        )


def _json(parts: Iterable[bytes]) -> object:
    from ..protocol.http import contents

    return json.loads(contents(parts, LARGEST_BODY))
