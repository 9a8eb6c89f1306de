"""A target that runs nothing: its state is a file, so that it survives the kill of the process that changes it."""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from wardline.analysis.signals import Sample
from wardline.deployments.plans import Release
from wardline.environments.observations import EnvironmentKey, InstanceState, Observation
from wardline.errors import Conflict, NotFound, Unavailable
from wardline.ids import ReleaseId


class FakeTarget:
    """Holds releases and weights as a real target would, and counts what took effect.

    `sick` names versions that start but answer every request with an error, as `environment/version`.
    """

    def __init__(self, folder: Path, *, sick: frozenset[str] = frozenset()) -> None:
        self._file = folder / "fake-target.json"
        self._sick = sick

    @property
    def effects(self) -> list[str]:
        return self._load()["effects"]

    def observe(self, environment: EnvironmentKey) -> Observation:
        here = self._load()["environments"].get(str(environment), {"running": [], "weights": {}, "generation": 0})
        return Observation(
            environment=environment,
            url=None,
            supervised=True,
            proxied=True,
            weights={ReleaseId(release): weight for release, weight in here["weights"].items()},
            instances=tuple(
                InstanceState(release=ReleaseId(release), number=0, pid=None, healthy=True, restarts=0)
                for release in here["running"]
            ),
        )

    def start(self, environment: EnvironmentKey, release: Release, *, generation: int) -> None:
        with self._changing(environment, generation) as here:
            if release.id not in here["running"]:
                here["running"].append(release.id)
                here.setdefault("versions", {})[release.id] = release.version
                self._happened(here, f"start {environment} {release.id}")

    def withdraw(self, environment: EnvironmentKey, release: ReleaseId, *, generation: int) -> None:
        with self._changing(environment, generation) as here:
            if here["weights"].get(release):
                raise Conflict(f"{release} still gets traffic")
            if release in here["running"]:
                here["running"].remove(release)
                self._happened(here, f"withdraw {environment} {release}")

    def stop(self, environment: EnvironmentKey, *, generation: int = 0) -> None:
        state = self._load()
        before = state["environments"].get(str(environment), {"generation": 0})["generation"]
        empty = {"running": [], "weights": {}, "generation": max(before, generation)}
        self._save({**state, "environments": {**state["environments"], str(environment): empty}})

    def shift(self, environment: EnvironmentKey, weights: Mapping[ReleaseId, int], *, generation: int) -> None:
        with self._changing(environment, generation) as here:
            if not set(weights) <= set(here["running"]):
                raise Unavailable("a release named here has no running instance")
            if here["weights"] != dict(weights):
                here["weights"] = dict(weights)
                self._happened(here, f"shift {environment} {json.dumps(here['weights'], sort_keys=True)}")

    def sample(self, environment: EnvironmentKey, release: ReleaseId, *, since: datetime, until: datetime) -> Sample:
        version = self._load()["environments"][str(environment)]["versions"][release]
        errors = 100 if f"{environment.name}/{version}" in self._sick else 0
        return Sample(since=since, until=until, requests=100, errors=errors, p95_ms=5, probes=0, restarts=0)

    def probe(self, environment: EnvironmentKey, release: ReleaseId, *, path: str) -> None:
        """Nothing listens, so nothing is asked; what does not run is not found, as it is by a real target."""
        if release not in {instance.release for instance in self.observe(environment).instances}:
            raise NotFound(f"release {release} does not run in {environment}")

    def _changing(self, environment: EnvironmentKey, generation: int) -> "_Change":
        return _Change(self, environment, generation)

    def _happened(self, here: dict, effect: str) -> None:
        here.setdefault("pending", []).append(effect)

    def _load(self) -> dict:
        if not self._file.exists():
            return {"environments": {}, "effects": []}
        return json.loads(self._file.read_text())

    def _save(self, state: dict) -> None:
        fresh = self._file.with_suffix(".new")
        fresh.write_text(json.dumps(state))
        fresh.replace(self._file)


class _Change:
    """One change: all of it or none of it, and only for the newest generation."""

    def __init__(self, target: FakeTarget, environment: EnvironmentKey, generation: int) -> None:
        self._target, self._environment, self._generation = target, str(environment), generation
        self._state = target._load()

    def __enter__(self) -> dict:
        empty = {"running": [], "weights": {}, "generation": 0}
        here = self._state["environments"].setdefault(self._environment, empty)
        if self._generation < here["generation"]:
            raise Conflict(f"generation {self._generation} is older than {here['generation']}")
        here["generation"] = self._generation
        return here

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            here = self._state["environments"][self._environment]
            self._state["effects"] += here.pop("pending", [])
            self._target._save(self._state)
