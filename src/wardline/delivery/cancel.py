"""Cancel: give a run up. What served before serves again, and the run is sealed as cancelled."""

from wardline.delivery.deploy import Target
from wardline.delivery.roll_back import Switch, switch
from wardline.delivery.travel import Travel
from wardline.deployments import history
from wardline.deployments.history import Moved
from wardline.deployments.predicates import Phase
from wardline.errors import Conflict
from wardline.ids import DeploymentId
from wardline.pipelines.run import RunStatus


def cancel(travel: Travel, target: Target) -> RunStatus:
    """Undo what the run left half-way, free what it holds, and seal it.

    The caller MUST have made sure that no process drives the run.

    Raises:
        Conflict: The run has ended already.
    """
    run = travel.run
    if run.ended:
        raise Conflict(f"run {run.id} is {run.status} already")
    past = history.read(travel.collect.log.every())
    for moved in _unfinished(past, travel):
        _undo(travel, target, moved, past)
    return travel.seal(RunStatus.CANCELLED)


def _unfinished(past: tuple[Moved, ...], travel: Travel) -> tuple[Moved, ...]:
    """Return the last statement of each deployment of the run that began and did not end."""
    last = {moved.deployment: moved for moved in past if moved.run == travel.id}
    return tuple(moved for moved in last.values() if not moved.ended and moved.phase is not Phase.FENCED)


def _undo(travel: Travel, target: Target, moved: Moved, past: tuple[Moved, ...]) -> None:
    environment = moved.environment
    hold = travel.hold(environment)
    before = history.serving(past, environment)
    travel.leave(
        f"{environment.name}/cancelled",
        switch(
            travel,
            target,
            Switch(
                deployment=DeploymentId(moved.deployment),
                hold=hold,
                release=None if before is None else before[0],
                previous=moved.release,
                decision=moved.decision if before is None else before[1],
                phase=Phase.ROLLED_BACK,
                reason="cancelled",
            ),
        ),
    )
    travel.free(environment)
