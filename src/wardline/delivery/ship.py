"""Ship: one change, from its commit to production, leaving a statement at every station."""

from pathlib import Path

from wardline.changes.predicates import PROVENANCE
from wardline.delivery.build import build
from wardline.delivery.decide import Gate
from wardline.delivery.deploy import Target
from wardline.delivery.promote import Shipment, promote
from wardline.delivery.read_calendars import calendars_at
from wardline.delivery.read_policies import declared_at
from wardline.delivery.run_tests import run_tests
from wardline.delivery.scan import list_components, scan_code, scan_dependencies
from wardline.delivery.take_source import declared, take_source
from wardline.delivery.travel import Travel
from wardline.delivery.workshop import Workshop
from wardline.gates.door import Door
from wardline.pipelines.run import RunStatus


def ship(travel: Travel, workshop: Workshop, gate: Gate, target: Target) -> RunStatus:
    """Walk the paved road. Stations collect evidence; gates alone decide whether it is good enough."""
    status = _walk(travel, workshop, gate, target)
    sealed = travel.seal(status)
    workshop.rooms.clear(travel.id)
    return sealed


def _walk(travel: Travel, workshop: Workshop, gate: Gate, target: Target) -> RunStatus:
    travel.leave("source", lambda: take_source(travel, workshop))
    commit, pipeline, _ = declared(travel.run, workshop)
    built = travel.leave("build", lambda: build(travel, workshop))
    if built.statement.predicate_type != PROVENANCE:
        return RunStatus.FAILED  # without an artifact there is nothing to hold a gate for
    travel.leave("test", lambda: run_tests(travel, workshop, built))
    listed = travel.leave("sbom", lambda: list_components(travel, workshop, built))
    for scanner in pipeline.scan.code:
        scan_code(travel, workshop, built, scanner=scanner)
    for scanner in pipeline.scan.dependencies:
        scan_dependencies(travel, workshop, listed, scanner=scanner)
    shipment = Shipment.of(pipeline, built)
    policies = declared_at(workshop, Path(travel.run.repository), commit, pipeline)
    for environment in pipeline.environments:
        door = Door(
            run=travel.id,
            artifact=shipment.artifact,
            pipeline=pipeline,
            environment=environment,
            calendars=calendars_at(workshop, Path(travel.run.repository), commit, environment),
            policies=policies,
        )
        ended = promote(travel, target, gate, shipment=shipment, door=door)
        if ended is not None:
            return ended
    return RunStatus.SUCCEEDED
