"""Transactions that only read."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine

_READ_ONLY = "wardline_read_only"


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Yield a connection on one consistent state of the database; it never waits for a writer."""
    with engine.connect().execution_options(**{_READ_ONLY: True}) as connection, connection.begin():
        yield connection


def is_read_only(connection: Connection) -> bool:
    """Return whether `connection` was given out by `reading`."""
    return bool(connection.get_execution_options().get(_READ_ONLY, False))
