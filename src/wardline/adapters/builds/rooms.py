"""Folders where runs work, below one folder of this machine."""

import shutil
from pathlib import Path

from wardline.errors import NotFound, Unavailable
from wardline.ids import RunId


class FolderRooms:
    """Implements Rooms."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def fresh(self, run: RunId, name: str) -> Path:
        room = self._root / run / name
        try:
            if room.exists():
                shutil.rmtree(room)
            room.mkdir(mode=0o700, parents=True)
        except OSError as error:
            raise Unavailable(
                f"room {name} of run {run} cannot be made: {error.strerror}",
                remedy="Check free space and the rights of the folder, then resume.",
            ) from error
        return room

    def of(self, run: RunId, name: str) -> Path:
        room = self._root / run / name
        if not room.is_dir():
            raise NotFound(
                f"room {name} of run {run} is gone",
                remedy=f"Cancel the run with `wardline runs cancel {run}` and ship the commit again.",
            )
        return room

    def clear(self, run: RunId) -> None:
        try:
            shutil.rmtree(self._root / run)
        except FileNotFoundError:
            return
        except OSError as error:
            raise Unavailable(f"the rooms of run {run} cannot be cleared: {error.strerror}") from error
