"""`python -m audiomagic.engine install | serve | status`."""

import argparse
import sys

from ..errors import AudiomagicError
from . import weights
from .app import serve
from .engine import engine
from .model_source import model_source

OTHERWISE = "a name on the model hub (org/repo), or a server (http://host:port/v1#model)"


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return the process's exit status."""
    parser = argparse.ArgumentParser(prog="python -m audiomagic.engine", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("install", help="fetch the language model (93 MB) into your cache")
    status = commands.add_parser("status", help="say which models are there, and check each file")
    server = commands.add_parser("serve", help="answer any OpenAI client on this machine")
    server.add_argument(
        "--port",
        type=int,
        choices=range(65_536),
        metavar="N",
        default=0,
        help="default: a free one",
    )
    for command in (status, server):
        command.add_argument("--llm", help=f"what thinks: a GGUF file, {OTHERWISE}")
        command.add_argument("--stt", help=f"what hears: a folder of a Whisper model, {OTHERWISE}")
    chosen = parser.parse_args(arguments)
    try:
        match chosen.command:
            case "install":
                print(f"The language model is there: {weights.install_llm()}")
                weights.check_packages()
            case "status":
                _status(chosen.llm, chosen.stt)
            case "serve":
                serve(engine(chosen.llm, chosen.stt).load(), chosen.port)
    except (AudiomagicError, OSError) as error:  # an OSError: the port is taken
        print(f"audiomagic: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _status(llm: str | None, stt: str | None) -> None:
    chosen = model_source("llm", llm), model_source("stt", stt)
    weights.check_packages()
    print(f"ears   {chosen[1]}")
    for part in ("vad", "tts"):
        print(f"{part:6} {weights.describe(part)}")
    print(f"brain  {chosen[0]}")


if __name__ == "__main__":
    sys.exit(main())
