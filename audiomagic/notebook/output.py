"""Output: runs an invocation for a cell; its reply is shown once, bound to a name, saved."""

from typing import TYPE_CHECKING, Any

from IPython.core.interactiveshell import InteractiveShell
from IPython.display import HTML, display

from ..errors import AudiomagicError, Interrupted, OptionError, SoundError
from ..render.conversation import MODEL
from ..render.html import visible
from ..turn.comparison import Comparison
from ..turn.conversation import CellRun
from ..turn.reply import STOPPED, Reply, savable
from . import frontend
from .live_conversation import ConversationView, LivePage, LiveTranscript
from .live_output import LiveCard, LiveText

if TYPE_CHECKING:
    from ..realtime.conversation import RealtimeConversation
    from ..session import Session
    from .invocation import Invocation, Result
    from .live_panel import LivePanel
    from .recording import Recording


class Output:
    def __init__(self, shell: InteractiveShell):
        self._shell = shell
        self._shown: object = None  # a cell's result that is on show already
        self._recordings: dict[str, tuple[int, list[Recording]]] = {}  # by cell: of its last run
        self._panels: dict[str, LivePanel] = {}  # of live conversations, by cell
        shell.events.register("post_run_cell", self._forget)

    def close(self) -> None:
        self._shell.events.unregister("post_run_cell", self._forget)
        for _, recordings in self._recordings.values():
            for recording in recordings:
                recording.close()
        for panel in self._panels.values():
            panel.close()

    def run(self, invocation: "Invocation", session: "Session") -> Any:
        if invocation.each:
            return self._run_each(invocation, session)
        options = invocation.options
        if options.dry_run:
            display(invocation.dry_run(session, self._cell))  # type: ignore[no-untyped-call]
            return None
        if options.save:
            savable(options.save)
        live: LiveCard | LiveText | None = None
        if not options.quiet:
            live = self._live_card(invocation) if frontend.redraws(self._shell) else LiveText()
        call, given = invocation.call(session, live, self._cell), invocation.given()
        if live:
            live.open()
        try:
            reply = call(given)
        except BaseException as error:
            part = error.reply if isinstance(error, AudiomagicError | Interrupted) else None
            if isinstance(part, Reply | Comparison):
                self._bind(invocation, part)
                if live:
                    live.settle(part)
            elif live:
                live.clear()
            raise
        if live:
            live.settle(reply)
        self._bind(invocation, reply)
        self._note_shown(reply)
        if options.save:
            saved = reply.save(options.save)
            if not frontend.redraws(self._shell):
                print(f"saved {visible(str(saved))}")
        return reply

    def _run_each(self, invocation: "Invocation", session: "Session") -> Any:
        each, quiet = invocation.each, invocation.options.quiet
        assert each
        try:
            batch = each.run(invocation, session)
        except Interrupted as error:
            self._bind(invocation, error.reply)
            raise
        result: Any = batch
        from ..batch.display import cards
        from ..batch.frames import is_table

        if is_table(each.items):
            if not quiet:
                display(HTML(cards(batch.rows, batch.results)))  # type: ignore[no-untyped-call]
            result = batch.frame()
        elif quiet:
            self._note_shown(batch)
        self._bind(invocation, result)
        return result

    def converse(self, invocation: "Invocation", session: "Session") -> "RealtimeConversation":
        """Hold a conversation turn by turn; of what fails, the turns before it stay."""
        options = invocation.options
        if options.save:
            savable(options.save, ("html",))
        if not invocation.sources:
            return self._converse_live(invocation, session)
        turns, view = invocation.turns(), self._view(invocation)
        with invocation.converse(session, view.listener, self._cell) as talk:
            for number, turn in enumerate(turns, 1):
                view.begin(turn)
                try:
                    reply = talk.say(turn) if isinstance(turn, str) else talk.hear(turn)
                except BaseException as error:
                    part = error.reply if isinstance(error, AudiomagicError | Interrupted) else None
                    view.fail(talk, part)
                    if type(error) is KeyboardInterrupt:  # while words were waited for
                        raise Interrupted("what was said is kept") from None
                    raise
                finally:
                    if talk.turns:
                        self._bind(invocation, talk)
                view.end(talk, reply)
                if reply.finish_reason == STOPPED and number < len(turns):
                    raise Interrupted(
                        f"stopped at turn {number} of {len(turns)}; the rest was not sent", reply
                    )
            view.close(talk)
        self._note_shown(talk)
        if options.save:
            saved = talk.save(options.save)
            if not frontend.redraws(self._shell):
                print(f"saved {visible(str(saved))}")
        return talk

    def _converse_live(
        self, invocation: "Invocation", session: "Session"
    ) -> "RealtimeConversation":
        """Show a panel, in which the conversation is held while other cells run."""
        frontend.check_microphone(self._shell, "--say TEXT, --file PATH or --sound NAME")
        if session.cassette:
            raise OptionError(
                "a cassette cannot record a microphone; end it with %audiomagic live, or use "
                "--say, --file or --sound"
            )
        from .live_panel import LivePanel

        options, cell = invocation.options, self._cell
        if cell and (earlier := self._panels.pop(cell.cell, None)):  # it is run again
            earlier.close()
        talk = invocation.converse(session, None, cell)

        def done() -> None:
            if options.save:
                talk.save(options.save)

        minutes = options.max_minutes
        panel = LivePanel(
            talk, done, push_to_talk=options.push_to_talk, quiet=options.quiet,
            max_seconds=None if minutes is None else 60 * minutes,
        )  # fmt: skip
        if cell:
            self._panels[cell.cell] = panel
        self._bind(invocation, talk)
        self._note_shown(talk)
        return talk

    def _view(self, invocation: "Invocation") -> ConversationView:
        if invocation.options.quiet:
            return ConversationView()
        if not frontend.redraws(self._shell):
            return LiveTranscript(LiveText(MODEL))
        looked_at = frontend.has_user(self._shell)
        return LivePage(self._live_card(invocation) if looked_at else None)

    def record(self, invocation: "Invocation", session: "Session") -> "Recording":
        """Show a recorder; once it has recorded, run the call and put the card in its place."""
        frontend.check_microphone(self._shell, "--file PATH or --sound NAME")
        options = invocation.options
        if options.save:
            savable(options.save)
        invocation.warm_up(session)
        from .recording import PendingReply, Recording

        def done(reply: "Result") -> "Result | None":
            if self._shell.user_ns.get(options.out) is pending:  # else the name was bound anew
                self._bind(invocation, reply)
            if options.wait:
                self._note_shown(reply)
            try:
                if options.save:
                    reply.save(options.save)
            except SoundError as error:  # its cell has ended: said on the card
                reply = reply.noted(f"Not saved: {error}.")
            return None if options.quiet else reply

        cell = self._cell
        run, recordings = self._recordings.get(cell.cell, (0, [])) if cell else (0, [])
        if cell and run != cell.run:  # it is run again
            for earlier in recordings:
                earlier.close()
            recordings = []
            self._recordings[cell.cell] = cell.run, recordings
        pending = PendingReply(awaitable=frontend.waiting(self._shell) == "await")
        live = self._live_card(invocation)
        recording = Recording(
            invocation.call(session, live, cell), done, live, pending,
            max_seconds=options.max_seconds, hands_free=options.hands_free,
            noise_suppression=options.noise_suppression,
        )  # fmt: skip
        recordings.append(recording)
        self._bind(invocation, pending)
        self._note_shown(pending)
        return recording

    def _live_card(self, invocation: "Invocation") -> LiveCard:
        if not invocation.audible or not frontend.has_user(self._shell):
            return LiveCard()
        from ..widgets.player import Player

        return LiveCard(Player)

    @property
    def _cell(self) -> CellRun | None:
        """The running cell, and which of its runs; None where the front end does not say."""
        cell = frontend.cell_id(self._shell)
        return CellRun(cell, self._shell.execution_count) if cell else None

    def _bind(self, invocation: "Invocation", reply: object) -> None:
        if invocation.options.out:
            self._shell.user_ns[invocation.options.out] = reply

    # -- a result that is shown already is not shown again ------------------------------------
    def _note_shown(self, result: object) -> None:
        self._shown = result
        if self._shell.display_formatter:  # for its class as it is now: it may be reloaded
            hook = self._shell.display_formatter.ipython_display_formatter
            hook.for_type(type(result), self._show)

    def _show(self, result: object) -> None:
        shown, self._shown = self._shown, None
        if result is not shown:
            raise NotImplementedError  # IPython then shows it the usual way

    def _forget(self, *_: object) -> None:
        self._shown = None
