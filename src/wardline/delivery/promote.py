"""Promote: one environment on the road. Approvals, the gate, the deployment, and the rehearsal where it is due."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from wardline.canonical import Digest
from wardline.clock import from_rfc3339, to_rfc3339
from wardline.delivery.approve import approvals_topic
from wardline.delivery.decide import Gate, decision_of, gate_step, look
from wardline.delivery.deploy import Consented, Target, deploy
from wardline.delivery.rehearse import bring_to, counterpart, rehearse
from wardline.delivery.roll_back import load
from wardline.delivery.travel import Travel
from wardline.deployments import history, releases
from wardline.deployments.plans import DeploymentPlan
from wardline.deployments.predicates import ReleaseRef
from wardline.environments.holds import Hold
from wardline.environments.observations import EnvironmentKey
from wardline.errors import IntegrityViolation
from wardline.evidence.log import Evidence
from wardline.evidence.statements import evidence_key
from wardline.gates.decisions import Allow, Decision, Deny, Undecided
from wardline.gates.door import Door
from wardline.ids import DeploymentId
from wardline.outcomes import Outcome
from wardline.pipelines.run import RunStatus
from wardline.pipelines.spec import EnvironmentSpec, Pipeline

# Between a decision and the deployment lie milliseconds, unless the run was interrupted just there: whoever resumes
# it does so within minutes, or finds that waivers and rehearsals may have run out meanwhile.
_ALLOW_LASTS = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """What travels: one artifact, under one declaration, all the way."""

    pipeline: Pipeline
    artifact: Digest
    version: str

    @classmethod
    def of(cls, pipeline: Pipeline, built: Evidence) -> Self:
        """Return the shipment of the artifact whose provenance `built` is."""
        match built.statement.body:
            case {"wardline_bundle": {"version": str(version)}}:
                return cls(pipeline=pipeline, artifact=built.statement.subjects[0].digest, version=version)
            case _:
                raise IntegrityViolation(f"log index {built.index}: provenance without its bundle")


def promote(
    travel: Travel, target: Target, gate: Gate, *, shipment: Shipment, environment: EnvironmentSpec
) -> RunStatus | None:
    """Bring the shipment through one environment. None: go on; otherwise how the run ends."""
    door = Door(run=travel.id, artifact=shipment.artifact, pipeline=shipment.pipeline, environment=environment)
    deadline = _await_approvals(travel, door) if environment.approvals else None
    hold = travel.hold(EnvironmentKey(service=shipment.pipeline.service.name, name=environment.name))
    rehearsing = _rehearses(shipment.pipeline, door.environment)
    production = EnvironmentKey(service=hold.environment.service, name=shipment.pipeline.production.name)
    back = counterpart(travel, hold, production=production) if rehearsing else None
    if rehearsing:
        bring_to(travel, target, hold, wanted=back)
    decision, index = _decided(travel, gate, door, deadline=deadline)
    if not isinstance(decision, Allow):
        travel.free(hold.environment)
        return _refused(decision)
    consented = _consented(travel, door, hold, shipment=shipment, consent=(decision, index))
    outcome = deploy(travel, target, consented)
    if outcome is Outcome.PASSED and rehearsing:
        rehearse(travel, target, hold, release=(consented.release, index), back=back)
    travel.free(hold.environment)
    if outcome is Outcome.PASSED:
        return None
    return RunStatus.ROLLED_BACK if outcome is Outcome.FAILED else RunStatus.FAILED


def _decided(travel: Travel, gate: Gate, door: Door, *, deadline: datetime | None) -> tuple[Decision, int]:
    """Return the gate's decision and its log index; asked anew where the run stood still since."""
    evidence = travel.leave(gate_step(door.environment.name), lambda: gate.judged(door, deadline=deadline))
    decided_at = evidence.statement.context.recorded_at

    def is_fresh() -> bool:
        return travel.clock.now() - decided_at <= _ALLOW_LASTS

    if not travel.decide(f"{door.environment.name}/gate-is-fresh", is_fresh):
        again = f"{gate_step(door.environment.name)}-again"
        evidence = travel.leave(again, lambda: gate.judged(door, deadline=deadline))
    return decision_of(evidence), evidence.index


