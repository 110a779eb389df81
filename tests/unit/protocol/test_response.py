"""The answer on the wire: a recorded stream, and all that may stand in its place."""

import base64
import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletionChunk

from audiomagic.errors import InvalidResponse
from audiomagic.protocol.chunk_writer import ChunkWriter
from audiomagic.protocol.response import Completion, Delta, ResponseAccumulator
from audiomagic.protocol.usage import Usage

from ...support.fake_server import KEY, chunk, spoken, usage, written
from ...support.samples import PCM
from ...support.strategies import JSON, NEARLY_CHUNKS

WORDS = ["Hello", ",", " Ada", ". ", "Näive", " 語", "."]


def as_sent(item: Any) -> Any:
    return item


def through_the_client(item: Any) -> Any:
    """As the client builds its objects from a stream: unchecked, then turned back."""
    return ChatCompletionChunk.construct(**item).to_dict(warnings=False)


def checked_by_the_client(item: Any) -> Any:
    """As the client's own types see it, where they accept it."""
    whole = {"choices": []} | item
    for choice in whole["choices"]:
        choice.setdefault("finish_reason", None)
    return ChatCompletionChunk.model_validate(whole).to_dict(warnings=False)


def accumulated(chunks: list[Any]) -> tuple[Completion, list[Delta]]:
    accumulator = ResponseAccumulator()
    pieces = [accumulator.add(item) for item in chunks]
    if (rest := accumulator.end()) != Delta():
        pieces.append(rest)
    return accumulator.completion(), pieces


