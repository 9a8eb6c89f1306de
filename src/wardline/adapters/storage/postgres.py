"""One PostgreSQL database, opened so that it behaves as the SQLite one: what is committed is durable, writers queue.

Every writing transaction takes one advisory lock first (https://www.postgresql.org/docs/current/explicit-locking.html),
so that what it reads stays true until it commits, in however many processes and on however many machines: the log has
one sequence without gaps. Readers never wait: each sees one consistent state (REPEATABLE READ, read only).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, ExceptionContext, make_url
from sqlalchemy.exc import ArgumentError

from wardline.adapters.storage.reading import is_read_only
from wardline.errors import Conflict, IntegrityViolation, InvalidInput, Unavailable, WardlineError

WRITERS = 0x57_41_52_44_4C_49_4E_45  # "WARDLINE": the advisory lock of who writes
_LOCK_TIMEOUT_MS = 10_000  # an append takes milliseconds: who waits this long stands behind something stuck
_CONNECT_TIMEOUT_S = 10


def parse_url(text: str) -> URL:
    """Return the address of a database; what is wrong with it is said without repeating it: it may hold a password.

    Raises:
        InvalidInput: It is no `postgresql://` address.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError) as error:
        raise InvalidInput("WARDLINE_DATABASE is no address of a database", remedy=_SHAPE) from error
    if url.get_backend_name() not in {"postgresql", "postgres"}:
        raise InvalidInput(f"WARDLINE_DATABASE names {url.get_backend_name()[:40]}, not postgresql", remedy=_SHAPE)
    return url.set(drivername="postgresql+psycopg")


@contextmanager
def engine_of(url: URL) -> Iterator[Engine]:
    """Yield the engine, with transactions and errors as the other database has them."""
    # AUTOCOMMIT: `_begin`, not the driver, says where a transaction begins, in one message with what it begins with.
    engine = create_engine(url, connect_args={"connect_timeout": _CONNECT_TIMEOUT_S}, isolation_level="AUTOCOMMIT")
    event.listen(engine, "begin", _begin)
    event.listen(engine, "handle_error", _translate)
    try:
        yield engine
    finally:
        engine.dispose()


class PostgresWriter:
    """A Writer; see `writing`. Each half is one message to the server and one back: a pipeline."""

    def __init__(self, driver: psycopg.Connection[Any]) -> None:
        self._driver = driver

    def begin(self, question: str, values: Sequence[object]) -> Sequence[Any]:
        with self._driver.pipeline():
            self._driver.execute(_BEGIN, prepare=True)
            self._driver.execute(_LOCK, prepare=True)
            asked = self._driver.execute(question.encode(), values)
        row: Sequence[Any] = asked.fetchone() or ()
        return row

    def commit(self, changes: Sequence[tuple[str, Sequence[object]]]) -> None:
        with self._driver.pipeline():
            for statement, values in changes:
                self._driver.execute(statement.encode(), values)
            self._driver.execute("COMMIT", prepare=True)


@contextmanager
def translated() -> Iterator[None]:
    """Raise what the driver raises inside as one of ours."""
    try:
        yield
    except psycopg.Error as error:
        raise as_ours(error) from error


# READ COMMITTED: what is read after the lock was waited for is the newest.
_BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED, READ WRITE"
# Whatever the server's default is for the commit: an acknowledged statement survives a power cut.
_LOCK = (
    f"SELECT set_config('lock_timeout', '{_LOCK_TIMEOUT_MS}', true), set_config('synchronous_commit', 'on', true), "
    f"pg_advisory_xact_lock({WRITERS})"
)


def _begin(connection: Connection) -> None:
    if is_read_only(connection):
        connection.exec_driver_sql("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        return
    if connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT":
        return  # asked for: VACUUM runs in no transaction
    connection.exec_driver_sql(f"{_BEGIN}; {_LOCK}")


def _translate(context: ExceptionContext) -> None:
    error = context.original_exception
    if isinstance(error, psycopg.Error):
        raise as_ours(error) from error


def as_ours(error: psycopg.Error) -> WardlineError:
    """Return the error of ours for `error`, told by its SQLSTATE.

    Source: https://www.postgresql.org/docs/current/errcodes-appendix.html
    """
    state = error.sqlstate or ""
    for prefixes, family, what, remedy in _MEANINGS:
        if state.startswith(prefixes):
            return family(f"database: {what} (SQLSTATE {state})", remedy=remedy)
    if not state:  # the server was not reached, or went away
        return Unavailable(
            f"database: PostgreSQL does not answer ({type(error).__name__})",
            remedy="Check that it runs and that WARDLINE_DATABASE names it; nothing was acknowledged.",
        )
    # Neither the server's text nor its detail is repeated: both may hold values.
    return Unavailable(
        f"database: SQLSTATE {state} ({type(error).__name__})", remedy="Try again; see the server's log."
    )


_SHAPE = "Expected postgresql://USER@HOST:PORT/DATABASE; give the password in ~/.pgpass or PGPASSWORD."
_MEANINGS: tuple[tuple[tuple[str, ...], type[WardlineError], str, str], ...] = (
    (("WL001",), IntegrityViolation, "something tried to change what is append-only", "Nothing was changed."),
    (("23",), Conflict, "another writer was first, or the row exists", "Look again and retry."),
    (("40",), Conflict, "two transactions met", "Look again and retry."),
    (("53100",), Unavailable, "the disk is full", "Free some space and try again; nothing was acknowledged."),
    (
        ("55P03",),
        Unavailable,
        f"another process has held the lock for {_LOCK_TIMEOUT_MS // 1000} s",
        "Wait for it to finish, or stop it, and try again.",
    ),
    (("28",), Unavailable, "PostgreSQL does not let this user in", "Check the user, the password and pg_hba.conf."),
    (("3D",), Unavailable, "there is no such database", "Make it: createdb NAME."),
    (("42501",), Unavailable, "the user lacks the rights", "Let the user own the database."),
    (("XX001", "XX002"), IntegrityViolation, "the database is damaged", "Keep it, restore a backup, check the log."),
    (
        ("57", "08"),
        Unavailable,
        "PostgreSQL shut down or went away",
        "Try again when it runs; nothing was acknowledged.",
    ),
)
