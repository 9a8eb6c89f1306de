"""Git, through its plumbing alone.

The export reads objects (`ls-tree`, `cat-file`) and not `git archive`: attributes in the repository
(`export-ignore`, `export-subst`, filters, line endings) would change or leave out what was committed.
"""

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from wardline.adapters.git.tree import Entry, entries, write
from wardline.adapters.process import Captured, Command, capture
from wardline.changes.commits import Commit
from wardline.errors import InvalidInput, NotFound, Unavailable

MAX_FILE: Final = 256 << 20  # bytes of one file; it is held in memory once, on its way to the export
MAX_EXPORT: Final = 2 << 30  # bytes of one commit; beyond it something was committed by mistake
_MAX_NAMED_FILE: Final = 1 << 20  # bytes of a file asked for by name; the longest wardline.yaml seen is 6 KiB
_BATCH: Final = 32 << 20  # bytes asked of Git at once
_TIMEOUT: Final = timedelta(minutes=2)  # reading 2 GiB from a cold disk

_SETTINGS: Final = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",  # a program that Git would start
    "protocol.allow=never",  # a partial clone must not fetch what it lacks
)
# Where the user's own configuration lies: it says which repositories of others they trust (safe.directory).
# Everything else (GIT_DIR in a hook, GIT_OBJECT_DIRECTORY, …) would point Git somewhere other than `path`.
_KEPT: Final = ("PATH", "HOME", "XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM")

_PERSON = re.compile(rb"(?P<name>[^<>\n]*)<(?P<email>[^<>\n]*)> (?P<seconds>-?\d{1,12}) [+-]\d{4}")


