"""A run: one durable journey of a change, as a value with a transition table and a version."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

from wardline.errors import Conflict
from wardline.ids import RunId


class RunStatus(StrEnum):
    """Where a run stands. The last six are final."""

    RUNNING = "running"
    WAITING = "waiting"  # for people, or for an environment that another run holds
    SUCCEEDED = "succeeded"
    DENIED = "denied"  # a gate said no
    UNDECIDED = "undecided"  # a gate could not look, or nobody answered in time
    ROLLED_BACK = "rolled-back"  # it was deployed, did not work, and what served before serves again
    FAILED = "failed"  # it came to nothing before any gate, e.g. the build failed
    CANCELLED = "cancelled"


_UNDER_WAY = frozenset({RunStatus.RUNNING, RunStatus.WAITING})
_NEXT: Mapping[RunStatus, frozenset[RunStatus]] = {
    status: frozenset(RunStatus) if status in _UNDER_WAY else frozenset() for status in RunStatus
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """`version` counts the changes, so that a stale writer is noticed.

    `journey` names the use case that drives it; `arguments` are what it was asked for.
    """

    id: RunId
    journey: str
    service: str
    repository: str  # path of the repository it was shipped from
    commit_sha: str
    status: RunStatus
    stage: str
    waiting_for: str | None
    started_at: datetime
    finished_at: datetime | None
    version: int
    arguments: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def ended(self) -> bool:
        return not _NEXT[self.status]

    def at(self, stage: str) -> "Run":
        """Return the run as it goes on with `stage`."""
        return self._to(RunStatus.RUNNING, stage=stage, waiting_for=None)

    def waits(self, reason: str) -> "Run":
        return self._to(RunStatus.WAITING, stage=self.stage, waiting_for=reason)

    def ends(self, status: RunStatus, *, now: datetime) -> "Run":
        return replace(self._to(status, stage="seal", waiting_for=None), finished_at=now)

    def _to(self, status: RunStatus, *, stage: str, waiting_for: str | None) -> "Run":
        if status not in _NEXT[self.status]:
            raise Conflict(f"run {self.id} is {self.status}, which is final; it cannot become {status}")
        return replace(self, status=status, stage=stage, waiting_for=waiting_for, version=self.version + 1)


class RunStore(Protocol):
    """Keeps runs: a projection for people to look at. What happened is in the log."""

    def add(self, run: Run) -> None:
        """Keep a new run.

        Raises:
            Conflict: The id is taken.
        """
        ...

    def load(self, run: RunId) -> Run:
        """Return the run.

        Raises:
            NotFound: There is none of this id.
        """
        ...

    def save(self, run: Run) -> None:
        """Keep `run` over its previous version.

        Raises:
            Conflict: Somebody else saved that version first.
        """
        ...

    def newest(self, limit: int) -> tuple[Run, ...]:
        """Return up to `limit` runs, newest first."""
        ...


class Drivers(Protocol):
    """Knows which runs a live process drives right now."""

    def is_driven(self, run: RunId) -> bool: ...
