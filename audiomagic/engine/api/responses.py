"""Answers `/v1/responses` in its plain-text form: written words, and calls of functions."""

import json
from collections.abc import Iterator, Mapping
from itertools import chain, islice

from werkzeug.wrappers import Response

from ...errors import one_line
from ..engine import Engine
from ..pipeline import Pipeline
from . import chat_requests
from .errors import APIError, api_error
from .models import check_chat
from .replies import KEEP_ALIVE, event, events_reply, json_reply
from .response_events import Event, ResponseWriter
from .response_requests import chat_messages, read, renamed
from .response_store import ResponseStore


class Responses:
    """Makes responses, and keeps those that need not be forgotten."""

    def __init__(self, engine: Engine):
        self._engine = engine
        self._store = ResponseStore()

    def create(self, data: bytes) -> Response:
        """Answer a request. Raises APIError."""
        body = read(data)
        check_chat(body.model)
        items = self._store.history(body.previous_response_id) + body.input
        chat = body.chat(chat_messages(items, self._store.item))
        try:
            pipeline = Pipeline(self._engine, chat_requests.read(json.dumps(chat).encode(), {}, ()))
            texts = (delta.text for delta in pipeline.run())
            first = list(islice(texts, 1))  # what fails before it has an HTTP status
        except APIError as error:
            raise renamed(error) from None
        writer = ResponseWriter(body)
        events = self._events(writer, pipeline, chain(first, texts))
        if body.stream:
            return events_reply(_stream(writer, events))
        *_, last = filter(None, events)
        return json_reply(last["response"])

    def retrieve(self, response_id: str, query: Mapping[str, str]) -> Response:
        """Return a response that was kept, whole: as with the service, no other than one that is
        made in the background is streamed again. Raises APIError.
        """
        for name, value in query.items():
            if value.lower() != "false":
                name = one_line(name, 60)
                line = f"Unsupported parameter: '{name}' is not supported for a finished response."
                raise APIError(line, name, "unsupported_parameter")
        return json_reply(self._store.response(response_id))

    def forget(self, response_id: str) -> Response:
        """Forget a response. Raises APIError."""
        self._store.forget(response_id)
        return json_reply({"id": response_id, "object": "response", "deleted": True})

    def _events(
        self, writer: ResponseWriter, pipeline: Pipeline, texts: Iterator[str]
    ) -> Iterator[Event | None]:
        """Write the events; None while there is nothing yet."""

        def status() -> str:
            return "incomplete" if pipeline.finish_reason == "length" else "completed"

        yield from writer.opening()
        first = ""
        for first in texts:
            if first:
                break
            yield None
        if first or not pipeline.calls:
            yield from writer.message(chain([first], texts), status)
        for call in pipeline.calls:
            yield from writer.call(call)
        last = writer.end(status(), pipeline.usage)
        if writer.body.store is not False:
            self._store.add(last["response"], writer.body.input)
        yield last


def _stream(writer: ResponseWriter, events: Iterator[Event | None]) -> Iterator[bytes]:
    try:
        for each in events:
            yield event(each, each["type"]) if each else KEEP_ALIVE
    except Exception as error:  # too late for a status
        for each in writer.failure(renamed(api_error(error))):
            yield event(each, each["type"])
