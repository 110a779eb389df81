"""Caps against the far end's own bill: it bills what it makes, whatever reaches us."""

import base64
import decimal
import json
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from decimal import Decimal
from itertools import count
from multiprocessing import get_context
from typing import Any

import pytest

from audiomagic import Reply, Session, compare
from audiomagic.costs.pricing import dollars
from audiomagic.errors import BudgetExceeded, Interrupted, RequestFailed, RequestRejected
from audiomagic.render import card
from audiomagic.render.conversation import ConversationPage

from ..support.biller import AUDIO_OUT, TEXT_OUT, Biller, deltas, half, longest, running_usage
from ..support.fake_server import FakeServer, Handler, Script, chunk, spoken, usage, written
from ..support.faults import cut, hang_up, send
from ..support.listener import Listener

CAP = Decimal("0.10")
AGAIN = {"retry_after_ms": "1"}
NONE_YET = usage(0, 0, 0, 0)
FAILURES: dict[str, Script] = {
    "the connection is reset": hang_up,
    "an answer is cut off": cut,
    "500": send(500, b"{}", **AGAIN),
    "502": send(502, b"<h1>Bad gateway</h1>", "text/html", **AGAIN),
    "504": send(504, b"", **AGAIN),
    "408": send(408, b"{}", **AGAIN),
    "409": send(409, b"{}", **AGAIN),
    "a gateway's 400": send(400, b'{"error": {"type": "server_error", "message": "Late."}}'),
    "a 422 of another's 504": send(422, b'{"error": {"code": 504, "message": "Late."}}'),
    "overloaded": send(529, b"{}", **AGAIN),
    "not an answer": send(200, b"<html>", "text/html"),
    "a filter": send(400, b'{"error": {"message": "No.", "code": "content_filter"}}'),
    "a prompt that is too long": send(
        400, b'{"error": {"code": "context_length_exceeded", "message": "Too long."}}'
    ),
    "a prompt that is too long, in words": send(400, b'{"error": "The context window is full."}'),
    **{
        f"in words, {words}": send(400, json.dumps({"error": {"message": words}}).encode())
        for words in (
            "Could not finish the message because max_tokens or model output limit was reached.",
            "Output data may contain inappropriate content.",
            "litellm.InternalServerError: Azure could not say why.",
            "The upstream server timed out.",
            "Failed to parse tool call from model output",
            "Tool call arguments could not be parsed",
            "The model's response was blocked",
            "504 Gateway Timeout",
            "AzureException - It triggered Azure OpenAI's content management policy.",
        )
    },
    **{
        f"of the kind {kind}": send(400, json.dumps({"error": error}).encode())
        for kind, error in (
            ("content_filter", {"message": "High risk", "type": "content_filter"}),
            ("policy", {"message": "No", "code": "ResponsibleAIPolicyViolation"}),
        )
    },
    "in a code": send(400, b'{"error": {"message": "See it.", "code": "tool_use_failed"}}'),
    "an error in the stream": lambda handler, _: handler.stream([{"error": "worn out"}]),
}


@pytest.fixture
def biller(fake_server: FakeServer, key: str) -> Biller:
    return Biller(fake_server)


def capped(per_call: bool) -> tuple[Session, dict[str, Any]]:
    """A session that may spend CAP: by a day's cap, or by the call's own."""
    session = Session()
    if per_call:
        return session, {"max_cost": CAP}
    session.budget.set_cap(CAP, "day", "")
    return session, {}


def until_refused(session: Session, biller: Biller, ask: Callable[[], object]) -> None:
    """Ask again and again, whatever comes, until the budget allows no more."""
    for _ in range(40):
        try:
            ask()
        except BudgetExceeded:
            (cap,) = session.budget.caps("")
            assert biller.total <= cap.spent + cap.reserved <= CAP
            return
        except (RequestFailed, Interrupted):
            pass
    raise AssertionError(f"was never refused; ${biller.total} is billed")


# -- requests that fail -----------------------------------------------------------------------
@pytest.mark.parametrize("name", FAILURES)
def test_what_failed_may_be_billed_and_stays_reserved(biller: Biller, name: str) -> None:
    session, _ = capped(per_call=False)
    biller.makes_all_and(FAILURES[name], 40)
    until_refused(session, biller, lambda: session.speak("Hi", max_tokens=300))
    assert Decimal("0.05") < biller.total
    row = session.ledger.rows()[-1]
    assert row["estimated"] and 0 < row["dollars"] < Decimal("0.02")


