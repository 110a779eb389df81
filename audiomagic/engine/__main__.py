"""Install, check or serve the local engine."""

import argparse
import sys

from ..errors import AudiomagicError, EngineError, one_line
from ..files import reason
from . import weights
from .api.http_server import serve
from .engine import Engine, engine
from .model_source import model_source

OTHER_SOURCES = "a name on the model hub (org/repo), or a server (http://host:port/v1#model)"


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return the process's exit status."""
    parser = argparse.ArgumentParser(prog="python -m audiomagic.engine", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("install", help="download the language model (93 MB) to your cache")
    status = commands.add_parser("status", help="list the models, and verify each file")
    server = commands.add_parser("serve", help="serve the OpenAI API to programs on this machine")
    server.add_argument("--port", type=_port, metavar="N", default=0,
                        help="port; default: any free one")  # fmt: skip
    for command in (status, server):
        command.add_argument("--llm", help=f"language model: a GGUF file, {OTHER_SOURCES}")
        command.add_argument("--stt", help=f"recognition: a Whisper folder, {OTHER_SOURCES}")
    chosen = parser.parse_args(arguments)
    try:
        match chosen.command:
            case "install":
                print(f"The language model is installed: {weights.install_llm()}")
                weights.verify()
            case "status":
                llm, stt = model_source("llm", chosen.llm), model_source("stt", chosen.stt)
                weights.verify()
                llm.check()
                stt.check()
                print(f"stt  {stt}\nvad  {weights.describe('vad')}")
                print(f"llm  {llm}\ntts  {weights.describe('tts')}")
            case "serve":
                _serve(engine(chosen.llm, chosen.stt).load(), chosen.port)
    except (AudiomagicError, OSError) as error:
        print(f"audiomagic: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text[:9]) < 65_536):
        raise argparse.ArgumentTypeError(f"it must be 0 to 65535, not '{one_line(text, 20)}'")
    return int(text)


def _serve(engine: Engine, port: int) -> None:
    try:
        serve(engine, port)
    except OSError as error:
        why = f"port {port} cannot be used ({reason(error)})"
        raise EngineError(f"{why}; choose another with --port, or leave it out") from error


if __name__ == "__main__":
    sys.exit(main())
