"""The transaction that every append waits for, with nothing between it and the driver but the translation of errors.

It has two halves, each as few ways to the database and back as there can be: take the write lock and ask one question,
then write what follows from the answer and commit. Between them `reading` shows the state that was asked about: nobody
else writes.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

from sqlalchemy import Engine

from wardline.errors import WardlineError


class Writer(Protocol):
    """One transaction, over a driver's own connection. Errors of the driver are raised as they are."""

    def begin(self, question: str, values: Sequence[object]) -> Sequence[Any]:
        """Return the one row that answers `question`, under the write lock."""
        ...

    def commit(self, changes: Sequence[tuple[str, Sequence[object]]]) -> None:
        """Make `changes`, statements with their values, and return when they are durable."""
        ...


@contextmanager
def writing(engine: Engine) -> Iterator[Writer]:
    """Yield a transaction; what is not committed in it has not happened.

    Raises:
        Unavailable, Conflict, IntegrityViolation: As the database says.
    """
    translated, writer_over = _parts(engine)
    with translated():
        pooled = engine.raw_connection()
        try:
            yield writer_over(pooled.driver_connection)
        except BaseException as error:
            pooled.invalidate()  # closed, and with it the transaction, whatever has become of the connection
            if not isinstance(error, WardlineError):
                engine.dispose()  # a server that went away took those that wait in the pool with it
            raise
        finally:
            pooled.close()  # back to the pool, which rolls back what was not committed


def _parts(engine: Engine) -> tuple[Callable[[], AbstractContextManager[None]], Callable[[Any], Writer]]:
    if engine.dialect.name == "postgresql":
        from wardline.adapters.storage import postgres

        return postgres.translated, postgres.PostgresWriter
    from wardline.adapters.storage import sqlite

    return sqlite.translated, sqlite.SQLiteWriter
