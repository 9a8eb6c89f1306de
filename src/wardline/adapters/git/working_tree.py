"""A user's repository as `wardline init` meets it: the sources of an exported commit, and where the file goes."""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from wardline.errors import InvalidInput, NotFound, Unavailable

_READ: Final = re.compile(
    r".*\.py|(?:.*/)?(?:pyproject\.toml|setup\.cfg|pytest\.ini|tox\.ini)|(?:.*/)?[^/]*requirements[^/]*(?:/[^/]+)?\.(?:txt|lock)"
)
_MAX_FILES: Final = 5_000  # Python files; beyond it the rest says nothing new
_MAX_FILE: Final = 1 << 20  # bytes; a longer source was generated


def root_of(path: Path) -> Path:
    """Return the top folder of the repository that `path` lies in.

    Raises:
        NotFound: `path` is no folder.
        InvalidInput: No repository with a working tree is around it.
    """
    folder = path.resolve()
    if not folder.is_dir():
        raise NotFound(f"there is no folder {path}", remedy="Name the folder of a Git repository.")
    for candidate in (folder, *folder.parents):
        if (candidate / ".git").exists():
            return candidate
    raise InvalidInput(
        f"{path} is not in a Git repository", remedy="Run `git init` and commit, or name another folder."
    )


class WorkingTree:
    """Implements delivery's Repository. `root` is the user's folder, `export` holds what its last commit holds."""

    def __init__(self, *, root: Path, export: Path) -> None:
        self._root = root
        self._export = export

    @property
    def folder(self) -> str:
        return self._root.name

    def files(self) -> Mapping[str, str]:
        found: dict[str, str] = {}
        for path in _sources(self._export):
            if len(found) == _MAX_FILES:
                break
            try:
                # Undecodable bytes are replaced: a source in an old encoding still has its names and paths.
                found[path.relative_to(self._export).as_posix()] = path.read_text("utf-8-sig", errors="replace")
            except OSError as error:
                raise Unavailable(f"cannot read {path.name}: {error.strerror}") from error
        return found

    def has(self, name: str) -> bool:
        return os.path.lexists(self._root / name)

    def create(self, name: str, text: str) -> None:
        target = self._root / name
        try:
            with target.open("x", encoding="utf-8", newline="\n") as file:
                file.write(text)
        except FileExistsError as error:
            raise InvalidInput(f"{name} exists already and is not overwritten") from error
        except OSError as error:
            raise Unavailable(f"cannot write {target}: {error.strerror}") from error


def _sources(export: Path) -> Iterator[Path]:
    """Yield what says something about a project, nearest to the root first."""
    for folder, folders, names in os.walk(export):
        folders.sort()
        for name in sorted(names):
            path = Path(folder, name)
            readable = _READ.fullmatch(path.relative_to(export).as_posix()) and not path.is_symlink()
            if readable and path.stat().st_size <= _MAX_FILE:
                yield path
