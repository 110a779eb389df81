"""Session: settings, transports, and the turns that are run on them. No IPython in here."""

import re
from collections import Counter
from contextlib import suppress
from copy import copy
from dataclasses import replace
from decimal import Decimal
from os import PathLike, fspath
from tempfile import TemporaryFile
from threading import Thread
from typing import TYPE_CHECKING, Self, Unpack

from . import redaction, suggestions
from .catalogue import catalogue
from .costs.budget import Budget, CallBudget
from .costs.ledger import Ledger
from .errors import AudiomagicError, CassetteError, OptionError, clean, one_line
from .files import reason
from .protocol.request import VERBATIM, Message
from .render.dry_run import DryRun
from .transports.record_replay import RecordingTransport, ReplayTransport
from .transports.resolve import resolve
from .transports.transport import Transport
from .turn.chats import Chats
from .turn.client import Client
from .turn.conversation import CellRun, Conversation
from .turn.listener import NullListener, StreamListener
from .turn.options import CallOptions, Options, checked, must_be
from .turn.question import SpokenQuestion
from .turn.reply import Reply
from .turn.turn import Turn, dry_run_comparison, transcribe_and_compare

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from .batch.batch import Batch
    from .realtime.conversation import RealtimeConversation
    from .transports.cassette import Cassette

LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z]{2,4})?")  # as "fr", "pt-BR"


