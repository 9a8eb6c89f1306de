"""What a target must be able to do to a deployment."""

from collections.abc import Mapping
from typing import Protocol

from wardline.deployments.plans import Release
from wardline.environments.observations import EnvironmentKey
from wardline.ids import ReleaseId


class Deployer(Protocol):
    """Brings releases up beside what runs, and takes them away. `generation` fences: a call
    with an older number than the target has seen MUST raise Conflict and change nothing.
    """

    def start(self, environment: EnvironmentKey, release: Release, *, generation: int) -> None:
        """Install and start every instance of `release`; return once all are healthy.

        MUST NOT touch traffic or other releases. Starting what already runs changes nothing.

        Raises:
            Unavailable: It did not install, start or get healthy in time; what was started of it
                has been stopped again, and the message says why (redacted log tail included).
            InvalidInput: A secret reference is empty, or the public port is taken.
            Conflict: `generation` is older than one already seen.
        """
        ...

    def withdraw(self, environment: EnvironmentKey, release: ReleaseId, *, generation: int) -> None:
        """Wait until nothing is in flight to `release`, then stop its instances. Withdrawing twice changes nothing.

        Raises:
            Conflict: As above, or traffic is still sent to it.
        """
        ...

    def stop(self, environment: EnvironmentKey, *, generation: int = 0) -> None:
        """Stop everything in `environment`, the proxy and the supervisor included.

        Never fenced: a stop waits for nobody. It fences off every deployment older than `generation`, so that
        none that was under way starts anything again.
        """
        ...


class Traffic(Protocol):
    """Decides which release answers."""

    def shift(self, environment: EnvironmentKey, weights: Mapping[ReleaseId, int], *, generation: int) -> None:
        """Send callers to releases by `weights`: percent, multiples of 5, together 100; empty: to nobody (503).

        MUST NOT drop a request. Returns once new requests follow the weights.

        Raises:
            Conflict: `generation` is older than one already seen.
            Unavailable: A release named here has no running instance.
        """
        ...
