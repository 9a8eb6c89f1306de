"""Waiting until a release is healthy, and saying why it is not."""

import json
import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from wardline.adapters.targets.local.caddy import requests_inside
from wardline.adapters.targets.local.folder import EnvironmentFolder
from wardline.adapters.targets.local.health import ask
from wardline.adapters.targets.local.launch import variables_file
from wardline.adapters.targets.local.supervision import Supervision
from wardline.adapters.targets.local.supervisor.shapes import PROXY, Record, State
from wardline.clock import Clock
from wardline.deployments.plans import Release
from wardline.errors import InvalidInput, Unavailable
from wardline.evidence.redaction import RedactorFactory

PROXY_LIMIT = timedelta(seconds=15)  # Caddy is up within half a second on an idle machine
_POLL = timedelta(milliseconds=50)
_HEALTH_TIMEOUT = timedelta(seconds=2)  # of one look; a service that takes longer to say it is well is not
_GIVE_UP_AFTER = 3  # ends in a row: it will not come up, and waiting longer only delays the way back
_TAIL_LINES = 20
_TAIL_BYTES = 32 << 10
_MAX_TAIL_LINE = 300  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Starting:
    """One release on its way up."""

    place: EnvironmentFolder
    release: Release
    clock: Clock
    redactor: RedactorFactory

    def await_health(self, supervision: Supervision) -> None:
        """Return once every instance answers its health path with 2xx.

        Raises:
            Unavailable: One did not in time, or keeps ending.
        """
        deadline = self.clock.elapsed() + self.release.start.timeout
        missing = dict.fromkeys(range(self.release.instances), "not started")
        while True:
            state = self.place.state()
            running = state.of(self.release.id)
            missing = {n: why for n in missing if (why := self._why_not(running.get(n))) is not None}
            if not missing:
                return
            failing = [n for n in missing if n in running and running[n].failures >= _GIVE_UP_AFTER]
            if failing:
                raise self._failure(failing[0], f"ended {_GIVE_UP_AFTER} times in a row")
            if self.clock.elapsed() >= deadline:
                number, why = next(iter(missing.items()))
                path, limit = self.release.start.health, self.release.start.timeout.total_seconds()
                raise self._failure(number, f"was not healthy at GET {path} within {limit:.0f} s ({why})")
            supervision.ensure()
            self.clock.wait(_POLL)

    def _why_not(self, record: Record | None) -> str | None:
        if record is None or record.pid is None or record.port is None:
            return "not running"
        if not record.ready:
            return "nothing listens on its port"
        answer = ask(record.port, self.release.start.health, clock=self.clock, timeout=_HEALTH_TIMEOUT)
        return None if answer.healthy else str(answer)

    def _failure(self, number: int, why: str) -> Unavailable:
        tail = self._tail(self.place.log(self.release.id, number))
        return Unavailable(
            f"instance {number} of release {self.release.id} in {self.place.environment} {why}; "
            + (f"its last lines:\n{tail}" if tail else "it wrote nothing"),
            remedy="Mend the start command, the health path or the configuration in wardline.yaml.",
        )

    def _tail(self, log: Path) -> str:
        """Return the last lines of `log` without what must not leave this machine."""
        try:
            with log.open("rb") as file:
                cut = max(file.seek(0, os.SEEK_END) - _TAIL_BYTES, 0)
                file.seek(cut)
                content = file.read(_TAIL_BYTES)
        except FileNotFoundError:
            return ""
        if cut:
            content = content.partition(b"\n")[2]  # half a line may begin in the middle of an identifier
        for name, value in self._secrets().items():
            content = content.replace(value.encode(), f"[{name}]".encode())
        redactor = self.redactor()
        text = (redactor.feed(content) + redactor.finish()).decode(errors="replace")
        return "\n".join(line[:_MAX_TAIL_LINE] for line in text.splitlines()[-_TAIL_LINES:])

    def _secrets(self) -> dict[str, str]:
        variables: dict[str, str] = json.loads(variables_file(self.place, self.release.id).read_bytes())
        return {name: variables[name] for name in self.release.secrets if name in variables}


def await_proxy(place: EnvironmentFolder, supervision: Supervision) -> None:
    """Return once Caddy answers.

    Raises:
        InvalidInput: The public port is taken, or may not be used.
        Unavailable: Caddy does not come up in time.
    """
    supervision.until(lambda state: _is_proxied(place, state), what="starting the proxy", limit=PROXY_LIMIT)


def _is_proxied(place: EnvironmentFolder, state: State) -> bool:
    if state.problem is not None:
        raise port_problem(place, state.problem)
    if PROXY not in state.processes or state.processes[PROXY].pid is None:
        return False
    try:
        requests_inside(place.path)
    except Unavailable:
        return False
    return True


def port_problem(place: EnvironmentFolder, problem: str) -> InvalidInput:
    return InvalidInput(
        f"environment {place.environment} cannot be reached by its public {problem}",
        remedy="Free that port, or state another one (target.port in wardline.yaml).",
    )
