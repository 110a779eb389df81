"""Responses as they are generated, one after the other, in a thread of their own."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing
from typing import Any

from ...protocol.request import Request
from ..api.errors import APIError, api_error
from ..engine import MODEL, Engine
from ..pipeline import Pipeline
from .conversation import request_messages
from .items import GivenMessage, Item
from .response import BLOCK, Response
from .usage import Usage

MOST_WAITING = 16  # responses, most of them outside of the conversation
Heard = Callable[[GivenMessage], None]  # is told, before its response, that all words are known


class Responder:
    """Generates responses; `lock` is the session's, under which all its events are sent."""

    def __init__(self, engine: Engine, lock: AbstractContextManager[Any], heard: Heard):
        self._engine, self._lock, self._heard = engine, lock, heard
        self._thread = ThreadPoolExecutor(1, "realtime-respond")
        self._responses: dict[str, Response] = {}  # those that are over leave it soon
        self.has_spoken = False  # whether any sound was sent

    @property
    def active(self) -> Response | None:
        """The response of the conversation, of which there is one at a time."""
        there = self._responses.values()
        return next((r for r in there if r.in_conversation and not r.over), None)

    def respond(self, response: Response, items: Sequence[Item]) -> None:
        """Have a response to these items generated; drop one of which the client knows nothing,
        where nobody has spoken after all.

        Raises APIError where the conversation has one already.
        """
        if response.in_conversation and (active := self.active):
            line = f"Conversation already has an active response in progress: {active.id}."
            raise APIError(line, None, "conversation_already_has_active_response")
        if len(self._responses) >= MOST_WAITING:
            line = f"There are {MOST_WAITING} responses in progress; wait for one of them."
            raise APIError(line, None, "rate_limit_exceeded")
        self._responses[response.id] = response
        self._thread.submit(self._generate, response, items)

    def cancel(self, response_id: str | None) -> None:
        """Cut off a response, by default that of the conversation. Raises APIError for none."""
        response = self._responses.get(response_id) if response_id else self.active
        if response is None or response.over:
            line = "Cancellation failed: no active response found"
            raise APIError(line, None, "response_cancel_not_active")
        response.cancel("client_cancelled")

    def interrupt(self) -> None:
        """Cut off the response of the conversation, if there is one: somebody speaks."""
        response = self.active
        if response is None:
            return
        if response.unknown:  # it waits for the words of somebody who goes on to speak
            response.drop()
        else:
            response.cancel("turn_detected")

    def close(self) -> None:
        """End all responses; wait for the model to stop."""
        with self._lock:
            for response in self._responses.values():
                response.drop()
        self._thread.shutdown(cancel_futures=True)

    def _generate(self, response: Response, items: Sequence[Item]) -> None:
        try:
            self._run(response, items)
        except Exception as error:  # whatever it is, the client is told in the protocol's shape
            failure = api_error(error)
            with self._lock:
                if not response.over:
                    response.fail(failure)
        finally:
            with self._lock:
                del self._responses[response.id]

    def _run(self, response: Response, items: Sequence[Item]) -> None:
        if response.over:  # it was cut off while it waited for another
            return
        words = self._words(items)
        with self._lock:
            if response.unknown and not words:
                response.drop()
            if response.over:
                return
            response.create()
        settings = response.settings
        messages, spoken = request_messages(items, settings.instructions)
        request = Request(
            MODEL,
            messages,
            settings.voice,
            max_tokens=settings.most_tokens,
            tools=settings.function_tools,
            tool_choice=settings.choice,
        )
        response.usage = Usage.of(items, settings, self._engine.count)
        speed = settings.audio.output.speed
        pipeline = Pipeline(self._engine, request, spoken, speed, BLOCK)
        with closing(pipeline.run()) as deltas:
            for delta in deltas:
                tokens = self._engine.count(delta.text) if delta.text else 0
                with self._lock:
                    if response.over:
                        return
                    response.usage.text_out += tokens
                    response.add(delta)
                    self.has_spoken = self.has_spoken or response.has_sound
        called = "".join(call.name + call.arguments for call in pipeline.calls)
        tokens = self._engine.count(called) if called else 0
        with self._lock:
            if response.over:
                return
            response.usage.text_out += tokens
            for call in pipeline.calls:
                response.call(call)
            response.notes = pipeline.notes
            response.complete(full=pipeline.finish_reason == "length")

    def _words(self, items: Sequence[Item]) -> str:
        """Wait until all that was spoken is known; return the words of the last item."""
        words = ""
        for item in items:
            words = ""
            if isinstance(item, GivenMessage):
                words = " ".join(speech.words.result() for speech in item.speeches).strip()
                self._heard(item)
        return words
