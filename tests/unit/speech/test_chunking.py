"""Chunks: nothing lost, nothing too long, cut where a reader breathes."""

from itertools import pairwise

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from audiomagic.speech.chunking import LONGEST, SENTENCE, chunks

WORDS = [
    "Hello",
    "Mr.",
    "3.14",
    "e\u0301",
    "👩‍👩‍👧",
    "。",
    "我",
    "ไทย",
    "नमस्ते",
    "\ud800",
    "\0",
    ")",
]
SPACES = [" ", "! ", ", ", ". ", "\n", "\n\n", "\r\n", "\u2029", "\u3000"]
SCRIPTS = st.sampled_from([*WORDS, *SPACES, "x" * 40])
TEXTS = st.lists(SCRIPTS | st.characters(), max_size=80).map("".join)


@given(TEXTS, st.integers(1, 60))
def test_chunks_joined_are_the_text_and_none_is_blank_or_too_long(text: str, most: int) -> None:
    found = [chunk.text for chunk in chunks(text, most)]
    assert "".join(found) == text
    assert all(len(chunk.strip()) <= most for chunk in found)
    assert all(chunk.strip() for chunk in found) or len(found) <= 1


@given(TEXTS, st.integers(20, 60))
def test_no_character_is_parted_from_its_marks(text: str, most: int) -> None:
    characters = {match.end() for match in regex.finditer(r"\X", text)}
    longest = max((len(match[0]) for match in regex.finditer(r"\X", text)), default=0)
    at = 0
    for chunk in chunks(text, most):
        at += len(chunk.text)
        assert at in characters or longest > most or text[at - 1].isspace()


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("It is late. Dr. Smith sleeps. Who is there? Nobody, I think.",
         ["It is late. Dr. Smith sleeps. ", "Who is there? Nobody, I think."]),
        ("One sentence. Two.\n\nAnother paragraph. It goes on, and on.",
         ["One sentence. Two.\n\n", "Another paragraph. ", "It goes on, and on."]),
        ("Costs of 3.50 are low, said Mr. Fox; he knew it, of course",
         ["Costs of 3.50 are low, ", "said Mr. Fox; he knew it, ", "of course"]),
        ("a b c d e f g h i j k l m n o p q r s t u",
         ["a b c d e f g h i j k l m n o ", "p q r s t u"]),
        ("今天天气很好。我们去公园散步。你想一起去吗？好的，不过要早点回来，因为有客人。",
         ["今天天气很好。我们去公园散步。你想一起去吗？", "好的，不过要早点回来，因为有客人。"]),
        ("هل أنت بخير؟ نعم، شكرا لك. إلى اللقاء غدا.",
         ["هل أنت بخير؟ نعم، شكرا لك. ", "إلى اللقاء غدا."]),
        ("यह एक वाक्य है। यह दूसरा वाक्य है।", ["यह एक वाक्य है। ", "यह दूसरा वाक्य है।"]),
        ("e\u0301" * 20, ["e\u0301" * 15, "e\u0301" * 5]),
        ("", []),
        ("  Short. \n", ["  Short. \n"]),
    ],
)  # fmt: skip
def test_it_is_cut_where_a_reader_breathes(text: str, cut: list[str]) -> None:
    assert [chunk.text for chunk in chunks(text, 30)] == cut


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("He came. I did, e.g. Rome. Mr. Fox, J. R. and Dr. No met at 3.50 on St. Mary's. Why?",
         ["He came.", "I did, e.g. Rome.", "Mr. Fox, J. R. and Dr. No met at 3.50 on St. Mary's."]),
        ('He said: "Who is it?" Nobody knew. "Stop!" she cried. Late... He left?! Then, silence.',
         ['He said: "Who is it?"', "Nobody knew.", '"Stop!" she cried.', "Late...", "He left?!"]),
        ("Am 23. Mai kam er. Er sagte „Hallo!“ Danach ging er z. B. heim. Ende",
         ["Am 23. Mai kam er.", "Er sagte „Hallo!“", "Danach ging er z. B. heim."]),
        ("Il est parti ! Où va-t-il ? « Je ne sais pas. » Il pleut. Fin",
         ["Il est parti !", "Où va-t-il ?", "« Je ne sais pas. »", "Il pleut."]),
        ("¿Qué tal? ¡Hola! Vino. Sí", ["¿Qué tal?", "¡Hola!", "Vino."]),
        ("Привет! Как дела? А. С. Пушкин пел. Да", ["Привет!", "Как дела?", "А. С. Пушкин пел."]),
        ("「你好！」他说。好吗？", ["「你好！」", "他说。", "好吗？"]),
        ("これは本です。そうか！", ["これは本です。", "そうか！"]),
        ("هل أنت بخير؟ حسنا۔ نعم", ["هل أنت بخير؟", "حسنا۔"]),
        ("यह है। वह है॥ अंत", ["यह है।", "वह है॥"]),
        ("Սա է։ Այո։ Լավ", ["Սա է։", "Այո։"]),
        ("እንዴት ነህ። ደህና፧ ነኝ", ["እንዴት ነህ።", "ደህና፧"]),
        ("ဟုတ်တယ်။ မဟုတ်ဘူး", ["ဟုတ်တယ်။"]),
    ],
)  # fmt: skip
def test_sentences_end_in_the_signs_of_many_languages(text: str, sentences: list[str]) -> None:
    ends = [0, *(match.end() for match in SENTENCE.finditer(text))]
    assert [text[start:end].strip() for start, end in pairwise(ends)] == sentences


def test_a_pause_is_longer_the_more_ends_there() -> None:
    text = "First paragraph.\n\nA long sentence. Now one, that has no signs unspaceablewords"
    found = chunks(text, 16)
    assert [p.pause for p in found] == sorted((p.pause for p in found), reverse=True)
    assert found[0].pause > found[1].pause > found[2].pause > found[-1].pause == 0


def test_a_book_takes_no_time() -> None:
    chapter = ("The quick brown fox, he said, jumps over Mr. Smith. " * 20 + "\n\n") * 50
    for book in (
        chapter * 4,
        "好，" * 120_000,
        "x" * 200_000,
        " " * 200_000 + "x",
        "a\n" * 120_000,
    ):
        found = chunks(book)
        assert sum(len(chunk.text) for chunk in found) == len(book)
        assert len(found) <= 2 * len(book) / LONGEST + 1
