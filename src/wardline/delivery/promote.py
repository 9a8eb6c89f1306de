"""Promote: one environment on the road. Approvals, the gate, the deployment, and the rehearsal where it is due."""

from dataclasses import dataclass
from typing import Protocol

from wardline.clock import from_rfc3339, to_rfc3339
from wardline.delivery.deploy import Consented, Target, deploy
from wardline.delivery.rehearse import bring_to, rehearse
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


class Gate(Protocol):
    """Judges evidence at a door."""

    def missing(self, door: Door) -> str | None:
        """Return which approvals are still missing, for people; None: nothing more is to be waited for."""
        ...

    def decide(self, travel: Travel, door: Door) -> tuple[Decision, int]:
        """Decide once, leave the decision as evidence, and return it with its log index."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """What travels: one artifact, under one declaration, all the way."""

    pipeline: Pipeline
    artifact: Evidence  # its provenance
    version: str

    def door(self, travel: Travel, environment: EnvironmentSpec) -> Door:
        return Door(
            run=travel.id,
            artifact=self.artifact.statement.subjects[0].digest,
            pipeline=self.pipeline,
            environment=environment,
        )


def promote(
    travel: Travel, target: Target, gate: Gate, *, shipment: Shipment, environment: EnvironmentSpec
) -> RunStatus | None:
    """Bring the shipment through one environment. None: go on; otherwise how the run ends."""
    door = shipment.door(travel, environment)
    if environment.approvals:
        _await_approvals(travel, gate, door)
    hold = travel.hold(EnvironmentKey(service=shipment.pipeline.service.name, name=environment.name))
    rehearsing = _rehearses(shipment.pipeline, door.environment)
    production = EnvironmentKey(service=hold.environment.service, name=shipment.pipeline.production.name)
    if rehearsing:
        bring_to(travel, target, hold, production=production)
    decision, index = gate.decide(travel, door)
    if not isinstance(decision, Allow):
        travel.free(hold.environment)
        return _refused(decision)
    consented = _consented(travel, door, hold, shipment=shipment, consent=(decision, index))
    outcome = deploy(travel, target, consented)
    if outcome is Outcome.PASSED and rehearsing:
        rehearse(travel, target, hold, release=(consented.release, index), production=production)
    travel.free(hold.environment)
    if outcome is Outcome.PASSED:
        return None
    return RunStatus.ROLLED_BACK if outcome is Outcome.FAILED else RunStatus.FAILED


def _await_approvals(travel: Travel, gate: Gate, door: Door) -> None:
    """Wait, durably, until enough people have answered or the deadline has passed. The gate judges what came."""
    name = door.environment.name
    deadline = from_rfc3339(
        str(
            travel.decide(
                f"{name}/approvals/deadline",
                lambda: to_rfc3339(travel.clock.now() + door.environment.approvals_within),
            ),
        ),
    )
    count = 0
    while True:
        # Looked at inside a step: on a replay the log holds more than it did the first time.
        missing = travel.decide(f"{name}/approvals/look-{count}", lambda: gate.missing(door))
        if missing is None:
            return
        travel.wait_for(f"{name} needs {missing} by {to_rfc3339(deadline)}: wardline approve {travel.id}")
        if travel.engine.wait_for(f"approvals/{name}", deadline=deadline) is None:
            return  # the deadline: a timeout is not a yes, and the gate will find nobody's
        count += 1


def _consented(travel: Travel, door: Door, hold: Hold, *, shipment: Shipment, consent: tuple[Allow, int]) -> Consented:
    release = releases.release_of(
        door.environment, start=shipment.pipeline.start, artifact=door.artifact, version=shipment.version
    )
    document = travel.collect.blobs.put(releases.to_document(release), releases.RELEASE_DOCUMENT)
    past = (moved for moved in history.read(travel.collect.log.every()) if not _of_this_deployment(moved, travel))
    serves = history.serving(past, hold.environment)
    before = None if serves is None else serves[0]
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


def _of_this_deployment(moved: history.Moved, travel: Travel) -> bool:
    # On a replay the log already holds what this deployment did; what served before it is asked for.
    # Bringing the rehearsal environment to production came before it, and counts.
    return moved.run == travel.id and moved.reason != "bring-to-production"


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
