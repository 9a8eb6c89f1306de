"""The repository a change comes from, as the use cases see it."""

from pathlib import Path
from typing import Protocol

from wardline.changes.commits import Commit


class Repository(Protocol):
    """Reads commits. It MUST NOT look at the working tree or the index, run anything of the repository, or write to it.

    `path` is the repository or any folder below its root; names are below the root of the commit's tree.
    """

    def resolve(self, path: Path, ref: str) -> Commit:
        """Return the commit that `ref` (a branch, a tag, a hash) names now.

        Raises:
            NotFound: `path` does not exist, or nothing is called `ref`.
            InvalidInput: `path` is no Git repository, or has no commit yet.
            Unavailable: Git is not installed or did not answer.
        """
        ...

    def export(self, path: Path, commit: Commit, into: Path) -> None:
        """Write the files of `commit`, byte for byte, into the empty or missing folder `into`.

        Raises:
            InvalidInput: It holds a submodule, a Git LFS pointer, a link that leaves the tree or more than
                an export may hold.
            IntegrityViolation: A file is not what its hash in the commit says.
            Unavailable: Git did not answer, or the disk is full; `into` is gone again.
        """
        ...

    def file_at(self, path: Path, commit: Commit, name: str) -> bytes | None:
        """Return the content of the file `name` in `commit`, or None if there is no such file.

        Raises:
            InvalidInput: It is too large to be meant.
            Unavailable: Git did not answer.
        """
        ...
