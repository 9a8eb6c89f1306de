"""The process that evaluates CEL, seen from outside: one line asks, one line a policy answers."""

import contextlib
import os
import selectors
import subprocess
import sys
import time
import weakref
from datetime import timedelta
from pathlib import Path

from wardline.errors import Unavailable

_PROGRAM = Path(__file__).with_name("cel_worker.py")
# No setting of the caller reaches the worker: it evaluates what others wrote.
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONUTF8": "1"}
_READ = 1 << 16


class Worker:
    """A running worker.

    Raises:
        Unavailable: It did not start.
    """

    def __init__(self) -> None:
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", str(_PROGRAM)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                env=_ENVIRONMENT,
                cwd="/",
                start_new_session=True,  # Ctrl-C is for the command; a gate that is asked gets its answer
            )
        except OSError as error:
            raise Unavailable(f"the policy worker did not start: {error.strerror}") from error
        self.end = weakref.finalize(self, _end, self._process)

    def ask(self, request: bytes, *, answers: int, timeout: timedelta) -> list[bytes]:
        """Return at most `answers` whole lines. Fewer: it crashed or ran out of time, and is of no more use.

        `request` is one line without its end. Asking and answering overlap: neither side waits for a full pipe.
        """
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise Unavailable("the policy worker has no pipes")
        os.set_blocking(stdin.fileno(), False)
        waiting, read = memoryview(request + b"\n"), bytearray()
        until = time.monotonic() + timeout.total_seconds()
        with selectors.DefaultSelector() as ready:
            ready.register(stdin, selectors.EVENT_WRITE)
            ready.register(stdout, selectors.EVENT_READ)
            while read.count(b"\n") < answers and (left := until - time.monotonic()) > 0:
                for key, _ in ready.select(left):
                    if key.fileobj is stdout:
                        content = os.read(stdout.fileno(), _READ)
                        if not content:
                            return _whole_lines(read)
                        read += content
                        continue
                    try:
                        waiting = waiting[os.write(stdin.fileno(), waiting[:_READ]) :]
                    except BrokenPipeError:  # it ended; what it said before is still to be read
                        waiting = waiting[:0]
                    if not waiting:
                        ready.unregister(stdin)
        return _whole_lines(read)


def _whole_lines(read: bytearray) -> list[bytes]:
    return bytes(read).split(b"\n")[:-1]


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()  # it keeps nothing that could be lost
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):  # what was not yet written is for nobody
                pipe.close()
    process.wait()