class Session:
    """Talk with audio models.

    >>> session = Session(voice="coral")
    >>> session.speak("Tell me a joke", style="deadpan").save("joke.mp3")
    >>> session.listen("question.wav", "Answer briefly", chat="tutor").text

    Options, of a session for every call or of a single call:

    - `model`: an audio chat model, such as "gpt-audio-1.5" (the default).
    - `voice`: a voice's name or a custom voice's id; by default "alloy".
    - `style`: how to say it: language, accent, emotion, pace.
    - `system`: who the model is.
    - `chat`: the name of a conversation to continue; without one, a call stands alone.
    - `tools`: functions that the model may call: one, several, or a dict by name.
    - `engine`: who answers: "auto" (the default), "openai" or "local".
    - `base_url`: another server that speaks the protocol, such as "http://localhost:8000/v1".
    - `llm`, `stt`: the local engine's language model (a GGUF file) and speech recogniser (a Whisper
      folder); or for both a name on the model hub, or a URL.
    - `max_tokens`: cap on output tokens, those of sound and text together.
    - `max_cost`: cap on what the call may cost, in US dollars: "0.05", or a number.
    - `allow_unpriced`: under a cap, allow a model whose price is unknown.
    - `prices`: your own prices, a dict or a TOML file, before the listed ones.
    """

    __module__ = "audiomagic"  # where users have it from

    def __init__(
        self,
        *,
        api_key: str | None = None,
        notebook: str | PathLike[str] = "",
        **options: Unpack[Options],
    ):
        """Take defaults for every call; `api_key` stands in for $OPENAI_API_KEY.

        `notebook`: the path of the notebook that the ledger records calls for, or "" for none.
        """
        if api_key is not None:
            must_be(str, api_key=api_key)
        if not isinstance(notebook, str | PathLike):
            raise OptionError(f"notebook must be a path, not {type(notebook).__name__}")
        self.options = checked(options)
        self.chats = Chats()
        self.budget = Budget(Ledger(), print)
        self.notebook = clean(fspath(notebook))  # paths may hold any bytes
        self._key = api_key
        redaction.keep(api_key or "")
        self._transports: dict[Transport, Transport] = {}  # each is opened once
        self._recording: Cassette | None = None
        self._replay: ReplayTransport | None = None
        self._listener: StreamListener | None = None
        self._cell: CellRun | None = None
        self._sharing = 1
        self._claimed: Counter[str] | None = None  # takes of the recording cassette
        self._call_budget: CallBudget | None = None  # of the last call

    def speak(self, text: str, *, verbatim: bool = False, **options: Unpack[Options]) -> Reply:
        """Send a text; get a spoken answer, or with `verbatim` the text itself, read aloud.

        Raises AudiomagicError: OptionError, ConnectionFailed, RequestRejected, ...
        """
        turn, client = self._speaking(text, verbatim, options)
        return turn.run(client)

    def listen(
        self,
        sound: object,
        instruction: str = "",
        *,
        text_only: bool = False,
        expect: str = "",
        **options: Unpack[Options],
    ) -> Reply:
        """Send a sound with an instruction; get a spoken answer, or with `text_only` a written one.

        `sound` is whatever holds one: a Sound, a path, `(rate, array)`, a file's bytes, an open
        file, an IPython Audio, an uploaded file, the audio of a row of Hugging Face's `datasets`, a
        URL, which is fetched from that server alone; or a list of these. They follow the
        instruction, or stand in it where it says `{sound}`.
        With `expect`, what was understood is compared with that text: see the reply's
        `transcript_diff`.
        Raises AudiomagicError: SoundError for one that cannot be sent, and those of `speak`.
        """
        must_be(str, expect=expect)
        turn, client = self._listening(sound, instruction, text_only, options)
        if expect.strip():
            return transcribe_and_compare(turn, client, expect)
        return turn.run(client)

    def converse(
        self,
        instructions: str = "",
        *,
        language: str = "",
        keep_sound: bool = False,
        **options: Unpack[Options],
    ) -> "RealtimeConversation":
        """Begin a live conversation on the Realtime protocol; `instructions` say who the model is.

        >>> with session.converse("You are a tutor", voice="marin", tools=[lookup]) as talk:
        ...     talk.say("Bonjour"), talk.hear("question.wav")

        `language`: what you speak, as an ISO 639-1 code, for the transcription. `keep_sound`: keep
        what you say as sound, not in words alone. `max_cost` is for the whole conversation,
        `max_tokens` for each answer. With `chat`, it continues what was said there, and
        `speak(chat=...)` continues it. The session's `model` is used unless it is one of Chat
        Completions. Nothing is sent before the first turn. Raises AudiomagicError as `speak` does.
        """
        from .realtime.conversation import RealtimeConversation
        from .transports.realtime.transport import RealtimeTransport

        must_be(str, instructions=instructions, language=language)
        for name in options:
            if name not in Options.__annotations__:
                known = [*Options.__annotations__, "language", "keep_sound"]
                raise OptionError(suggestions.unknown("option", name, known))
        if language and not LANGUAGE.fullmatch(language):
            shown = one_line(language, 40)
            raise OptionError(f"language must be a code such as fr, not '{shown}'")
        must_be(bool, keep_sound=keep_sound)
        options["model"] = options.get("model") or self._realtime_model
        resolved = CallOptions.of(self.options, options)
        transport = RealtimeTransport(self._transport(resolved), language)
        client = self._client(resolved, transport)
        who = "\n".join(filter(None, (instructions, resolved.system)))
        longest = catalogue().realtime_max_output
        chat = self.chats.open(resolved.chat) if resolved.chat else Conversation("")
        turn = self._turn(Message("user"), resolved.voice, resolved, client)
        turn = replace(
            turn,
            system=who,
            chat=chat,
            max_tokens=min(resolved.max_tokens or longest, longest),
            keeps_unanswered=True,
        )
        return RealtimeConversation(
            transport, client, turn, chat, keep_sound=keep_sound, listener=self._listener
        )

    def map(
        self,
        items: object,
        template: str = "",
        *,
        executor: "Executor | None" = None,
        workers: int = 8,
        save: "str | PathLike[str] | None" = "out/{i:04}.mp3",
        verbatim: bool = False,
        text_only: bool = False,
        expect: str = "",
        progress: bool = True,
        **options: Unpack[Options],
    ) -> "Batch":
        """Speak each text of a list, listen to each sound or Path, fill the template by each row.

        >>> session.map(frame, "{word}, as in: {sentence}", save="cards/{word}.mp3").frame()

        Rows are dicts, or a DataFrame's, of pandas, polars, pyarrow and others; one with a `sound`
        or a `file`, or sounds as its `audio`, is listened to, and the template is the instruction.
        A column may also stand in an option (`style="{mood}"`). `save` names the files that the
        sounds go to; None keeps them in memory. `workers`: calls at once, on threads or on any
        `executor`. `max_cost` is for all items together. Requests whose answers a recording
        cassette already has are answered from it, at no cost.
        An item that fails has its error in its place. Raises OptionError, SoundError; Interrupted,
        whose `reply` is the Batch so far.
        """
        from .batch.batch import run_batch

        return run_batch(
            self, items, template, executor=executor, workers=workers, save=save,
            verbatim=verbatim, text_only=text_only, expect=expect, progress=progress,
            options=options,
        )  # fmt: skip

    def dry_run(
        self,
        text: str = "",
        sound: object = None,
        *,
        verbatim: bool = False,
        text_only: bool = False,
        expect: str = "",
        **options: Unpack[Options],
    ) -> DryRun:
        """Return what `speak(text)` would send and cost, or `listen(sound, text)`; send nothing.

        `text_only`: answered in text. It says whether the caps would allow the call. Raises
        AudiomagicError as the call would, before it is sent.
        """
        must_be(str, expect=expect)
        if sound is None:
            turn, client = self._speaking(text, verbatim, options)
        else:
            turn, client = self._listening(sound, text, text_only, options)
        return dry_run_comparison(turn, client, expect) if expect.strip() else turn.dry_run(client)

    def warm_up(self, **options: Unpack[Options]) -> None:
        """Check the options, and open the connection ahead of a call, in a thread.

        The local engine's models take seconds to load. Raises AudiomagicError as the call would.
        """
        resolved = CallOptions.of(self.options, options)
        transport = self._transport(resolved)
        transport.check(resolved.model, resolved.voice)

        def open_it() -> None:
            with suppress(AudiomagicError):  # the call itself will raise it
                transport.open(lambda line: None)

        Thread(target=open_it, daemon=True).start()

    def set_api_key(self, key: str) -> None:
        """Take a key for the service, in this process alone. Raises OptionError."""
        must_be(str, key=key)
        self._key = key
        redaction.keep(key)

    def adopt(self, earlier: "Session") -> None:
        """Continue with the chats, the key and the cassette of another session."""
        self.chats, self._key = earlier.chats, earlier._key
        self._recording, self._replay = earlier._recording, earlier._replay

    @property
    def ledger(self) -> Ledger:
        """Every call of every notebook: `session.ledger.rows()`, for pandas."""
        return self.budget.ledger

    def transport(self, **options: Unpack[Options]) -> Transport:
        """Return what would answer a call with these options.

        Raises OptionError, EngineError where nothing can.
        """
        return self._transport(CallOptions.of(self.options, options))

    # -- cassettes ----------------------------------------------------------------------------
    def record(self, folder: str | PathLike[str]) -> "Cassette":
        """Keep every exchange from now on in a folder. Raises CassetteError."""
        from .transports.cassette import Cassette  # a fifth of a second, for those who use it

        cassette = Cassette(folder)
        try:
            cassette.folder.mkdir(exist_ok=True)
            with TemporaryFile(dir=cassette.folder):  # found out now, not after a paid call
                pass
        except OSError as error:
            raise CassetteError(f"cannot record in {cassette.name}: {reason(error)}") from error
        self._recording, self._replay = cassette, None
        return cassette

    def replay(self, folder: str | PathLike[str], pace: bool = True) -> "Cassette":
        """Answer from a folder from now on, at the recorded pace or at once, at no cost.

        Raises CassetteError; a call raises NotRecorded for a request that is not in it.
        """
        from .transports.cassette import Cassette

        cassette = Cassette(folder)
        if not cassette.exchanges():
            if refused := next(iter(cassette.refused.values()), ""):
                raise CassetteError(f"no recording in {cassette.name} can be read: {refused}")
            raise CassetteError(f"there are no recordings in {cassette.name}")
        self._recording, self._replay = None, ReplayTransport(cassette, pace)
        return cassette

    def live(self) -> None:
        """Send requests to servers or the engine again, and record nothing."""
        self._recording = self._replay = None

    @property
    def cassette(self) -> "Cassette | None":
        """The cassette that is recorded or replayed, if any."""
        return self._replay.cassette if self._replay else self._recording

    @property
    def replaying(self) -> bool:
        """Whether a cassette answers."""
        return self._replay is not None

    # -- one turn -----------------------------------------------------------------------------
    def bound(
        self,
        *,
        listener: StreamListener | None = None,
        cell: CellRun | None = None,
        sharing: int = 1,
    ) -> Self:
        """Return a view of this session whose calls are followed by a listener and belong to a run
        of a cell: in a chat, a later run of the cell replaces its turn.

        `sharing`: the number of parallel calls that split what the caps leave.
        """
        view = copy(self)
        view._listener, view._cell, view._sharing = listener, cell, sharing
        view._call_budget = None
        return view

    def resuming(self) -> Self:
        """Return a view for one batch: while recording, its requests are answered from what the
        cassette had before, each take once.
        """
        view = copy(self)
        view._claimed = Counter()
        return view

    def charged(self) -> Decimal | None:
        """Return the US dollars that the last call of this view counts for under a cap.

        That is its cost, or what it may have cost; None where that is unknown.
        """
        budget = self._call_budget
        if budget is None:
            return Decimal(0)
        return budget.spent if budget.known else None

    def _client(self, options: CallOptions, transport: Transport | None = None) -> Client:
        transport = transport or self._transport(options)
        cell = self._cell.cell if self._cell else ""
        call_budget = self._call_budget = options.call_budget(cell, self._sharing)
        listener = self._listener or NullListener()
        report = self._listener.on_progress if self._listener else None
        return Client(transport, self.budget, call_budget, listener, report, self.notebook)

    def _transport(self, options: CallOptions) -> Transport:
        if self._replay:
            return self._replay
        transport = resolve(options.engine, options.base_url, self._key, options.llm, options.stt)
        transport = self._transports.setdefault(transport, transport)
        if self._recording:
            return RecordingTransport(transport, self._recording, self._claimed)
        return transport

    @property
    def _realtime_model(self) -> str:
        """The model of conversations: the session's own, unless that is one of Chat Completions."""
        own = self.options.get("model") or ""
        return catalogue().default_realtime_model if own in ("", *catalogue().models) else own

    def _speaking(self, text: str, verbatim: bool, given: Options) -> tuple[Turn, Client]:
        must_be(str, text=text)
        must_be(bool, verbatim=verbatim)
        options = CallOptions.of(self.options, given)
        client = self._client(options)
        turn = self._turn(Message.user(text), options.voice, options, client)
        return replace(turn, task=VERBATIM if verbatim else ""), client

    def _listening(
        self, sound: object, instruction: str, text_only: bool, given: Options
    ) -> tuple[Turn, Client]:
        must_be(str, instruction=instruction)
        must_be(bool, text_only=text_only)
        options = CallOptions.of(self.options, given)
        client = self._client(options)
        question = SpokenQuestion.of(sound, instruction)
        voice = None if text_only else options.voice
        turn = self._turn(question.message, voice, options, client)
        return replace(turn, notes=question.notes), client

    def _turn(
        self, question: Message, voice: str | None, options: CallOptions, client: Client
    ) -> Turn:
        toolbox = options.toolbox
        client.transport.check(options.model, voice)
        chat = self.chats.open(options.chat) if options.chat else None
        return Turn(
            question, options.model, voice, options.system, options.style,
            max_tokens=options.max_tokens, toolbox=toolbox, chat=chat, cell=self._cell,
        )  # fmt: skip