@pytest.mark.parametrize("read", [as_sent, through_the_client, checked_by_the_client])
@pytest.mark.parametrize("piece", [9_601, 19_200, 1, 3, 100_000])
def test_the_recorded_sequence(read: Any, piece: int) -> None:
    pcm = PCM[: 300 * piece]
    chunks = [read(item) for item in spoken(WORDS, pcm, usage(11, 0, 6, 10), piece)]
    answer, pieces = accumulated(chunks)
    assert answer == Completion(
        text="Hello, Ada. Näive 語.",
        pcm=pcm[: len(pcm) // 2 * 2],
        finish_reason="stop",
        model="gpt-audio-1.5",
        usage=Usage(11, 16, 0, 10),
        audio_id="audio_69e01732c7f08191afe5d97a54081075",
        expires_at=1776297282,
    )
    assert b"".join(p.pcm for p in pieces) == answer.pcm
    assert "".join(p.text for p in pieces) == answer.text
    assert all(len(p.pcm) % 2 == 0 for p in pieces)


def test_each_piece_has_its_own_padding() -> None:
    sent = [base64.b64encode(part).decode() for part in (b"a", b"bc", b"def", b"gh")]
    assert sent[0].endswith("==") and sent[1].endswith("=")
    answer, pieces = accumulated([chunk({"audio": {"data": data}}) for data in sent])
    assert answer.pcm == b"abcdefgh"
    assert [p.pcm for p in pieces] == [b"", b"ab", b"cdef", b"gh"]


def test_half_a_sample_at_the_end_is_dropped() -> None:
    answer, _ = accumulated([chunk({"audio": {"data": base64.b64encode(b"abc").decode()}})])
    assert answer.pcm == b"ab"


@pytest.mark.parametrize(
    ("tail", "finish"),
    [
        ([], None),
        ([chunk({"audio": {"expires_at": 1776297282}})], "stop"),
        ([chunk({}, finish_reason="length"), chunk({"audio": {"expires_at": 1}})], "length"),
        ([chunk({}, finish_reason="content_filter")], "content_filter"),
        ([chunk({}, finish_reason=None)], None),
        ([chunk({}, finish_reason="null")], None),
        ([chunk({}, finish_reason="in_progress"), chunk({}, finish_reason="EOS")], "stop"),
        ([chunk({}, finish_reason="a word of its own")], "stop"),
        ([chunk({}, finish_reason={"no": "word"})], None),
    ],
)
def test_how_it_ended(tail: list[Any], finish: str | None) -> None:
    answer, _ = accumulated([chunk({"audio": {"transcript": "Hm."}}), *tail])
    assert (answer.text, answer.finish_reason) == ("Hm.", finish)


def test_usage_is_never_overwritten_with_none() -> None:
    counted = chunk() | {"choices": [], "usage": usage(1, 2, 3, 4)}
    answer, _ = accumulated([counted, chunk(), chunk({"content": "x"}), chunk() | {"usage": {}}])
    assert answer.usage == Usage(3, 7, 2, 4)


def test_an_answer_in_text_and_a_refusal() -> None:
    answer, pieces = accumulated(written(["A ", "tone."]))
    assert (answer.text, answer.pcm, answer.finish_reason) == ("A tone.", b"", "stop")
    assert [p.text for p in pieces if p.text] == ["A ", "tone."]
    answer, _ = accumulated(
        [chunk({"role": "assistant", "refusal": "I can"}), chunk({"refusal": "'t."})]
    )
    assert answer.text == "I can't."


def test_nothing_is_nothing() -> None:
    for chunks in ([], [{}], [chunk()], [chunk() | {"choices": None}], [chunk({"audio": None})]):
        answer, _ = accumulated(chunks)
        assert (answer.text, answer.pcm, answer.finish_reason, answer.usage) == (
            "",
            b"",
            None,
            None,
        )


def test_what_other_servers_do() -> None:
    """OpenRouter: data and expiry together, content ""; others: sound in a second choice."""
    data = base64.b64encode(b"abcd").decode()
    audio = {"data": data, "expires_at": 1776297282}
    answer, _ = accumulated([chunk({"content": "", "audio": audio})])
    assert (answer.pcm, answer.finish_reason) == (b"abcd", "stop")
    two = [{"index": 0, "delta": {"content": "Hi."}}, {"index": 0, "delta": {"audio": audio}}]
    answer, _ = accumulated([chunk() | {"choices": two}])
    assert (answer.text, answer.pcm) == ("Hi.", b"abcd")


CALL = {"id": "a", "function": {"name": "weather", "arguments": "{}"}}
SOUND = {"id": "audio_1", "data": base64.b64encode(b"abcd").decode()}
PARTS: dict[str, tuple[list[Any], Any]] = {
    "text": ([{"content": "A "}, {"content": "tone."}], {"content": "A tone."}),
    "a refusal": ([{"refusal": "No"}, {"refusal": "."}], {"refusal": "No."}),
    "sound": ([{"audio": SOUND}, {"audio": {"transcript": "A."}}],
              {"audio": SOUND | {"transcript": "A."}}),
    "a call": ([{"tool_calls": [{"index": 0} | CALL]}], {"tool_calls": [CALL]}),
    "an old call": ([{"function_call": CALL["function"]}], {"function_call": CALL["function"]}),
}  # fmt: skip


@pytest.mark.parametrize("name", PARTS)
@pytest.mark.parametrize("beside", [None, {}])
def test_a_message_after_its_deltas_adds_nothing(name: str, beside: Any) -> None:
    deltas, message = PARTS[name]
    whole = {"index": 0, "delta": beside, "message": message, "finish_reason": "stop"}
    first, last = chunk({"role": "assistant", "content": ""}), chunk() | {"choices": [whole]}
    streamed, _ = accumulated([*map(chunk, deltas), chunk({}, finish_reason="stop")])
    assert accumulated([first, *map(chunk, deltas), last])[0] == streamed
    assert accumulated([first, last])[0] == streamed  # the first has nothing of it yet
    other = {"content": "Else."} if name != "text" else {"refusal": "Else."}
    assert accumulated([*map(chunk, [other]), last])[0].text.startswith("Else.")


def test_a_thought_that_a_message_repeats_is_counted_once() -> None:
    accumulator, thought = ResponseAccumulator(), {"reasoning_content": "one two three "}
    accumulator.add(chunk(thought))
    counted = accumulator.tokens
    accumulator.add(chunk() | {"choices": [{"message": thought}]})
    assert accumulator.tokens == counted == 3


def test_a_message_brings_what_no_delta_did() -> None:
    message = {"role": "assistant", "content": "A tone.", "audio": SOUND, "tool_calls": [CALL]}
    last = chunk() | {"choices": [{"message": message}, {"message": {"content": " Two."}}]}
    answer, _ = accumulated([chunk({"content": "A tone."}), last])
    assert (answer.text, answer.pcm, len(answer.tool_calls)) == ("A tone.", b"abcd", 1)
    assert accumulated([last])[0].text == "A tone. Two."


BESIDE = {"role": "assistant", "content": "A.", "audio": SOUND | {"transcript": "A."}}


@pytest.mark.parametrize(
    "deltas",
    [
        [{"role": "assistant", "content": ""}],
        [{"role": "assistant", "content": None, "audio": {}, "tool_calls": []}],
        [{"audio": {"id": "audio_1"}}, {"audio": {"transcript": "A."}}, None],
        [{"audio": {"id": "audio_1", "data": SOUND["data"]}}, {}],
        [{"content": "A."}, {"audio": {"id": "audio_1", "transcript": ""}}],
        [{"audio": {"transcript": "A.", "expires_at": 1}}, {}],
    ],
)
def test_each_part_of_a_message_that_no_delta_brought_is_taken(deltas: list[Any]) -> None:
    whole = {"delta": deltas[-1], "message": BESIDE, "finish_reason": "stop"}
    answer, _ = accumulated([*map(chunk, deltas[:-1]), chunk() | {"choices": [whole]}])
    assert (answer.text, answer.pcm, answer.audio_id) == ("A.", b"abcd", "audio_1")


END = chunk({}, finish_reason="stop")


@pytest.mark.parametrize("part", ["content", "transcript"])
@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["Hello ", "Ada.", "Hello Ada."], "Hello Ada."),
        (["", "Hello ", "", "Ada.", "Hello Ada."], "Hello Ada."),
        (["Hello ", "Ada.", " Hello Ada."], "Hello Ada. Hello Ada."),  # it says it twice
        (["Hello.", "Hello."], "Hello.Hello."),  # each a word, or a sentence
        (["Bye", " ", "Bye"], "Bye Bye"),
        (["No", " no", " no", " no"], "No no no no"),
        (["na", "na", "nana", " Batman"], "nananana Batman"),
        (["好", "的", "好", "的"], "好的好的"),
    ],
)
def test_a_last_delta_that_repeats_all_is_read_once(part: str, words: list[str], text: str) -> None:
    deltas = [{"audio": {part: word}} if part == "transcript" else {part: word} for word in words]
    answer, pieces = accumulated([*map(chunk, deltas), END])
    assert answer.text == text == "".join(piece.text for piece in pieces).strip()
    cut_off, _ = accumulated([*map(chunk, deltas)])
    assert cut_off.text == "".join(words).strip()  # what came is kept
    if part == "transcript":
        assert accumulated([chunk({"content": text}), *map(chunk, deltas), END])[0].text == text


