"""Cells that IPython would read differently: questions, bare cells, cells that wait."""

import ast
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from audiomagic.notebook.input_transforms import AWAITED, MISPLACED, install, uninstall


@pytest.fixture
def shell(tmp_path: Path) -> InteractiveShell:
    config = Config(HistoryManager={"enabled": False})
    return InteractiveShell(ipython_dir=str(tmp_path), config=config)


def read(shell: InteractiveShell, cell: str) -> str:
    return shell.input_transformer_manager.transform_cell(cell)


FOR, DEF = "for i in range(2):\n    ", "def f():\n    "
SPEAK = "get_ipython().run_line_magic('speak', "
CONVERSE = "get_ipython().run_cell_magic('converse', "


# -- questions --------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("cell", "rewritten"),
    [
        ("%speak How are you?", f"{SPEAK}'How are you?')\n"),
        ("r = %speak -q How are you?", f"r = {SPEAK}'-q How are you?')\n"),
        ("r = %speak a = b \\\n or c?", f"r = {SPEAK}'a = b   or c?')\n"),
        ("%speak x = %speak y?", f"{SPEAK}'x = %speak y?')\n"),
        (
            FOR + "%speak {i} or not?\n    print(i)\n",
            f"{FOR}{SPEAK}'{{i}} or not?')\n    print(i)\n",
        ),
        (DEF + "x = %speak Why?\n", f"{DEF}x = {SPEAK}'Why?')\n"),
        ("%speak One?\n%speak Two?\n", f"{SPEAK}'One?')\n{SPEAK}'Two?')\n"),
        ("%%speak --chat", f"{SPEAK}'--chat')\n"),  # a cell with nothing below it
        ("%%speak -c\n\n", f"{SPEAK}'-c')\n"),
        ("%%converse --say Hi", f"{CONVERSE}'--say Hi', '\\n')\n"),  # it has no line form
        ("%%converse\n", f"{CONVERSE}'', '\\n')\n"),
    ],
)
def test_a_question_is_asked_of_the_model(
    shell: InteractiveShell, cell: str, rewritten: str
) -> None:
    install(shell, lambda line: False)
    assert read(shell, cell) == rewritten


@pytest.mark.parametrize(
    "cell",
    [
        "%speak?", "%speak ?", "%%speak?", "?%speak", "%speaker Are you?", "x = speak?", "%pwd?",
        'text = """\n%speak How?\n"""', "# %speak How?\n", "%%speak -c?", "1 + 1", "",
        "%time speak?",
    ],
)  # fmt: skip
def test_other_cells_are_left_to_ipython(shell: InteractiveShell, cell: str) -> None:
    plain = read(shell, cell)
    install(shell, lambda line: False)
    assert read(shell, cell) == plain


# -- a cell magic that does not begin its cell ------------------------------------------------
@pytest.mark.parametrize(
    ("cell", "magic"),
    [
        ("# A greeting\n%%speak --voice coral\nIsn't it \"late, (or) early?", "speak"),
        ("import os\n\n%%listen\nAnswer it.", "listen"),
        ("%matplotlib inline\nx = !ls\n%%speak -q\nHow are you?\nFine?", "speak"),
        (FOR + "%%speak Hi", "speak"),
        ("r = %%speak -v ash\nSay hello.", "speak"),
        ("# A talk\n%%converse --say Hi\nA tutor", "converse"),
        ('"""A docstring"""\n%%speak', "speak"),
        ("# One\n%%speak How?", "speak"),
        ("x = (1,\n  2)\n%%listen --file 'a b.wav' \\\n --text\nWhat's that?", "listen"),
        ("%speak Hi\n%%speak\nHello", "speak"),
        ("# Two\n%%speak\\\n-q\nHow?", "speak"),
        ("# café 語\n  # indented\n%%speak\n$5, @home & ünïcode…\n```", "speak"),
    ],
)
def test_a_cell_magic_below_other_lines_is_refused_in_our_words(
    shell: InteractiveShell, cell: str, magic: str
) -> None:
    install(shell, lambda line: True)
    assert read(shell, cell) == f"{MISPLACED}({magic!r})\n"


@pytest.mark.parametrize(
    "cell",
    [
        'text = """\n%%speak\nHi\n"""', "%%markdown\n# A\n%%speak\nHi", "# %%speak\n1 + 1",
        "%%speak\n%%listen\nis a magic", "# Help\n%%speak?", "x = 7 %speak", "# a\n%%speaker\nHi",
        "%%time\n%%speak\nHi", "x = (7\n%%speak\n)", "",
    ],
)  # fmt: skip
def test_what_only_looks_like_one_is_left_to_ipython(shell: InteractiveShell, cell: str) -> None:
    plain = read(shell, cell)
    install(shell, lambda line: False)
    assert read(shell, cell) == plain and MISPLACED not in plain


# -- options on several lines -----------------------------------------------------------------
CELL = "get_ipython().run_cell_magic('speak', "


