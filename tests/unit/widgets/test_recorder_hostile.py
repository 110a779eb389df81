"""Messages to a recorder that no page of ours sends."""

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ...support.fake_page import PIECES, Told

MALFORMED: list[Any] = [
    None, 3, "start", [], {}, {"kind": "stop"}, {"kind": "start"}, {"kind": ["start"]},
    {"kind": "start", "take": 3, "what": "sound"}, {"kind": "start", "take": "u", "what": "tape"},
    {"kind": "here"}, {"kind": "here", "inhabits": 1}, {"take": "t"}, {"kind": "piece"},
    {"kind": "piece", "take": "u", "number": 2}, {"kind": "piece", "take": "t"},
    {"kind": "piece", "take": "t", "number": 2.5}, {"kind": "piece", "take": "t", "number": "2"},
    {"kind": "piece", "take": "t", "number": 2, "base64": "%%%"},
    {"kind": "piece", "take": "t", "number": 2, "base64": "abc"},
    {"kind": "piece", "take": "t", "number": 2, "base64": "größe"},
    {"kind": "end", "take": "t"}, {"kind": "end", "take": "t", "count": 2},
    {"kind": "end", "take": "t", "count": "2", "send": True}, {"kind": "drop", "take": "u"},
    {"kind": "drop"}, {"kind": "play", "take": "t"}, {"kind": "send"},
]  # fmt: skip


@pytest.mark.parametrize("message", MALFORMED, ids=json.dumps)
def test_a_malformed_message_changes_nothing(message: Any) -> None:
    recorder = Told()
    recorder.record(*PIECES[:2])
    before = recorder.get_state()
    assert all(answer["kind"] in ("again", "done") for answer in recorder.tell(message))
    assert recorder.get_state() == before and not recorder.shown.is_set()
    assert recorder.end(2) == recorder.done() and recorder.sound and recorder.sound.seconds == 0.2


values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 4) | st.floats() | st.text(max_size=4)
    | st.sampled_from(["t", "sound", "file"]) | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)  # fmt: skip
kinds = st.sampled_from(["here", "start", "piece", "end", "drop", "play", "send"]) | values
fields = ("take", "what", "number", "base64", "count", "cut", "complaint", "send", "inhabits")
messages = st.fixed_dictionaries({"kind": kinds}, optional=dict.fromkeys(fields, values))
END = {"kind": "end", "take": "t", "count": 1, "send": False}


@given(st.lists(st.tuples(messages, st.lists(st.binary(max_size=5), max_size=2)), max_size=6))
@settings(max_examples=60, deadline=None)
@example([(END | {"cut": [0, float("inf")]}, [])])
@example([({"kind": "piece", "take": "t", "number": 1}, [b"odd"]), (END | {"cut": [0, 9**9]}, [])])
@example([(END | {"complaint": {"a": [None]}, "cut": [True, 10**400]}, [])])
def test_no_message_breaks_it(said: list[tuple[Any, list[bytes]]]) -> None:
    recorder = Told()
    recorder.record(PIECES[0])
    for message, buffers in said:
        recorder.tell(message, *buffers)
