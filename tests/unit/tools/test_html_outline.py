"""HTML brought into a form that no parser is overwhelmed by, and that says the same."""

import pytest

from audiomagic.tools.html_outline import DEEPEST, MOST_TAGS, completed, outline

from ...support.page_reading import Reading

TAGS = {"a", "b", "i", "p", "div", "img", "li", "ul", "table", "tr", "td", "th", "tbody", "pre"}


def written(html: str) -> str:
    return completed(outline(html, TAGS))


@pytest.mark.parametrize(
    ("html", "same"),
    [
        ("<b>bold</b> and <i>not", "<b>bold</b> and <i>not</i>"),
        ("<b><i>x</b>y</i>", "<b><i>x</i></b>y"),
        ("<ul><li>a<li>b</ul>", "<ul><li>a</li><li>b</li></ul>"),
        ("<table><tr><th>a<td>b<tr><td>c</table>",
         "<table><tr><th>a</th><td>b</td></tr><tr><td>c</td></tr></table>"),
        ("<p>a<p>b", "<p>a</p><p>b</p>"),
        ("<IMG Alt='a > \"b\"' src = x.png>", '<img alt="a &gt; &quot;b&quot;" src="x.png">'),
        ("<a href=https://x.y/?a=1&amp;b=2>&lt;i&gt;</a>",
         '<a href="https://x.y/?a=1&amp;b=2">&lt;i&gt;</a>'),
        ("a&nbsp;&copy;&bogus; & <3 > 2", "a&nbsp;©&amp;bogus; &amp; &lt;3 &gt; 2"),
        ("<!doctype html><!-- <b> --><?x?>text<!-- no end", "text"),
        ("<script>'<b>'</script>x<STYLE>b {}</style>y<script>z", "xy"),
        ("<blink>x</blink></b></p>", "x"),
        ("<b title='never closed>x</b>", '<b title="never closed&gt;x&lt;/b&gt;"></b>'),
    ],
)  # fmt: skip
def test_it_says_the_same(html: str, same: str) -> None:
    assert written(html) == same


@pytest.mark.parametrize("html", ["<div>" * 64_000, "<b><p>" * 20_000, "<a><table>" * 1_000])
def test_elements_are_not_nested_without_end(html: str) -> None:
    opened = deepest = 0
    try:
        tags = written(html).split("<")[1:]
    except ValueError:
        assert html.count("<") > MOST_TAGS
        return
    for tag in tags:
        opened += -1 if tag.startswith("/") else 1
        deepest = max(deepest, opened)
    assert deepest == DEEPEST and opened == 0


def test_tags_and_attributes_are_bounded() -> None:
    names = [f"{chr(97 + i % 26) * (1 + i // 26)}" for i in range(1_000)]
    assert len(Reading(written(f"<b {' '.join(names)}>x")).attributes) == 32
    assert written("<b>x</b>" * (MOST_TAGS // 2)).count("<b>") == MOST_TAGS // 2
    with pytest.raises(ValueError, match="too many tags"):
        written("<b>x</b>" * (MOST_TAGS // 2 + 1))


def test_no_reference_is_left_for_a_parser() -> None:
    hostile = "&x &amp;&nbsp;&lt;&#38;<>\"'"
    assert "&" not in outline(f"{hostile}<b title='{hostile}'>{hostile}", TAGS)
