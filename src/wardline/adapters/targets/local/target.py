"""The `local` target: what a deployment asks of this machine, and what is seen of it."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from wardline.adapters.targets.local import access_log, caddy, installing, launch
from wardline.adapters.targets.local.draining import drain
from wardline.adapters.targets.local.folder import EnvironmentFolder, is_supervised, translated
from wardline.adapters.targets.local.health import Answer, ask
from wardline.adapters.targets.local.starting import Starting, await_proxy, port_problem
from wardline.adapters.targets.local.supervision import STOP_LIMIT, Supervision
from wardline.adapters.targets.local.supervisor.ports import LOOPBACK, free_port, is_free, nobody
from wardline.adapters.targets.local.supervisor.processes import is_alive, tagged
from wardline.adapters.targets.local.supervisor.shapes import PROXY, Desired, Record, State, Wanted
from wardline.adapters.targets.local.supervisor.slots import SLOTS, read
from wardline.analysis.signals import Sample
from wardline.canonical import Digest
from wardline.clock import Clock
from wardline.deployments.plans import Release
from wardline.environments.observations import EnvironmentKey, InstanceState, Observation
from wardline.errors import Conflict, InvalidInput, NotFound, Unavailable
from wardline.evidence.redaction import RedactorFactory
from wardline.ids import ReleaseId

_STEP = 100 // SLOTS  # percent of one slot
_LOOK_TIMEOUT = timedelta(seconds=1)  # for one instance, when somebody only looks
_PROBE_TIMEOUT = timedelta(seconds=5)  # what the proxy itself would wait before it gives up


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalTarget:
    """Answers Observer, Deployer, Traffic and Signals on this machine (Linux).

    All it knows lies below `root`: any number of processes may look, one at a time should deploy (the
    generation holds off a late one). What runs does not need Wardline: it outlives the command.

    artifact: where the bundle with a digest lies.
    installer: makes a virtual environment at its second argument from the bundle at its first, offline.
    environ: where `env:` references to secrets are looked up.
    """

    root: Path
    clock: Clock
    artifact: Callable[[Digest], Path]
    installer: Callable[[Path, Path], None]
    environ: Mapping[str, str]
    redactor: RedactorFactory

    def start(self, environment: EnvironmentKey, release: Release, *, generation: int) -> None:
        """See Deployer. A release that serves callers already is not stopped when it is found unhealthy."""
        place, supervision = self._at(environment)
        place.create()
        place.fence(generation)
        if release.id not in place.desired().releases:
            self._prepare(place, release, generation)
        desired = place.change(generation, lambda now: now)
        starting = Starting(place=place, release=release, clock=self.clock, redactor=self.redactor)
        try:
            supervision.until(lambda state: state.applied >= desired.serial, what="taking up the release")
            await_proxy(place, supervision)
            starting.await_health(supervision)
        except (Unavailable, InvalidInput):
            if not place.desired().weights.get(release.id):
                self._remove(place, supervision, release.id, generation)
            raise

    def shift(self, environment: EnvironmentKey, weights: Mapping[ReleaseId, int], *, generation: int) -> None:
        """See Traffic."""
        _check_weights(weights)
        place, supervision = self._at(environment)
        place.fence(generation)
        if not weights and not place.path.exists():
            return
        sharing = {str(release): weight for release, weight in weights.items() if weight}
        if missing := sorted(set(sharing) - set(place.desired().releases)):
            raise Unavailable(f"release {missing[0]} does not run in {environment}", remedy="Start it first.")
        if sharing:
            await_proxy(place, supervision)
            supervision.until(
                lambda state: all(any(r.ready and r.pid for r in state.of(name).values()) for name in sharing),
                what=f"waiting for an instance of {', '.join(sharing)}",
            )
        desired = place.change(generation, lambda now: replace(now, weights=sharing))
        if desired.serial:
            supervision.until(lambda state: state.applied >= desired.serial, what="the switch")

    def withdraw(self, environment: EnvironmentKey, release: ReleaseId, *, generation: int) -> None:
        """See Deployer. Requests that take longer than the drain's limit are cut off when the instance ends."""
        place, supervision = self._at(environment)
        place.fence(generation)
        running = place.state().of(release)
        if release not in place.desired().releases and not running:
            return
        if place.desired().weights.get(release):
            raise Conflict(
                f"release {release} still receives {place.desired().weights[release]} % of {environment}",
                remedy="Shift the traffic to another release first.",
            )
        drain(place, {f"{LOOPBACK}:{record.port}" for record in running.values()}, self.clock)
        self._remove(place, supervision, release, generation)
        installing.touch(place, release)
        installing.forget_old(place, place.desired().releases)

    def stop(self, environment: EnvironmentKey, *, generation: int = 0) -> None:
        """See Deployer. Data, logs and the last installations stay."""
        place, supervision = self._at(environment)
        if not place.path.exists():
            return
        place.create()
        if place.is_stopped() and not tagged(place.tag) and place.desired().generation >= generation:
            return

        def stopped(now: Desired) -> Desired:
            return replace(now, stopping=True, releases={}, weights={}, generation=max(now.generation, generation))

        place.change_at_once(stopped)
        supervision.end()
        for folder in (place.path / "releases").iterdir():
            launch.forget(place, ReleaseId(folder.name))

    def observe(self, environment: EnvironmentKey) -> Observation:
        """See Observer."""
        place, _ = self._at(environment)
        desired, state = place.desired(), place.state()
        proxied = _is_running(state.processes.get(PROXY))
        owners = {address: ReleaseId(release) for release in desired.releases for address in _addresses(state, release)}
        slots = read(place.slots) if proxied else ()
        return Observation(
            environment=environment,
            url=None if desired.port is None or desired.stopping else f"http://{LOOPBACK}:{desired.port}",
            supervised=is_supervised(state),
            proxied=proxied,
            weights={r: n * _STEP for r, n in Counter(owners[slot] for slot in slots if slot in owners).items()},
            instances=tuple(
                self._instance(ReleaseId(release), number, wanted, state.of(release).get(number))
                for release, wanted in desired.releases.items()
                for number in range(wanted.instances)
            ),
        )

    def sample(self, environment: EnvironmentKey, release: ReleaseId, *, since: datetime, until: datetime) -> Sample:
        """See Signals. A request counts when it ended; durations are those the caller saw."""
        place, _ = self._at(environment)
        state = place.state()
        # The proxy logs an address without its network.
        upstreams = {address.removeprefix("unix/") for address in _addresses(state, release)}
        served = [r for r in access_log.read_requests(place.access_log, since, until) if r.upstream in upstreams]
        probes = list(access_log.read_probes(place.probes, release, since, until))
        seen = [*served, *probes]
        begin, end = since.timestamp() * 1000, until.timestamp() * 1000
        return Sample(
            since=since,
            until=until,
            requests=len(seen),
            errors=sum(request.failed for request in seen),
            p95_ms=access_log.p95_ms([request.took_ms for request in seen]),
            probes=len(probes),
            restarts=sum(r.release == release and begin <= r.at_ms < end for r in state.restarts),
        )

    def probe(self, environment: EnvironmentKey, release: ReleaseId, *, path: str) -> None:
        """See Signals.

        Raises:
            NotFound: The release is not meant to run here.
        """
        place, _ = self._at(environment)
        wanted = place.desired().releases.get(release)
        if wanted is None:
            raise NotFound(f"release {release} does not run in {environment}")
        running = place.state().of(release)
        for number in range(wanted.instances):
            record = running.get(number)
            answer = Answer(status=None, took_ms=0, reason="not running")
            if record is not None and record.port is not None:
                answer = ask(record.port, path, clock=self.clock, timeout=_PROBE_TIMEOUT)
            with translated(f"the record of probes of {environment}"):
                access_log.record_probe(place.probes, release, self.clock.now(), answer)

    def _at(self, environment: EnvironmentKey) -> tuple[EnvironmentFolder, Supervision]:
        place = EnvironmentFolder(self.root, environment)
        return place, Supervision(place, self.clock)

    def _prepare(self, place: EnvironmentFolder, release: Release, generation: int) -> None:
        variables = launch.variables_of(place, release, self.environ)
        wanted = launch.wanted(place, release)
        port = _public_port(place, release)
        proxy = caddy.command()
        installing.install(place, release, artifact=self.artifact, installer=self.installer)
        launch.keep(place, release.id, variables)
        caddy.configure(place.path)

        def add(now: Desired) -> Desired:
            releases = {**now.releases, release.id: wanted}
            return replace(now, stopping=False, port=port, proxy=proxy, releases=releases)

        # From here a supervisor that comes up runs it; before, nothing was promised.
        place.change(generation, add)

    def _remove(self, place: EnvironmentFolder, supervision: Supervision, release: ReleaseId, generation: int) -> None:
        def drop(now: Desired) -> Desired:
            return replace(now, releases={name: item for name, item in now.releases.items() if name != release})

        serial = place.change(generation, drop).serial
        supervision.until(
            lambda state: state.applied >= serial and not state.of(release),
            what=f"ending the instances of {release}",
            limit=STOP_LIMIT,
        )
        launch.forget(place, release)

    def _instance(self, release: ReleaseId, number: int, wanted: Wanted, record: Record | None) -> InstanceState:
        running = _is_running(record)
        healthy = False
        if running and record is not None and record.port is not None:
            healthy = ask(record.port, wanted.health, clock=self.clock, timeout=_LOOK_TIMEOUT).healthy
        return InstanceState(
            release=release,
            number=number,
            pid=record.pid if running and record is not None else None,
            healthy=healthy,
            restarts=record.restarts if record is not None else 0,
        )