@pytest.mark.parametrize("name", ["502", "the connection is reset"])
def test_each_try_is_reserved_by_itself(biller: Biller, name: str) -> None:
    """Three tries fit under the cap, the fourth only if it is shorter."""
    session, _ = capped(per_call=True)
    biller.makes_all_and(FAILURES[name], 4)
    with pytest.raises(RequestFailed):
        session.speak("Hi", max_tokens=450, max_cost=CAP)
    assert len(biller.bills) == len(session.ledger.rows()) == 4
    assert [longest(body) for body in biller.server.requests[:3]] == [450] * 3
    assert longest(biller.server.requests[3]) < 450
    assert Decimal("0.09") < biller.total <= CAP


def test_where_no_other_try_fits_the_failure_is_told_not_the_cap(biller: Biller) -> None:
    biller.makes_all_and(FAILURES["502"], 4)
    with pytest.raises(RequestFailed, match="had an internal error"):
        Session().speak("Hi", max_cost=CAP)
    assert len(biller.bills) == 1 and Decimal("0.09") < biller.total <= CAP


AUDIO_ID = "audio_69e01732c7f08191afe5d97a54081075"
IN_WORDS: dict[str, Script] = {
    "500": send(500, b'{"error": "no audio ids", "code": 500}', **AGAIN),
    "in the stream": lambda handler, _: handler.stream([{"error": "no audio ids"}]),
}


def begun(biller: Biller) -> Session:
    """A chat with an answer that is referred to by its id."""
    session = Session(chat="tutor")
    end = chunk({"audio": {"id": AUDIO_ID, "expires_at": int(time.time()) + 3600}})
    biller.server.send_chunks([*half("Bonjour."), chunk() | {"choices": [], "usage": usage()}, end])
    session.speak("Say hello.")
    biller.bills.clear()
    return session


@pytest.mark.parametrize("name", IN_WORDS)
def test_a_request_that_is_repeated_in_words_is_reserved_by_itself(
    biller: Biller, name: str
) -> None:
    session = begun(biller)
    session.budget.set_cap(CAP, "day", "")
    for _ in range(20):
        biller.makes_all_and(IN_WORDS[name])
        biller.makes_all_and(FAILURES["an answer is cut off"])
    until_refused(session, biller, lambda: session.speak("Go on.", max_tokens=300))
    assert len(biller.bills) > 2


@pytest.mark.parametrize("name", IN_WORDS)
def test_one_request_with_ids_is_refused_and_one_in_words_is_answered(
    biller: Biller, name: str
) -> None:
    session = begun(biller)
    biller.makes_all_and(IN_WORDS[name])
    biller.server.say("Ça va.", bytes(4_800))
    assert session.speak("Go on.", max_cost=CAP, max_tokens=450).text == "Ça va."
    assert len(biller.bills) == 2 and biller.total <= CAP


@pytest.mark.parametrize("name", IN_WORDS)
def test_where_no_repetition_fits_the_refusal_is_told(biller: Biller, name: str) -> None:
    session = begun(biller)
    biller.makes_all_and(IN_WORDS[name])
    with pytest.raises(RequestRejected, match="no audio ids"):
        session.speak("Go on.", max_cost=CAP)
    assert len(biller.bills) == 1 and biller.total <= CAP


def test_what_was_refused_is_free_however_often_it_is_sent(biller: Biller) -> None:
    session, _ = capped(per_call=False)
    for _ in range(3):
        biller.server.scripts.append(send(429, b"{}", **AGAIN))
    biller.server.say("Hi.", bytes(4_800), usage(5, 0, 3, 2))
    reply = session.speak("Hi", max_cost="0.02")
    (cap,) = session.budget.caps("")
    assert (cap.spent, cap.reserved) == (reply.cost, 0) and len(session.ledger.rows()) == 4