@pytest.mark.parametrize(
    ("written", "transcript", "text"),
    [
        ("hello world", "Hello, world.", "hello world"),
        ("**Hello**, world!", "Hello world", "**Hello**, world!"),
        ("hello world", "Hello, world. Bye.", "hello world. Bye."),
        ("Hello: world.", "hello world; bye", "Hello: world. bye"),
        ("Straße", "STRASSE 5", "Straße 5"),
        ("\U0001f44d", "\U0001f44e", "\U0001f44d \U0001f44e"),
        ("…", "Hi.", "… Hi."),
        ("See below.", "Hi.", "See below. Hi."),
        ("No no", "No no no", "No no no"),
    ],
)
def test_written_and_spoken_words_are_compared_without_their_signs(
    written: str, transcript: str, text: str
) -> None:
    both = chunk({"content": written, "audio": {"transcript": transcript}})
    assert accumulated([both, END])[0].text == text


def test_an_emoji_in_two_halves_is_one_and_a_lone_half_is_replaced() -> None:
    halves = [json.loads('"\\ud83d"'), json.loads('"\\ude00"')]
    answer, _ = accumulated([chunk({"content": half}) for half in halves])
    assert answer.text == "\U0001f600"
    answer, pieces = accumulated([chunk({"content": "a" + halves[0]})])
    assert answer.text == pieces[0].text == "a\ufffd"
    assert accumulated([chunk({"content": "\ufeffa"})])[0].text == "\ufeffa"