def _is_running(record: Record | None) -> bool:
    return record is not None and record.pid is not None and is_alive(record.pid, record.ticks)


def _addresses(state: State, release: str) -> set[str]:
    """Return every address under which the proxy has looked for `release`."""
    return {f"{LOOPBACK}:{port}" for port, owner in state.ports.items() if owner == release} | {nobody(release)}


def _check_weights(weights: Mapping[ReleaseId, int]) -> None:
    if not weights:
        return
    if sum(weights.values()) != 100 or any(w < 0 or w % _STEP for w in weights.values()):  # noqa: PLR2004 - percent
        raise InvalidInput(f"weights {dict(weights)}: expected multiples of {_STEP} that make 100 together")


def _public_port(place: EnvironmentFolder, release: Release) -> int:
    """Return the port the environment has or gets.

    Raises:
        InvalidInput: The stated port is taken, or the environment is being served on another one.
    """
    desired, state = place.desired(), place.state()
    if desired.port is not None and _is_open(state):
        if release.port not in (None, desired.port):
            raise InvalidInput(
                f"environment {place.environment} is served on port {desired.port}, the release states {release.port}",
                remedy=f"Stop the environment first, or state {desired.port} (target.port in wardline.yaml).",
            )
        return desired.port
    port = release.port or desired.port
    if port is not None and is_free(port):
        return port
    if release.port is not None:
        raise port_problem(place, f"port {release.port}: it is taken or not allowed")
    with translated(f"a public port for {place.environment}"):
        return free_port({int(port) for port in state.ports})


def _is_open(state: State) -> bool:
    return PROXY in state.processes and (is_supervised(state) or _is_running(state.processes[PROXY]))
