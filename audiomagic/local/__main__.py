"""`python -m audiomagic.local install | serve | status`."""

import argparse
import sys

from ..errors import AudiomagicError
from . import weights
from .engine import engine
from .server import serve


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return the process's exit status."""
    parser = argparse.ArgumentParser(prog="python -m audiomagic.local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("install", help="fetch the language model (93 MB) into your cache")
    commands.add_parser("status", help="say which models are there, and check each file")
    server = commands.add_parser("serve", help="answer any OpenAI client on this machine")
    server.add_argument(
        "--port",
        type=int,
        choices=range(65_536),
        metavar="N",
        default=0,
        help="default: a free one",
    )
    chosen = parser.parse_args(arguments)
    try:
        match chosen.command:
            case "install":
                print(f"The language model is there: {weights.install_brain()}")
            case "status":
                _status()
            case "serve":
                serve(engine().load(), chosen.port)
    except (AudiomagicError, OSError) as error:  # an OSError: the port is taken
        print(f"audiomagic: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _status() -> None:
    for part in ("ears", "gate", "mouth"):
        weights.packaged(part)
        print(f"{part:6} {weights.describe(part)}")
    path = weights.brain()
    print(f"brain  {path or 'none; run: ' + weights.INSTALL}")


if __name__ == "__main__":
    sys.exit(main())
