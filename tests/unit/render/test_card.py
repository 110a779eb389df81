"""The card: a reply as HTML, markdown and plain text, whatever stands in it."""

import dataclasses
import re
from datetime import UTC, datetime
from decimal import Decimal, localcontext
from html import unescape
from typing import Any

import pytest

from audiomagic import Sound
from audiomagic.costs.pricing import dollars
from audiomagic.costs.receipt import Receipt
from audiomagic.protocol.request import Request
from audiomagic.protocol.usage import Usage
from audiomagic.render import card
from audiomagic.render.html import HIDDEN
from audiomagic.render.table import Table
from audiomagic.turn.reply import Reply

from ...support.page_reading import CONTROLS, HOSTILE, Reading
from ...support.sanitizer import find_node, sanitize

WORDS = "Hello, Ada. Is 3 < 4 & 5 > 4?"
LOCAL = {"engine": "local", "paid": False, "label": "local · free", "language": "en"}
BADGE = "gpt-audio-1.5 · 1.2 s in · 1.0 s out · 62 → 26 tokens · $0.0018"


def receipt(**changes: Any) -> Receipt:
    usual = Receipt(
        datetime(2026, 11, 22, tzinfo=UTC), "openai", "api.openai.com", "gpt-audio-1.5",
        "gpt-audio-1.5", "coral", 1.234, 1.0, Usage(62, 26, 12, 20), 0.51, 1.234,
    )  # fmt: skip
    return dataclasses.replace(usual, **changes)


@pytest.fixture
def reply(tone: Sound) -> Reply:
    return Reply(WORDS, tone, receipt(), Request("gpt-audio-1.5", ()), notes=("A note.",))


def bundle_of(reply: Reply, **changes: Any) -> dict[str, str]:
    return dataclasses.replace(reply, **changes)._repr_mimebundle_()


def markdown_text(markdown: str) -> str:
    """What markdown of nothing but escapes reads as."""
    return unescape(re.sub(r"\\([!-/:-@[-`{-~])", r"\1", markdown))


# -- what it tells ----------------------------------------------------------------------------
def test_each_representation_tells_transcript_and_cost(reply: Reply) -> None:
    bundle = bundle_of(reply)
    assert sorted(bundle) == ["text/html", "text/markdown", "text/plain"]
    told = {
        "text/html": Reading(bundle["text/html"]).text,
        "text/markdown": markdown_text(bundle["text/markdown"]),
        "text/plain": bundle["text/plain"],
    }
    for shown in told.values():
        assert WORDS in shown and BADGE in shown and "A note." in shown
    assert bundle["text/plain"] == f"{WORDS}\nA note.\n[{BADGE}]"


def test_the_sound_is_there_once_and_waits_to_be_played(reply: Reply) -> None:
    bundle = bundle_of(reply)
    assert sum(shown.count("base64,") for shown in bundle.values()) == 1
    page = Reading(bundle["text/html"])
    player = {name: value for tag, name, value in page.attributes if tag == "audio"}
    assert player["src"] == reply.sound.data_url if reply.sound else False
    assert "controls" in player and "autoplay" not in player and "source" not in page.tags
    assert not {"script", "style", "source", "link", "iframe"} & set(page.tags)
    assert "id" not in {name for _, name, _ in page.attributes}


def test_an_answer_without_sound_has_no_player(reply: Reply) -> None:
    assert "<audio" not in bundle_of(reply, sound=None)["text/html"]
    assert WORDS in Reading(bundle_of(reply, sound=None)["text/html"]).text


def test_the_split_is_itemised(reply: Reply) -> None:
    text = Reading(card.html(reply)).text
    rows = ["text in\n50\n$2.50 / million\n$0.0001",
            "sound in\n12\n$32.00 / million, $0.0192 / minute\n$0.0004",
            "text out\n6\n$10.00 / million\n$0.00006",
            "sound out\n20\n$64.00 / million, $0.0768 / minute\n$0.0013",
            "in all\n$0.0018"]  # fmt: skip
    assert all(row in text for row in rows)
    assert "first sound after 0.51 s, all after 1.23 s · voice coral" in text
    assert re.search(r"rates: https://.*/gpt-audio-1.5, checked 2026-11-22", text)


def test_amounts_are_shown_at_any_precision_of_the_notebooks() -> None:
    with localcontext(prec=2):
        assert dollars(Decimal("12.34567")) == "$12.3457"


def test_whose_rates_they_are_is_said(reply: Reply) -> None:
    def text(**changes: Any) -> str:
        return Reading(card.html(dataclasses.replace(reply, receipt=receipt(**changes)))).text

    assert "rates: not this server's own but https://" in text(host="127.0.0.1:4000")
    paid = text(host="openrouter.ai", usage=Usage(62, 26, 12, 20, server_cost=Decimal("0.001")))
    assert "$0.0010" in paid and "charged: the server's own bill" in paid
    assert "sound out\n20\n" in paid and "/ million" not in paid


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"usage": None}, "the server did not say how many tokens were used"),
        ({"usage": Usage(62, 26)}, "the server did not say how many tokens were sound"),
        ({"usage": Usage(62, 26, 12)}, "the server did not say how many tokens were sound"),
        ({"usage": Usage(62, 26, 99, 20)}, "counts of tokens contradict each other"),
        ({"model": "gpt-audio-9", "requested_model": "gpt-audio-9"}, "no rates for this model"),
    ],
)
def test_an_unknown_price_is_never_0(reply: Reply, changes: Any, why: str) -> None:
    bundle = bundle_of(reply, receipt=receipt(**changes))
    for shown in bundle.values():
        assert "price unknown" in markdown_text(shown) and "$" not in shown
    text = Reading(bundle["text/html"]).text
    assert why in text and not re.search(r"-\d", text.replace("gpt-audio-", ""))


