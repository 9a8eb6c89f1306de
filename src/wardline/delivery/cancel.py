"""Cancel: give a run up. What served before serves again, and the run is sealed as cancelled."""

from wardline.delivery.deploy import Target
from wardline.delivery.roll_back import Switch, switch
from wardline.delivery.travel import Travel
from wardline.deployments import history
from wardline.deployments.history import Moved
from wardline.deployments.predicates import Phase, ReleaseRef
from wardline.environments.holds import Hold
from wardline.environments.observations import EnvironmentKey
from wardline.errors import Conflict
from wardline.ids import DeploymentId, EnvironmentName
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
    unfinished = _unfinished(past, travel)
    # What a killed step did is undone even if it could not say it: only that run could have begun it there.
    at_work = EnvironmentKey(service=run.service, name=EnvironmentName(run.stage.partition("/")[0]))
    held = [at_work] if travel.holds.holder(at_work) == run.id else []
    for environment in dict.fromkeys((*unfinished, *held)):
        _undo(travel, target, environment, past)
    return travel.seal(RunStatus.CANCELLED)


def _unfinished(past: tuple[Moved, ...], travel: Travel) -> dict[EnvironmentKey, Moved]:
    """Return the last statement of each deployment of the run that began and did not end, by where it was."""
    last = {moved.deployment: moved for moved in past if moved.run == travel.id}
    return {moved.environment: moved for moved in last.values() if not moved.ended and moved.phase is not Phase.FENCED}


def _undo(travel: Travel, target: Target, environment: EnvironmentKey, past: tuple[Moved, ...]) -> None:
    hold = travel.hold(environment)
    moved = _unfinished(past, travel).get(environment)
    serves = history.serving(past, environment)
    about = moved or next((m for m in reversed(past) if m.environment == environment), None)
    if about is not None and (moved is not None or not _as_said(target, environment, serves)):
        back = Switch(
            deployment=about.deployment if moved else DeploymentId(f"{travel.id}/{environment.name}"),
            hold=hold,
            release=None if serves is None else serves[0],
            previous=about.release,
            decision=about.decision if serves is None else serves[1],
            phase=Phase.ROLLED_BACK,
            reason="cancelled",
        )
        travel.leave(f"{environment.name}/cancelled", switch(travel, target, back))
    _withdraw_strays(target, hold, serves)
    travel.free(environment)


def _as_said(target: Target, environment: EnvironmentKey, serves: tuple[ReleaseRef, int] | None) -> bool:
    return dict(target.observe(environment).weights) == ({} if serves is None else {serves[0].id: 100})


def _withdraw_strays(target: Target, hold: Hold, serves: tuple[ReleaseRef, int] | None) -> None:
    """End what was started beside what serves; no caller has met it, so there is no deployment to speak of."""
    running = {instance.release for instance in target.observe(hold.environment).instances}
    for stray in sorted(running - ({serves[0].id} if serves else set())):
        target.withdraw(hold.environment, stray, generation=hold.generation)
