"""RealtimeConversation: what `Session.converse` returns."""

import os
import weakref
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import reduce
from operator import add
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from ..costs.pricing import dollars, exact, total
from ..errors import AudiomagicError, Interrupted, OptionError, SoundError, one_line
from ..protocol.request import Message, Request
from ..protocol.usage import Usage
from ..render.conversation import ConversationPage
from ..sound import Sound
from ..transports.realtime.transport import TRANSCRIBING, RealtimeTransport
from ..turn.client import Client
from ..turn.conversation import Conversation, Exchange, Speaker
from ..turn.listener import CancellableListener, StreamListener
from ..turn.options import must_be
from ..turn.question import SpokenQuestion
from ..turn.reply import Reply, savable, write_page
from ..turn.turn import Turn
from .events import ConversationEvent, FollowedListener, Followers
from .transcription import Transcriptions

SHORTEST = 0.1  # seconds of sound that a server takes


class RealtimeConversation:
    """A conversation held live: each turn is spoken or typed, and the model remembers them all.

    >>> with session.converse("You are a patient tutor", voice="marin") as talk:
    ...     talk.say("Bonjour").text
    ...     talk.hear("question.wav").sound
    >>> talk.turns, talk.cost, talk.save("talk.html")

    Its methods are for one thread at a time, except `interrupt` and `events`.
    """

    def __init__(
        self,
        transport: RealtimeTransport,
        client: Client,
        turn: Turn,
        conversation: Conversation,
        *,
        keep_sound: bool = False,
        listener: StreamListener | None = None,
    ):
        """`client` makes the requests of its turns, on `transport`; `turn` has all that they share.

        Of `conversation`, which may hold earlier turns, the model knows the words.
        """
        self.transport, self._client, self._turn = transport, client, turn
        self.conversation, self.keep_sound = conversation, keep_sound
        self._listener, self._current = listener, listener
        self._known: int | None = None  # turns of other cells that the model has been told
        self._id = uuid4().hex  # of its own turns: others may be in the chat
        self.transcriptions = Transcriptions(client, transport)
        self.notes: list[str] = []  # on the whole, such as why it has ended
        self._followers = Followers()
        self._end = weakref.finalize(self, _end, transport, self._followers)

    def say(self, text: str) -> Reply:
        """Send a typed turn; get the spoken answer.

        Raises AudiomagicError as `Session.speak` does; what was said before is kept.
        """
        must_be(str, text=text)
        return self.answer(Message.user(text), self._turn_listener)

    def hear(self, sound: object) -> Reply:
        """Send a spoken turn, a sound as `Session.listen` takes it; get the spoken answer.

        Raises AudiomagicError as `Session.listen` does.
        """
        question = spoken_turn(sound)
        spoken = question.message.sounds[0]
        transcription = self.transcriptions.begin(question.message, spoken.seconds)
        reply: Reply | None = None
        try:
            reply = self.answer(question.message, self._turn_listener, *question.notes)
            return reply
        finally:  # on whichever way out, the chat keeps the words of what was said
            try:
                self.transcriptions.end(transcription, TRANSCRIBING)
            except KeyboardInterrupt:
                self.transcriptions.end(transcription, 0)
                raise Interrupted(
                    "the answer is kept, and the words of your turn are not", reply
                ) from None
            finally:
                self.heard(question.message, transcription.words, spoken)

    def interrupt(self) -> None:
        """Stop the answer that is being made, from another thread; what came of it is kept."""
        if self._current:
            self._current.cancellation.cancel()

    def events(self) -> Iterator[ConversationEvent]:
        """Follow from another thread what happens from now on, until the conversation ends.

        >>> for event in talk.events():
        ...     print(event.kind, event.text)
        """
        return self._followers.follow()

    @property
    def turns(self) -> tuple[Exchange, ...]:
        """What was said on both sides: each has `question`, `answer`, `sound`, and `receipt`."""
        return tuple(one for one in self.conversation.exchanges if one.talk == self._id)

    @property
    def usage(self) -> Usage | None:
        """The tokens of all answers; None where they were not reported for each of them."""
        known = [one.receipt.usage for one in self.turns if one.receipt]
        reported = [usage for usage in known if usage]
        return reduce(add, reported) if reported and len(reported) == len(known) else None

    @property
    def cost(self) -> Decimal | None:
        """What was paid, in US dollars, for transcription and failed answers, too; None where that
        is not known.
        """
        return self._client.call_budget.cost

    @property
    def forecast(self) -> Decimal | None:
        """What the next answer will probably cost, in US dollars; None where that is not known,
        and after the end.

        It grows: every answer reads the whole conversation again.
        """
        if not self._end.alive:
            return None
        expected = self._client.estimate(self.request())
        if expected is None:  # it is free
            return Decimal(0)
        return expected.dollars[1] if expected.dollars else None

    @property
    def spent(self) -> str:
        """Cost and forecast in words; "" where nothing is paid."""
        if not self.transport.provider.paid:
            return ""
        spent, forecast = self.cost, self.forecast
        coming = "" if forecast is None else f" · next answer about {dollars(forecast)}"
        return ("cost unknown" if spent is None else dollars(spent)) + coming

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write it as a page that plays anywhere (.html). Raises SoundError."""
        return write_page(savable(path, ("html",)), self.page().document())

    def page(self, places: Sequence[str] = ()) -> ConversationPage:
        """Return it as a page; `places` are those of players, see ConversationPage."""
        besides = {**self.transcriptions.by_model, **self._paid_for_nothing}
        return ConversationPage(self.conversation.name, self.turns, besides, places, self.notes)

    @property
    @exact()
    def _paid_for_nothing(self) -> Mapping[str, Decimal | None]:
        """What was paid, or may have been, for answers that are not among the turns."""
        answers = [one.receipt.cost for one in self.turns if one.receipt]
        listed = [*answers, *self.transcriptions.costs]
        known = [cost for cost in listed if cost is not None]
        if self.cost is None:
            rest = None if len(known) == len(listed) else Decimal(0)
        else:
            rest = self.cost - total(known)
        return {} if rest == 0 else {"Answers that failed": rest}

    def close(self) -> None:
        """End it, from any thread. What was said stays."""
        self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return repr(self.page())

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return self.page()._repr_mimebundle_()

    def answer(self, question: Message, listener: StreamListener, *notes: str) -> Reply:
        """Have a question answered. Raises AudiomagicError, Interrupted; OptionError after the end.

        A question that the server has heard by its microphone is not sent again: see
        `RealtimeTransport.heard`.
        """
        if not self._end.alive:
            raise OptionError(
                "this conversation has ended; run its cell again, or call session.converse"
            )
        self._current = listener
        turn = replace(self._turn, question=question, notes=notes, talk=self._id)
        self._follow_chat()
        followed = FollowedListener(listener, self._followers)
        reply = turn.run(replace(self._client, listener=followed))
        self._followers.tell(ConversationEvent("reply", reply.text, reply=reply))
        return reply

    def _follow_chat(self) -> None:
        """Have the model know what other cells have said in the chat since."""
        others = [one for one in self.conversation.exchanges if one.talk != self._id]
        known, self._known = self._known, len(others)
        if known is None:  # the session is not open yet, and will be told all
            return
        speaker = Speaker("", "")  # who knows the sound of no answer
        news = [message for one in others[known:] for message in one.messages(speaker, 0.0)]
        self.transport.tell(news)

    def keep_unanswered(self, question: Message, error: AudiomagicError) -> None:
        """Keep a question in the chat whose answer failed, unless it is there."""
        if any(one.question is question for one in self.conversation.exchanges):
            return
        speaker = Speaker(self.transport.provider.host, self._turn.model)
        text = error.reply.text if isinstance(error.reply, Reply) else ""
        self.conversation.add(
            Exchange(
                question,
                text,
                speaker,
                cell=self._turn.cell,
                talk=self._id,
                notes=(f"Not answered: {one_line(error)}",),
            )
        )

    def heard(self, question: Message, words: str, recording: Sound | None) -> None:
        """Put the words of a spoken question in its place."""
        kept = recording if self.keep_sound else None
        self.conversation.transcribe(question, words, kept)
        self._followers.tell(ConversationEvent("heard", words))

    def request(self) -> Request:
        """Return the request of the next turn, whose question is not known yet."""
        return self._turn.request(self._client)

    @property
    def _turn_listener(self) -> StreamListener:
        return self._listener or CancellableListener()


def _end(transport: RealtimeTransport, followers: Followers) -> None:
    transport.close()
    followers.close()


def spoken_turn(sound: object) -> SpokenQuestion:
    """Return a sound as a turn. Raises SoundError for what is not one sound, or too short."""
    question = SpokenQuestion.of(sound)
    spoken = question.message.sounds
    if len(spoken) > 1:
        raise SoundError(f"one turn is one sound, not {len(spoken)}; give each its own turn")
    if spoken[0].seconds < SHORTEST:
        raise SoundError(f"a turn must last {SHORTEST} s or more")
    return question
