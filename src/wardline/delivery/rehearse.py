"""Rehearse the rollback of this very release: N → N+1 → N → N+1, where N is what production runs now.

45 CFR 164.308(a)(7)(ii)(D) asks that contingency plans be tested, GDPR Art. 32(1)(c) that availability can
be restored in time. A rollback nobody tried is a hope.
"""

from dataclasses import dataclass

from wardline.delivery.deploy import Target
from wardline.delivery.roll_back import Switch, switch
from wardline.delivery.travel import Travel
from wardline.deployments import history
from wardline.deployments.predicates import Leg, Phase, ReleaseRef, RollbackRehearsed
from wardline.environments.holds import Hold
from wardline.environments.observations import EnvironmentKey
from wardline.errors import IntegrityViolation, NotFound
from wardline.evidence.log import Evidence, EvidenceLog
from wardline.ids import DeploymentId, EnvironmentName
from wardline.outcomes import Outcome, worst
from wardline.pipelines.run import RunStatus
from wardline.predicates import Predicate

BROUGHT = "bring-to-production"

Served = tuple[ReleaseRef, int]  # a release and the log index of the Allow it came under


def counterpart(travel: Travel, hold: Hold, *, production: EnvironmentKey) -> Served | None:
    """Return N: the release of this environment whose artifact production runs now, chosen once for the whole run.

    None where production runs nothing, or what it runs never served here: then the way back is to withdraw, and
    the gate of production will see that this is no first release.
    """
    name = hold.environment.name

    def choose() -> str | None:
        past = history.read(travel.collect.log.every())
        runs = history.serving(past, production)
        served_here = () if runs is None else history.allowed_before(past, hold.environment)
        found = next((served for served in served_here if runs and served[0].artifact == runs[0].artifact), None)
        return None if found is None else found[0].id

    chosen = travel.decide(f"{name}/counterpart", choose)
    past = history.read(travel.collect.log.every())
    return next((s for s in history.allowed_before(past, hold.environment) if s[0].id == chosen), None)


def bring_to(travel: Travel, target: Target, hold: Hold, *, wanted: Served | None) -> None:
    """Bring the rehearsal environment to what production runs, before the new release comes to it."""
    name = hold.environment.name
    if wanted is None:
        return

    def choose() -> str | None:
        serves = history.serving(history.read(travel.collect.log.every()), hold.environment)
        return None if serves is None else serves[0].id

    # Looked at inside a step: on a replay other runs may have been here since.
    chosen = travel.decide(f"{name}/serves", choose)
    if chosen == wanted[0].id:
        return
    served_here = history.allowed_before(history.read(travel.collect.log.every()), hold.environment)
    here = next((served for served in served_here if served[0].id == chosen), None)
    route = Switch(
        deployment=DeploymentId(f"{travel.id}/{name}/bring"),
        hold=hold,
        release=wanted[0],
        previous=None if here is None else here[0],
        decision=wanted[1],
        phase=Phase.SUCCEEDED,
        reason=BROUGHT,
    )
    travel.leave(f"{name}/bring-to-production", switch(travel, target, route))


def rehearse(travel: Travel, target: Target, hold: Hold, *, release: Served, back: Served | None) -> Evidence:
    """Walk back and forward once; the environment ends where it began. `back` None: a first release is withdrawn."""
    before = None if back is None else back[0]
    walk = _Walk(travel=travel, target=target, hold=hold)
    legs = (
        walk.leg("back", to=before, away=release[0], decision=(back or release)[1]),
        walk.leg("forward", to=release[0], away=before, decision=release[1]),
    )

    def produce() -> Predicate:
        same = dict(target.observe(hold.environment).weights) == {release[0].id: 100}
        return RollbackRehearsed(
            service=hold.environment.service,
            environment=hold.environment.name,
            release=release[0],
            previous=before,
            legs=legs,
            same_digests=same,
            outcome=worst(leg.outcome for leg in legs) if same else Outcome.FAILED,
        )

    return travel.leave(f"{hold.environment.name}/rehearsal", produce)


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
    back = counterpart(travel, hold, production=production)
    past = tuple(moved for moved in history.read(travel.collect.log.every()) if moved.run != travel.id)
    release = history.serving(past, hold.environment)
    if release is None:  # stopped since the rehearsal was asked for
        return travel.seal(RunStatus.FAILED)
    evidence = rehearse(travel, target, hold, release=release, back=back)
    travel.free(hold.environment)
    passed = evidence.statement.context.outcome is Outcome.PASSED
    return travel.seal(RunStatus.SUCCEEDED if passed else RunStatus.FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Walk:
    travel: Travel
    target: Target
    hold: Hold

    def leg(self, kind: str, *, to: ReleaseRef | None, away: ReleaseRef | None, decision: int) -> Leg:
        name = self.hold.environment.name
        wanted = Switch(
            deployment=DeploymentId(f"{self.travel.id}/{name}/{kind}"),
            hold=self.hold,
            release=to,
            previous=away,
            decision=decision,
            phase=Phase.SUCCEEDED if kind == "forward" else Phase.ROLLED_BACK,
            reason="rehearsal",
        )
        evidence = self.travel.leave(f"{name}/rehearse-{kind}", switch(self.travel, self.target, wanted))
        took = evidence.statement.body["took_ms"]
        if not isinstance(took, int):
            raise IntegrityViolation(f"log index {evidence.index}: a deployment statement without took_ms")
        return Leg(kind=kind, took_ms=took, outcome=evidence.statement.context.outcome)
