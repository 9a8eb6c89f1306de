"""Rehearsals planted: the way back, or the way forward again, leads to a release that never comes up."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final

from wardline.adapters.engine.driver_lock import DriverLocks
from wardline.adapters.engine.immediate import Immediate
from wardline.adapters.storage.runs import SQLHolds, SQLRuns
from wardline.bootstrap.plants.bundles import NAME, VERSION
from wardline.bootstrap.plants.scratch import Scratch, scratch
from wardline.bootstrap.plants.telling import told, unshown
from wardline.canonical import Digest
from wardline.clock import Clock
from wardline.delivery.deploy import Target
from wardline.delivery.rehearse import rehearse
from wardline.delivery.travel import Travel
from wardline.deployments import releases
from wardline.deployments.plans import Release
from wardline.deployments.predicates import ReleaseRef
from wardline.environments.holds import Hold
from wardline.environments.observations import EnvironmentKey
from wardline.gates.trials import Planted
from wardline.ids import EnvironmentName, RunId
from wardline.outcomes import Outcome
from wardline.pipelines.run import Run, RunStatus
from wardline.pipelines.spec import EnvironmentSpec, StartSpec, TargetSpec

_WHERE: Final = EnvironmentKey(service=NAME, name=EnvironmentName("rehearsed"))
_DECISION: Final = 0  # no gate was asked: nothing of this is anybody's environment


class _Quiet:
    """Shows nobody anything."""

    def begins(self, step: str) -> None: ...

    def says(self, line: str) -> None: ...

    def waits(self, reason: str) -> None: ...

    def ends(self, step: str, outcome: Outcome, note: str) -> None: ...


def rehearsals(work: Path, target: Target, artifact: Digest, clock: Clock) -> tuple[Planted, ...]:
    """Rehearse with releases that work and that do not; all of them are stopped at the end."""
    try:
        with scratch(work, clock) as made:
            return tuple(_rehearsals(work, target, artifact, made))
    finally:
        target.stop(_WHERE, generation=1)


def _rehearsals(work: Path, target: Target, artifact: Digest, made: Scratch) -> Iterator[Planted]:
    good, older, sick = (_release(artifact, mode) for mode in ("", "older", "sick"))
    target.start(_WHERE, good, generation=1)
    target.shift(_WHERE, {good.id: 100}, generation=1)
    faults = (
        ("a rehearsal whose way back is never healthy", good, sick),
        ("a rehearsal whose release does not come up again", sick, good),
    )
    for number, (fault, release, back) in enumerate(faults):
        outcome = _outcome(work, target, made, run=f"r-planted-{number}", pair=(release, back))
        serves = dict(target.observe(_WHERE).weights) == {good.id: 100}
        yield told(
            fault,
            expected="failed, what works serves on",
            got=f"{outcome}, what works {'serves on' if serves else 'does not serve'}",
            caught=outcome is Outcome.FAILED and serves,
        )
    sound = _outcome(work, target, made, run="r-planted-sound", pair=(good, older))
    if sound is not Outcome.PASSED:
        yield unshown("a rehearsal between two releases that work", expected="passed", got=sound.value)


def _outcome(work: Path, target: Target, made: Scratch, *, run: str, pair: tuple[Release, Release]) -> Outcome:
    travel = _travel(work, made, RunId(run))
    release, back = (_kept(each, made) for each in pair)
    hold = Hold(environment=_WHERE, run=travel.id, generation=1)
    evidence = rehearse(travel, target, hold, release=(release, _DECISION), back=(back, _DECISION))
    return evidence.statement.context.outcome


def _travel(work: Path, made: Scratch, run: RunId) -> Travel:
    runs = SQLRuns(made.engine)
    runs.add(
        Run(
            id=run,
            journey="rehearse",
            service=NAME,
            repository="planted",
            commit_sha="planted",
            status=RunStatus.RUNNING,
            stage="begin",
            waiting_for=None,
            started_at=made.collect.clock.now(),
            finished_at=None,
            version=0,
        )
    )
    return Travel(
        id=run,
        engine=Immediate(),
        collect=made.collect,
        runs=runs,
        holds=SQLHolds(made.engine),
        drivers=DriverLocks(work / "drivers"),
        clock=made.collect.clock,
        progress=_Quiet(),
    )


def _release(artifact: Digest, mode: str) -> Release:
    # What never comes up is given up after seconds; what does is given what a busy machine may take.
    start = StartSpec(
        command="python -m planted_service $PORT",
        health="/healthz",
        timeout=timedelta(seconds=3 if mode == "sick" else 30),
    )
    environment = EnvironmentSpec(name=_WHERE.name, target=TargetSpec(kind="local"), config={"MODE": mode})
    return releases.release_of(environment, start=start, artifact=artifact, version=VERSION)


def _kept(release: Release, made: Scratch) -> ReleaseRef:
    document = made.blobs.put(releases.to_document(release), releases.RELEASE_DOCUMENT)
    return ReleaseRef(id=release.id, version=release.version, artifact=release.artifact, document=document)
