"""`python -m eligibility --port PORT`: serve on loopback until SIGTERM or Ctrl-C."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence

from eligibility import __version__
from eligibility.journal import Journal
from eligibility.members import prepare
from eligibility.server import Server
from eligibility.settings import WrongSettingError, read_settings
from eligibility.web import Application


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="eligibility", description="Answer X12 270 eligibility inquiries.")
    parser.add_argument("--port", type=int, required=True, help="to listen on, on loopback; 0 takes a free one")
    parser.add_argument("--version", action="version", version=__version__)
    port: int = parser.parse_args(arguments).port
    try:
        settings = read_settings(os.environ)
    except WrongSettingError as error:
        parser.error(str(error))
    journal = Journal(sys.stdout, key=settings.log_key)
    application = Application(prepare(settings.database), journal, usage=settings.usage)
    server = Server(application, port=port, threads=settings.threads)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.leave())
    journal.write("listening", port=server.port, version=__version__)
    finished = server.run(drain_seconds=settings.drain_seconds)
    journal.write("stopped", outcome="finished" if finished else "broken off")
    return 0 if finished else 1


if __name__ == "__main__":
    sys.exit(main())
