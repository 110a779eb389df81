"""The engine as a WSGI app that speaks OpenAI's API, in this process or over HTTP."""

from codecs import BOM_UTF8
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

from werkzeug.exceptions import NotFound
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request as HTTPRequest
from werkzeug.wrappers import Response

from ...errors import one_line
from ..engine import Engine
from .chat import ChatCompletions
from .errors import APIError
from .models import CARD, card
from .realtime import Conversations
from .replies import error_reply, json_reply
from .responses import Responses
from .speech import speech
from .transcriptions import transcription

ROUTES = Map(
    [
        Rule("/v1/models", methods=["GET"], endpoint="models"),
        Rule("/v1/models/<path:model>", methods=["GET"], endpoint="model"),
        Rule("/v1/chat/completions", methods=["POST"], endpoint="chat"),
        Rule("/v1/audio/speech", methods=["POST"], endpoint="speech"),
        Rule("/v1/audio/transcriptions", methods=["POST"], endpoint="transcription"),
        Rule("/v1/realtime", methods=["GET"], endpoint="realtime"),
        Rule("/v1/responses", methods=["POST"], endpoint="respond"),
        Rule("/v1/responses/<response_id>", methods=["GET"], endpoint="response"),
        Rule("/v1/responses/<response_id>", methods=["DELETE"], endpoint="forget"),
    ],
    merge_slashes=False,
)


class App:
    """Answers OpenAI's API: chat, responses, conversations, speech, transcriptions and models."""

    def __init__(self, engine: Engine):
        self._engine = engine
        self._responses = Responses(engine)
        self._chat = ChatCompletions(engine)
        self._conversations = Conversations(engine)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        try:
            response = self._answer(HTTPRequest(environ))
        except Exception as error:  # whatever it is, the client is told in the protocol's shape
            response = error_reply(error)
        return response(environ, start_response)

    def close(self) -> None:
        """End the conversations that are held."""
        self._conversations.close()

    def _answer(self, request: HTTPRequest) -> Response:
        try:
            endpoint, named = ROUTES.bind("engine").match(request.path, request.method)
        except NotFound:
            url = one_line(f"{request.method} {request.path}", 80)
            line = f"Unknown request URL: {url}."
            raise APIError(line, None, "unknown_url", 404) from None
        match endpoint:
            case "models":
                return json_reply({"object": "list", "data": [CARD]})
            case "model":
                return json_reply(card(**named))
            case "chat":
                return self._chat.create(_body(request))
            case "speech":
                return speech(self._engine, _body(request))
            case "transcription":
                return transcription(self._engine, request)
            case "realtime":
                return self._conversations.hold(request)
            case "respond":
                return self._responses.create(_body(request))
            case "response":
                return self._responses.retrieve(**named, query=request.args)
            case _:
                return self._responses.forget(**named)


def _body(request: HTTPRequest) -> bytes:
    """Return JSON without the mark that Windows' editors and shells put before a text."""
    return request.get_data().removeprefix(BOM_UTF8)
