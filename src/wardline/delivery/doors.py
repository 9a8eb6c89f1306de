"""The door a run stands before: which artifact, which environment, under which declaration."""

from pathlib import Path

from wardline.changes.predicates import PROVENANCE
from wardline.delivery.read_calendars import calendars_at
from wardline.delivery.read_policies import declared_at
from wardline.delivery.take_source import declared
from wardline.delivery.workshop import Workshop
from wardline.errors import InvalidInput, NotFound
from wardline.evidence.log import EvidenceLog
from wardline.gates.door import Door
from wardline.pipelines.run import Run
from wardline.pipelines.spec import EnvironmentSpec, Pipeline


def door_of(run: Run, log: EvidenceLog, workshop: Workshop, *, environment: str | None) -> Door:
    """Return the door of `run` at `environment`; None: the one where it asks people.

    Raises:
        NotFound: Nothing was built yet, or there is no such environment.
        InvalidInput: No environment, or more than one, asks people and the run waits at none of them.
    """
    commit, pipeline, _ = declared(run, workshop)
    built = next((item for item in log.of_run(run.id) if item.statement.predicate_type == PROVENANCE), None)
    if built is None:
        raise NotFound(f"run {run.id} has built nothing yet: there is nothing to sign")
    chosen = _chosen(run, pipeline, environment)
    return Door(
        run=run.id,
        artifact=built.statement.subjects[0].digest,
        pipeline=pipeline,
        environment=chosen,
        calendars=calendars_at(workshop, Path(run.repository), commit, chosen),
        policies=declared_at(workshop, Path(run.repository), commit, pipeline),
    )


def _chosen(run: Run, pipeline: Pipeline, name: str | None) -> EnvironmentSpec:
    if name is not None:
        found = pipeline.environment(name)
        if found is None:
            known = ", ".join(each.name for each in pipeline.environments)
            raise NotFound(f"there is no environment {name}; known: {known}")
        return found
    asking = [each for each in pipeline.environments if each.approvals or each.windows]
    here = [each for each in asking if run.stage.startswith(f"{each.name}/")] or asking
    if len(here) != 1:
        names = ", ".join(each.name for each in here) or "none"
        raise InvalidInput(f"run {run.id}: environments that ask people: {names}", remedy="Say --environment.")
    return here[0]
