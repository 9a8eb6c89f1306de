"""Names and addresses of principals in SQL: the one erasable table."""

import json
from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, Engine, delete, insert, select

from wardline.adapters.storage.reading import reading
from wardline.adapters.storage.tables import people
from wardline.adapters.storage.wiping import overwriting, wipe
from wardline.errors import Conflict
from wardline.ids import PrincipalId


class SQLPeople:
    """Implements People. An organisation has thousands of people at most: the table is read whole."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def remember(self, principal: PrincipalId, *, name: str, emails: Sequence[str]) -> None:
        wanted = sorted({email.casefold() for email in emails})
        with overwriting(self._engine) as connection:
            for owner, address in _addresses(connection):
                if owner != principal and address in wanted:
                    # The address itself is not repeated: it may be anybody's.
                    raise Conflict(
                        f"one of the e-mail addresses belongs to {owner} already",
                        remedy="One person is one principal: take the address from the other one first.",
                    )
            connection.execute(delete(people).where(people.c.principal == principal))
            connection.execute(insert(people).values(principal=principal, name=name, emails=json.dumps(wanted)))

    def principal_of(self, email: str) -> PrincipalId | None:
        wanted = email.casefold()
        with reading(self._engine) as connection:
            return next((owner for owner, address in _addresses(connection) if address == wanted), None)

    def name_of(self, principal: PrincipalId) -> str | None:
        with reading(self._engine) as connection:
            name: str | None = connection.execute(
                select(people.c.name).where(people.c.principal == principal),
            ).scalar_one_or_none()
            return name

    def addresses_of(self, principal: PrincipalId) -> tuple[str, ...]:
        with reading(self._engine) as connection:
            return tuple(address for owner, address in _addresses(connection) if owner == principal)

    def erase(self, principal: PrincipalId) -> None:
        with overwriting(self._engine) as connection:
            traces = [
                f"{row.principal}{row.name}{row.emails}".encode()  # as a row of SQLite holds them, one after another
                for row in connection.execute(select(people).where(people.c.principal == principal))
            ]
            traces += [address.encode() for owner, address in _addresses(connection) if owner == principal]
            connection.execute(delete(people).where(people.c.principal == principal))
        # Deleted for every reader: from here a crash leaves bytes in the files, which the next call wipes.
        wipe(self._engine, [people.name], traces=traces)


def _addresses(connection: Connection) -> Iterator[tuple[PrincipalId, str]]:
    for row in connection.execute(select(people.c.principal, people.c.emails)):
        for address in json.loads(row.emails):
            yield PrincipalId(row.principal), address
