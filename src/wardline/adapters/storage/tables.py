"""The tables. The log's are the truth; every other one is a projection, a lock, or the erasable names of people.

Times are RFC 3339 text in UTC, documents canonical JSON: one form on every database.
"""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, Table, Text

metadata = MetaData()

# On SQLite only INTEGER keys are the row's own number; BIGINT would cost a second index.
_Position = BigInteger().with_variant(Integer, "sqlite")

log_leaves = Table(
    "log_leaves",
    metadata,
    Column("index", _Position, primary_key=True, autoincrement=False),
    Column("key", Text, nullable=False, unique=True),
    Column("run", Text, index=True),
    Column("predicate_type", Text, nullable=False, index=True),
    Column("leaf_hash", LargeBinary, nullable=False),
    Column("envelope", LargeBinary, nullable=False),  # the leaf's bytes
)

log_nodes = Table(
    "log_nodes",
    metadata,
    Column("level", BigInteger, primary_key=True, autoincrement=False),  # the subtree holds 2^level leaves
    Column("index", BigInteger, primary_key=True, autoincrement=False),  # from the left, among those of its level
    Column("hash", LargeBinary, nullable=False),
)

log_checkpoints = Table(
    "log_checkpoints",
    metadata,
    Column("size", _Position, primary_key=True, autoincrement=False),
    Column("note", Text, nullable=False),
)

log_cosignatures = Table(  # what witnesses said of our checkpoints: a line of the note each
    "log_cosignatures",
    metadata,
    Column("size", _Position, primary_key=True, autoincrement=False),
    Column("witness", Text, primary_key=True),  # the name of its key
    Column("line", Text, nullable=False),
)

runs = Table(
    "runs",
    metadata,
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

holds = Table(
    "holds",
    metadata,
    Column("environment", Text, primary_key=True),
    Column("run", Text),  # null: free
    Column("generation", BigInteger, nullable=False),
)

people = Table(  # erasable (GDPR Art. 17): the only place where names live
    "people",
    metadata,
    Column("principal", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("emails", Text, nullable=False),
)

subject_keys = Table(  # erasable too: without its key, what was written about a person is noise
    "subject_keys",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("key", LargeBinary, nullable=False),
)
