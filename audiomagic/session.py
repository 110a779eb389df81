"""Session: settings, a far end, and the turns that were run on it. No IPython in here."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from itertools import zip_longest
from os import PathLike
from threading import Thread
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from . import client, models, spelling
from .caller import Audience, Caller, Tape
from .catalogue import catalogue
from .chats import Chats
from .conversation import Origin
from .errors import AudiomagicError, OptionError
from .receipt import Receipt
from .reply import Reply
from .sound import Sound
from .turn import Turn
from .wire.request import VERBATIM, Message

if TYPE_CHECKING:
    from .cassette import Cassette
    from .tools import Functions, Toolbox

PLACE = "{sound}"  # where a sound stands in the words that go with it


class Options(TypedDict, total=False):
    """What a session, or one call, can be told. None stands for "as the session says"."""

    model: str | None
    voice: str | None
    style: str | None  # how to say it: language, accent, emotion, pace
    system: str | None  # who the model is
    chat: str | None  # the conversation to continue; without one a call stands alone
    tools: "Functions | None"  # that the model may call: one, several, or by name
    engine: str | None  # "auto", "openai" or "local"
    base_url: str | None
    max_tokens: int | None  # cap on output tokens, audio and text together


class Session:
    """Talk with audio models.

    >>> session = Session(voice="coral")
    >>> session.speak("Tell me a joke", style="deadpan").save("joke.mp3")
    >>> session.listen("question.wav", "Answer briefly", chat="tutor").text
    """

    def __init__(self, *, api_key: str | None = None, **options: Unpack[Options]):
        """Take defaults for every call; `api_key` stands in for $OPENAI_API_KEY."""
        self.options = _checked(options)
        self.chats = Chats()
        self._key = api_key
        self._caller = Caller()

    def speak(
        self,
        text: str,
        *,
        verbatim: bool = False,
        audience: Audience | None = None,
        origin: Origin | None = None,
        **options: Unpack[Options],
    ) -> Reply:
        """Send a text; get a spoken answer, or with `verbatim` the text itself, read aloud.

        `origin` names the cell's run: in a chat, a later run of the cell replaces its turn.
        Raises AudiomagicError: OptionError, ConnectionFailed, RequestRefused, BadAnswer, ...
        """
        if not isinstance(text, str) or not text.strip():
            raise OptionError("there is nothing to say; write some text")
        settings = self._settings(options)
        voice = settings["voice"]
        question, task = Message("user", (text,)), VERBATIM if verbatim else ""
        return self._turn(question, settings, audience, origin, voice=voice, task=task)

    def listen(
        self,
        sound: object,
        instruction: str = "",
        *,
        text: bool = False,
        expect: str = "",
        audience: Audience | None = None,
        origin: Origin | None = None,
        **options: Unpack[Options],
    ) -> Reply:
        """Send a sound with an instruction; get a spoken answer, or with `text` a written one.

        `sound` is whatever holds one: a Sound, a path, `(rate, array)`, an IPython Audio, bytes; or
        a list of these. They follow the instruction, or stand in it where it says `{sound}`.
        With `expect`, what was understood is held against that text: the reply's `diction`.
        Raises AudiomagicError: SoundError for one that cannot be sent, and those of `speak`.
        """
        settings = self._settings(options)
        sounds = [Sound.of(one) for one in (sound if isinstance(sound, list) else [sound])]
        question = Message("user", _placed(instruction, sounds))
        voice = None if text else settings["voice"]
        return self._turn(question, settings, audience, origin, voice=voice, expect=expect)

    def prepare(self, **options: Unpack[Options]) -> None:
        """Check the options, and open the connection ahead of a call, in a thread.

        The embedded engine's models take seconds to load. Raises AudiomagicError as the call would.
        """
        settings = self._settings(options)
        route = self._route(settings)
        if route.engine == "local":
            _check_local(settings["model"], settings["voice"])

        if route.engine == "replay":
            return

        def open_it() -> None:
            with suppress(AudiomagicError):  # the call itself will say it
                self._caller.connect(route, lambda line: None)

        Thread(target=open_it, daemon=True).start()

    def use_key(self, key: str) -> None:
        """Take a key for the service, in this process alone."""
        self._key = key

    def record(self, folder: str | PathLike[str]) -> "Cassette":
        """Keep every exchange from now on in a folder. Raises CassetteError."""
        return self._insert(folder, plays=False)

    def replay(self, folder: str | PathLike[str], pace: bool = True) -> "Cassette":
        """Answer from a folder from now on, at the recorded pace or at once, at no cost.

        Raises CassetteError; a call then raises NotRecorded for a request that is not in it.
        """
        return self._insert(folder, plays=True, pace=pace)

    def live(self) -> None:
        """Call far ends again, and record nothing."""
        self._caller.tape = None

    def _insert(self, folder: str | PathLike[str], plays: bool, pace: bool = True) -> "Cassette":
        from .cassette import Cassette  # a fifth of a second, for those who use it

        self._caller.tape = Tape(Cassette(folder), plays, pace)
        return self._caller.tape.cassette

    @property
    def tape(self) -> "Tape | None":
        """The cassette that is recorded on or answers, if any."""
        return self._caller.tape

    @property
    def receipts(self) -> Sequence[Receipt]:
        """What was asked and answered so far."""
        return self._caller.receipts

    @property
    def spent(self) -> Decimal:
        """US dollars paid so far; calls without a known price are not in it."""
        return sum((receipt.cost or Decimal(0) for receipt in self.receipts), Decimal(0))

    def route(self, **options: Unpack[Options]) -> client.Route:
        """Say where a call with these options would go."""
        return self._route(self._settings(options))

    # -- one turn -----------------------------------------------------------------------------
    def _settings(self, options: Mapping[str, Any]) -> dict[str, Any]:
        given = {name: value for name, value in _checked(options).items() if value is not None}
        settings = dict.fromkeys(Options.__annotations__) | self.options | given
        settings["model"] = settings["model"] or catalogue().default_model
        settings["voice"] = settings["voice"] or catalogue().default_voice
        return settings

    def _route(self, settings: Mapping[str, Any]) -> client.Route:
        if self.tape and self.tape.plays:
            return client.Route("replay", f"cassette {self.tape.cassette.folder.name}")
        return client.choose(settings["engine"] or "auto", settings["base_url"], self._key)

    def _turn(
        self,
        question: Message,
        settings: Mapping[str, Any],
        audience: Audience | None,
        origin: Origin | None,
        *,
        voice: str | None,
        task: str = "",
        expect: str = "",
    ) -> Reply:
        route = self._route(settings)
        if route.engine == "local":
            _check_local(settings["model"], voice)
        turn = Turn(
            question,
            route,
            settings["model"],
            voice,
            settings["system"] or "",
            settings["style"] or "",
            task,
            settings["max_tokens"],
            _toolbox(settings["tools"]),
            self.chats.open(settings["chat"]) if settings["chat"] else None,
            origin,
        )
        if not expect.strip():
            return turn.run(self._caller, audience)
        from .practice import practise

        return practise(turn, expect, lambda one: one.run(self._caller, audience))


def _toolbox(functions: "Functions | None") -> "Toolbox | None":
    if not functions:
        return None
    from .tools import Toolbox  # a tenth of a second, for those who use it

    return Toolbox.of(functions)


def _placed(words: str, sounds: list[Sound]) -> tuple[str | Sound, ...]:
    """Put sounds where the words say `{sound}`, one after the other; the others follow."""
    first, *others = words.split(PLACE, len(sounds))
    parts: list[str | Sound] = [first]
    for sound, text in zip_longest(sounds, others, fillvalue=""):
        parts += [sound, text]
    stripped = (part.strip() if isinstance(part, str) else part for part in parts)
    return tuple(part for part in stripped if part != "")


def _checked(options: Mapping[str, Any]) -> dict[str, Any]:
    for name in options:
        if name not in Options.__annotations__:
            raise OptionError(spelling.unknown("option", name, Options.__annotations__))
    return dict(options)


def _check_local(model: str, voice: str | None) -> None:
    """Refuse names that the service would refuse: the engine itself answers to any model's."""
    from .local.engine import MODEL

    if model not in (*catalogue().models, MODEL):
        raise OptionError(models.unknown(model))
    if voice and voice not in catalogue().voices:
        raise OptionError(spelling.unknown("voice", voice, catalogue().voices))