@pytest.mark.parametrize(
    "error",
    [
        {"code": 401, "message": "No key."},
        {"code": "402", "message": "No credit."},
        {"type": "not_found_error", "message": "No model."},
        {"code": "invalid_api_key", "message": "No."},
        {"code": 429, "message": "Too fast."},
        {"type": "invalid_request_error", "message": "No such voice."},
    ],
)
def test_a_refusal_in_place_of_an_answer_is_free(biller: Biller, error: Any) -> None:
    session, _ = capped(per_call=False)
    biller.server.then(lambda handler, _: handler.stream([{"error": error}]))
    biller.makes_all_and(
        lambda handler, _: handler.stream([chunk({"reasoning": "Hm. "}), {"error": error}])
    )
    with pytest.raises(RequestFailed):
        session.speak("Hi", max_tokens=100)
    (cap,) = session.budget.caps("")
    assert (cap.spent, cap.reserved) == (0, 0)
    with pytest.raises(RequestFailed):
        session.speak("Hi", max_tokens=100)
    (cap,) = session.budget.caps("")
    assert cap.reserved >= biller.total > 0  # it had begun to think


@pytest.mark.parametrize(
    "words",
    [
        "Audio output is not supported by this model",
        "Failed to parse messages: content must be a string",
        "Failed to parse the request body as JSON",
        "Unrecognized request argument supplied: timeout",
        "max_tokens is above the model's output limit of 4096",
        "Please configure AI Gateway in the dashboard",
    ],
)
def test_a_refusal_in_words_is_free(biller: Biller, words: str) -> None:
    session, _ = capped(per_call=False)
    biller.server.then(send(400, json.dumps({"error": {"message": words}}).encode()))
    with pytest.raises(RequestFailed):
        session.speak("Hi")
    (cap,) = session.budget.caps("")
    assert (cap.spent, cap.reserved, len(biller.bills)) == (0, 0, 1)


@pytest.mark.parametrize("status", [302, 400, 401, 402, 403, 404, 413, 422, 451, 501, 507])
def test_a_refusal_is_free(biller: Biller, status: int) -> None:
    session, _ = capped(per_call=False)
    biller.server.then(send(status, b'{"error": "No."}'))
    with pytest.raises(RequestFailed):
        session.speak("Hi")
    (cap,) = session.budget.caps("")
    assert (cap.spent, cap.reserved, len(biller.bills)) == (0, 0, 1)


def test_a_batch_whose_requests_fail_stays_under_its_cap(biller: Biller) -> None:
    session = Session()
    biller.makes_all_and(FAILURES["502"], 200)
    batch = session.map(
        [f"Item {n}." for n in range(12)], save=None, progress=False, workers=3,
        max_cost=CAP, max_tokens=200,
    )  # fmt: skip
    assert len(batch.errors) == 12 and Decimal("0.03") < biller.total <= CAP


# -- answers that are broken off --------------------------------------------------------------
@pytest.mark.parametrize(
    "told",
    [NONE_YET, usage(9, 0, 2, 4), None],
    ids=["zeros in every chunk", "counted so far in every chunk", "no usage"],
)
def test_usage_before_the_end_settles_nothing(biller: Biller, told: Any) -> None:
    session, _ = capped(per_call=False)
    begun = running_usage(half(), told) if told else half()
    biller.makes_all_and(lambda handler, _: handler.stream(begun, done=False), 40)
    replies: list[Reply] = []
    until_refused(
        session, biller, lambda: replies.append(session.speak("Tell a story", max_tokens=300))
    )
    assert replies and all(reply.finish_reason is None for reply in replies)
    assert replies[0].cost is None and replies[0].usage is None
    assert "~$0.0" in card.plain(replies[0])
    assert (replies[0].receipt.estimate or 0) > Decimal("0.0002")  # 0.2 s of sound, at least


