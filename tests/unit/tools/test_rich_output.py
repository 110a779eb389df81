"""What an object shows of itself, made safe."""

import base64
from typing import Any

import pandas as pd
import pytest
from IPython.display import HTML, Audio, Image

from audiomagic.render.table import Table
from audiomagic.sound import Sound
from audiomagic.tools.rich_output import MAX_HTML, rich_output

from ...support.page_reading import Reading
from ...support.pictures import PIXEL, PNG, Drawn


class Metered:
    def _repr_png_(self) -> tuple[str, dict[str, int]]:
        return base64.encodebytes(PNG).decode(), {"width": 1}


class Bundled:
    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        return {"image/png": PNG, "text/html": "<b>no</b>"}, {}


class Vector:
    def _repr_svg_(self) -> str:
        return "<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"


class Shown:
    """Shows the HTML it is made of."""

    def __init__(self, html: object):
        self._html = html

    def _repr_html_(self) -> object:
        if isinstance(self._html, Exception):
            raise self._html
        return self._html


class Agreeable:
    """Answers to every name, as a mock does."""

    def __getattr__(self, name: str) -> Any:
        return self

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self


@pytest.mark.parametrize("value", [Drawn(), Metered(), Bundled(), Image(PNG)])
def test_a_picture_is_carried_along(value: object) -> None:
    read = Reading(rich_output(value))
    assert read.tags == ["img"] and ("img", "src", PIXEL) in read.attributes
    assert ("img", "alt", type(value).__name__) in read.attributes


def test_a_matplotlib_figure_is_a_picture() -> None:
    from matplotlib.figure import Figure as Drawing

    figure = Drawing()
    figure.subplots().plot([1, 2])
    assert 'src="data:image/png;base64,iVBOR' in rich_output(figure)


def test_a_drawing_is_shown_as_a_picture_in_which_no_script_runs() -> None:
    html = rich_output(Vector())
    assert (
        html.startswith("<img ") and "data:image/svg+xml;base64," in html and "script" not in html
    )


def test_a_frame_is_a_table_in_the_cards_colours() -> None:
    frame = pd.DataFrame({"a": ["<script>alert(1)</script>", "$5 or $6"], "b": [1, 2]})
    read = Reading(html := rich_output(frame))
    assert read.tags.count("td") == 4 and "script" not in read.tags and "style" not in read.tags
    assert "<script>alert(1)</script>" in read.text and "$5 or $6" in read.text
    assert "<span>$</span>5 or <span>$</span>6" in html and "class=" not in html
    styles = {value for tag, name, value in read.attributes if (tag, name) == ("td", "style")}
    assert len(styles) == 1 and "color:#1d2530" in styles.pop()
    assert "#1d2530" in rich_output(frame.style) and "<style" not in rich_output(frame.style)


def test_sounds_and_tables_of_our_own_show_themselves(tone: Sound) -> None:
    for value in (tone, Table(("voice", "sample"), [("coral", tone)])):
        assert f'src="{tone.data_url}"' in rich_output(value)


@pytest.mark.parametrize(
    "html",
    [
        "<script>alert(1)</script>",
        "<div><style>body{display:none}</style></div>",
        "<iframe src='https://x.y'></iframe><object data='x'></object>",
        "<img src='https://x.y/seen.png'><img src='data:text/html,x'>",
        "<audio controls src='https://x.y/1.mp3'></audio>",
        "",
        None,
        3,
        RuntimeError("no HTML"),
        "<b>" * MAX_HTML,
    ],
)
def test_what_is_nothing_but_script_shows_nothing(html: object) -> None:
    assert rich_output(Shown(html)) == ""


def test_nothing_acts_fetches_or_styles() -> None:
    shown = Shown(
        '</div><b onclick="x()" style="position:fixed" id="i" class="c">bold</b>'
        '<a href="javascript:x()">js</a><a href="data:text/html,x">data</a>'
        '<a href="https://x.y">web</a><form><input><button>go</button></form><svg><a>s</a></svg>'
        '<img src="https://x.y/1.png"><math><mi>m</mi></math><!-- c --><meta http-equiv="refresh">'
    )
    read = Reading(rich_output(shown))
    assert set(read.tags) <= {"div", "b", "a", "img"}
    assert [value for _, name, value in read.attributes if name in ("href", "src")] == [
        "https://x.y"
    ]
    styles = [(tag, value) for tag, name, value in read.attributes if name == "style"]
    assert {tag for tag, _ in styles} == {"div", "img"} and "position" not in str(styles)
    assert not [name for _, name, _ in read.attributes if name in ("id", "class", "onclick")]


@pytest.mark.parametrize(
    "value",
    ["<b>text</b>", 3, None, [Drawn()], {}, Drawn, pd.DataFrame, Agreeable(), object(), pd],
)
def test_other_things_show_nothing(value: object) -> None:
    assert rich_output(value) == ""


def test_what_is_too_large_is_not_shown() -> None:
    class Poster:
        def _repr_png_(self) -> bytes:
            return PNG * (MAX_HTML // len(PNG))

    assert rich_output(Poster()) == ""


@pytest.mark.parametrize(
    "html",
    [
        "<audio" * 32_000,
        "<audio><source src='data:audio/" * 20_000,
        "<div>" * 64_000,
        "<p>" + "".join(f"<b title={i}>" for i in range(400)) + "<p>x</p>" * 40_000,
        "<!--" * 1_000_000,
        "<!" * 2_000_000,
        '<b "' * 1_000_000,
        "<b'\"'" * 800_000,
        "<script>" * 600_000,
        f"<b {' '.join('a' * (i % 3_000) for i in range(3_000))}>",
    ],
)
def test_html_that_would_take_a_parser_hours_is_shown_in_short_or_not_at_all(html: str) -> None:
    assert len(rich_output(Shown(html))) < 3_000


def test_a_text_of_many_references_is_shown() -> None:
    for sign in ("&amp;", "&nbsp;", "&lt;"):
        assert rich_output(Shown(f"<b>{sign * 400_000}</b>")).count(sign) == 400_000
        assert rich_output(Shown(f'<b title="{sign * 400_000}">x</b>')).count(sign) == 400_000


def test_nothing_is_displayed_here_and_now() -> None:
    class Forward:
        def _ipython_display_(self) -> None:
            raise AssertionError

        def _repr_html_(self) -> str:
            return "<b>bold</b>"

    assert "<b>bold</b>" in rich_output(Forward())


def test_a_broken_picture_leaves_the_html() -> None:
    class Broken(Shown):
        def _repr_png_(self) -> str:
            return "no picture!"

    assert "<b>bold</b>" in rich_output(Broken("<b>bold</b>"))


def test_jupyters_own_displays() -> None:
    assert "<b>bold</b>" in rich_output(HTML("<b>bold</b>"))
    html = rich_output(Audio(b"RIFF", rate=8000))  # its sound is on a <source>
    assert 'src="data:audio/' in html and "<source" not in html
