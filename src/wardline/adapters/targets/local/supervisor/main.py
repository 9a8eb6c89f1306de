"""Keeps what an environment wants running: starts, adopts, restarts and ends its processes, and points the slots.

The loop only ever compares `desired.json` with what is there, so it may be killed at any point: the next
supervisor adopts what still runs and goes on. Only one runs per environment (a lock on `supervisor.lock`).
"""

import fcntl
import os
import select
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

from .crew import Crew
from .processes import boot_id, environment_tag, stat_of
from .shapes import Desired, State, read_desired, read_state, write
from .slots import lay_out, point
from .spawn import bound, detach

_IDLE = 1.0  # seconds between looks when nothing is on the move; a change wakes it at once
_BUSY = 0.05  # seconds between looks while something starts or stops
_BOUNDED_BY_THE_PROXY = ("access.log", "caddy.log")


def main(folder: Path) -> None:
    """Supervise the environment in `folder` until it is to stop; returns at once where another already does."""
    detach(folder / "logs" / "supervisor.log")
    lock = os.open(folder / "supervisor.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    Supervisor(folder).run()


class Supervisor:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._wake, wake_in = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(wake_in, False)
        signal.set_wakeup_fd(wake_in, warn_on_full_buffer=False)
        signal.signal(signal.SIGHUP, lambda *_: None)  # the wake-up call of whoever wrote desired.json
        state = self._last_state()
        self._generation = state.generation
        self._applied = state.applied
        self._written: State | None = None
        self._desired: Desired | None = None  # nothing is known to be wanted, and nothing to be unwanted
        self._crew = Crew(folder, environment_tag(folder), state, say=_say)

    def run(self) -> None:
        while True:
            try:
                if self._turn():
                    return
            except OSError as error:
                # A full disk must not take down what runs: say so and try again.
                _say(f"{type(error).__name__}: {error}")
            self._rest()

    def _turn(self) -> bool:
        """Bring things one step closer to what is wanted; return whether all has been stopped."""
        self._desired = desired = self._look()
        if desired is None:
            self._save()
            return False
        self._generation = desired.generation
        self._crew.bury(desired)
        self._crew.dismiss(desired)
        if desired.stopping:
            if not self._crew.members:
                if self._folder.exists():
                    point(self._folder / "slots", ())
                self._applied = desired.serial
                self._save(ended=True)
                return True
        else:
            # In this order: who ended is out of the slots before anybody is started, who starts listens before it
            # is in them.
            self._crew.check()
            self._point(desired)
            self._crew.start(desired, save=self._save)
        self._save()
        for log in (self._folder / "logs").glob("*.log"):
            if log.name not in _BOUNDED_BY_THE_PROXY:
                bound(log)
        return False

    def _look(self) -> Desired | None:
        try:
            found = read_desired(self._folder / "desired.json")
        except FileNotFoundError:
            if self._desired and not self._folder.exists():
                # The slots are gone with it, so nobody can be served any more: leave no orphan.
                return replace(self._desired, stopping=True)
            return self._desired
        except (ValueError, KeyError, TypeError) as error:
            _say(f"desired.json is damaged ({type(error).__name__}); going on as before")
            return self._desired
        # A late deployment has no word: whoever came after it does.
        return self._desired if found.generation < self._generation else found

    def _point(self, desired: Desired) -> None:
        addresses = {release: self._crew.addresses(release) for release in desired.weights}
        point(self._folder / "slots", lay_out(desired.weights, addresses))
        self._applied = desired.serial

    def _save(self, *, ended: bool = False) -> None:
        stat = stat_of(os.getpid())
        state = self._crew.told(
            State(
                boot=boot_id(),
                pid=None if ended else os.getpid(),
                ticks=stat.ticks if stat else 0,
                generation=self._generation,
                applied=self._applied,
            )
        )
        if state != self._written and self._folder.exists():
            write(self._folder / "state.json", state, durable=False)
            self._written = state

    def _last_state(self) -> State:
        try:
            return read_state(self._folder / "state.json")
        except FileNotFoundError:
            return State()
        except (ValueError, KeyError, TypeError) as error:
            _say(f"state.json is damaged ({type(error).__name__}); what ran is ended and started again")
            return State()

    def _rest(self) -> None:
        """Wait until something dies, is wanted or is due."""
        poll = select.poll()
        for descriptor in (self._wake, *self._crew.pidfds()):
            poll.register(descriptor, select.POLLIN)
        poll.poll(self._crew.pause(busy=_BUSY, idle=_IDLE) * 1000)
        try:
            os.read(self._wake, 4096)
        except BlockingIOError:
            return


def _say(text: str) -> None:
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    try:
        sys.stdout.write(f"{stamp} {text}\n")
        sys.stdout.flush()
    except OSError:
        return  # the disk is full; there is nowhere else to say it
