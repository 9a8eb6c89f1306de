"""Promote: one environment on the road. Approvals, the gate, the deployment, and the rehearsal where it is due."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from wardline.canonical import Digest
from wardline.delivery.await_door import await_door
from wardline.delivery.begin import is_emergency
from wardline.delivery.decide import Gate, decision_of, gate_step
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


def promote(travel: Travel, target: Target, gate: Gate, *, shipment: Shipment, door: Door) -> RunStatus | None:
    """Bring the shipment through one environment. None: go on; otherwise how the run ends."""
    awaited = door.environment.approvals or door.environment.windows or is_emergency(travel.run)
    deadline = await_door(travel, door) if awaited else None
    hold = travel.hold(EnvironmentKey(service=shipment.pipeline.service.name, name=door.environment.name))
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
