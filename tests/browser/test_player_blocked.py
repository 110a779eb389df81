"""Sound that a browser refuses to start by itself."""

from ..support import fake_server as scripted
from ..support.fake_server import FakeServer
from ..support.jupyter import Browser, JupyterServer, opened
from ..support.loudspeaker import TAP, heard
from ..support.player_page import STATE, WORDS, speech


def test_a_click_plays_it_from_its_start(
    server: JupyterServer, fake_server: FakeServer, listening: str
) -> None:
    pcm = speech(2)
    chunks = scripted.spoken(WORDS, pcm)
    fake_server.then(lambda handler, body: handler.stream(chunks))
    with (
        Browser(autoplay="document-user-activation-required", init_script=TAP) as browser,
        opened(browser, server, listening, "%%speak\nHi") as notebook,
    ):
        notebook.command("notebook:run-all-cells")  # nobody has touched the page
        notebook.wait(lambda: notebook.js(STATE) == "blocked", "the browser to refuse")
        notebook.wait_cell(1)
        assert "Press Play: the browser does not start sound by itself." in notebook.output_text(1)
        notebook.output(1).locator(".am-pause").click()
        notebook.wait(lambda: notebook.js(STATE) is None, "the end")
        assert heard(notebook).tobytes() == pcm
        assert notebook.console_errors() == []
