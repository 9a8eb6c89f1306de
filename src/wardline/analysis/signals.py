"""What a target saw of a release: counts and durations, never paths, queries or bodies (they may hold PHI)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from wardline.environments.observations import EnvironmentKey
from wardline.ids import ReleaseId


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Requests answered by one release during a stretch of time."""

    since: datetime
    until: datetime
    requests: int
    errors: int  # answered 5xx, or not answered
    p95_ms: int | None  # None: no request
    probes: int  # of `requests`, how many were Wardline's own
    restarts: int  # instances that had to be started again


class Signals(Protocol):
    """Reports what was seen."""

    def sample(self, environment: EnvironmentKey, release: ReleaseId, *, since: datetime, until: datetime) -> Sample:
        """Return what `release` answered from `since` (included) to `until` (excluded).

        Raises:
            Unavailable: The records cannot be read: nobody looked.
        """
        ...

    def probe(self, environment: EnvironmentKey, release: ReleaseId, *, path: str) -> None:
        """Send one request to each instance of `release`, past the proxy; `sample` counts them.

        An instance that does not answer is counted as an error, not raised.
        """
        ...
