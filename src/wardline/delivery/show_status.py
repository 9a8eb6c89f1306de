"""Show the status of environments: what the log says serves, and what is seen."""

from dataclasses import dataclass

from wardline.canonical import JSONObject
from wardline.deployments import history
from wardline.deployments.predicates import ReleaseRef
from wardline.environments.holds import Holds
from wardline.environments.observations import EnvironmentKey, Observation, Observer
from wardline.evidence.log import EvidenceLog
from wardline.ids import RunId


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """`serves` is what the log says; `seen` what runs. Where they differ, `drifted` says so.

    `allowed_by` is the log index of the Allow that what serves was deployed under.
    """

    environment: EnvironmentKey
    serves: ReleaseRef | None
    allowed_by: int | None
    seen: Observation
    held_by: RunId | None

    @property
    def drifted(self) -> bool:
        wanted = {} if self.serves is None else {self.serves.id: 100}
        healthy = all(instance.healthy for instance in self.seen.instances)
        return self.held_by is None and (dict(self.seen.weights) != wanted or not healthy)

    def to_json(self) -> JSONObject:
        return {
            "environment": str(self.environment),
            "serves": None if self.serves is None else self.serves.to_json(),
            "url": self.seen.url,
            "weights": {str(release): weight for release, weight in self.seen.weights.items()},
            "instances": [
                {"release": i.release, "number": i.number, "healthy": i.healthy, "restarts": i.restarts}
                for i in self.seen.instances
            ],
            "supervised": self.seen.supervised,
            "proxied": self.seen.proxied,
            "drifted": self.drifted,
            "held_by": self.held_by,
        }

    def row(self) -> tuple[str, ...]:
        healthy = sum(instance.healthy for instance in self.seen.instances)
        seen = " + ".join(f"{weight} % {release}" for release, weight in self.seen.weights.items()) or "nothing"
        return (
            str(self.environment),
            "nothing" if self.serves is None else self.serves.id,
            "-" if self.serves is None else self.serves.artifact.short,
            f"{healthy} of {len(self.seen.instances)} healthy",
            f"{seen} (drifted)" if self.drifted else seen,
            self.seen.url or "-",
            self.held_by or "-",
        )


def show_status(
    log: EvidenceLog, observer: Observer, holds: Holds, *, environments: tuple[EnvironmentKey, ...]
) -> tuple[Status, ...]:
    """Return the status of each of `environments`."""
    past = history.read(log.every())
    found = []
    for key in environments:
        serves = history.serving(past, key)
        found.append(
            Status(
                environment=key,
                serves=None if serves is None else serves[0],
                allowed_by=None if serves is None else serves[1],
                seen=observer.observe(key),
                held_by=holds.holder(key),
            )
        )
    return tuple(found)
