"""What outsiders need: cosignatures of witnesses, and keys that can be destroyed."""

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Text

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    position = BigInteger().with_variant(Integer, "sqlite")
    op.create_table(
        "log_cosignatures",
        Column("size", position, primary_key=True, autoincrement=False),
        Column("witness", Text, primary_key=True),
        Column("line", Text, nullable=False),
    )
    op.create_table(
        "subject_keys",
        Column("subject", Text, primary_key=True),
        Column("key", LargeBinary, nullable=False),
    )


def downgrade() -> None:
    raise NotImplementedError("a key that is taken away cannot be brought back")