class Git:
    """Reads repositories with the `git` program (2.24 or later)."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._env = {name: environ[name] for name in _KEPT if name in environ} | {
            "LC_ALL": "C",  # its messages are told apart below
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_NO_REPLACE_OBJECTS": "1",  # a replaced object would be exported under the name of another
        }

    def resolve(self, path: Path, ref: str) -> Commit:
        answer = self._ask(path, "rev-parse", "--verify", "--end-of-options", f"{ref}^{{commit}}")
        sha = answer.stdout.decode(errors="replace").strip()
        if not answer.finished.succeeded or not sha.isalnum():  # "^HEAD" excludes a commit: it names none
            raise self._unresolved(path, ref, answer)
        return _commit(sha, self._answered(path, "cat-file", "commit", sha))

    def export(self, path: Path, commit: Commit, into: Path) -> None:
        listing = entries(self._answered(path, "ls-tree", "-r", "-z", "-l", "--full-tree", commit.sha))
        _refuse_too_large(listing)
        try:
            into.mkdir(parents=True, exist_ok=True)
            write(into, listing, self._contents(path, listing), at=commit.committed_at)
        except OSError as error:
            shutil.rmtree(into, ignore_errors=True)
            raise Unavailable(f"cannot write the export of {commit.sha[:12]}: {error.strerror}") from error
        except BaseException:
            shutil.rmtree(into, ignore_errors=True)
            raise

    def file_at(self, path: Path, commit: Commit, name: str) -> bytes | None:
        listing = entries(self._answered(path, "ls-tree", "-z", "-l", "--full-tree", commit.sha, "--", name))
        entry = next((entry for entry in listing if entry.path == name and entry.is_file), None)
        if entry is None:
            return None
        if entry.size_bytes > _MAX_NAMED_FILE:
            raise InvalidInput(f"{name} has {entry.size_bytes} bytes; expected at most {_MAX_NAMED_FILE}")
        return self._answered(path, "cat-file", "blob", entry.oid)

    def _contents(self, path: Path, listing: tuple[Entry, ...]) -> Iterator[bytes]:
        """Yield the content of every entry, in order."""
        for batch in _batches(listing):
            names = b"".join(entry.oid.encode() + b"\n" for entry in batch)
            answer = self._answered(path, "cat-file", "--batch", stdin=names, limit=_BATCH + MAX_FILE)
            at = 0
            for entry in batch:
                start = answer.index(b"\n", at) + 1
                if answer[at : start - 1].endswith(b" missing"):  # else "<oid> blob <size>"
                    raise Unavailable(
                        f"the repository at {path} lacks {entry.path}; expected every file of the commit",
                        remedy="A partial clone: fetch all of it with `git fetch --refetch --no-filter`.",
                    )
                yield answer[start : start + entry.size_bytes]
                at = start + entry.size_bytes + 1

    def _answered(self, path: Path, *arguments: str, stdin: bytes = b"", limit: int = _BATCH) -> bytes:
        answer = self._ask(path, *arguments, stdin=stdin, limit=limit)
        if not answer.finished.succeeded or answer.finished.truncated:
            raise _failure(path, arguments[0], answer)
        return answer.stdout

    def _ask(self, path: Path, *arguments: str, stdin: bytes = b"", limit: int = _BATCH) -> Captured:
        program = shutil.which("git", path=self._env.get("PATH", os.defpath))
        if program is None:
            raise Unavailable("git is not installed, or not on PATH", remedy="Install git 2.24 or later.")
        if not path.is_dir():
            raise NotFound(f"there is no folder {path}", remedy="Name the folder of a Git repository.")
        root = path.resolve()
        settings = [part for setting in _SETTINGS for part in ("-c", setting)]
        command = Command(
            arguments=(program, *settings, "-C", str(root), *arguments), cwd=root, env=self._env, timeout=_TIMEOUT
        )
        return capture(command, stdin=stdin, limit=limit)

    def _unresolved(self, path: Path, ref: str, answer: Captured) -> Exception:
        if not self._ask(path, "rev-parse", "--git-dir").finished.succeeded:
            return _failure(path, "rev-parse", answer)
        if not self._answered(path, "for-each-ref", "--count=1"):
            return InvalidInput(
                f"the repository at {path} has no commit yet", remedy="Commit first: only commits are shipped."
            )
        return NotFound(
            f"{path}: nothing is called {ref!r}; expected a branch, a tag or the hash of a commit",
            remedy="See `git branch --all` and `git tag`.",
        )


def _failure(path: Path, what: str, answer: Captured) -> Exception:
    if "dubious ownership" in answer.stderr:
        return InvalidInput(
            f"the repository at {path} belongs to another user, and Git refuses to read it",
            remedy=f"If you trust it: git config --global --add safe.directory {path}",
        )
    if "not a git repository" in answer.stderr:
        return InvalidInput(
            f"{path} is not in a Git repository", remedy="Run `git init` and commit, or name another folder."
        )
    if answer.finished.timed_out:
        return Unavailable(f"git {what} did not end within {_TIMEOUT}")
    return Unavailable(
        f"git {what} failed with exit code {answer.finished.exit_code} in {path}",
        remedy="Run `git fsck` there; a shallow or partial clone may lack objects.",
    )


def _commit(sha: str, content: bytes) -> Commit:
    """Return what the commit object `content` says (gitformat-commit: headers, an empty line, the message)."""
    head, _, message = content.partition(b"\n\n")
    headers = dict(line.split(b" ", 1) for line in reversed(head.split(b"\n")) if b" " in line)
    author = _PERSON.fullmatch(headers.get(b"author", b""))
    committer = _PERSON.fullmatch(headers.get(b"committer", b""))
    if committer is None or b"tree" not in headers:
        raise InvalidInput(f"commit {sha[:12]} is malformed: expected a tree and a committer with a time")
    try:
        committed_at = datetime.fromtimestamp(int(committer["seconds"]), UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise InvalidInput(f"commit {sha[:12]} was made at an impossible time") from error
    return Commit(
        sha=sha,
        tree=headers[b"tree"].decode("ascii"),
        committed_at=committed_at,
        author_email=author["email"].decode(errors="replace").strip() if author else "",
        message=message.decode(errors="replace"),
    )


def _refuse_too_large(listing: tuple[Entry, ...]) -> None:
    largest = max(listing, key=lambda entry: entry.size_bytes, default=None)
    if largest is not None and largest.size_bytes > MAX_FILE:
        raise InvalidInput(f"{largest.path} has {largest.size_bytes} bytes; expected at most {MAX_FILE}")
    total = sum(entry.size_bytes for entry in listing)
    if total > MAX_EXPORT:
        raise InvalidInput(f"the commit holds {total} bytes; expected at most {MAX_EXPORT}")


def _batches(listing: tuple[Entry, ...]) -> Iterator[tuple[Entry, ...]]:
    batch: list[Entry] = []
    size = 0
    for entry in listing:
        if batch and size + entry.size_bytes > _BATCH:
            yield tuple(batch)
            batch, size = [], 0
        batch.append(entry)
        size += entry.size_bytes + 100  # bytes; more than the line in front of each
    if batch:
        yield tuple(batch)
