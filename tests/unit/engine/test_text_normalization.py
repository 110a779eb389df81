"""Text as it is spoken: without markdown, in letters that the voices can read."""

import pytest

from audiomagic.engine.text_normalization import FOREIGN, UNSPEAKABLE, read_aloud, speakable


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("Hello there.", "Hello there."),
        ("", ""),
        (" \n", ""),
        ("**Hello** is 你好.", f"Hello is {FOREIGN}."),
        ("Привет, как дела? Fine.", f"{FOREIGN}? Fine."),
        ("हिन्दी में नमस्ते hello", f"{FOREIGN} hello"),
        ("안녕 and 안녕", f"{FOREIGN} and {FOREIGN}"),
        ("日本語123", f"{FOREIGN} 123"),
        ("café, Grüße, Łódź, Nguyễn", "café, Grüße, Łódź, Nguyễn"),
        ("cafe\u0301", "café"),
        ("½ x² 5 µm", "½ x² 5 µm"),
        ("𝐇𝐞𝐥𝐥𝐨 ﬁne ① ٣", "Hello fine 1 3"),
        ("a\u0000b\u202ec\udcffd", "a bcd"),
        ("# Title\n- one\n* two\n> three", "Title\none\ntwo\nthree"),
        ("`code` and ~~gone~~ *this*", "code and gone this"),
        ("```python\nprint\n```", "\nprint\n"),
        ("[a link](https://example.com 'x')", "a link"),
        ("See https://www.example.com/a/.", "See example dot com/a."),
        ("7 - 5, 3*4, 10 / 2, 5-7", "7 minus 5, 3 times 4, 10 divided by 2, 5-7"),
        *(
            (text, UNSPEAKABLE)
            for text in (
                "你好，世界！",
                "Привет",
                "مرحبا بالعالم",
                "สวัสดี",
                "😀👍🏽",
                "***",
                "...",
                "∑ → ∞",
            )
        ),
    ],
)
def test_text_is_made_speakable(text: str, spoken: str) -> None:
    assert speakable(text) == spoken
    assert speakable(spoken) == spoken


@pytest.mark.parametrize(
    ("sentence", "read"),
    [
        *(
            (silent, "")
            for silent in (
                "---", "***", "* * *", "___", "=====", "```", "```python", "~~~", "|---|:--:|",
                "| :--- | ---: |", "+---+---+", "|   |   |", "<br>", "<hr/>", "😀", "...", "•", "_",
                "- [ ]", "", " ",
            )
        ),
        ("| Name | Age |", "Name, Age"),
        ("| Ann |  | 5 |", "Ann, 5"),
        ("```print('hi')```", "print('hi')"),
        ("| 5<br>or 6 | 7 |", "5 or 6, 7"),
        ("- [x] Buy milk", "Buy milk"),
        ("Title\n=====", "Title"),
        ("print('hi')", "print('hi')"),
        ("2 + 2 = 4", "2 + 2 = 4"),
        ("1 < 2", "1 < 2"),
        ("你好", UNSPEAKABLE),
    ],
)  # fmt: skip
def test_what_has_no_words_is_silent_between_sentences(sentence: str, read: str) -> None:
    assert read_aloud(sentence) == read
