"""Reads a page as a browser would, and hostile texts to put into one."""

import re
from html.parser import HTMLParser

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</audio></div></details><b>out</b>",
    "'\" onmouseover='alert(1)' style=\"position:fixed\"",
    "&lt;b&gt; &amp;amp; <!-- ]]>",
    "# Heading\n\n- item\n1. one\n> quoted\n\n    code\n\tcode\nsetext\n===\n---\n***\n",
    "[click](javascript:alert(1)) ![x](http://evil/x.png) `code` **bold** | a | b |\n|---|---|",
    "<http://evil> $x$ \\(y\\) \\[z\\] ~~~\n```python\n<script>\n```",
]
CONTROLS = "a\x1b[31mb\x00c\x07d\x9be\u202ef\u2066g\ud800h\ri\x7f"


class Reading(HTMLParser):
    """The elements, attributes and text of a page."""

    def __init__(self, html: str):
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text = ""
        self.feed(re.sub(r"<span>([$\\])</span>", r"\1", html))  # signs kept from MathJax

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data + "\n"

    def declared(self) -> list[tuple[str, str, str]]:
        """Each style declaration, with its element, but for what no reader needs."""
        styles = [(tag, value) for tag, name, value in self.attributes if name == "style"]
        pairs = [(tag, one.split(":", 1)) for tag, all_ in styles for one in all_.split(";") if one]
        pairs = [(tag, pair) for tag, pair in pairs if pair[0] != "color-scheme"]
        return [(tag, name.strip(), re.sub(r"\s+", "", value)) for tag, (name, value) in pairs]
