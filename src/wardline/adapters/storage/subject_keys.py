"""Keys of subjects in SQL: the second erasable table."""

import secrets
from collections.abc import Callable

from sqlalchemy import Connection, Engine, delete, select, text

from wardline.adapters.storage.reading import reading
from wardline.adapters.storage.tables import subject_keys
from wardline.adapters.storage.wiping import overwriting, wipe
from wardline.errors import Conflict
from wardline.identity.subject_keys import KEY_BYTES, SubjectKey, address_subject_id
from wardline.ids import SubjectId

# The secret that addresses are hashed under. It stands in the table because every worker needs the same one,
# and under a name that no subject can have.
_ADDRESSES = "@addresses"


class SQLSubjectKeys:
    """Implements SubjectKeys. A key per author and signer: the table is small and read whole."""

    def __init__(self, engine: Engine, *, random: Callable[[int], bytes] = secrets.token_bytes) -> None:
        self._engine = engine
        self._random = random

    def of(self, subject: SubjectId) -> SubjectKey:
        return SubjectKey(subject=subject, secret=self._secret(subject))

    def of_address(self, email: str) -> SubjectId:
        return address_subject_id(email, secret=self._secret(_ADDRESSES))

    def held(self) -> tuple[SubjectKey, ...]:
        with reading(self._engine) as connection:
            return _keys(connection)

    def destroy(self, key_ids: frozenset[str]) -> None:
        with overwriting(self._engine) as connection:
            doomed = [key for key in _keys(connection) if key.id in key_ids]
            for key in doomed:
                connection.execute(delete(subject_keys).where(subject_keys.c.subject == key.subject))
        # Deleted for every reader: from here a crash leaves bytes in the files, which the next call wipes.
        wipe(self._engine, [subject_keys.name], traces=[key.secret for key in doomed])

    def _secret(self, name: str) -> bytes:
        found = self._find(name)
        if found is not None:
            return found
        with overwriting(self._engine) as connection:
            # Whoever is first makes it; everybody else gets that one.
            connection.execute(
                text("INSERT INTO subject_keys (subject, key) VALUES (:name, :key) ON CONFLICT (subject) DO NOTHING"),
                {"name": name, "key": self._random(KEY_BYTES)},
            )
            made = _value(connection, name)
        if made is None:
            raise Conflict("a subject's key was destroyed while it was being made", remedy="Do it again.")
        return made

    def _find(self, name: str) -> bytes | None:
        with reading(self._engine) as connection:
            return _value(connection, name)


def _value(connection: Connection, name: str) -> bytes | None:
    found = connection.execute(select(subject_keys.c.key).where(subject_keys.c.subject == name)).scalar_one_or_none()
    return None if found is None else bytes(found)


def _keys(connection: Connection) -> tuple[SubjectKey, ...]:
    rows = connection.execute(
        select(subject_keys.c.subject, subject_keys.c.key)
        .where(subject_keys.c.subject != _ADDRESSES)
        .order_by(subject_keys.c.subject)
    )
    return tuple(SubjectKey(subject=SubjectId(row.subject), secret=bytes(row.key)) for row in rows)
