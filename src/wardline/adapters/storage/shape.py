"""Whether a database that came from elsewhere has the tables it should have, and nothing that would act by itself."""

from sqlalchemy import Connection, text

from wardline.adapters.storage.tables import metadata
from wardline.errors import IntegrityViolation

_GUARDS = ("_no_update", "_no_delete")  # the triggers that refuse changes of the log


def check_shape(connection: Connection) -> None:
    """Return if the SQLite database holds our tables and no view, trigger or table beside them.

    A view could show other rows to whoever checks than to whoever copies.

    Raises:
        IntegrityViolation: There is something else, or a table is missing.
    """
    tables = {table.name for table in metadata.sorted_tables} | {"alembic_version"}
    found: dict[str, str] = {}
    for kind, name in connection.execute(text("SELECT type, name FROM sqlite_master WHERE type != 'index'")):
        found[name] = kind
        is_guard = kind == "trigger" and name.removesuffix(_GUARDS[0]).removesuffix(_GUARDS[1]) in tables
        if not (is_guard or (kind == "table" and name in tables)):
            raise IntegrityViolation(f"database: a {kind} named {name[:80]!r}, where none belongs")
    if missing := sorted(tables - found.keys()):
        raise IntegrityViolation(f"database: without the tables {', '.join(missing)}")
