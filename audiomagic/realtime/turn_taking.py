"""TurnTaking: a conversation with a person at a microphone, who speaks, types and interrupts.

A thread of its own takes the turns; the panel in the page and the server's events only tell it what
happens. Speaking over the model stops it: the page falls silent at once, the answer is cancelled,
and the model is told how much of it was heard.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import inf
from queue import Empty, SimpleQueue
from threading import Event as Flag
from threading import Thread, current_thread
from typing import Generic, Protocol, TypeVar

import numpy as np

from ..costs.receipt import Receipt
from ..errors import (
    AudiomagicError,
    BudgetExceeded,
    Interrupted,
    OptionError,
    RequestRejected,
    one_line,
)  # fmt: skip
from ..protocol.error import NO_CREDIT, NO_MODEL
from ..protocol.realtime.events import Event, item_id
from ..protocol.realtime.speech import STARTED, STOPPED, SpokenItem
from ..protocol.realtime.transcripts import COMMITTED, TRANSCRIPTION, Transcripts
from ..protocol.request import Message
from ..protocol.response import Delta
from ..sound import WIRE_RATE, Sound, pcm16_seconds
from ..transports.cancellation import Cancellation
from ..transports.realtime.session import GLANCE, RealtimeSession
from ..turn.reply import Reply
from .conversation import RealtimeConversation
from .microphone import Microphone
from .transcription import UNKNOWN, Transcription

MOST_FAILURES = 3  # one after the other, after which the conversation ends
RECOGNISING = 20.0  # seconds that the words of speech may take where they are needed
TRANSCRIBING = 2.0  # seconds that the last words may come late
LATE = "Some of what you said was lost: the network cannot keep up."
TIME_IS_UP = "It ended at the limit set by --max-minutes."
# Codes of errors that another session would meet again.
LASTING = (*NO_CREDIT, NO_MODEL, "invalid_api_key", "account_deactivated")
PAGE_LOST = "It ended because its page was closed."


class Panel(Protocol):
    """What is seen and heard of a conversation; every method may be called from any thread."""

    state: str  # connecting, listening, hearing, thinking, speaking, ended
    cost: str
    notice: str

    def user_words(self, item: str, text: str, final: bool) -> None: ...
    def model_words(self, item: str, text: str) -> None: ...
    def pcm(self, item: str, data: bytes) -> None: ...
    def item_done(self, item: str) -> None: ...
    def flush(self) -> None: ...
    def heard(self, item: str) -> str: ...


AnyPanel = TypeVar("AnyPanel", bound=Panel)


class TurnTaking(Generic[AnyPanel]):
    """Listens to a panel (see `widgets.conversation_panel`), and answers what it hears.

    Every `on_` method returns at once.
    """

    def __init__(
        self,
        talk: RealtimeConversation,
        panel: "Callable[[TurnTaking[AnyPanel]], AnyPanel]",
        done: Callable[[], object],
        *,
        push_to_talk: bool = False,
        max_seconds: float | None = None,
    ):
        """`panel` makes the panel that is listened to; `done` is called after the end, in the
        thread that takes the turns. `max_seconds`: the longest conversation.
        """
        self._talk, self._done = talk, done
        self._push_to_talk, self._max_seconds = push_to_talk, max_seconds
        self._ending = Flag()
        self._latest = inf  # the end, on the clock of `time.monotonic`
        self._failures = 0  # one after the other
        self._complaint = ""  # the last failure that the panel was told
        self._progress_line = ""  # the last one, about what takes time
        self._tasks: SimpleQueue[str | Mapping[str, int]] = SimpleQueue()  # texts, what was heard
        self._session: RealtimeSession | None = None
        self._microphone: Microphone | None = None
        self._answer: _Answer | None = None  # that is being made
        self._answers: dict[str, _Answer] = {}  # by item
        self._speaking = Flag()  # whether the user does
        self._waiting: list[SpokenItem] = []  # to be answered
        self._questions: list[_Question] = []  # whose words are still to come
        self._transcripts = Transcripts()  # for the panel, ahead of the thread that takes turns
        self._thread = Thread(target=self._run, name="conversation", daemon=True)
        self.panel = panel(self)

    def end(self) -> None:
        """End the conversation, if it has not ended, and wait until it has."""
        self.on_end()
        if self._thread.ident is None:
            self._finish()
        elif self._thread is not current_thread():
            self._thread.join()

    # -- what the panel tells -----------------------------------------------------------------
    def on_start(self) -> None:
        if self._thread.ident is None:
            self.panel.state = "connecting"
            self._thread.start()

    def on_audio(self, pcm: bytes) -> None:
        if microphone := self._microphone:
            microphone.append(pcm)

    def on_text(self, text: str) -> None:
        self._do(text)
        self._stop_answer()

    def on_talk(self, down: bool) -> None:
        if down:
            self._stop_answer()
        elif microphone := self._microphone:
            microphone.commit()

    def on_interrupt(self) -> None:
        self._stop_answer()

    def on_played(self, item: str, ms: int, done: bool) -> None:
        if done and self._answer is None and self.panel.state == "speaking":
            self.panel.state = "listening"

    def on_flushed(self, positions: Mapping[str, int]) -> None:
        if positions:
            self._do(dict(positions))

    def on_end(self) -> None:
        self._ending.set()
        self._stop_answer()

    def on_page_lost(self) -> None:
        self._talk.notes.append(PAGE_LOST)
        self.on_end()

    def _do(self, task: str | Mapping[str, int]) -> None:
        self._tasks.put(task)
        if session := self._session:
            session.wake()

    def _stop_answer(self) -> None:
        if answer := self._answer:
            answer.cancellation.cancel()

    # -- what the server tells, as soon as it does ----------------------------------------------
    def _observe(self, event: Event) -> None:
        kind, item = event["type"], item_id(event)
        self._transcripts.add(event)
        if kind == STARTED:
            self._speaking.set()
            self.panel.flush()
            self._stop_answer()
            self.panel.state = "hearing"
            self.panel.user_words(item, "", False)  # its place, before the answer's
        elif kind == STOPPED:
            self._speaking.clear()
            self.panel.state = "thinking"
        elif kind == COMMITTED or kind.startswith(TRANSCRIPTION):
            transcript = self._transcripts.of(item)
            self.panel.user_words(item, transcript.words, transcript.complete)

    # -- turns ----------------------------------------------------------------------------------
    def _run(self) -> None:
        if self._max_seconds is not None:
            self._latest = time.monotonic() + self._max_seconds
        try:
            while not self._ending.is_set():
                try:
                    self._take_turns()
                except AudiomagicError as error:
                    self._failures += 1
                    self.panel.notice = self._complaint = one_line(error)
                    if _lasts(error) or self._failures == MOST_FAILURES:
                        self._talk.notes.append(one_line(error))
                        return
                except BaseException as error:  # of a tool, such as SystemExit
                    self._talk.notes.append(f"It ended because of {type(error).__name__}.")
                    raise
        finally:
            self._finish()

    def _take_turns(self) -> None:
        """Take turns on one session, until the end. Raises AudiomagicError."""
        talk = self._talk
        talk.transport.listen(self._observe, detects_turns=not self._push_to_talk)
        session = talk.transport.session(talk.request(), self._progress)
        self._speaking.clear()
        self._waiting.clear()  # what another session has heard
        self._session, self._microphone = session, Microphone(session, self._too_late)
        try:
            self.panel.state = "listening"
            if self.panel.notice == self._progress_line:
                self.panel.notice = ""
            while not self._ending.is_set():
                if time.monotonic() > self._latest:
                    talk.notes.append(TIME_IS_UP)
                    self._ending.set()
                elif not (self._next_task(session) or self._next_question(session)):
                    session.wait(GLANCE)
                self._end_transcriptions()
        except AudiomagicError:
            self._end_transcriptions(0)  # the next session knows nothing of them
            raise
        finally:
            microphone, self._session, self._microphone = self._microphone, None, None
            microphone.close()

    def _next_task(self, session: RealtimeSession) -> bool:
        try:
            task = self._tasks.get_nowait()
        except Empty:
            return False
        if isinstance(task, str):
            self.panel.user_words(f"typed-{time.monotonic_ns()}", task, True)
            self._take_turn(Message.user(task))
        else:
            self._cut(session, task)
        return True

    def _next_question(self, session: RealtimeSession) -> bool:
        while session.questions:
            spoken = session.questions.popleft()
            if self._has_words(spoken):
                self._waiting.append(spoken)
            else:
                session.cut({spoken.item: 0})  # a cough, or a door
                self.panel.state = "listening"
        if not self._waiting or self._speaking.is_set():
            return False  # who goes on to speak is answered when they have finished
        waiting, self._waiting = self._waiting, []
        sounds = tuple(Sound.from_pcm16(one.pcm) for one in waiting if one.pcm)
        question = Message("user", sounds)
        begin = self._talk.transcriptions.begin
        self._questions.append(_Question(question, [begin(one, one.seconds) for one in waiting]))
        self._talk.transport.heard(question)
        self._take_turn(question)
        return True

    def _has_words(self, spoken: SpokenItem) -> bool:
        """Whether anything was said: known beforehand where words alone are answered."""
        transport = self._talk.transport
        if not transport.provider.reads_words:
            return True
        transcript = transport.transcript(spoken, RECOGNISING)
        return not transcript or not transcript.complete or bool(transcript.words)

    def _take_turn(self, question: Message) -> None:
        talk, panel = self._talk, self.panel
        self._answer = answer = _Answer(panel, lambda: talk.transport.item)
        panel.state = "thinking"
        reply: object = None
        try:
            reply = talk.answer(question, answer)
            self._failures = 0
            if panel.notice == self._complaint:  # it is over
                panel.notice = ""
        except Interrupted as interrupted:
            reply = interrupted.reply
        except AudiomagicError as error:
            reply = error.reply
            talk.keep_unanswered(question, error)
            raise
        finally:
            self._answer = None
            if isinstance(reply, Reply):
                answer.receipt = reply.receipt
            for item in answer.seconds:
                panel.item_done(item)
                self._answers[item] = answer
            if not answer.spoken and panel.state == "thinking":
                panel.state = "listening"
            panel.cost = talk.spent

    def _cut(self, session: RealtimeSession, heard: Mapping[str, int]) -> None:
        """Have the model and the chat know what was heard of answers that were interrupted."""
        session.cut(heard)
        for answer in {id(a): a for item in heard if (a := self._answers.get(item))}.values():
            if answer.receipt:
                words = " ".join(filter(None, map(self.panel.heard, answer.seconds)))
                seconds = sum(
                    heard[item] / 1000 if item in heard else length
                    for item, length in answer.seconds.items()
                )
                self._talk.conversation.cut(answer.receipt, words, seconds)

    def _end_transcriptions(self, seconds: float | None = None) -> None:
        """Put the words of questions in their place: those that are there, or, with `seconds` to
        wait for them, all.
        """
        transcriptions = self._talk.transcriptions
        for question in list(self._questions):
            for one in question.transcriptions:
                if seconds is not None and not one.ended:
                    transcriptions.end(one, seconds)
                elif not one.ended:
                    transcriptions.end_if_complete(one)
            if all(one.ended for one in question.transcriptions):
                self._questions.remove(question)
                self._talk.heard(question.message, question.words, question.recording)

    def _finish(self) -> None:
        try:
            self._end_transcriptions(TRANSCRIBING)
        finally:
            self._talk.close()
            self.panel.state = "ended"
            self._done()

    def _progress(self, line: str) -> None:
        self.panel.notice = self._progress_line = line

    def _too_late(self) -> None:
        self.panel.notice = LATE


def _lasts(error: AudiomagicError) -> bool:
    """Whether what failed would fail again in any session."""
    if isinstance(error, RequestRejected):
        return error.code in LASTING or error.status in (401, 403)
    return isinstance(error, BudgetExceeded | OptionError)


@dataclass(eq=False)
class _Question:
    """What was spoken before an answer, and the transcriptions of its parts."""

    message: Message
    transcriptions: list[Transcription]

    @property
    def words(self) -> str:
        known = [one.words for one in self.transcriptions if one.words != UNKNOWN]
        return " ".join(known) or UNKNOWN

    @property
    def recording(self) -> Sound | None:
        samples = [sound.samples for sound in self.message.sounds]
        return Sound(np.concatenate(samples), WIRE_RATE) if samples else None


@dataclass(eq=False)
class _Answer:
    """Receives one answer, and passes it on to the panel by its items."""

    panel: Panel
    item: Callable[[], str]  # the id of the one that is arriving
    cancellation: Cancellation = field(default_factory=Cancellation)
    seconds: dict[str, float] = field(default_factory=dict)  # of sound, by item
    receipt: Receipt | None = None  # not the reply, which holds what the user said

    @property
    def spoken(self) -> bool:
        return any(self.seconds.values())

    def on_delta(self, delta: Delta) -> None:
        if self.cancellation.cancelled or not (delta.text or delta.pcm):
            return
        item = self.item()
        self.seconds.setdefault(item, 0.0)
        if delta.text:
            self.panel.model_words(item, delta.text)
        if delta.pcm:
            if not self.spoken:
                self.panel.state = "speaking"
            self.seconds[item] += pcm16_seconds(delta.pcm)
            self.panel.pcm(item, delta.pcm)

    def on_progress(self, line: str) -> None:
        self.panel.notice = line
