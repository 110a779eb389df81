"""Session: settings, far ends, and the turns that were run on them. No IPython in here."""

from dataclasses import replace
from typing import TYPE_CHECKING, Unpack

from . import redaction
from .costs.budget import Budget
from .costs.ledger import Ledger
from .protocol.request import VERBATIM, Message
from .render.dry_run import DryRun
from .speech.trim import note, trim_silence
from .taped import Taped
from .transports import model_list
from .transports.endpoint import Endpoint, resolve
from .turn.chats import Chats
from .turn.client import Client
from .turn.conversation import CellRun
from .turn.listener import StreamListener
from .turn.options import Options, Settings, checked
from .turn.question import sounds_of, spoken, written
from .turn.reply import Reply
from .turn.turn import Turn

if TYPE_CHECKING:
    from concurrent.futures import Executor
    from os import PathLike

    from .batch.batch import Batch


class Session(Taped):
    """Talk with audio models.

    >>> session = Session(voice="coral")
    >>> session.speak("Tell me a joke", style="deadpan").save("joke.mp3")
    >>> session.listen("question.wav", "Answer briefly", chat="tutor").text
    """

    def __init__(
        self, *, api_key: str | None = None, notebook: str = "", **options: Unpack[Options]
    ):
        """Take defaults for every call; `api_key` stands in for $OPENAI_API_KEY.

        `notebook`: whose calls these are in the ledger, a path, or "" for none.
        """
        self.options = checked(options)
        self.chats = Chats()
        self.notebook = notebook.encode("utf-8", "replace").decode()  # a path may be no text
        self._key = api_key
        redaction.keep(api_key or "")
        self._caller = Client(self.notebook)

    def speak(
        self,
        text: str,
        *,
        verbatim: bool = False,
        listener: StreamListener | None = None,
        origin: CellRun | None = None,
        among: int = 1,
        **options: Unpack[Options],
    ) -> Reply:
        """Send a text; get a spoken answer, or with `verbatim` the text itself, read aloud.

        `origin` names the cell's run: in a chat, a later run of the cell replaces its turn.
        `among`: so many calls are made at once, and share what the caps leave.
        Raises AudiomagicError: OptionError, ConnectionFailed, RequestRejected, InvalidResponse, ...
        """
        turn = self._speaking(text, verbatim, Settings.of(self.options, options), origin, among)
        return turn.run(self._caller, listener)

    def listen(
        self,
        sound: object,
        instruction: str = "",
        *,
        text: bool = False,
        expect: str = "",
        listener: StreamListener | None = None,
        origin: CellRun | None = None,
        among: int = 1,
        **options: Unpack[Options],
    ) -> Reply:
        """Send a sound with an instruction; get a spoken answer, or with `text` a written one.

        `sound` is whatever holds one: a Sound, a path, `(rate, array)`, an IPython Audio, bytes; or
        a list of these. They follow the instruction, or stand in it where it says `{sound}`.
        With `expect`, what was understood is held against that text: the reply's `diction`.
        Raises AudiomagicError: SoundError for one that cannot be sent, and those of `speak`.
        """
        settings = Settings.of(self.options, options)
        turn = self._listening(sound, instruction, text, settings, origin, among)
        if not expect.strip():
            return turn.run(self._caller, listener)
        from .turn.practice import transcribe_and_compare

        return transcribe_and_compare(turn, expect, lambda one: one.run(self._caller, listener))

    def map(
        self,
        items: object,
        template: str = "",
        *,
        executor: "Executor | None" = None,
        workers: int = 8,
        save: "str | PathLike[str] | None" = "out/{i:04}.mp3",
        verbatim: bool = False,
        text: bool = False,
        expect: str = "",
        progress: bool = True,
        **options: Unpack[Options],
    ) -> "Batch":
        """Speak each text of a list, listen to each sound or Path, fill the template by each row.

        >>> session.map(frame, "{word}, as in: {sentence}", save="cards/{word}.mp3").frame()

        Rows are a DataFrame's, or dicts; one with a `sound` or a `file` is listened to, and the
        template is the instruction. A column may also stand in an option (`style="{mood}"`). `save`
        names the files that the sounds go to; None keeps them in memory. `workers`: calls at once,
        on threads or on any `executor`. `max_cost` is for all items together. What a cassette that
        is recorded holds already is answered from it, for nothing.
        An item that fails has its error in its place. Raises OptionError, SoundError; Interrupted,
        whose `reply` is the Batch so far.
        """
        from .batch.batch import run_batch

        return run_batch(
            self, items, template, executor=executor, workers=workers, save=save,
            verbatim=verbatim, text=text, expect=expect, progress=progress, options=options,
        )  # fmt: skip

    def dry_run(
        self,
        text: str = "",
        sound: object = None,
        *,
        verbatim: bool = False,
        text_only: bool = False,
        expect: str = "",
        origin: CellRun | None = None,
        **options: Unpack[Options],
    ) -> DryRun:
        """Say what `speak(text)` would send and cost, or `listen(sound, text)`; send nothing.

        `in_text`: answered in text. Raises AudiomagicError as the call would, before it is sent.
        """
        settings = Settings.of(self.options, options)
        if sound is None:
            turn = self._speaking(text, verbatim, settings, origin)
        else:
            turn = self._listening(sound, text, text_only, settings, origin)
        if not expect.strip():
            return turn.dry_run(self._caller)
        from .turn.practice import forecast

        return forecast(turn, expect, self._caller)

    def warm_up(self, **options: Unpack[Options]) -> None:
        """Check the options, and open the connection ahead of a call, in a thread.

        The embedded engine's models take seconds to load. Raises AudiomagicError as the call would.
        """
        settings = Settings.of(self.options, options)
        route = self._route(settings)
        if route.engine == "local":
            settings.check_local(settings["voice"])
        if route.engine == "replay":
            return
        model_list.refuse_shut_down(settings["model"], route)

        self._caller.prepare(route)

    def set_api_key(self, key: str) -> None:
        """Take a key for the service, in this process alone."""
        self._key = key
        redaction.keep(key)

    def adopt(self, earlier: "Session") -> None:
        """Go on with the chats, the key and the cassette of another session."""
        self.chats, self._key = earlier.chats, earlier._key
        self._caller.tape = earlier.tape

    @property
    def budget(self) -> Budget:
        """Where calls are booked: its ledger and its caps."""
        return self._caller.budget

    @property
    def ledger(self) -> Ledger:
        """Every call of every notebook: `session.ledger.rows()`, for pandas."""
        return self.budget.ledger

    def endpoint(self, **options: Unpack[Options]) -> Endpoint:
        """Say where a call with these options would go."""
        return self._route(Settings.of(self.options, options))

    # -- one turn -----------------------------------------------------------------------------
    def _speaking(
        self,
        text: str,
        verbatim: bool,
        settings: Settings,
        origin: CellRun | None,
        among: int = 1,
    ) -> Turn:
        turn = self._turn(written(text), settings["voice"], settings, origin, among)
        return replace(turn, task=VERBATIM) if verbatim else turn

    def _listening(
        self,
        sound: object,
        instruction: str,
        text_only: bool,
        settings: Settings,
        origin: CellRun | None,
        among: int = 1,
    ) -> Turn:
        voice = None if text_only else settings["voice"]
        whole = sounds_of(sound)
        sent = list(map(trim_silence, whole))
        turn = self._turn(spoken(sent, instruction), voice, settings, origin, among)
        saved = sum(one.seconds for one in whole) - sum(one.seconds for one in sent)
        return replace(turn, notes=(note(saved),)) if saved else turn

    def _turn(
        self,
        question: Message,
        voice: str | None,
        settings: Settings,
        origin: CellRun | None,
        among: int,
    ) -> Turn:
        route = self._route(settings)
        if route.engine == "local":
            settings.check_local(voice)
        chat = self.chats.open(settings["chat"]) if settings["chat"] else None
        return Turn.of(question, route, voice, settings, chat, origin, among)

    def _route(self, settings: Settings) -> Endpoint:
        if self.tape and self.tape.plays:
            return self.tape.route
        engine, llm, stt = (settings[name] or "" for name in ("engine", "llm", "stt"))
        if (llm or stt) and engine in ("", "auto") and not settings["base_url"]:
            engine = "local"  # whoever names its models means it
        route = resolve(engine or "auto", settings["base_url"], self._key)
        return replace(route, llm=llm, stt=stt) if route.engine == "local" else route
