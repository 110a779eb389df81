"""Hostile words, wherever a server, a model or a tool can put them, in all that is shown."""

import re
from functools import cache
from typing import Any

import mistune
import pytest
from IPython.utils.capture import capture_output

from audiomagic import Session, Sound, compare
from audiomagic.errors import RequestRejected, clean
from audiomagic.notebook import commands
from audiomagic.notebook.arguments import MagicOptions
from audiomagic.notebook.live_output import LiveCard, LiveText
from audiomagic.protocol.response import Delta
from audiomagic.render.conversation import ConversationPage
from audiomagic.render.cost_report import CostReport
from audiomagic.render.html import HIDDEN

from ..support.fake_server import FakeServer, chunk, spoken
from ..support.other_servers import lenient
from ..support.page_reading import CONTROLS, HOSTILE, Reading

CALM = "Calm words, and no more."
BIDI = "\u202eevil\u2066 \u2069\u061c gnp.exe"
LINKS = "see https://evil.example/a?b=c, ftp://evil.example, www.evil.example or me@evil.example"
MARKDOWN = mistune.create_markdown(plugins=["url", "strikethrough", "table"])  # as Jupyter's does
Bundles = dict[str, dict[str, str]]


@pytest.fixture
def server(fake_server: FakeServer) -> FakeServer:
    fake_server.checks = lenient
    return fake_server


def bundle(shown: Any) -> dict[str, str]:
    """All representations of what a cell gives."""
    if hasattr(shown, "_repr_mimebundle_"):
        return dict(shown._repr_mimebundle_())
    return {"text/html": shown._repr_html_() or "", "text/plain": repr(shown)}


def everything(server: FakeServer, words: str, tone: Sound) -> Bundles:
    """Everything that can be shown, with the words in all places that are not the user's own."""

    def tool() -> str:
        """Say something."""
        return words

    session, pcm = Session(notebook=words), tone.pcm16(24_000)[:9_600]
    mine = clean(words)
    wanted = {"index": 0, "id": words, "type": "function"}
    named = [wanted | {"function": {"name": name, "arguments": words}} for name in ("tool", words)]
    for index, call in enumerate(named):
        call["index"] = index
    answer = [item | {"model": words} for item in spoken([words], pcm)]
    server.listing = [{"id": f"audio {words}", "shutdown_date": words}]
    server.send_chunks([chunk({"tool_calls": named}, finish_reason="tool_calls")])
    server.send_chunks(answer)
    called = session.speak(mine, tools=[tool], chat="all", style=mine)
    server.send_chunks(answer)
    read = session.speak("Calm words, and some others.", verbatim=True)
    server.send_chunks([*answer[:-2], {"error": {"message": words, "code": words}}])
    with pytest.raises(RequestRejected) as broken:
        session.speak("Hi")
    for refused in (False, True):
        server.then(
            (lambda handler, _: handler.refuse(400, words, words, words))
            if refused
            else (lambda handler, _: handler.stream(answer))
        )
    both = compare(session.speak, "Hi", voice=["alloy", mine])
    shown = {
        "reply": called,
        "read": read,
        "broken off": broken.value.reply,
        "comparison": both,
        "chat": ConversationPage(words, session.chats.get("all").exchanges),
        "chats": commands.chats(session.chats),
        "forecast": session.dry_run(words, style=words),
        "statement": CostReport(session.ledger.rows(), all=True),
        "models": commands.models(session, MagicOptions()),
        "status": commands.status(session, MagicOptions(model=words, voice=words)),
        "tool": called.tool_results[1],
    }
    told = {"error": {"text/plain": str(broken.value)}}
    return told | {name: bundle(one) for name, one in shown.items()} | live(words)


class Display:
    """The handle of a cell's display; keeps what it shows."""

    def update(self, bundle: dict[str, str], raw: bool) -> None:
        self.shown = bundle


def live(words: str) -> Bundles:
    """What is on show while it arrives."""
    said, told = Display(), Display()
    LiveCard(handle=said).on_delta(Delta(words))
    LiveCard(handle=told).on_progress(words)
    with capture_output() as printed:
        LiveText().on_delta(Delta(words))
    terminal = {"text/plain": printed.stdout}
    return {"words": said.shown, "progress": told.shown, "terminal": terminal}


@cache
def skeleton(html: str) -> set[tuple[str, str, str]]:
    """The elements and attributes of a page, with the values that no words belong into."""
    page = Reading(html)
    free = {"src", "alt", "title", "data-starts"}
    return {(tag, "", "") for tag in page.tags} | {
        (tag, name, "" if name in free else re.sub(r"width:\d+%?", "width", value))
        for tag, name, value in page.attributes
    }


@pytest.fixture
def calm(server: FakeServer, key: str, tone: Sound) -> Bundles:
    return everything(server, CALM, tone)


@pytest.mark.parametrize("words", [*HOSTILE, CONTROLS, BIDI, LINKS])
def test_words_stay_words_everywhere(
    server: FakeServer, calm: Bundles, tone: Sound, words: str
) -> None:
    marks = {("del", "", ""), ("ins", "", ""), ("span", "", "")}
    for name, bundle in everything(server, words, tone).items():
        html = bundle.get("text/html", "")
        known = skeleton(calm[name].get("text/html", "")) | skeleton(calm["read"]["text/html"])
        assert {one for one in skeleton(html) if one[1] != "style"} <= known | marks, name
        assert {one[2] for one in skeleton(html) if one[1] == "style"} <= styles(calm), name
        sources = [value for _, attribute, value in Reading(html).attributes if attribute == "src"]
        assert all(source.startswith("data:audio/mpeg;base64,") for source in sources), name
        for text in bundle.values():
            assert not HIDDEN.search(text), name
        rendered = MARKDOWN(bundle.get("text/markdown", ""))
        assert set(Reading(str(rendered)).tags) <= {"p", "em", "strong"}, name


def styles(calm: Bundles) -> set[str]:
    every = (skeleton(bundle.get("text/html", "")) for bundle in calm.values())
    return {value for one in every for _, name, value in one if name == "style"}
