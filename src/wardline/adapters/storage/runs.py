"""Runs and holds in SQL: projections and locks beside the log."""

import json
from datetime import datetime

from sqlalchemy import Engine, Row, insert, select, update

from wardline.adapters.storage.reading import reading
from wardline.adapters.storage.tables import holds, runs
from wardline.clock import from_rfc3339, to_rfc3339
from wardline.environments.holds import Hold
from wardline.environments.observations import EnvironmentKey
from wardline.errors import Conflict, NotFound
from wardline.ids import RunId
from wardline.pipelines.run import Run, RunStatus


class SQLRuns:
    """Implements RunStore."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, run: Run) -> None:
        with self._engine.begin() as connection:
            connection.execute(insert(runs).values(**_to_row(run)))

    def load(self, run: RunId) -> Run:
        with reading(self._engine) as connection:
            row = connection.execute(select(runs).where(runs.c.id == run)).one_or_none()
        if row is None:
            raise NotFound(f"there is no run {run}", remedy="List them with `wardline runs list`.")
        return _from_row(row)

    def save(self, run: Run) -> None:
        with self._engine.begin() as connection:
            changed = connection.execute(
                update(runs).where(runs.c.id == run.id, runs.c.version == run.version - 1).values(**_to_row(run)),
            )
        if changed.rowcount != 1:
            raise Conflict(f"run {run.id} was changed by somebody else since version {run.version - 1}")

    def newest(self, limit: int) -> tuple[Run, ...]:
        query = select(runs).order_by(runs.c.started_at.desc(), runs.c.id.desc()).limit(limit)
        with reading(self._engine) as connection:
            return tuple(_from_row(row) for row in connection.execute(query))


class SQLHolds:
    """Implements Holds; each claim is one transaction that holds the write lock from its start."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def claim(self, environment: EnvironmentKey, run: RunId) -> Hold | RunId:
        return self._take(environment, run, by_force=False)

    def seize(self, environment: EnvironmentKey, run: RunId) -> Hold:
        taken = self._take(environment, run, by_force=True)
        if not isinstance(taken, Hold):
            raise Conflict(f"{environment} could not be seized from run {taken}")
        return taken

    def holder(self, environment: EnvironmentKey) -> RunId | None:
        query = select(holds.c.run).where(holds.c.environment == str(environment))
        with reading(self._engine) as connection:
            run = connection.execute(query).scalar_one_or_none()
        return None if run is None else RunId(run)

    def free(self, environment: EnvironmentKey, run: RunId) -> None:
        with self._engine.begin() as connection:
            connection.execute(
                update(holds).where(holds.c.environment == str(environment), holds.c.run == run).values(run=None),
            )

    def free_all(self, run: RunId) -> None:
        with self._engine.begin() as connection:
            connection.execute(update(holds).where(holds.c.run == run).values(run=None))

    def _take(self, environment: EnvironmentKey, run: RunId, *, by_force: bool) -> Hold | RunId:
        name = str(environment)
        with self._engine.begin() as connection:
            row = connection.execute(select(holds).where(holds.c.environment == name)).one_or_none()
            if row is None:
                connection.execute(insert(holds).values(environment=name, run=run, generation=1))
                return Hold(environment=environment, run=run, generation=1)
            if row.run == run:
                return Hold(environment=environment, run=run, generation=row.generation)
            if row.run is not None and not by_force:
                return RunId(row.run)
            generation = row.generation + 1
            connection.execute(
                update(holds).where(holds.c.environment == name).values(run=run, generation=generation),
            )
        return Hold(environment=environment, run=run, generation=generation)


def _to_row(run: Run) -> dict[str, object]:
    return {
        "id": run.id,
        "service": run.service,
        "repository": run.repository,
        "commit_sha": run.commit_sha,
        "status": run.status.value,
        "stage": run.stage,
        "version": run.version,
        "started_at": to_rfc3339(run.started_at),
        "finished_at": None if run.finished_at is None else to_rfc3339(run.finished_at),
        "document": json.dumps(
            {"journey": run.journey, "waiting_for": run.waiting_for, "arguments": dict(run.arguments)},
        ),
    }


def _from_row(row: Row[tuple[object, ...]]) -> Run:
    fields = row._mapping  # noqa: SLF001  # SQLAlchemy's documented accessor
    document = json.loads(fields["document"])
    return Run(
        id=RunId(fields["id"]),
        journey=document["journey"],
        service=fields["service"],
        repository=fields["repository"],
        commit_sha=fields["commit_sha"],
        status=RunStatus(fields["status"]),
        stage=fields["stage"],
        waiting_for=document["waiting_for"],
        started_at=from_rfc3339(fields["started_at"]),
        finished_at=_moment(fields["finished_at"]),
        version=fields["version"],
        arguments=document["arguments"],
    )


def _moment(text: str | None) -> datetime | None:
    return None if text is None else from_rfc3339(text)