TOLD = {"usage": usage(9, 0, 2, 1)}
SOUND = [one | TOLD for one in half()]
EARLY: dict[str, list[Any]] = {
    "the text ends before the sound": [
        chunk({"content": "Once upon."}, finish_reason="stop") | TOLD, *SOUND,
    ],
    "the sound's expiry comes first": [
        chunk({"audio": {"id": "a", "expires_at": 1776297282, "transcript": "Once "}}) | TOLD,
        *SOUND,
    ],
    "it goes on": [*SOUND, chunk({}, finish_reason="in_progress") | TOLD],
    "none knows this end": [*SOUND, chunk({}, finish_reason="to_be_continued") | TOLD],
    "an error follows the end": [
        *SOUND, chunk({}, finish_reason="stop") | TOLD, {"error": {"message": "worn out"}},
    ],
    "an error is beside the end": [
        *SOUND, chunk({}, finish_reason="stop") | TOLD | {"error": {"message": "worn out"}},
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", EARLY)
def test_an_end_that_is_none_settles_nothing(biller: Biller, name: str) -> None:
    session, _ = capped(per_call=False)
    biller.makes_all_and(lambda handler, _: handler.stream(EARLY[name], done=False), 40)
    until_refused(session, biller, lambda: session.speak("Tell a story", max_tokens=300))
    assert {row["estimated"] for row in session.ledger.rows()} == {True}


def test_what_a_server_told_by_then_counts_where_it_is_more_than_came(biller: Biller) -> None:
    session, told = Session(), usage(1_000, 0, 100, 200)
    begun = running_usage(half(), told)
    biller.server.then(lambda handler, _: handler.stream(begun, done=False))
    reply = session.speak("Hi")
    assert reply.receipt.estimate == Decimal("0.0163")
    assert session.ledger.rows()[0]["output_audio_tokens"] == 200


@pytest.mark.parametrize(
    "told", [NONE_YET, usage(9, 0, 0, 0), usage(0, 0, 6, 4), usage(9, 0, 1, 1), usage(9, 0, 3, 0)]
)
def test_a_whole_answer_of_too_few_tokens_is_not_believed(biller: Biller, told: Any) -> None:
    session, _ = capped(per_call=False)
    whole = running_usage(spoken(["Once upon a time."], bytes(9_600)), told)
    biller.makes_all_and(lambda handler, _: handler.stream(whole), 40)
    until_refused(session, biller, lambda: session.speak("Hi", max_tokens=300))
    assert session.ledger.rows()[0]["estimated"]


def test_a_finished_answer_with_usage_in_every_chunk_is_exact(biller: Biller) -> None:
    session, _ = capped(per_call=False)
    *most, bill, end = spoken(["Hi."], bytes(9_600), usage(11, 0, 6, 4))
    biller.server.send_chunks([*running_usage(most, NONE_YET), bill, end])
    reply = session.speak("Hi", max_tokens=300)
    (cap,) = session.budget.caps("")
    assert cap.spent == reply.cost == Decimal("0.0003435") and cap.reserved == 0


def test_an_answer_whose_chunks_say_that_there_is_no_error_is_exact(biller: Biller) -> None:
    chunks = spoken(["Hi."], bytes(9_600), usage(11, 0, 6, 4))
    fine = {"error": {"code": 0, "message": "Success"}}
    queued = {"type": "status", "message": "queued"}
    biller.server.send_chunks([queued, *(one | fine for one in chunks)])
    reply = Session().speak("Hi")
    assert (reply.text, reply.finish_reason, reply.cost) == ("Hi.", "stop", Decimal("0.0003435"))


def test_tokens_of_another_length_are_believed(biller: Biller) -> None:
    """12.5 to the second of sound, as some models make them."""
    biller.server.say("Hi.", bytes(96_000), usage(11, 0, 1, 25))
    assert Session().speak("Hi").cost == Decimal("0.0016375")


@pytest.mark.parametrize("name", ["refusal", "OTHER", "eosFound", "guardrail_intervened"])
def test_an_end_by_another_name_settles(biller: Biller, name: str) -> None:
    told = {"choices": [], "usage": usage(11, 0, 6, 4)}
    biller.server.send_chunks([*half(), chunk({}, finish_reason=name), chunk() | told])
    assert Session().speak("Hi").cost == Decimal("0.0003435")


def test_of_a_usage_without_details_the_sound_is_counted(biller: Biller) -> None:
    told = usage(11, 0, 6, 20)
    told["prompt_tokens_details"] = told["completion_tokens_details"] = None
    biller.server.say("Hi.", bytes(48_000), told)
    reply = Session().speak("Hi")
    assert reply.cost is None and "~$0.0014" in card.plain(reply)
    row = Session().ledger.rows()[0]
    assert row["estimated"] and row["dollars"] == reply.receipt.estimate == Decimal("0.0013675")


def test_a_server_that_says_it_charged_nothing_for_no_tokens_is_not_believed(
    biller: Biller,
) -> None:
    biller.server.say("Hi there.", bytes(48_000), NONE_YET | {"cost": 0})
    assert Session().speak("Hi").cost is None
    biller.server.say("Hi there.", bytes(48_000), usage(11, 0, 6, 20) | {"cost": 0})
    assert Session().speak("Hi").cost == 0


# -- answers that are stopped -----------------------------------------------------------------
def test_a_stopped_answer_may_have_been_made_to_its_end(biller: Biller) -> None:
    """Stopped at the first word of it; the server had made all by then."""
    session, _ = capped(per_call=False)
    biller.makes_all_and(lambda handler, _: handler.stream(half(), done=False), 40)

    class Hasty(Listener):
        def on_delta(self, piece: Any) -> None:
            self.cancellation.cancel()

    replies: list[Reply] = []
    until_refused(
        session,
        biller,
        lambda: replies.append(session.bound(listener=Hasty()).speak("Hi", max_tokens=300)),
    )
    assert {reply.finish_reason for reply in replies} == {"stopped"}
    row = session.ledger.rows()[0]
    assert row["outcome"] == "stopped" and row["estimated"] and row["dollars"] > 0
    reserved = replies[0].receipt.reserved
    assert reserved and f"{dollars(reserved)[1:]} may be billed" in card.html(replies[0])


def test_an_interrupt_before_the_first_byte_frees_nothing(
    biller: Biller, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, _ = capped(per_call=False)

    def interrupt(handler: Handler, body: dict[str, Any]) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        handler.be_silent()

    signal.signal(signal.SIGINT, signal.default_int_handler)
    biller.makes_all_and(interrupt, 40)
    until_refused(session, biller, lambda: session.speak("Hi", max_tokens=500))
    row = session.ledger.rows()[0]
    assert row["outcome"] == "stopped" and row["estimated"] and row["dollars"] > 0


def test_an_answer_stopped_after_its_end_is_exact(biller: Biller) -> None:
    chunks = spoken(["Hi."], bytes(9_600), usage(11, 0, 6, 4))
    end = chunks[-1] | {"choices": [{"delta": {"audio": {"expires_at": 1, "transcript": " Bye."}}}]}

    class Last(Listener):
        def on_delta(self, piece: Any) -> None:
            if "Bye" in piece.text:
                self.cancellation.cancel()

    biller.server.send_chunks([*chunks[:-1], end])
    reply = Session().bound(listener=Last()).speak("Hi")
    assert reply.finish_reason == "stopped"
    assert reply.cost == Decimal("0.0003435")


def test_a_call_that_is_stopped_before_it_is_sent_is_free(biller: Biller) -> None:
    session, _ = capped(per_call=False)
    ear = Listener()
    ear.cancellation.cancel()
    reply = session.bound(listener=ear).speak("Hi")
    (cap,) = session.budget.caps("")
    assert (reply.cost, cap.spent, cap.reserved, biller.bills) == (0, 0, 0, [])


# -- answers that are too long ----------------------------------------------------------------
SECOND = base64.b64encode(bytes(48_000)).decode()
TOKEN = base64.b64encode(bytes(2_400)).decode()  # of sound
ENDLESS: dict[str, tuple[dict[str, Any], Decimal]] = {  # a delta, and what it costs per million
    "words": ({"content": "word "}, TEXT_OUT),
    "a transcript": ({"audio": {"transcript": "word "}}, TEXT_OUT),
    "sound": ({"audio": {"data": TOKEN}}, AUDIO_OUT),
    "thoughts": ({"reasoning_content": "hm "}, TEXT_OUT),
    "thoughts in parts": (
        {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm "}]}]},
        TEXT_OUT,
    ),
    "thoughts in details": (
        {"reasoning_details": [{"type": "reasoning.text", "text": "hm "}]},
        TEXT_OUT,
    ),
    "a tool's arguments": (
        {"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": "1, "}}]},
        TEXT_OUT,
    ),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_whatever_an_answer_is_made_of_it_ends_at_the_cap(biller: Biller, name: str) -> None:
    delta, rate = ENDLESS[name]
    biller.makes_on_and_on(lambda: deltas(delta), rate, pace=0.0005)
    reply = Session().speak("Hi", max_cost="0.006")
    assert reply.finish_reason == "length"
    assert biller.server.hung_up.wait(5)
    assert biller.total <= Decimal("0.008")  # what was on its way when we hung up is billed too


def test_a_server_that_tells_of_more_than_the_cap_is_believed(biller: Biller) -> None:
    def told() -> Iterator[Any]:
        for number in count(1):
            yield chunk({"content": "word"}) | {"usage": usage(9, 0, number, 0)}

    biller.makes_on_and_on(told, TEXT_OUT, pace=0.0005)
    reply = Session().speak("Hi", max_tokens=100)
    assert reply.finish_reason == "length" and len(reply.text) <= 4 * 101


def test_the_cap_on_tokens_ends_an_answer_without_any_budget(biller: Biller) -> None:
    biller.makes_on_and_on(lambda: deltas({"audio": {"data": SECOND}}), 20 * AUDIO_OUT, pace=0.001)
    reply = Session().speak("Hi", max_tokens=200)
    assert reply.finish_reason == "length" and reply.seconds == 11
    biller.makes_on_and_on(lambda: deltas({"content": "词语" * 10}), 20 * TEXT_OUT, pace=0.001)
    reply = Session().speak("Hi", max_tokens=200)
    assert reply.finish_reason == "length" and len(reply.text) <= 820  # without a space


def test_longer_tokens_of_a_model_without_a_price_are_not_cut(biller: Biller) -> None:
    """Twelve seconds, 12.5 tokens to each."""
    biller.server.checks = lambda *_: iter(())
    biller.server.say("So.", bytes(12 * 48_000), usage(11, 0, 2, 150))
    reply = Session(model="qwen-omni", max_tokens=200).speak("Hi")
    assert (reply.seconds, reply.finish_reason) == (12, "stop")
    biller.makes_on_and_on(lambda: deltas({"audio": {"data": SECOND}}), AUDIO_OUT, pace=0.001)
    reply = Session(model="qwen-omni").speak("Hi", max_tokens=200)
    assert (reply.seconds, reply.finish_reason) == (21, "length")


def test_an_answer_as_long_as_its_cap_is_whole(biller: Biller) -> None:
    words = [piece for n in range(99) for piece in ("wo", f"rd{n} ")]
    biller.server.send_chunks(written(words, usage(9, 0, 100, 0)))
    reply = Session(max_tokens=100).speak("Hi")
    assert reply.finish_reason == "stop" and reply.cost is not None
    biller.server.say("Fifty two tokens of sound", bytes(48_000 * 2), usage(9, 0, 5, 40))
    assert Session(max_tokens=45).speak("Hi").finish_reason == "stop"


# -- one rule for when a reservation ends -----------------------------------------------------
def without_usage(biller: Biller, count: int) -> None:
    chunks = [item for item in spoken(["Hi."], bytes(9_600)) if not item.get("usage")]
    biller.makes_all_and(lambda handler, _: handler.stream(chunks), count)


@pytest.mark.parametrize("ending", ["without usage", "cut off"])
def test_a_batch_lends_no_money_twice(biller: Biller, ending: str) -> None:
    if ending == "without usage":
        without_usage(biller, 60)
    else:
        biller.makes_all_and(cut, 60)
    batch = Session().map(
        [f"Item {n}." for n in range(60)], save=None, progress=False, workers=2,
        max_cost=CAP, max_tokens=200,
    )  # fmt: skip
    assert isinstance(batch[59], BudgetExceeded)
    assert Decimal("0.02") < biller.total <= CAP


def test_a_batch_of_processes_lends_no_money_twice(biller: Biller) -> None:
    without_usage(biller, 30)
    items = [f"Item {n}." for n in range(30)]
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        Session().map(items, save=None, progress=False, executor=pool, max_cost=CAP, max_tokens=200)
    assert Decimal("0.02") < biller.total <= CAP


def test_columns_without_usage_share_a_cap(biller: Biller) -> None:
    without_usage(biller, 3)
    session, _ = capped(per_call=False)
    compare(session.bound(sharing=3).speak, "Hi", voice=["ash", "sage", "coral"])
    assert Decimal("0.05") < biller.total <= CAP


@pytest.mark.parametrize("signed", ["gpt-audio-mini", "gpt-4o-mini-audio-preview", "nobody's"])
def test_an_answers_own_name_lowers_no_price(biller: Biller, signed: str) -> None:
    def sign(handler: Handler, body: dict[str, Any]) -> None:
        told = usage(9, 0, 0, longest(body))
        handler.stream(item | {"model": signed} for item in spoken(["Hi."], bytes(960), told))

    session, _ = capped(per_call=False)
    biller.makes_all_and(sign, 40)
    until_refused(session, biller, lambda: session.speak("Hi", max_tokens=300))
    assert Decimal("0.08") < biller.total


@pytest.mark.parametrize("moment", ["before it is sent", "after its answer"])
def test_an_interrupt_while_the_ledger_is_written_holds_nothing_for_ever(
    biller: Biller, moment: str
) -> None:
    """Another program holds the ledger; Stop is pressed while it is waited for."""
    session, _ = capped(per_call=False)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    other = sqlite3.connect(session.ledger.path, isolation_level=None, check_same_thread=False)

    def lock_and_interrupt() -> None:
        other.execute("begin immediate")
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        threading.Timer(0.8, other.execute, ("rollback",)).start()

    def answer(handler: Handler, body: dict[str, Any]) -> None:
        lock_and_interrupt()
        handler.stream(spoken(["Hi."], bytes(9_600), usage(11, 0, 6, 4)))

    if moment == "after its answer":
        biller.server.then(answer)
    else:
        lock_and_interrupt()
    with pytest.raises(KeyboardInterrupt):
        session.speak("Hi")
    (cap,) = session.budget.caps("")
    assert cap.reserved == 0
    assert cap.spent == (Decimal("0.0003435") if biller.bills else 0)
    other.close()


def test_a_notebooks_decimal_traps_lose_no_paid_answer(biller: Biller) -> None:
    def bill(handler: Handler, body: dict[str, Any]) -> None:
        told = usage(123, 0, 45, 67)
        told["cost"] = 0.0123456789
        handler.stream(spoken(["Hi."], bytes(9_600), told))

    session = Session()
    session.budget.set_cap(Decimal("1.2345678"), "day", "")
    with decimal.localcontext(prec=2) as context:
        for kind in (decimal.Inexact, decimal.Rounded, decimal.FloatOperation, decimal.Subnormal):
            context.traps[kind] = True
        biller.makes_all_and(bill, 7)
        batch = session.map(["One.", "Two."], save=None, max_cost="0.7654321")
        assert batch.errors == {} and "$0.0247" in batch._repr_mimebundle_()["text/plain"]
        long = " ".join(f"This is sentence number {n} of a long text." for n in range(60))
        reply = session.speak(long, verbatim=True, max_cost="0.7654321", chat="story")
        assert reply.cost and "$0.0" in card.plain(reply)
        page = ConversationPage("story", session.chats.open("story").exchanges)
        assert "$0.0" in repr(page)
    assert len({str(reply.cost) for reply in batch.replies}) == 1


def test_what_is_missing_of_a_batch_is_all_that_is_asked_again(
    biller: Biller, tmp_path: Any
) -> None:
    """In the same session, which has recorded the rest itself."""
    session = Session()
    session.record(tmp_path / "tape")
    items = ["One.", "One.", "Two.", "Three."]

    def answer(handler: Handler, body: dict[str, Any]) -> None:
        if failing and "Three." in str(body["messages"]):
            handler.refuse(400, "No.")
        else:
            handler.stream(spoken(["Hi."], bytes(9_600), usage(9, 0, 3, 4)))

    failing = True
    for _ in range(6):
        biller.server.then(answer)
    assert list(session.map(items, save=None, progress=False).errors) == [3]
    assert len(biller.bills) == 4
    failing = False
    again = session.map(items, save=None, progress=False)
    assert again.errors == {} and len(biller.bills) == 5
    assert session.map(items, save=None, progress=False).errors == {} and len(biller.bills) == 5
    session.speak("One.")  # a call of its own is a new one
    assert len(biller.bills) == 6


def test_chunks_without_choices_are_no_end(biller: Biller) -> None:
    biller.server.send_chunks([chunk(), *half(), chunk() | {"usage": usage()}], done=True)
    reply = Session().speak("Hi")
    assert reply.finish_reason is None and reply.cost is None
