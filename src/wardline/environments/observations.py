"""What is seen to run in an environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from wardline.ids import EnvironmentName, ReleaseId


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentKey:
    """One environment of one service; everything kept about it hangs on this."""

    service: str
    name: EnvironmentName

    def __str__(self) -> str:
        return f"{self.service}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceState:
    release: ReleaseId
    number: int
    pid: int | None
    healthy: bool
    restarts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """`weights` is the share of traffic per release in percent; empty where nothing is served."""

    environment: EnvironmentKey
    url: str | None  # where callers reach it
    supervised: bool  # the supervisor is alive
    proxied: bool  # the proxy is alive
    weights: Mapping[ReleaseId, int]
    instances: tuple[InstanceState, ...]


class Observer(Protocol):
    """Looks at what runs; changes nothing."""

    def observe(self, environment: EnvironmentKey) -> Observation:
        """Return what is seen now. An environment nobody deployed to is empty, not an error."""
        ...
