"""What is wanted of an environment (`desired.json`) and what was done about it (`state.json`).

Wardline alone writes the first, the supervisor alone the second; both are replaced by rename, so a reader
sees one whole version. Neither holds a secret or a configuration value.
"""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

PROXY = "proxy"
KEPT_PORTS = 500  # past ports whose release is remembered, for reading old access logs
KEPT_RESTARTS = 500  # past restarts whose time is remembered


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One release that is to run."""

    argv: tuple[str, ...]  # `$PORT` not yet replaced
    folder: str
    environment: str  # path of the 0600 file with the variables
    instances: int
    health: str

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        return cls(**{**value, "argv": tuple(value["argv"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """`serial` rises with every change; `generation` is the fencing number of the deployment that made it."""

    generation: int = 0
    serial: int = 0
    stopping: bool = False
    port: int | None = None
    proxy: tuple[str, ...] = ()
    releases: dict[str, Wanted] = field(default_factory=dict)
    weights: dict[str, int] = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        releases = {name: Wanted.from_json(item) for name, item in value["releases"].items()}
        return cls(**{**value, "proxy": tuple(value["proxy"]), "releases": releases})


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One supervised process as last seen; `pid` is None while it is down."""

    pid: int | None
    ticks: int
    token: str
    port: int | None
    ready: bool  # something listens on its port
    restarts: int
    failures: int  # ends in a row that came soon after the start
    started_ms: int  # monotonic clock of this boot


@dataclass(frozen=True, slots=True, kw_only=True)
class Restart:
    release: str
    at_ms: int  # since the epoch


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """`applied` is the serial that is in force; `ports` names the release of each port ever given out here."""

    boot: str = ""
    pid: int | None = None  # of the supervisor
    ticks: int = 0
    generation: int = 0
    applied: int = 0
    processes: dict[str, Record] = field(default_factory=dict)
    ports: dict[str, str] = field(default_factory=dict)
    restarts: tuple[Restart, ...] = ()
    problem: str | None = None  # why the public port is not served

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        return cls(
            **{
                **value,
                "processes": {name: Record(**item) for name, item in value["processes"].items()},
                "restarts": tuple(Restart(**item) for item in value["restarts"]),
            }
        )

    def of(self, release: str) -> dict[int, Record]:
        """Return the processes of `release` by instance number."""
        split = ((*name.rpartition("/")[::2], record) for name, record in self.processes.items())
        return {int(number): record for owner, number, record in split if owner == release}


def instance_names(release: str, wanted: Wanted) -> list[str]:
    return [f"{release}/{number}" for number in range(wanted.instances)]


def remember_port(ports: dict[str, str], port: int, release: str) -> dict[str, str]:
    """Return `ports` with one more, the oldest forgotten beyond the limit."""
    kept = {**{p: r for p, r in ports.items() if p != str(port)}, str(port): release}
    return dict(list(kept.items())[-KEPT_PORTS:])


def read_desired(path: Path) -> Desired:
    """Raises OSError, or ValueError, KeyError or TypeError where the content is damaged."""
    return Desired.from_json(json.loads(path.read_bytes()))


def read_state(path: Path) -> State:
    """Raises as `read_desired`."""
    return State.from_json(json.loads(path.read_bytes()))


def write(path: Path, value: Desired | State, *, durable: bool) -> None:
    """Replace `path` in one step; `durable`: it survives a power cut, too."""
    temporary = path.with_suffix(".new")  # one name is enough: each file has one writer
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(asdict(value), file)
        if durable:
            file.flush()
            os.fsync(file.fileno())
    temporary.replace(path)
