"""What the figures are folded from: runs and production deployments, read back from the log."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from wardline.clock import from_rfc3339
from wardline.deployments import history
from wardline.deployments.history import Moved
from wardline.evidence.log import Evidence
from wardline.ids import RunId
from wardline.pipelines.sealing import SEAL
from wardline.predicates import NAMESPACE

_SOURCE = f"{NAMESPACE}/source/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One run as the log knows it. `stated`: what its seal says it left; None: it is not sealed."""

    run: RunId
    statements: int
    stated: int | None
    status: str | None
    began_at: datetime
    ended_at: datetime
    committed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    runs: tuple[RunRecord, ...]
    deployments: tuple[Moved, ...]


def read(evidence: Iterable[Evidence]) -> Records:
    """Fold the whole log once; what is kept of it meanwhile is two statements a run, and the deployments."""
    counts: Counter[RunId] = Counter()
    first: dict[RunId, Evidence] = {}
    last: dict[RunId, Evidence] = {}
    committed: dict[RunId, datetime] = {}
    deployments: list[Moved] = []
    for item in evidence:
        deployments += history.read((item,))
        run = item.statement.context.run
        if run is None:
            continue
        counts[run] += 1
        first.setdefault(run, item)
        last[run] = item
        if item.statement.predicate_type == _SOURCE:
            committed[run] = from_rfc3339(str(item.statement.body["committed_at"]))
    return Records(
        runs=tuple(_record(run, first[run], last[run], counts[run], committed.get(run)) for run in first),
        deployments=tuple(deployments),
    )


def _record(run: RunId, first: Evidence, last: Evidence, statements: int, committed_at: datetime | None) -> RunRecord:
    seal = last.statement if last.statement.predicate_type == SEAL else None
    stated = None if seal is None else seal.body.get("statements")
    status = None if seal is None else seal.body.get("status")
    return RunRecord(
        run=run,
        statements=statements,
        stated=stated if isinstance(stated, int) else None,
        status=status if isinstance(status, str) else None,
        began_at=first.statement.context.recorded_at,
        ended_at=last.statement.context.recorded_at,
        committed_at=committed_at,
    )
