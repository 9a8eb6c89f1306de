"""Keeping a supervisor over an environment, waking it, and clearing up where it cannot."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from wardline.adapters.targets.local.folder import EnvironmentFolder, is_supervised
from wardline.adapters.targets.local.supervisor.crew import PROXY_GRACE, SUPERVISOR, TERM_GRACE
from wardline.adapters.targets.local.supervisor.processes import TAG, kill_tagged, open_known, send, tagged
from wardline.adapters.targets.local.supervisor.shapes import State
from wardline.clock import Clock
from wardline.errors import Unavailable

ANSWER_LIMIT = timedelta(seconds=15)  # a supervisor does what is wanted within one second, on an idle machine
STOP_LIMIT = timedelta(seconds=2 * TERM_GRACE + PROXY_GRACE + 5)
_POLL = timedelta(milliseconds=20)
_START_TIMEOUT_SECONDS = 20
_SCRIPT = Path(__file__).parent / "supervisor"


class Supervision:
    """Sees to it that one environment has a supervisor."""

    def __init__(self, place: EnvironmentFolder, clock: Clock) -> None:
        self._place = place
        self._clock = clock

    def ensure(self) -> None:
        """Start a supervisor unless one lives. It adopts what an earlier one left; a second one ends at once."""
        if is_supervised(self._place.state()):
            return
        try:
            subprocess.run(  # it returns once the supervisor has detached itself
                [sys.executable, "-I", "-S", str(_SCRIPT), str(self._place.path)],
                env={"PATH": os.defpath, "LANG": "C.UTF-8", TAG: f"{self._place.tag}/{SUPERVISOR}"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=_START_TIMEOUT_SECONDS,
                check=True,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise Unavailable(
                f"no supervisor could be started for environment {self._place.environment}: {type(error).__name__}",
                remedy=f"Look into {self._place.path / 'logs' / 'supervisor.log'}.",
            ) from error

    def wake(self) -> None:
        """Let the supervisor look now instead of within a second."""
        state = self._place.state()
        pidfd = None if state.pid is None else open_known(state.pid, state.ticks)
        if pidfd is not None:
            send(pidfd, signal.SIGHUP)
            os.close(pidfd)

    def until(self, holds: Callable[[State], bool], *, what: str, limit: timedelta = ANSWER_LIMIT) -> State:
        """Return the state once `holds` of it and a supervisor lives; without one it may be out of date.

        Raises:
            Unavailable: `what` did not come true in time.
        """
        return self._poll(lambda state: is_supervised(state) and holds(state), what=what, limit=limit)

    def end(self) -> None:
        """Have everything stopped in order; what is left after the stated time is killed, the supervisor included.

        Raises:
            Unavailable: Even then something is left.
        """
        serial = self._place.desired().serial
        try:
            self._poll(lambda s: s.applied >= serial and s.pid is None, what="stopping in order", limit=STOP_LIMIT)
        except Unavailable:
            kill_tagged(self._place.tag)
        deadline = self._clock.elapsed() + ANSWER_LIMIT
        while left := tagged(self._place.tag):
            if self._clock.elapsed() >= deadline:
                raise Unavailable(f"environment {self._place.environment}: processes {left} do not end")
            kill_tagged(self._place.tag)
            self._clock.wait(_POLL)

    def _poll(self, holds: Callable[[State], bool], *, what: str, limit: timedelta) -> State:
        deadline = self._clock.elapsed() + limit
        revive_at = self._clock.elapsed()
        self.wake()
        while not holds(state := self._place.state()):
            now = self._clock.elapsed()
            if now >= deadline:
                raise Unavailable(
                    f"environment {self._place.environment}: {what} took longer than {limit.total_seconds():.0f} s",
                    remedy=f"Look into {self._place.path / 'logs' / 'supervisor.log'}.",
                )
            if not is_supervised(state) and now >= revive_at:
                self.ensure()
                revive_at = now + timedelta(seconds=1)
            self._clock.wait(_POLL)
        return state
