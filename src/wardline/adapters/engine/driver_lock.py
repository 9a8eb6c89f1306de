"""One process drives a run: an flock that ends with the process, however it ends."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wardline.errors import Conflict
from wardline.ids import RunId


class DriverLocks:
    """Implements Drivers; one lock file per run below `root`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @contextmanager
    def driving(self, run: RunId) -> Iterator[None]:
        """Hold the lock of `run`.

        Raises:
            Conflict: Another live process drives it.
        """
        self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self._root / f"{run}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(descriptor)
            raise Conflict(
                f"run {run} is driven by another process right now",
                remedy=f"Watch it with `wardline runs show {run}`.",
            ) from error
        try:
            yield
        finally:
            os.close(descriptor)

    def is_driven(self, run: RunId) -> bool:
        try:
            descriptor = os.open(self._root / f"{run}.lock", os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False
