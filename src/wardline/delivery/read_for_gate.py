"""Read for a gate: all of the log that a decision at one door can depend on, and little else.

A log grows with every run of every service, a decision's evidence does not. What is named here is read in part; of
every other type that facts read, all is.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, takewhile

from wardline.evidence.log import Evidence, EvidenceLog
from wardline.gates import readings
from wardline.gates.break_glass_predicates import BREAK_GLASS
from wardline.gates.door import Door
from wardline.gates.facts import READ
from wardline.gates.predicates import APPROVAL, DECISION, REJECTION
from wardline.gates.readings import Readings
from wardline.gates.review_debts import OWED
from wardline.ids import RunId

# Of these, facts read what the door's own run left.
OF_THE_RUN = frozenset({readings.SOURCE, readings.SBOM, APPROVAL, REJECTION})
# Of these, also what other runs saw of the artifact since this one began (`gates/rechecks.py`).
SINCE_THE_RUN = frozenset({readings.SCAN, readings.TEST_RESULT})
# Of these, also the youngest that tells: what serves, whether its provenance is known, the last rehearsal.
UNTIL_TOLD = frozenset({readings.DEPLOYMENT, readings.PROVENANCE, readings.REHEARSAL})
# Of these, also what runs left in which the glass was broken: a debt is as old as it is (`gates/review_debts.py`).
UNDER_EMERGENCY = frozenset({DECISION})


def evidence_for(door: Door, log: EvidenceLog) -> tuple[Evidence, ...]:
    """Return, in log order, what of the types in READ gives the same facts at `door` as all of it."""
    own = [item for item in log.of_run(door.run) if item.statement.predicate_type in READ]
    begun = own[0].index if own else log.size()
    everywhere = set(READ) - OF_THE_RUN - SINCE_THE_RUN - UNTIL_TOLD - UNDER_EMERGENCY
    deployments = _deployments(door, log)
    found = {
        item.index: item
        for part in (
            own,
            log.every(*sorted(everywhere)),
            takewhile(lambda item: item.index > begun, log.youngest(*sorted(SINCE_THE_RUN))),
            deployments,
            _under_emergency(log),
            _rehearsal(door, log),
            _provenance(door, log, deployments),
        )
        for item in part
    }
    return tuple(found[index] for index in sorted(found))


def _deployments(door: Door, log: EvidenceLog) -> Sequence[Evidence]:
    """Return the youngest deployments of the service here and to production, as many as tell what serves."""
    asked = {door.environment.name: list[Evidence](), door.pipeline.production.name: list[Evidence]()}
    open_ = set(asked)
    for item in log.youngest(readings.DEPLOYMENT):
        body = item.statement.body
        environment = next((name for name in open_ if name == body.get("environment")), None)
        if environment is None or body.get("service") != door.pipeline.service.name:
            continue
        asked[environment].append(item)
        if Readings(door, asked[environment][::-1]).tells_what_serves(environment):
            open_.remove(environment)
        if not open_:
            break
    return sorted((item for items in asked.values() for item in items), key=lambda item: item.index)


def _under_emergency(log: EvidenceLog) -> Iterable[Evidence]:
    """Return what tells of debts: all that the runs left in which the glass was broken, however long ago."""
    runs = dict.fromkeys(run for item in log.every(BREAK_GLASS) for run in _runs_named(item))
    left = chain.from_iterable(log.of_run(run) for run in runs)
    return (item for item in left if item.statement.predicate_type in {*READ, *OWED})


def _runs_named(word: Evidence) -> Iterator[RunId]:
    """Yield the run that a word of break-glass was said in, and the one that it is about."""
    match word.statement.body:
        case {"subject": {"run": str(run)}}:
            yield RunId(run)
        case _:
            pass
    if word.statement.context.run is not None:
        yield word.statement.context.run


def _rehearsal(door: Door, log: EvidenceLog) -> Iterable[Evidence]:
    return _first(item for item in log.youngest(readings.REHEARSAL) if Readings(door, [item]).rehearsal() is not None)


def _provenance(door: Door, log: EvidenceLog, deployments: Sequence[Evidence]) -> Iterable[Evidence]:
    """Return one provenance of what serves here, if there is any."""
    back = Readings(door, deployments).way_back()
    if back is None or "artifact" not in back:
        return ()
    return _first(item for item in log.youngest(readings.PROVENANCE) if _is_about(item, back["artifact"]))


def _is_about(item: Evidence, artifact: object) -> bool:
    return str(item.statement.subjects[0].digest) == artifact


def _first(found: Iterator[Evidence]) -> Iterable[Evidence]:
    return (item for item in (next(found, None),) if item is not None)
