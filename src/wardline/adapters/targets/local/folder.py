"""The folder of one environment: where things lie in it, and the one way to change what is wanted."""

import fcntl
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from wardline.adapters.targets.local.supervisor.processes import boot_id, environment_tag, is_alive
from wardline.adapters.targets.local.supervisor.shapes import Desired, State, read_desired, read_state, write
from wardline.environments.observations import EnvironmentKey
from wardline.errors import Conflict, InvalidInput, Unavailable
from wardline.ids import ReleaseId

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)  # becomes a file name


class EnvironmentFolder:
    """`path` and all below it are the owner's alone (0700)."""

    def __init__(self, root: Path, environment: EnvironmentKey) -> None:
        for name in (environment.service, environment.name):
            _check_name("environment", name)
        self.environment = environment
        self.path = (root / environment.service / environment.name).absolute()

    @property
    def tag(self) -> str:
        """What the processes of this environment carry in `WARDLINE_PROCESS`."""
        return environment_tag(self.path)

    @property
    def data(self) -> Path:
        """What the service keeps; no release and no stop removes it."""
        return self.path / "data"

    @property
    def access_log(self) -> Path:
        return self.path / "logs" / "access.log"

    @property
    def probes(self) -> Path:
        return self.path / "logs" / "probes.jsonl"

    @property
    def slots(self) -> Path:
        return self.path / "slots"

    def release(self, release: ReleaseId) -> Path:
        _check_name("release", release)
        return self.path / "releases" / release

    def log(self, release: ReleaseId, number: int) -> Path:
        return self.path / "logs" / f"{release}.{number}.log"

    def create(self) -> None:
        with translated(f"the folder of environment {self.environment}"):
            for folder in (self.path, *(self.path / name for name in ("logs", "slots", "caddy", "data", "releases"))):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            # So that nobody having called yet is told from nobody looking.
            self.access_log.touch(mode=0o600)

    def desired(self) -> Desired:
        """Return what is wanted; of an environment nobody deployed to, nothing."""
        try:
            return read_desired(self.path / "desired.json")
        except FileNotFoundError:
            return Desired()
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise Unavailable(
                f"desired.json of environment {self.environment} cannot be read: {type(error).__name__}",
                remedy="Stop the environment, then deploy to it again.",
            ) from error

    def is_stopped(self) -> bool:
        """Return whether nothing is wanted; of damaged files that cannot be said, so no."""
        try:
            desired = self.desired()
        except Unavailable:
            return False
        return desired.stopping or not desired.serial

    def state(self) -> State:
        """Return what the supervisor last wrote; of another boot, only its memories: nothing of it runs."""
        try:
            state = read_state(self.path / "state.json")
        except FileNotFoundError:
            return State()
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise Unavailable(
                f"state.json of environment {self.environment} cannot be read: {type(error).__name__}",
                remedy="Stop the environment, then deploy to it again.",
            ) from error
        return state if state.boot == boot_id() else replace(state, pid=None, processes={})

    def fence(self, generation: int) -> None:
        """Raises Conflict: `generation` is older than one already seen."""
        seen = max(self.desired().generation, self.state().generation)
        if generation < seen:
            raise Conflict(
                f"environment {self.environment} was taken over by deployment generation {seen}; "
                f"this one holds {generation}",
                remedy="Look at what runs there now, then deploy again.",
            )

    def change(self, generation: int, change: Callable[[Desired], Desired]) -> Desired:
        """Replace what is wanted by `change` of it; return what is wanted now.

        Raises:
            Conflict: `generation` is older than one already seen; nothing is changed.
        """
        with self._locked():
            self.fence(generation)
            before = self.desired()
            after = replace(change(before), generation=generation)
            if after != before:
                after = self._write(after)
            return after

    def change_at_once(self, change: Callable[[Desired], Desired]) -> Desired:
        """As `change`, fenced by nothing, and in spite of damaged files: for a stop."""
        with self._locked():
            try:
                before = self.desired()
            except Unavailable:
                before = Desired()
            try:
                state = self.state()
            except Unavailable:
                (self.path / "state.json").unlink(missing_ok=True)
                state = State()
            after = change(before)
            return self._write(
                replace(
                    after,
                    generation=max(after.generation, state.generation),
                    serial=max(after.serial, state.applied),
                )
            )

    def _write(self, desired: Desired) -> Desired:
        after = replace(desired, serial=desired.serial + 1)
        with translated(f"desired.json of environment {self.environment}"):
            write(self.path / "desired.json", after, durable=True)
        return after

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with translated(f"the change lock of environment {self.environment}"):
            descriptor = os.open(self.path / "change.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)  # held for milliseconds, so waiting is bounded
            yield
        finally:
            os.close(descriptor)


def is_supervised(state: State) -> bool:
    return state.pid is not None and is_alive(state.pid, state.ticks)


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn the operating system's refusal into one of ours, naming `what` was touched."""
    try:
        yield
    except OSError as error:
        raise Unavailable(
            f"{what} cannot be used: {error.strerror or error}",
            remedy="Look at free space and permissions of $WARDLINE_HOME.",
        ) from error


def _check_name(kind: str, name: str) -> None:
    if _NAME.fullmatch(name) is None:
        raise InvalidInput(f"{kind} name {name[:120]!r} cannot be a folder: use letters, digits, '.', '_' and '-'")
