"""Stop: take everything in an environment away from callers. It waits for nobody, and is always recorded."""

from wardline.delivery.collect_evidence import Collector
from wardline.delivery.deploy import Target
from wardline.deployments import history
from wardline.deployments.predicates import DeploymentMoved, Phase, ReleaseRef
from wardline.environments.holds import Hold, Holds
from wardline.environments.observations import EnvironmentKey
from wardline.ids import DeploymentId, RunId
from wardline.outcomes import Outcome
from wardline.predicates import BlobRef

_STOP = RunId("stop")  # holds what is being stopped; a stop that was killed leaves it to the next stop


def stop(
    collect: Collector, target: Target, holds: Holds, *, environment: EnvironmentKey, words: BlobRef | None
) -> None:
    """Stop `environment` and say so. Stopping what is stopped already leaves no second statement.

    Whoever was deploying there is fenced off: a deployment under way, or its way back, must not undo a stop.
    """
    hold = holds.seize(environment, _STOP)
    try:
        _stop(collect, target, hold, words=words)
    finally:
        holds.free(environment, _STOP)


def _stop(collect: Collector, target: Target, hold: Hold, *, words: BlobRef | None) -> None:
    environment = hold.environment
    began = collect.clock.elapsed()
    target.stop(environment, generation=hold.generation)
    took = collect.clock.elapsed() - began
    stopped = _under_way(history.read(collect.log.every()), environment)
    if stopped is None:
        return
    release, decision = stopped
    identity = collect.ids.new("stop")
    collect.once(
        f"{environment}/{identity}",
        None,
        lambda: DeploymentMoved(
            deployment=DeploymentId(identity),
            service=environment.service,
            environment=environment.name,
            release=release,
            previous=release,
            serving=None,
            strategy="stop",
            decision=decision,
            phase=Phase.STOPPED,
            weights=(),
            generation=hold.generation,
            outcome=Outcome.PASSED,
            took_ms=round(took.total_seconds() * 1000),
            reason="operator",
            private=words,
        ),
    )


def _under_way(past: tuple[history.Moved, ...], environment: EnvironmentKey) -> tuple[ReleaseRef, int] | None:
    """Return what serves or, in a first deployment, what was about to."""
    serves = history.serving(past, environment)
    last = next((moved for moved in reversed(past) if moved.environment == environment), None)
    if serves is None and last is not None and not last.ended:
        return last.release, last.decision
    return serves
