"""Stop: take everything in an environment away from callers. It waits for nobody, and is always recorded."""

from wardline.delivery.collect_evidence import Collector
from wardline.delivery.deploy import Target
from wardline.deployments import history
from wardline.deployments.predicates import DeploymentMoved, Phase
from wardline.environments.observations import EnvironmentKey
from wardline.ids import DeploymentId
from wardline.outcomes import Outcome


def stop(collect: Collector, target: Target, environment: EnvironmentKey, *, reason: str | None) -> None:
    """Stop `environment` and say so. Stopping what is stopped already leaves no second statement."""
    began = collect.clock.elapsed()
    target.stop(environment)
    took = collect.clock.elapsed() - began
    serves = history.serving(history.read(collect.log.every()), environment)
    if serves is None:
        return
    release, decision = serves
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
            generation=0,  # a stop is not fenced
            outcome=Outcome.PASSED,
            took_ms=round(took.total_seconds() * 1000),
            reason="operator",
            private=None if reason is None else collect.private(reason),
        ),
    )
