"""Calls of tools on a card."""

import json

import pandas as pd
import pytest

from audiomagic.errors import OptionError
from audiomagic.protocol.tool_calls import ToolCall
from audiomagic.render import tool_call
from audiomagic.tools.result import ToolResult

from ...support.page_reading import Reading
from ...support.pictures import PIXEL, Drawn
from ...support.sanitizer import find_node, sanitize

CALL = ToolCall("call_1", "weather", '{"city": "Köln", "days": [1, 2]}')
HOSTILE = ["</details><script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "$x$ \\(y\\)"]


def html(value: object, call: ToolCall = CALL) -> str:
    return tool_call.html(ToolResult.of(call, value, 0.26))


def test_it_unfolds() -> None:
    read = Reading(html("12 °C\nrain"))
    assert html("12 °C\nrain").startswith("<details style=")
    assert html("12 °C\nrain").endswith("</details>")
    assert read.text.startswith("weather(city='Köln', days=[1, 2]) → 12 °C rain · 0.3 s\n")
    assert "12 °C\nrain" in read.text and CALL.arguments in read.text


def test_a_picture_is_seen_at_once() -> None:
    assert html(Drawn()).startswith("<details open ") and f'src="{PIXEL}"' in html(Drawn())


@pytest.mark.parametrize("words", HOSTILE)
def test_foreign_words_stay_words(words: str) -> None:
    call = ToolCall(words, words, json.dumps({words: words}))
    failed = ToolResult.failed(call, OptionError(words), 0)
    for page in (html(words, call), tool_call.html(failed)):
        read = Reading(page)
        assert set(read.tags) == {"details", "summary", "div"}
        assert read.text.replace("\n", "").count(words) >= 3


@pytest.mark.node
@pytest.mark.skipif(find_node() is None, reason="node is not installed")
def test_jupyters_sanitizer_leaves_it() -> None:
    frame = pd.DataFrame({"a": HOSTILE})
    for value in (HOSTILE[0], Drawn(), frame):
        page = html(value)
        before, after = Reading(page), Reading(sanitize(page))
        assert after.declared() == before.declared() != []
        assert after.text == before.text and after.tags == before.tags
        assert sorted(after.attributes) == sorted(before.attributes)