def _await_approvals(travel: Travel, door: Door) -> datetime:
    """Wait, durably, until enough people have answered or the deadline has passed; the gate judges what came."""
    name = door.environment.name
    began = travel.decide(f"{name}/approvals/asked", lambda: to_rfc3339(travel.clock.now()))
    deadline = from_rfc3339(str(began)) + door.environment.approvals_within
    count = 0
    while True:
        # Looked at inside a step: on a replay the log holds more than it did the first time.
        if travel.decide(f"{name}/approvals/look-{count}", lambda: _missing(travel, door)) is None:
            return deadline
        # On a replay they may have come, and the gate may have decided, long ago.
        decided = travel.collect.log.find(evidence_key(travel.id, gate_step(name))) is not None
        if not decided and (missing := _missing(travel, door)) is not None:
            travel.wait_for(f"{name} needs {missing} by {to_rfc3339(deadline)}: wardline approve {travel.id}")
        if travel.engine.wait_for(approvals_topic(name), deadline=deadline) is None:
            return deadline  # a timeout is not a yes, and the gate will find nobody's
        count += 1


def _missing(travel: Travel, door: Door) -> str | None:
    """Return the approvals still to come, for people; None: all are there, or no more can come.

    No more can come once somebody said no, or where the author is not known: then nobody can tell
    author and approver apart, and every approval is refused.
    """
    facts = look(door, travel.collect)
    standing = facts.standing
    if standing.rejections or facts.author is None:
        return None
    given = Counter(approval.role for approval in standing.approvals)
    lacking = [
        f"{wanted.count - given[wanted.role]} of {wanted.role.value}"
        for wanted in door.environment.approvals
        if given[wanted.role] < wanted.count
    ]
    return " and ".join(lacking) or None


def _consented(travel: Travel, door: Door, hold: Hold, *, shipment: Shipment, consent: tuple[Allow, int]) -> Consented:
    release = releases.release_of(
        door.environment, start=shipment.pipeline.start, artifact=door.artifact, version=shipment.version
    )
    document = travel.collect.blobs.put(releases.to_document(release), releases.RELEASE_DOCUMENT)
    before = _served_before(travel, hold)
    plan = DeploymentPlan(
        id=DeploymentId(f"{travel.id}/{door.environment.name}"),
        environment=hold.environment,
        release=release,
        previous=None if before is None else load(travel, before),
        strategy=door.environment.strategy,
        consent=consent[0],
        generation=hold.generation,
    )
    return Consented(
        plan=plan,
        decision=consent[1],
        release=ReleaseRef(id=release.id, version=release.version, artifact=release.artifact, document=document),
        previous=before,
    )


def _served_before(travel: Travel, hold: Hold) -> ReleaseRef | None:
    """Return what served here when this deployment began: the way back, whatever was stopped or said since."""

    def choose() -> str | None:
        past = history.read(travel.collect.log.every())
        # Looked at inside a step: on a replay the log already holds what this deployment did.
        serves = history.serving(past, hold.environment)
        return None if serves is None else serves[0].id

    chosen = travel.decide(f"{hold.environment.name}/way-back", choose)
    served_here = history.allowed_before(history.read(travel.collect.log.every()), hold.environment)
    return next((release for release, _ in served_here if release.id == chosen), None)


def _rehearses(pipeline: Pipeline, environment: EnvironmentSpec) -> bool:
    return pipeline.rollback is not None and pipeline.rollback.rehearse_in == environment.name


def _refused(decision: Decision) -> RunStatus:
    match decision:
        case Deny():
            return RunStatus.DENIED
        case Undecided():
            return RunStatus.UNDECIDED
        case Allow():
            raise IntegrityViolation("an Allow was taken for a refusal")
