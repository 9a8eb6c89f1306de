"""Roll back: put a release that was allowed here before in front of callers again. It waits for no gate."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from wardline.delivery.deploy import Target
from wardline.delivery.travel import Travel
from wardline.delivery.unsigned_words import from_argument
from wardline.deployments import history, releases
from wardline.deployments.plans import Release
from wardline.deployments.predicates import DeploymentMoved, Phase, ReleaseRef
from wardline.environments.holds import Hold
from wardline.environments.observations import EnvironmentKey
from wardline.errors import Conflict, IntegrityViolation, InvalidInput, NotFound, Unavailable, WardlineError
from wardline.ids import DeploymentId, EnvironmentName, ReleaseId
from wardline.outcomes import Outcome
from wardline.pipelines.run import RunStatus
from wardline.predicates import BlobRef, Predicate


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """Everybody from `previous` to `release`, in one move. `release` None: to nobody.

    `decision` is the Allow under which `release` (or, to nobody, what is withdrawn) came here before:
    an Allow covers the way back.
    """

    deployment: DeploymentId
    hold: Hold
    release: ReleaseRef | None
    previous: ReleaseRef | None
    decision: int
    phase: Phase
    reason: str
    words: BlobRef | None = None  # an operator's own; kept outside the log


def switch(travel: Travel, target: Target, wanted: Switch) -> Callable[[], Predicate]:
    """Return the act that makes `wanted` true; doing it twice changes nothing.

    `took_ms` counts until callers are answered by the release, not until the other one is gone. A release that
    does not start leaves what served before in place, and that is said. What fails later is raised: the run
    stands half-way and has to be resumed.
    """

    def act() -> Predicate:
        environment, generation = wanted.hold.environment, wanted.hold.generation
        began = travel.clock.elapsed()
        weights: dict[ReleaseId, int] = {}
        try:
            if wanted.release is not None:
                release = load(travel, wanted.release)
                target.start(environment, release, generation=generation)
                weights = {release.id: 100}
        except (Unavailable, InvalidInput) as error:
            travel.progress.says(error.what)
            return _said(wanted, outcome=Outcome.FAILED, ended=_NOT_STARTED, words=_kept(travel, error))
        except Conflict as error:
            return _said(wanted, outcome=Outcome.ERRORED, ended=_FENCED, words=_kept(travel, error))
        target.shift(environment, weights, generation=generation)
        took = travel.clock.elapsed() - began
        serving = None if wanted.release is None else wanted.release.id
        if wanted.previous is not None and wanted.previous.id != serving:
            target.withdraw(environment, wanted.previous.id, generation=generation)
        seen = target.observe(environment)
        outcome = Outcome.PASSED if dict(seen.weights) == weights else Outcome.FAILED
        ended = _Ended(phase=wanted.phase, serving=serving, reason=wanted.reason, took=took)
        return _said(wanted, outcome=outcome, ended=ended, words=wanted.words)

    return act


def load(travel: Travel, release: ReleaseRef) -> Release:
    """Return the release that was once deployed, from its document."""
    return releases.from_document(travel.collect.blobs.get(release.document.digest))


def roll_back(travel: Travel, target: Target) -> RunStatus:
    """The journey of `wardline rollback ENV [--to RELEASE]`: arguments `environment`, `to`, `words`."""
    run = travel.run
    environment = EnvironmentKey(service=run.service, name=EnvironmentName(run.arguments["environment"]))
    generation = travel.decide(f"{environment.name}/hold", lambda: travel.holds.seize(environment, run.id).generation)
    if not isinstance(generation, int):
        raise IntegrityViolation(f"run {run.id}: the hold recorded no generation")
    past = history.read(travel.collect.log.every())
    chosen, current = way_back(past, environment, to=run.arguments.get("to"), ended_before=run.id)
    wanted = Switch(
        deployment=DeploymentId(f"{run.id}/{environment.name}"),
        hold=Hold(environment=environment, run=run.id, generation=generation),
        release=chosen[0],
        previous=current,
        decision=chosen[1],
        phase=Phase.ROLLED_BACK,
        reason="operator",
        words=from_argument(run.arguments.get("words")),
    )
    evidence = travel.leave(f"{environment.name}/roll-back", switch(travel, target, wanted))
    travel.free(environment)
    passed = evidence.statement.context.outcome is Outcome.PASSED
    return travel.seal(RunStatus.SUCCEEDED if passed else RunStatus.FAILED)


def way_back(
    past: tuple[history.Moved, ...], environment: EnvironmentKey, *, to: str | None, ended_before: str | None = None
) -> tuple[tuple[ReleaseRef, int], ReleaseRef | None]:
    """Return the release to go back to with its Allow, and what serves now.

    Raises:
        NotFound: `to` never served here, or nothing served before what serves now.
    """
    past = tuple(moved for moved in past if moved.run != ended_before)
    now = history.serving(past, environment)
    current = None if now is None else now[0]
    allowed = history.allowed_before(past, environment)
    wanted = [
        (release, decision)
        for release, decision in allowed
        if (release.id == to if to is not None else current is None or release.id != current.id)
    ]
    if not wanted:
        known = ", ".join(release.id for release, _ in allowed) or "none"
        what = "no earlier release" if to is None else f"no release {to}"
        raise NotFound(f"{environment}: {what} ever served here; known: {known}")
    return wanted[0], current


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ended:
    phase: Phase
    reason: str
    serving: ReleaseId | None = None
    took: timedelta = timedelta()


_NOT_STARTED = _Ended(phase=Phase.FAILED, reason="not-healthy")
_FENCED = _Ended(phase=Phase.FENCED, reason="fenced")


def _said(wanted: Switch, *, outcome: Outcome, ended: _Ended, words: BlobRef | None) -> DeploymentMoved:
    # A withdrawal is said of what was withdrawn: there is nothing else to say it of.
    about = wanted.release or wanted.previous
    if about is None:
        raise IntegrityViolation(f"{wanted.hold.environment}: a switch from nothing to nothing")
    stays = wanted.previous if ended.phase in {Phase.FAILED, Phase.FENCED} else None
    serving = ended.serving if stays is None else stays.id
    return DeploymentMoved(
        deployment=wanted.deployment,
        service=wanted.hold.environment.service,
        environment=wanted.hold.environment.name,
        release=about,
        previous=wanted.previous,
        serving=serving,
        strategy="switch",
        decision=wanted.decision,
        phase=ended.phase,
        weights=() if serving is None else ((serving, 100),),
        generation=wanted.hold.generation,
        outcome=outcome,
        took_ms=round(ended.took.total_seconds() * 1000),
        reason=ended.reason,
        private=words,
    )


def _kept(travel: Travel, error: WardlineError) -> BlobRef:
    return travel.collect.machine_words(error.what)
