"""What witnesses said of the log's checkpoints, kept beside them."""

from sqlalchemy import Engine, func, insert, select

from wardline.adapters.storage.reading import reading
from wardline.adapters.storage.tables import log_cosignatures
from wardline.errors import Conflict


class SQLCosignatures:
    """Cosignatures in SQL. They are no leaves: whoever loses them asks the witnesses again."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def of(self, size: int) -> tuple[str, ...]:
        query = select(log_cosignatures.c.line).where(log_cosignatures.c.size == size)
        with reading(self._engine) as connection:
            return tuple(connection.execute(query.order_by(log_cosignatures.c.witness)).scalars())

    def smallest_from(self, size: int) -> int | None:
        query = select(func.min(log_cosignatures.c.size)).where(log_cosignatures.c.size >= size)
        with reading(self._engine) as connection:
            found = connection.execute(query).scalar_one()
        return None if found is None else int(found)

    def newest_by(self, witness: str) -> int:
        query = select(func.max(log_cosignatures.c.size)).where(log_cosignatures.c.witness == witness)
        with reading(self._engine) as connection:
            found = connection.execute(query).scalar_one()
        return 0 if found is None else int(found)

    def keep(self, size: int, witness: str, line: str) -> None:
        held = select(log_cosignatures.c.line).where(
            log_cosignatures.c.size == size, log_cosignatures.c.witness == witness
        )
        try:
            with self._engine.begin() as connection:
                if connection.execute(held).scalar_one_or_none() is None:
                    connection.execute(insert(log_cosignatures), {"size": size, "witness": witness, "line": line})
        except Conflict:  # another process kept one for the same head meanwhile: the first stays
            return