def test_more_than_any_model_sends_is_not_read() -> None:
    part = chunk({"audio": {"data": base64.b64encode(bytes(9_000_000)).decode()}})
    with pytest.raises(InvalidResponse, match="more sound than any model"):
        accumulated([part] * 23)
    with pytest.raises(InvalidResponse, match="more text than any model"):
        accumulated([chunk({"content": "x" * 400_000})] * 3)
    held_back = chunk({"content": "x", "audio": {"transcript": "x" * 400_000}})
    with pytest.raises(InvalidResponse, match="more text than any model"):
        accumulated([held_back] * 3)


@pytest.mark.parametrize("name", ["m" * 4_000_000, "m" * 1_001])
def test_a_name_longer_than_any_is_none(name: str) -> None:
    named = chunk({"audio": {"id": name, "transcript": "Hm."}}, finish_reason=name)
    answer, _ = accumulated([chunk({"content": ""}), named | {"model": name}])
    assert (answer.model, answer.audio_id, answer.finish_reason) == ("gpt-audio-1.5", None, None)
    assert answer.text == "Hm."


def test_text_that_may_begin_a_key_waits_for_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    accumulator, shown = ResponseAccumulator(), list[str]()
    for text in ("It is s", *KEY[1:], ". It", " is sk", "-proj-", "ects."):
        shown.append(accumulator.add(chunk({"content": text})).text)
    shown.append(accumulator.end().text)
    assert "".join(shown) == "It is …. It is sk-proj-ects." == accumulator.completion().text
    assert shown[0] == "It is " and not any(shown[1 : len(KEY) - 1])


@given(st.lists(st.text(max_size=12)), st.binary(max_size=400), st.data())
def test_any_split_is_joined_again(words: list[str], pcm: bytes, data: Any) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(pcm)), max_size=8)))
    ends = zip([0, *cuts], [*cuts, len(pcm)], strict=True)
    sound = [{"data": base64.b64encode(pcm[a:b]).decode()} for a, b in ends]
    text = [{"transcript": word} for word in words]
    mixed = data.draw(st.permutations([(0, i) for i in range(len(text))] + [(1, 0)] * len(sound)))
    sources = iter(text), iter(sound)  # shuffled together, each in its own order
    answer, pieces = accumulated([chunk({"audio": next(sources[which])}) for which, _ in mixed])
    assert answer.text == "".join(words).strip()
    assert answer.pcm == pcm[: len(pcm) // 2 * 2] == b"".join(p.pcm for p in pieces)
    assert "".join(p.text for p in pieces) == "".join(words)


@given(JSON | NEARLY_CHUNKS)
@example(5)
@example([])
@example({"choices": [{"delta": {"audio": {"data": "Ünicode"}}}]})
@example({"choices": [{"delta": {"audio": {"data": "\ud800"}}}]})
@example({"choices": [{"delta": {"audio": {"data": "QQ=\n="}}}]})
@example({"choices": [{"delta": {"audio": {"id": ["x"], "expires_at": True}}}]})
@example({"modality": "audio", "choices": [{"delta": {"content": 7}}]})
@example({"choices": [{"message": {"audio": {"data": "UklGRgAAAABXQVZFZm10IAAAAABkYXRhAA=="}}}]})
@example({"usage": {"prompt_tokens": 10**400, "completion_tokens": 1}})
def test_any_json_is_accumulated_or_refused(item: Any) -> None:
    accumulator = ResponseAccumulator()
    try:
        accumulator.add(item)
    except InvalidResponse as error:
        assert "\n" not in str(error)
    answer = accumulator.completion()
    answer.text.encode()
    for value in (answer.finish_reason, answer.model, answer.audio_id):
        assert value is None or isinstance(value, str)


@given(st.text(max_size=40), st.binary(max_size=99).map(lambda b: b[: len(b) // 2 * 2]))
def test_what_the_engine_writes_is_read(words: str, pcm: bytes) -> None:
    writer = ChunkWriter("chatcmpl-1", "local-engine", 1776293682, "audio_1")
    counted = Usage(5, 9, 2, 4)
    chunks = [writer.opening(), *writer.spoken(Delta(words, pcm)), writer.chunk([], counted)]
    answer, _ = accumulated(json.loads(json.dumps([*chunks, writer.expiry()])))
    same_id = "audio_1" if words or pcm else None
    assert answer == Completion(
        words.strip(), pcm, "stop", "local-engine", counted, same_id, 1776293682 + 3600
    )
