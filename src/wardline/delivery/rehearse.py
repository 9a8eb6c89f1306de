"""Rehearse the rollback of this very release: N → N+1 → N → N+1, where N is what production runs now.

45 CFR 164.308(a)(7)(ii)(D) asks that contingency plans be tested, GDPR Art. 32(1)(c) that availability can
be restored in time. A rollback nobody tried is a hope.
"""

from wardline.delivery.deploy import Target
from wardline.delivery.roll_back import Switch, switch
from wardline.delivery.travel import Travel
from wardline.deployments import history
from wardline.deployments.predicates import Leg, Phase, ReleaseRef, RollbackRehearsed
from wardline.environments.holds import Hold
from wardline.environments.observations import EnvironmentKey
from wardline.errors import NotFound
from wardline.evidence.log import Evidence, EvidenceLog
from wardline.ids import DeploymentId, EnvironmentName
from wardline.outcomes import Outcome, worst
from wardline.pipelines.run import RunStatus
from wardline.predicates import Predicate

Served = tuple[ReleaseRef, int]  # a release and the log index of the Allow it came under


def bring_to(travel: Travel, target: Target, hold: Hold, *, production: EnvironmentKey) -> None:
    """Bring the rehearsal environment to what production runs, before the new release comes to it.

    Where that release never served here it cannot be brought back: the rehearsal will say so.
    """

    def choose() -> str | None:
        here, wanted = _counterpart(travel, hold.environment, production)
        return None if wanted is None or (here is not None and here[0].id == wanted[0].id) else wanted[0].id

    name = hold.environment.name
    release_id = travel.decide(f"{name}/counterpart", choose)
    if release_id is None:
        return
    here, wanted = _counterpart(travel, hold.environment, production, before=travel.id)
    if wanted is None:
        return
    travel.leave(
        f"{name}/bring-to-production",
        switch(
            travel,
            target,
            Switch(
                deployment=DeploymentId(f"{travel.id}/{name}/bring"),
                hold=hold,
                release=wanted[0],
                previous=None if here is None else here[0],
                decision=wanted[1],
                phase=Phase.SUCCEEDED,
                reason="bring-to-production",
            ),
        ),
    )


def rehearse(travel: Travel, target: Target, hold: Hold, *, release: Served, production: EnvironmentKey) -> Evidence:
    """Walk back and forward once; the environment ends where it began."""
    name = hold.environment.name
    _, back = _counterpart(travel, hold.environment, production, before=travel.id)
    legs = (
        _leg(travel, target, hold, "back", (release, back)),
        _leg(travel, target, hold, "forward", (back, release)),
    )
    outcomes = tuple(leg.outcome for leg in legs)

    def produce() -> Predicate:
        serves = dict(target.observe(hold.environment).weights)
        return RollbackRehearsed(
            service=hold.environment.service,
            environment=name,
            release=release[0],
            previous=None if back is None else back[0],
            legs=legs,
            same_digests=serves == {release[0].id: 100},
            outcome=worst(outcomes) if serves == {release[0].id: 100} else Outcome.FAILED,
        )

    return travel.leave(f"{name}/rehearsal", produce)


def _leg(travel: Travel, target: Target, hold: Hold, kind: str, route: tuple[Served | None, Served | None]) -> Leg:
    away, to = route
    known = to or away
    evidence = travel.leave(
        f"{hold.environment.name}/rehearse-{kind}",
        switch(
            travel,
            target,
            Switch(
                deployment=DeploymentId(f"{travel.id}/{hold.environment.name}/{kind}"),
                hold=hold,
                release=None if to is None else to[0],
                previous=None if away is None else away[0],
                decision=0 if known is None else known[1],
                phase=Phase.SUCCEEDED if kind == "forward" else Phase.ROLLED_BACK,
                reason="rehearsal",
            ),
        ),
    )
    took = evidence.statement.body["took_ms"]
    return Leg(kind=kind, took_ms=took if isinstance(took, int) else 0, outcome=evidence.statement.context.outcome)


def _counterpart(
    travel: Travel, environment: EnvironmentKey, production: EnvironmentKey, *, before: str | None = None
) -> tuple[Served | None, Served | None]:
    """Return what serves in `environment`, and the release there whose artifact production runs."""
    past = tuple(moved for moved in history.read(travel.collect.log.every()) if moved.run != before)
    runs = history.serving(past, production)
    here = history.serving(past, environment)
    if runs is None:
        return here, None
    served_here = history.allowed_before(past, environment)
    return here, next((served for served in served_here if served[0].artifact == runs[0].artifact), None)


def waiting_for_production(log: EvidenceLog, environment: EnvironmentKey) -> Served:
    """Return what serves in the rehearsal environment.

    Raises:
        NotFound: Nothing does.
    """
    here = history.serving(history.read(log.every()), environment)
    if here is None:
        raise NotFound(f"{environment} serves nothing that could be rehearsed", remedy="Ship a change first.")
    return here


def rehearse_again(travel: Travel, target: Target) -> RunStatus:
    """The journey of `wardline rehearse`: arguments `environment` and `production`."""
    run = travel.run
    hold = travel.hold(EnvironmentKey(service=run.service, name=EnvironmentName(run.arguments["environment"])))
    production = EnvironmentKey(service=run.service, name=EnvironmentName(run.arguments["production"]))
    past = tuple(moved for moved in history.read(travel.collect.log.every()) if moved.run != travel.id)
    release = history.serving(past, hold.environment)
    if release is None:
        travel.free(hold.environment)
        return travel.seal(RunStatus.FAILED)
    evidence = rehearse(travel, target, hold, release=release, production=production)
    travel.free(hold.environment)
    passed = evidence.statement.context.outcome is Outcome.PASSED
    return travel.seal(RunStatus.SUCCEEDED if passed else RunStatus.FAILED)