@pytest.mark.parametrize(
    ("cell", "rewritten"),
    [
        ("%%speak -v ash \\\n    --style calm\nHi", f"{CELL}'-v ash --style calm', 'Hi\\n')\n"),
        ("%%speak \\  \n-q\\\n-c \\\n\nHi \\\nyou", f"{CELL}'-q -c', 'Hi \\\\\\nyou\\n')\n"),
        ('%%speak -s "calm, \\\n  slow"\nHi', f"{CELL}'-s \"calm, slow\"', 'Hi\\n')\n"),
        ("%%speak -c \\\n  tutor", f"{SPEAK}'-c tutor')\n"),  # a cell with nothing below it
        ("%%speak -c \\", f"{SPEAK}'-c')\n"),
        ("%%speak\\\n-v ash\nHi", f"{CELL}'-v ash', 'Hi\\n')\n"),
        ("%%speak\\\r\n\\\n -q\nHi", f"{CELL}'-q', 'Hi\\n')\n"),
        ("%%speak\\\n\nHi", f"{CELL}'', 'Hi\\n')\n"),
        ("%speak\\\n-q Hi", f"{SPEAK}'-q Hi')\n"),
        ("x = %speak\\\n -q How?", f"x = {SPEAK}' -q How?')\n"),
        ("%%speak\t-q\nHi", f"{CELL}'-q', 'Hi\\n')\n"),
        ("%%speak\xa0-v ash \\\r\n\xa0-q\r\nHi", f"{CELL}'-v ash -q', 'Hi\\n')\n"),
        (
            "%%listen --wait \\\n -o x\nWhat is it?",
            f"{AWAITED}('--wait -o x', 'What is it?\\n')\n",
        ),
    ],
)
def test_options_go_on_after_a_backslash(
    shell: InteractiveShell, cell: str, rewritten: str
) -> None:
    install(shell, lambda line: "--wait" in line)
    assert read(shell, cell) == rewritten


def test_a_backslash_in_another_cell_is_left_to_it(shell: InteractiveShell) -> None:
    cells = ("%%bash\nls \\\n -l", "%%bash \\\n-l", "x = 1 + \\\n 2", "%%speak\nHi \\\nyou")
    plain = [read(shell, cell) for cell in cells]
    install(shell, lambda line: False)
    assert [read(shell, cell) for cell in cells] == plain


# -- cells that wait --------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("cell", "rewritten"),
    [
        ("%%listen --wait\nAnswer it.\nTwice.", "AWAITED('--wait', 'Answer it.\\nTwice.\\n')\n"),
        ("\n%%listen  --wait -o x \nIt's {n}?", "AWAITED('--wait -o x', \"It's {n}?\\n\")\n"),
        ("%%listen --wait", "AWAITED('--wait', None)\n"),
        ("%listen --wait", "AWAITED('--wait', None)\n"),
        ("%listen --wait How are you?", "AWAITED('--wait How are you?', None)\n"),
        ("%listen --wait It's {n}\n\n", 'AWAITED("--wait It\'s {n}", None)\n'),
    ],
)
def test_a_waiting_cell_awaits(shell: InteractiveShell, cell: str, rewritten: str) -> None:
    install(shell, lambda line: True)
    wanted = rewritten.replace("AWAITED", AWAITED)
    assert read(shell, cell) == wanted
    compile(wanted, "cell", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


@pytest.mark.parametrize(
    "cell",
    [
        DEF + "%listen --wait\n", FOR + "%listen --wait\n", "x = %listen --wait hi",
        "%listen --wait hi\nprint(1)", "class A:\n    x = %listen --wait\n",
        'text = """\n%listen --wait\n"""', 'x = "%listen --wait"', "# %listen --wait\n",
        "%%listen --wait?\nhi", "%%listen --wait?", "%listen?", "%listen ?",
        "%%listener --wait\nhi", "%listener --wait", "5 %listen\n", "%speak --wait",
        "%%timeit\n%listen --wait",
    ],
)  # fmt: skip
def test_what_cannot_await_is_left_to_the_magic(shell: InteractiveShell, cell: str) -> None:
    plain = read(shell, cell)
    install(shell, lambda line: True)
    assert read(shell, cell) == plain and AWAITED not in plain


def test_a_cell_inside_another_magic_does_not_await(shell: InteractiveShell) -> None:
    install(shell, lambda line: True)
    shell.user_ns["read"] = lambda: read(shell, "%%listen --wait\nhi")
    shell.run_cell("inside = read()")  # as %%time reads its cell
    assert AWAITED not in shell.user_ns["inside"]
    assert AWAITED in read(shell, "%%listen --wait\nhi")


def test_only_a_line_that_asks_to_wait_is_rewritten(shell: InteractiveShell) -> None:
    asked: list[str] = []
    cells = ("%%listen -o x\nhi", "%listen hi", "%speak How?")
    plain = [read(shell, cell) for cell in cells]
    install(shell, lambda line: asked.append(line) is not None)
    assert [read(shell, cell) for cell in cells[:2]] == plain[:2]
    assert asked == ["-o x", "hi"]
    install(shell, lambda line: True)
    assert [AWAITED in read(shell, cell) for cell in cells] == [True, True, False]
    uninstall(shell)
    assert [read(shell, cell) for cell in cells] == plain
