"""Building and testing, as the use cases see them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from wardline.changes.artifacts import Artifact
from wardline.pipelines.spec import BuildSpec, TestSpec

Say = Callable[[str], None]  # takes one masked line of output, as it comes


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """A command came to nothing. `errored` is for what says nothing about the change: a time-out of the index, say.

    `code` is short and fixed (`build-failed`, `artifact-not-found`, `timed-out` …); `words` are for people, masked,
    and stay outside the log.
    """

    code: str
    words: str
    errored: bool
    exit_code: int | None
    output: bytes  # masked


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """`bundle` is the file that `artifact` describes. `locked`: the repository pinned every dependency by hash."""

    artifact: Artifact
    bundle: Path
    locked: bool
    started_at: datetime
    finished_at: datetime
    output: bytes  # masked


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A file that a test run wrote; its content masked."""

    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """What the reports of one test run say. `coverage_bp`: covered lines in basis points; None: none was declared."""

    __test__ = False  # pytest: not a test class

    executed: int
    passed: int
    failed: int
    errored: int
    skipped: int
    coverage_bp: int | None
    exit_code: int
    reports: tuple[Report, ...]
    output: bytes  # masked


class Builder(Protocol):
    """Makes bundles and installs them."""

    def build(self, source: Path, spec: BuildSpec, *, work: Path, say: Say) -> Built | Stopped:
        """Build the export in `source`, using the empty folder `work`. Whatever is wrong with it is `Stopped`.

        Raises:
            Unavailable: The machine could not do its part (disk full, no Python): says nothing about the change.
        """
        ...

    def install(self, bundle: Path, into: Path) -> None:
        """Make `into` a virtual environment that holds the bundle and nothing else, offline. Idempotent.

        Raises:
            IntegrityViolation: The bundle's content is not what its own lock says.
            Unavailable: It could not be installed on this machine.
        """
        ...


class Tester(Protocol):
    """Tests bundles."""

    def test(self, source: Path, bundle: Path, spec: TestSpec, *, work: Path, say: Say) -> Tested | Stopped:
        """Run the tests of the export `source` against the installed `bundle`.

        No test executed, a missing, stale or malformed report is `Stopped` with `errored`, never passed.
        """
        ...