def test_the_local_engine_is_free(reply: Reply) -> None:
    for counted, service in [
        (Usage(62, 26, 12, 20), "on gpt-audio-1.5 this would have cost $0.0018 (rates: "),
        (None, "on the service: price unknown"),
    ]:
        local = receipt(**LOCAL, model="local-engine", usage=counted)
        bundle = bundle_of(reply, receipt=local)
        assert all("local · free" in shown for shown in bundle.values())
        assert service in Reading(bundle["text/html"]).text
        assert local.cost == 0 and 'lang="en"' in bundle["text/html"]


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        ("0", "$0.0000"), ("0.0213", "$0.0213"), ("0.00995", "$0.0100"), ("12.5", "$12.5000"),
        ("0.0001", "$0.0001"), ("0.0000999", "$0.00010"), ("0.0000175", "$0.000018"),
        ("0.000001", "$0.000001"), ("0.0000009", "under $0.000001"), ("2e8", "$200000000.0000"),
    ],
)  # fmt: skip
def test_dollars(amount: str, written: str) -> None:
    assert dollars(Decimal(amount)) == written


# -- what stands in it is shown, never obeyed -------------------------------------------------
@pytest.mark.parametrize("words", HOSTILE)
def test_hostile_words_are_words(reply: Reply, words: str) -> None:
    named = receipt(model=words, requested_model=words, voice=words)
    calm = Reading(
        card.html(dataclasses.replace(reply, receipt=receipt(model="x", requested_model="x")))
    )
    bundle = bundle_of(reply, text=words, notes=(words,), receipt=named)
    page = Reading(bundle["text/html"])
    flat = re.sub(r"\s", "", words)
    assert page.tags == calm.tags and len(page.attributes) == len(calm.attributes)
    assert re.sub(r"\s", "", page.text).count(flat) >= 2
    assert words in bundle["text/plain"]
    assert "<" not in bundle["text/markdown"] and "\n   " not in bundle["text/markdown"]
    unescaped = re.sub(r"\\.|&#?\w+;", "", bundle["text/markdown"])
    assert not re.search(r"[][`*_|$#~>\\]|^[-+=]|^\d+\.", unescaped[:-1].replace("\n\n*", ""), re.M)
    assert flat in re.sub(r"\s", "", markdown_text(bundle["text/markdown"]))
    whole = Reading(card.page(dataclasses.replace(reply, text=words)))
    assert (
        whole.tags[:5] == ["html", "head", "meta", "title", "meta"] and "script" not in whole.tags
    )


def test_what_cannot_be_seen_is_taken_out(reply: Reply) -> None:
    named = receipt(model=CONTROLS, requested_model=CONTROLS, voice=CONTROLS)
    for shown in bundle_of(reply, text=CONTROLS, notes=(CONTROLS,), receipt=named).values():
        shown.encode()
        assert not HIDDEN.search(shown.replace("\n", ""))
    seen = bundle_of(reply, text="tab\there\nשלום \u200f👩\u200d🚀\u00a0!")["text/plain"]
    assert seen.startswith("tab\there\nשלום \u200f👩\u200d🚀\u00a0!")


def test_a_page_plays_anywhere(reply: Reply) -> None:
    page = card.page(reply)
    assert page.startswith('<!doctype html><html><head><meta charset="utf-8"><title>Hello, Ada.')
    assert (
        page.count("base64,") == 1
        and BADGE in Reading(page).text
        and page.endswith("</body></html>")
    )
    assert "<title>A reply</title>" in card.page(dataclasses.replace(reply, text=""))


# -- in an untrusted notebook -----------------------------------------------------------------
@pytest.mark.node
@pytest.mark.skipif(find_node() is None, reason="node is not installed")
@pytest.mark.parametrize("words", [WORDS, HOSTILE[0], HOSTILE[2]])
def test_jupyters_sanitizer_leaves_the_card(reply: Reply, words: str) -> None:
    html = card.html(dataclasses.replace(reply, text=words))
    before, after = Reading(html), Reading(sanitize(html))
    assert after.declared() == before.declared() != []
    assert after.text == before.text and words in after.text and BADGE in after.text
    assert after.tags == before.tags and {"audio", "details", "summary"} <= set(after.tags)
    assert ("audio", "src", reply.sound.data_url if reply.sound else "") in after.attributes
    assert ("audio", "controls", "") in after.attributes
    assert ("div", "dir", "auto") in after.attributes


@pytest.mark.node
@pytest.mark.skipif(find_node() is None, reason="node is not installed")
def test_jupyters_sanitizer_leaves_a_table(tone: Sound) -> None:
    html = Table(("voice", "sample"), [("<b>coral</b>", tone)], "A caption.")._repr_html_()
    before, after = Reading(html), Reading(sanitize(html))
    assert after.declared() == before.declared() != []
    assert after.text == before.text and "<b>coral</b>" in after.text and "A caption." in after.text
    assert after.tags == before.tags and ("audio", "src", tone.data_url) in after.attributes


def test_dollars_and_backslashes_are_no_formulas(reply: Reply) -> None:
    """Jupyter typesets `$...$` and `\\(...\\)` within one piece of text."""
    words = r"It costs $5 for one, and $10 for two: \(x^2\)"
    shown = card.html(dataclasses.replace(reply, text=words))
    pieces = re.split(r"<[^>]*>", shown)
    assert not [piece for piece in pieces if re.search(r"\$.*\$|\\[(\[]", piece)]
    assert words in unescape("".join(pieces))
