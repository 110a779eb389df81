"""Budgets through a session: what the server itself counts stays under every cap."""

import decimal
import random
import sqlite3
from decimal import Decimal
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from audiomagic import Session, compare
from audiomagic.costs.ledger import Ledger
from audiomagic.errors import BudgetExceeded, LedgerError, OptionError
from audiomagic.notebook.magics import load
from audiomagic.render import card
from audiomagic.render.cost_report import CostReport

from ..support.fake_server import FakeServer, Handler, chunk, spoken, usage


@pytest.mark.usefixtures("key")
def test_a_hundred_calls_never_spend_more_by_the_servers_own_count(fake_server: FakeServer) -> None:
    """The server's answers are as long as they may be, now and then; some bills never come."""
    dice = random.Random(6)
    bills: list[Decimal] = []

    def answer(handler: Handler, body: dict[str, Any]) -> None:
        longest = body["max_completion_tokens"]
        tokens = longest if dice.random() < 0.3 else min(longest, dice.randrange(1, 80))
        audio = tokens if dice.random() < 0.5 else tokens // 2
        text_in = 13
        bills.append((text_in * Decimal("2.5") + (tokens - audio) * 10 + audio * 64) / 1_000_000)
        told = usage(text_in, 0, tokens - audio, audio)
        chunks = spoken(["Ha."], b"\0\0" * 2_400, told)
        if dice.random() < 0.1:
            handler.stream(chunks[:-4], done=False)  # cut off before its bill
        else:
            handler.stream(chunks)

    session, refused = Session(), 0
    session.budget.set_cap(Decimal("0.05"), "day", "")
    for _ in range(100):
        fake_server.then(answer)
        try:
            session.speak("Tell me a joke", max_cost="0.006")
        except BudgetExceeded as error:
            refused += 1
            assert "the cap is $0.05 per day, and $0.0" in str(error)
    assert 0 < refused < 95 and len(bills) == 100 - refused
    assert Decimal("0.04") < sum(bills) <= Decimal("0.05")


def test_a_calls_cap_holds_for_its_rounds_and_columns_together(
    fake_server: FakeServer, key: str
) -> None:
    """Each round, and each column of a comparison, takes all that it is allowed."""
    bills: list[Decimal] = []

    def answer(handler: Handler, body: dict[str, Any]) -> None:
        tokens = body["max_completion_tokens"]
        bills.append((30 * Decimal("2.5") + tokens * 64) / 1_000_000)
        told = usage(30, 0, 0, tokens)
        call = {"index": 0, "id": "a", "function": {"name": "now", "arguments": "{}"}}
        asks = [chunk({"tool_calls": [call]}, finish_reason="tool_calls")]
        said = spoken(["Noon."], b"\0\0" * 2_400, told)
        handler.stream([*asks, said[-2]] if body.get("tools") else said)

    def now() -> str:
        return "noon"

    for _ in range(8):
        fake_server.then(answer)
    with pytest.raises(BudgetExceeded, match=r"the cap is \$0.02 per call"):
        Session().speak("What time is it?", tools=now, max_cost="0.02")
    assert bills and sum(bills) <= Decimal("0.02")
    bills.clear()
    session = Session()
    session.budget.set_cap(Decimal("0.1"), "month", "")
    both = compare(session.bound(sharing=2).speak, "Hi", voice=["ash", "sage"], max_cost="0.03")
    assert len(both) == len(bills) == 2 and sum(bills) <= Decimal("0.06")


def test_a_server_that_takes_no_notice_of_the_cap_is_stopped(
    fake_server: FakeServer, key: str
) -> None:
    fake_server.send_chunks(spoken(["On and on."], b"\1\0" * 24_000 * 60), pace=0.001)
    reply = Session().speak("Hi", max_cost="0.01")
    assert reply.finish_reason == "length" and reply.seconds < 10
    assert fake_server.hung_up.wait(5)


