"""The statement: what calls cost, by day, model and notebook; exact in a file."""

import csv
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from audiomagic.costs.ledger import CallEnd, CallStart, Ledger
from audiomagic.errors import OptionError
from audiomagic.protocol.usage import Usage
from audiomagic.render.cost_report import BAR, COLUMNS, LATEST, Bar, CostReport, spent

from ...support.sanitizer import find_node, sanitize

NOON = datetime(2026, 11, 22, 12).astimezone(UTC)  # the local one: days are local


def book(ledger: Ledger, notebook: str, days: int, dollars: str | None, **more: Any) -> None:
    opened = {"model": "gpt-audio-1.5", "engine": "openai", "host": "api.openai.com"}
    opened |= {name: more.pop(name) for name in ("model", "engine", "paid") if name in more}
    when = NOON - timedelta(days=days)
    call = CallStart(**opened, notebook=notebook, seconds_in=2.0, when=when)
    used = Usage(31, 16, 20, 10)
    end = CallEnd("answered", 0.5, used, dollars and Decimal(dollars), **more)  # type: ignore[arg-type]
    with ledger.writing() as transaction:
        transaction.insert(call)
        transaction.finish(call, end)


@pytest.fixture
def ledger() -> Ledger:
    one = Ledger()
    book(one, "a.ipynb", 2, "0.03", settled=True)
    book(one, "a.ipynb", 1, "0.01", settled=True, model="gpt-audio-mini")
    book(one, "<b>.ipynb", 0, "0.02", estimated=True)
    book(one, "<b>.ipynb", 0, None)
    book(one, "a.ipynb", 0, "0", engine="local", paid=False, settled=True)
    return one


def chart(statement: CostReport, heading: str) -> list[tuple[Any, ...]]:
    return list(dict(statement.tables)[heading].rows)


def test_sums_by_day_model_and_notebook(ledger: Ledger) -> None:
    statement = CostReport(ledger.rows(), all=True)
    assert chart(statement, "By day") == [
        ("2026-11-22", Bar(2 / 3), "$0.0200", "3", "6.0 / 1.5"),
        ("2026-11-21", Bar(1 / 3), "$0.0100", "1", "2.0 / 0.5"),
        ("2026-11-20", Bar(1.0), "$0.0300", "1", "2.0 / 0.5"),
    ]
    assert [row[0] for row in chart(statement, "By model")] == ["gpt-audio-1.5", "gpt-audio-mini"]
    notebooks = [(row[0], row[2]) for row in chart(statement, "By notebook")]
    assert notebooks == [("a.ipynb", "$0.0400"), ("<b>.ipynb", "$0.0200")]
    assert spent(ledger.rows()) == "$0.0600 paid ($0.0200 of it estimated), and 1 of unknown price"


def test_the_calls_of_one_notebook(ledger: Ledger) -> None:
    statement = CostReport(ledger.rows(notebook="<b>.ipynb"))
    assert [heading for heading, _ in statement.tables] == ["By day", "By model", "Calls"]
    calls = dict(statement.tables)["Calls"]
    assert len(calls.heading) == len(calls.rows[0]) == 6
    assert [row[4] for row in calls.rows] == ["price unknown", "~$0.0200"]
    assert calls.rows[0][2:4] == ("2.0 / 0.5", "11 / 20 / 6 / 10")
    assert (
        calls.caption == "2 calls, $0.0200 paid ($0.0200 of it estimated), and 1 of unknown price"
    )


def test_the_local_engine_is_free_and_says_what_it_saved(ledger: Ledger) -> None:
    calls = dict(CostReport(ledger.rows(), all=True).tables)["Calls"]
    assert calls.rows[0][5] == "local · free (on the service: $0.0014)"  # 11, 20, 6, 10 tokens


def test_what_a_cache_would_have_saved_is_left_out(ledger: Ledger) -> None:
    start = CallStart("gpt-realtime-2.1", "replay", "tape", when=NOON, paid=False)
    used = Usage(139, 61, 96, 43, cached_tokens=64, cached_audio_tokens=64)  # which a row forgets
    with ledger.writing() as transaction:
        transaction.insert(start)
        transaction.finish(start, CallEnd("answered", 2.1, used, Decimal(0), settled=True))
    calls = dict(CostReport(ledger.rows(), all=True).tables)["Calls"]
    assert "replay · free (on the service: $0.0056)" in [row[5] for row in calls.rows]


def test_a_call_in_flight(ledger: Ledger) -> None:
    with ledger.writing() as transaction:
        transaction.insert(CallStart("gpt-audio-1.5", "openai", "h", "c"))
    calls = dict(CostReport(ledger.rows(notebook="c")).tables)["Calls"]
    assert calls.rows[0][2:] == ("0.0 / 0.0", "not reported", "not yet known", "in flight")


def test_the_page_is_escaped_and_its_text_says_all(ledger: Ledger) -> None:
    statement = CostReport(ledger.rows(), all=True)
    html = statement._repr_html_()
    assert "&lt;b&gt;.ipynb" in html and "<b>" not in html
    assert f"width:67%;height:10px;background:{BAR}" in html and "var(" not in html
    text = repr(statement)
    line = next(line for line in text.splitlines() if line.startswith("2026-11-20"))
    assert re.fullmatch(r"2026-11-20 +█{16}  \$0\.0300 +1 +2\.0 / 0\.5", line)


@pytest.mark.node
@pytest.mark.skipif(find_node() is None, reason="needs Node.js and npm")
def test_an_untrusted_notebook_keeps_the_bars(ledger: Ledger) -> None:
    left = sanitize(CostReport(ledger.rows())._repr_html_())
    assert left.count("<table") == 3
    assert len(re.findall(rf"width: ?\d+%; ?height: ?10px; ?background: ?{BAR}", left)) == 5


def test_long_ledgers_are_cut_and_say_so() -> None:
    ledger = Ledger()
    for days in range(LATEST + 5):
        book(ledger, "a", days, "0.001")
    tables = dict(CostReport(ledger.rows()).tables)
    assert len(tables["By day"].rows) == len(tables["Calls"].rows) == LATEST
    assert tables["By day"].caption == "and 5 more (--csv FILE has all)"
    assert tables["Calls"].caption.startswith("25 calls, 5 of them earlier than these")


def test_an_empty_statement() -> None:
    assert "0 calls, $0.0000 paid" in repr(CostReport([]))
    assert "0 calls" in CostReport([])._repr_html_()


def test_a_file_has_every_call_exactly(ledger: Ledger, tmp_path: Path) -> None:
    book(ledger, "=HYPERLINK(1)", 0, "0.00000123456789")
    path = CostReport(ledger.rows()).save(str(tmp_path / "costs.csv"))
    with path.open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert tuple(lines[0]) == COLUMNS == tuple(ledger.rows()[0])
    assert [line["dollars"] for line in lines] == [
        "0.03",
        "0.01",
        "0.02",
        "",
        "0",
        "0.00000123456789",
    ]
    assert datetime.fromisoformat(lines[0]["when"]) == NOON - timedelta(days=2)
    assert lines[-1]["notebook"] == "'=HYPERLINK(1)"


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"cannot write .*costs.csv: No such file"):
        CostReport([]).save(str(tmp_path / "none" / "costs.csv"))
