"""What a model thinks aloud is taken out, however its tags come."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiomagic.protocol.thoughts import Thoughts

THOUGHT = "The user asks for a capital. France's is Paris."
ANSWERS = [
    (f"<think>{THOUGHT}</think>It is Paris.", "It is Paris."),
    (f"<think>\n{THOUGHT}\n</think>\n\nIt is Paris.", "It is Paris."),
    (f"\n<THINK>{THOUGHT}</THINK> It is Paris.", "It is Paris."),
    (f"{THOUGHT}\n</think>\n\nIt is Paris.", "It is Paris."),  # the prompt ended with <think>
    (f"<think>{THOUGHT}", ""),
    ("<think></think>It is Paris.", "It is Paris."),
    (f"<think>a</think>\n<think>{THOUGHT}</think>\nIt is Paris.", "It is Paris."),
    (f"<thinking>{THOUGHT}</thinking>It is Paris.", "It is Paris."),
    (f"[THINK]{THOUGHT}[/THINK]It is Paris.", "It is Paris."),
    (f"<seed:think>{THOUGHT}</seed:think>It is Paris.", "It is Paris."),
    (f"◁think▷{THOUGHT}◁/think▷It is Paris.", "It is Paris."),
    (f"<thought>{THOUGHT} <b>2 < 3</b> [1]</thought>It is Paris.", "It is Paris."),
    (f"< think >{THOUGHT}< /think >It is Paris.", "It is Paris."),
    (f"<|thinking|>{THOUGHT}<|/thinking|>It is Paris.", "It is Paris."),
    (
        f"<|START_THINKING|>{THOUGHT}<|END_THINKING|><|START_RESPONSE|>It is Paris."
        "<|END_RESPONSE|>",
        "It is Paris.",
    ),
    (
        f"<|begin_of_thought|>{THOUGHT}<|end_of_thought|>\n\n<|begin_of_solution|>It is Paris."
        "<|end_of_solution|>",
        "It is Paris.",
    ),
    (f"<unused94>thought\n{THOUGHT}<unused95>It is Paris.", "It is Paris."),
    (f"<|channel>thought\n{THOUGHT}<channel|>It is Paris.<turn|>", "It is Paris."),
    # of gpt-oss
    (
        f"<|channel|>analysis<|message|>{THOUGHT}<|end|><|start|>assistant<|channel|>final<|message|>"
        "It is Paris.<|return|>",
        "It is Paris.",
    ),
    (
        "<|start|>assistant<|channel|>commentary<|message|>I look.<|end|><|start|>assistant to="
        "functions.f<|channel|>commentary <|constrain|>json<|message|>{}<|call|>It is.",
        "I look.It is.",
    ),
    # thoughts within thoughts, and what only looks so
    ("<think>a<think>b</think>c</think>It is Paris.", "It is Paris."),
    ("<think>They ask for <think>.</think>It is Paris.", "It is Paris."),
    ('<think>They ask for `<think>` and "<think>".</think>It is Paris.', "It is Paris."),
    ("<think>They ask for `</think>`.</think>It is Paris.", "It is Paris."),
    ("<think>It is `Paris`</think>It is Paris.", "It is Paris."),
    # special tokens
    ("<｜begin▁of▁sentence｜>It is Paris.<|im_end|>", "It is Paris."),
    ("<|fim_pad|>It is Paris.<|eot_id|>\n<end_of_turn> ", "It is Paris."),
    (f"<|im_start|>assistant\n<think>{THOUGHT}</think>It is Paris.<|im_end|>", "It is Paris."),
    ("<|im_start|>assistant\nIt is Paris.<|im_end|>", "It is Paris."),
    ("<|start_header_id|>assistant<|end_header_id|>\n\nIt is Paris.<|end|>", "It is Paris."),
    ('He says "It is Paris."<|im_end|>', 'He says "It is Paris."'),
    # answers that are about tags
    *(
        (text, text)
        for text in (
            "Of (\"<think>\"), {'a': '<|im_end|>'} and «</think>».",
            "The tag `<think>` begins it, `</think>` ends it.",
            "The tag <think> begins it.",
            "DeepSeek wraps its reasoning in <think> and </think> tags.",
            "It uses **<think>** to begin and **</think>** to end.",
            "s = re.sub(r'<think>.*?</think>', '', s)",
            "Write:\n\n    <think>\n    So.\n    </think>\n~~~\n<think>\n~~~",
            "[Think] Take two minutes alone. [Pair] Talk with a partner. [Share] Tell the class.",
            "[Think]: What do you notice?\n[Wonder]: What else?",
            "See [Think](https://example.org), press [THINK].",
            "<analysis>The poem is sad.</analysis>\n<answer>B</answer>",
            "<reasoning>She sounds sad.</reasoning>\n<emotion>sad</emotion>",
            "<thoughts>She sounds sad.</thoughts>",
            "<lesson><title>Verbs</title><reflection>Which?</reflection></lesson>",
            "function f(): Promise<Thought> { return new List<Thought>() }",
            "In ChatML a turn starts with <|im_start|> and ends with <|im_end|>, as in Qwen.",
            "s = f'<|im_start|>{role}\\n{text}<|im_end|>' ok",
            "GPT-2's end-of-text token is <|endoftext|>.",
            "The mean speed is <|v|>",
            '{"token": "the <|endoftext|> one"}',
            "<|start|> is a token, which stands before who speaks, " + "and so on, " * 9,
            "<|channel|> is one",
            "Write:\n```\n<think>\nIt`s so.\n</think>\n```\nThat is all.",
            "1 < 2, [3], <b>4</b>, a <thin line, ◁ and `",
            "I <think>,\n<!-- a -->, <details>, a | b |> c, <|, <s>d</s> ``",
        )
    ),
    ("", ""),
]


def answer(text: str, size: int, model: Thoughts, complete: bool = True) -> list[str]:
    """What is shown of a text that comes in pieces of that size."""
    filtered = model.answer()
    pieces = [filtered.feed(text[i : i + size]) for i in range(0, len(text), size)]
    return [*pieces, filtered.end(complete)]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 11, 1000])
@pytest.mark.parametrize(("text", "shown"), ANSWERS)
def test_thoughts_are_taken_out(text: str, shown: str, size: int) -> None:
    assert "".join(answer(text, size, Thoughts())) == shown
    if not text.startswith(THOUGHT):
        assert "".join(answer(text, size, Thoughts(False))) == shown


def test_an_answer_streams_once_its_model_is_known_not_to_think_without_a_tag() -> None:
    model = Thoughts()
    assert answer("It is Paris.", 3, model) == ["", "", "", "", "It is Paris."]
    assert model.untagged is False
    assert answer("It is Paris.", 3, model) == ["It ", "is ", "Par", "is.", ""]
    thoughtful = answer("<think>hm</think>It is Paris.", 1, Thoughts())
    assert thoughtful[-3:] == ["s", ".", ""]  # with a tag, what follows it streams


def test_a_model_that_thinks_without_a_tag_is_remembered() -> None:
    model = Thoughts(untagged=False)
    answer("So.</think>Yes.", 1, model)  # too late for this one
    assert model.untagged
    assert "".join(answer(f"{THOUGHT}</think>Yes.", 1, model)) == "Yes."
    assert "".join(answer(THOUGHT, 1, model, complete=False)) == ""  # the cap came first
    assert "".join(answer("Yes.", 1, model)) == "Yes."  # this time it did not


def test_a_model_known_to_think_without_a_tag_may_begin_with_one_or_mention_it() -> None:
    for text in (f"<think>{THOUGHT}</think>Yes.", f"{THOUGHT} <think>?</think>, no.</think>Yes."):
        assert "".join(answer(text, 1, Thoughts(untagged=True))) == "Yes."
    assert answer("<think>a</think>Yes.", 8, Thoughts(untagged=True))[1:] == ["", "Yes.", ""]


def test_an_answer_that_was_cut_off_tells_nothing() -> None:
    model = Thoughts()
    assert "".join(answer("It is Par", 4, model, complete=False)) == "It is Par"
    assert model.untagged is None


PIECES = ["<think>", "</think>", "<|channel|>", "<|message|>", "<|end|>", "analysis", "<unused94>",
          "<unused95>", "'", "(", "x" * 60,
          "< think >", "<|im_end|>", "```", '"', "\n", " ", "<|", "a"]  # fmt: skip


@given(
    st.text('<>/[]`◁▷|thinkTHINK ab\n"', max_size=60)
    | st.lists(st.sampled_from(PIECES), max_size=12).map("".join),
    st.integers(1, 9),
)
def test_it_does_not_matter_where_a_text_is_cut(text: str, size: int) -> None:
    for untagged, complete in product((None, False, True), (False, True)):
        whole = "".join(answer(text, 1000, Thoughts(untagged), complete))
        assert "".join(answer(text, size, Thoughts(untagged), complete)) == whole


@given(st.text('<>/[]◁▷| ab\n`"', max_size=60), st.integers(1, 9))
def test_what_has_no_tag_is_an_answer(text: str, size: int) -> None:
    for untagged in (None, False, True):
        assert "".join(answer(text, size, Thoughts(untagged))) == text


def test_an_answer_without_a_tag_streams() -> None:
    text = "1 < 2, `a` [b], <b>c</b>.\n\nIt is so.\n" * 50
    filtered, late = Thoughts(untagged=False).answer(), 0
    shown = ""
    for end, character in enumerate(text, 1):
        shown += filtered.feed(character)
        late = max(late, end - len(shown))
    assert shown + filtered.end(complete=True) == text and late < 10


@pytest.mark.parametrize(
    "part", ["<think>", "</think>", "<think></think>", "<think>a</think>b ", '"<think>',
             "<|channel|>", " ", "`", "<", "< ", "\n", "a"]
)  # fmt: skip
def test_a_text_of_any_length_is_read(part: str) -> None:
    text = part * (50_000 // len(part))
    for untagged in (None, False, True):  # to search all of it for each character would take hours
        assert len("".join(answer(text, 1, Thoughts(untagged)))) <= len(text)
        answer(text, len(text), Thoughts(untagged))