@pytest.mark.usefixtures("key")
def test_columns_share_a_cap_and_say_what_is_enough(fake_server: FakeServer) -> None:
    shell = InteractiveShell()
    load(shell)
    with pytest.raises(BudgetExceeded, match=r"the cap of \$0.005 is shared by 2 calls") as caught:
        shell.run_line_magic("speak", "-q --voice coral,ash --max-cost 0.005 Hi")
    enough = str(caught.value).rpartition(" ")[2]
    for _ in range(2):
        fake_server.say("Hi.", b"\0\0" * 2_400)
    both = shell.run_line_magic("speak", f"-q --voice coral,ash --max-cost {enough} Hi")
    assert len(both) == 2


@pytest.mark.usefixtures("key")
def test_a_notebooks_own_decimals_change_no_bill(fake_server: FakeServer) -> None:
    session = Session()
    session.budget.set_cap(Decimal("0.1234567"), "day", "")
    fake_server.send_chunks(spoken(["Hi."], b"\0\0" * 2_400, usage(123, 0, 45, 678)))
    with decimal.localcontext(prec=2) as context:
        context.traps[decimal.Inexact] = True
        reply = session.speak("Hi", max_cost="0.0567891")
        assert reply.cost == session.ledger.rows()[0]["dollars"] == Decimal("0.0441495")
        assert session.budget.caps("")[0].room == Decimal("0.0793072")
        assert "$0.0441" in repr(CostReport(session.ledger.rows()))
        assert "$0.0441" in card.plain(reply)
        assert session.dry_run("Hi").tables


# -- a ledger that cannot be used -------------------------------------------------------------
def impatient() -> Session:
    """One that does not wait for a locked ledger."""
    session = Session(notebook="a.ipynb")
    session.budget.ledger = Ledger(patience=0)
    return session


@pytest.mark.usefixtures("key")
def test_under_a_cap_nothing_is_sent_without_its_ledger(fake_server: FakeServer) -> None:
    session = impatient()
    session.budget.set_cap(Decimal("0.50"), "day", "a.ipynb")
    with sqlite3.connect(session.ledger.path, isolation_level=None) as other:
        other.execute("begin exclusive")
        with pytest.raises(BudgetExceeded, match=r"locked by another program; wait for it"):
            session.speak("Hi")
        other.execute("rollback")
    with session.ledger.path.open("r+b") as file:
        file.write(bytes(100))
    with pytest.raises(BudgetExceeded, match=r"cannot be used \(file is not a database\)"):
        session.speak("Hi")
    assert fake_server.requests == []
    session.ledger.path.unlink()
    fake_server.say("Hi.", b"\0\0" * 2_400)
    session.speak("Hi")


@pytest.mark.usefixtures("key")
def test_without_a_cap_the_answer_comes_and_one_line_warns(
    fake_server: FakeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    session = impatient()
    session.ledger.path.write_bytes(b"not a ledger" * 100)
    for _ in range(2):
        fake_server.say("Hi.", b"\0\0" * 2_400)
        assert session.speak("Hi").text == "Hi."
    (line,) = capsys.readouterr().out.splitlines()
    assert "cannot be used (file is not a database)" in line
    with pytest.raises(BudgetExceeded, match="no budget can be enforced"):
        session.speak("Hi", max_cost="0.50")


@pytest.mark.usefixtures("key", "fake_server")
def test_half_a_character_in_a_models_name_is_no_failure(
    capsys: pytest.CaptureFixture[str],
) -> None:
    session = Session(model="gpt-\ud800")
    with pytest.raises(OptionError):  # it is not sent
        session.speak("Hi")
    (row,) = session.ledger.rows()
    assert row["model"] == "gpt-\ufffd" and row["dollars"] == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("name", ["/dev/null", "/dev/null/share/ledger"])
def test_costs_and_a_cap_say_that_no_ledger_can_be_kept(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUDIOMAGIC_LEDGER", name)
    shell = InteractiveShell()
    load(shell)
    line = rf"the ledger {name} cannot be used \(.+\); set AUDIOMAGIC_LEDGER to another file"
    for command in ("costs", "costs --all", "budget 0.50 --per day"):
        with pytest.raises(LedgerError, match=f"^{line}$"):
            shell.run_line_magic("audiomagic", command)
    status = repr(shell.run_line_magic("audiomagic", ""))
    assert f"the ledger {name}" in status and "calls" not in status.split("ledger")[0][-40:]
