"""A server's error, and the list of its models: anything is read, or refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiomagic.protocol.error import LONGEST, ErrorBody
from audiomagic.protocol.model_list import read

from ...support.fake_server import KEY
from ...support.strategies import JSON


@given(JSON | st.dictionaries(st.sampled_from(["error", "metadata", "raw", "code", "data"]), JSON))
def test_any_json_is_an_error_and_a_list_or_none(item: Any) -> None:
    failure = ErrorBody.of(item)
    assert failure.message or not item or not str(item).strip()
    assert all(isinstance(x, str | None) for x in (failure.code, failure.param, failure.kind))
    assert read({"data": [item, {"id": "a", "shutdown_date": item}]}) is not None


def test_a_gateway_passes_on_what_the_provider_said() -> None:
    raw = '{"error": {"message": "slow down", "code": 429, "type": "rate_limit"}}'
    body = ErrorBody.of({"message": "Provider error", "metadata": {"raw": raw}})
    assert body == ErrorBody("slow down", "429", None, "rate_limit")


def test_an_error_shows_no_part_of_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    for error in (f"wrong: {KEY}", {"message": f"wrong: {KEY[:9]}", "code": KEY}, {"x": KEY}):
        assert KEY[:9] not in repr(ErrorBody.of(error))


FASTAPI = [
    {"type": "missing", "loc": ["body", "messages", 0, "content"], "msg": "Field required",
     "input": {"role": "user"}},
    {"type": "extra_forbidden", "loc": ["body", "audio"], "msg": "Extra inputs", "input": {}},
]  # fmt: skip
SHAPES = [
    # vLLM, Mistral
    ({"object": "error", "message": "Said so.", "type": "BadRequestError", "param": None,
      "code": 400}, ErrorBody("Said so.", "400", None, "BadRequestError")),
    ({"detail": "Said so."}, ErrorBody("Said so.")),
    ({"detail": FASTAPI},
     ErrorBody("messages.0.content: Field required; audio: Extra inputs")),
    ({"error": "Said so."}, ErrorBody("Said so.")),
    ("Said so.", ErrorBody("Said so.")),
    ([{"error": {"code": 404, "message": "Said so.", "status": "NOT_FOUND"}}],
     ErrorBody("Said so.")),  # Gemini
    # LiteLLM
    ({"error": {"message": "Said so.", "type": "None", "param": "None", "code": "400"}},
     ErrorBody("Said so.", "400")),
    ({"error": "Bad Request", "message": ["Said so."], "statusCode": 400}, ErrorBody("Said so.")),
    ({"error": "invalid_token", "error_description": "Said so."}, ErrorBody("Said so.")),
    ({"success": False, "errors": [{"code": 7003, "message": "Said so."}]}, ErrorBody("Said so.")),
    ({"type": "about:blank", "title": "Bad Request", "detail": "Said so."},
     ErrorBody("Said so.", kind="about:blank")),
    ({"detail": {"error": {"message": "Said so.", "code": "odd"}}}, ErrorBody("Said so.", "odd")),
    ({"type": "error", "error": {"type": "not_found_error", "message": "Said so."}},
     ErrorBody("Said so.", kind="not_found_error")),
    ({"Message": "Said so."}, ErrorBody("Said so.")),
    ({"Message": "Said so.", "Code": "odd"}, ErrorBody("Said so.", "odd")),
    ({"base_resp": {"status_code": 1004, "status_msg": "Said so."}}, ErrorBody("Said so.")),
    ({"choices": None, "message": "Said so."}, ErrorBody("Said so.")),
    ({"fault": {"faultstring": "Said so.", "detail": {"errorcode": "x"}}}, ErrorBody("Said so.")),
    ({"errorMessage": "Said so."}, ErrorBody("Said so.")),
    ({"error_message": "Said so."}, ErrorBody("Said so.")),
    ({"code": "InvalidParameter", "message": "Said so.", "request_id": "1"},
     ErrorBody("Said so.", "InvalidParameter")),
    ({"error": {"message": "Provider returned error", "metadata": {"raw": "Said so."}}},
     ErrorBody("Said so.")),
]  # fmt: skip


@pytest.mark.parametrize(("sent", "read"), SHAPES)
def test_the_servers_own_words_are_found_in_every_shape(sent: Any, read: ErrorBody) -> None:
    assert ErrorBody.of(sent) == read
    if not isinstance(sent, str):
        found = ErrorBody.in_place_of(sent) or ErrorBody.suspected(sent)
        assert found and found.message == read.message


@pytest.mark.parametrize(
    "chunk",
    [
        {"choices": [{"delta": {"content": "An error message"}}], "error": None},
        {"choices": [], "message": "one"},
        {"object": "chat.completion.chunk", "detail": "x"},
        {"message": {"role": "assistant", "content": "Hi"}, "done": False},  # Ollama's own API
        {"type": "ping"},
        {"base_resp": {"status_code": 0, "status_msg": "success"}},  # MiniMax
        {"choices": [{"delta": {"content": "Hi"}}], "base_resp": {"status_code": 0}},
        {"usage": {}, "error": ""},
        {"type": "status", "message": "queued"},
        {"status": "processing", "detail": "You are third"},
        {"code": 0, "msg": "success", "data": None},
        {"error": {"code": 0, "message": "Success"}},
        {"error": {"code": "200", "message": "OK"}},
        {"error": {"code": 0, "message": ""}},
        *(
            {"choices": [{"delta": {"content": "Hi"}}], "error": error}
            for error in (
                {"code": 0, "message": "Success"},
                {"code": "0", "message": "Request served"},
                {"code": "success", "message": ""},
                {"code": 200},
                {"code": None, "message": "", "type": None},
                {"message": "None"},
                "success",
                "null",
            )
        ),
        {"choices": [{"delta": {"content": "Hi"}, "error": {"code": 0, "message": ""}}]},
        [],
        ["error"],
        {},
        "error",
        None,
    ],
)
def test_a_chunk_is_no_error(chunk: Any) -> None:
    assert ErrorBody.in_place_of(chunk) is None
    assert ErrorBody.suspected(chunk) is None or isinstance(chunk, str)


ERRORS = [
    {"code": 502, "message": "Worn out"},
    {"code": "None", "message": "Worn out"},  # LiteLLM's way to say null
    {"code": "", "message": "Worn out"},
    {"message": "Worn out"},
    {"type": "overloaded_error"},
    {"code": 500, "message": "Success"},
    "Worn out",
    True,
]


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("choices", [None, [], [{"delta": {"content": "Hi"}}]])
def test_an_error_beside_an_answer_is_one(error: Any, choices: Any) -> None:
    assert ErrorBody.in_place_of({"choices": choices, "error": error}) is not None


@pytest.mark.parametrize(
    "chunk",
    [
        {"error": {"code": 0, "message": "Worn out"}},
        {"code": 200, "message": "Worn out"},
        {"type": "status", "error": "Worn out"},
    ],
)
def test_what_stands_alone_is_judged_by_its_words(chunk: Any) -> None:
    error = ErrorBody.in_place_of(chunk) or ErrorBody.suspected(chunk)
    assert error and error.message == "Worn out"


def test_an_error_inside_a_choice_is_one() -> None:
    error = {"code": 502, "message": "Provider disconnected"}
    chunk = {"object": "chat.completion", "choices": [{"error": error, "finish_reason": "error"}]}
    found = ErrorBody.in_place_of(chunk)
    assert found == ErrorBody("Provider disconnected", "502") and found.status == 502


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("<Error><Code>odd</Code><Message>Said so.</Message></Error>",
         ErrorBody("Said so.", "odd")),
        ("\ufeff<?xml version='1.0'?>\n<a:error><a:message x='1'>\n Said &amp; so.\n</a:message>"
         "</a:error>", ErrorBody("Said & so.")),
        ("<html><title>Said so.</title></html>",) * 2,
        ("<!DOCTYPE html><message>Said so.</message>",) * 2,
        ("<h1>Said so.</h1>",) * 2,
    ],
)  # fmt: skip
def test_the_words_of_an_error_in_xml_are_found(sent: str, read: ErrorBody | str) -> None:
    assert ErrorBody.read(sent) == (ErrorBody(read) if isinstance(read, str) else read)


@pytest.mark.parametrize("part", ["<", "<a", "<a>", "<a:", "a:", "a", " ", "<a> ", "<a>x</", "&lt"])
def test_xml_of_any_length_is_read(part: str) -> None:
    for text in ("<" + part * 50_000, "<a>" + part * 50_000 + "</"):
        assert ErrorBody.read(text).message  # to go back at each sign would take minutes


def test_errors_within_errors_without_end_are_read() -> None:
    nested: Any = {"message": "deep"}
    for _ in range(500):
        nested = {"error": nested}
    assert ErrorBody.of(nested).message
    listed: Any = "deep"
    for _ in range(500):
        listed = [listed]
    assert ErrorBody.of({"detail": listed}).message


@pytest.mark.parametrize(
    "error",
    [
        "x" * 1_000_000,
        {"message": "sk-proj " * 1_000_000},
        {str(number): "x" for number in range(100_000)},
        [["x"]] * 1_000_000,
    ],
)
def test_an_error_of_many_words_is_cut(error: object) -> None:
    assert len(ErrorBody.of(error).message) <= LONGEST
