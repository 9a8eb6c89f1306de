"""The log, the runs, and what hangs on them."""

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Text

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_LOG_TABLES = ("log_leaves", "log_nodes", "log_checkpoints")


def upgrade() -> None:
    _create_log()
    _create_projections()


def downgrade() -> None:
    raise NotImplementedError("the log is never taken away")


def _create_log() -> None:
    position = BigInteger().with_variant(Integer, "sqlite")
    op.create_table(
        "log_leaves",
        Column("index", position, primary_key=True, autoincrement=False),
        Column("key", Text, nullable=False, unique=True),
        Column("run", Text, index=True),
        Column("predicate_type", Text, nullable=False, index=True),
        Column("leaf_hash", LargeBinary, nullable=False),
        Column("envelope", LargeBinary, nullable=False),
    )
    op.create_table(
        "log_nodes",
        Column("level", BigInteger, primary_key=True, autoincrement=False),
        Column("index", BigInteger, primary_key=True, autoincrement=False),
        Column("hash", LargeBinary, nullable=False),
    )
    op.create_table(
        "log_checkpoints",
        Column("size", position, primary_key=True, autoincrement=False),
        Column("note", Text, nullable=False),
    )
    # Against our own mistakes, not against an attacker with the database: for him there are the proofs.
    if op.get_bind().dialect.name == "sqlite":
        _refuse_changes_in_sqlite()
    else:
        _refuse_changes_in_postgresql()


def _refuse_changes_in_sqlite() -> None:
    for table in _LOG_TABLES:
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                "BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END"
            )


def _refuse_changes_in_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION wardline_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$BEGIN RAISE EXCEPTION 'the log is append-only' USING ERRCODE = 'WL001'; END$$"
    )
    for table in _LOG_TABLES:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION wardline_append_only()"
        )


def _create_projections() -> None:
    op.create_table(
        "runs",
        Column("id", Text, primary_key=True),
        Column("service", Text, nullable=False),
        Column("repository", Text, nullable=False),
        Column("commit_sha", Text, nullable=False),
        Column("status", Text, nullable=False),
        Column("stage", Text, nullable=False),
        Column("version", BigInteger, nullable=False),
        Column("started_at", Text, nullable=False),
        Column("finished_at", Text),
        Column("document", Text, nullable=False),
    )
    op.create_table(
        "holds",
        Column("environment", Text, primary_key=True),
        Column("run", Text),
        Column("generation", BigInteger, nullable=False),
    )
    op.create_table(
        "people",
        Column("principal", Text, primary_key=True),
        Column("name", Text, nullable=False),
        Column("emails", Text, nullable=False),
    )
