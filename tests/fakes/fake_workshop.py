"""A workshop whose stations do nothing and take no time: for suites about what lies between the stations."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from wardline.canonical import Digest
from wardline.changes.artifacts import Artifact, Package
from wardline.changes.commits import Commit
from wardline.delivery.workshop import Workshop
from wardline.findings.finding import Finding
from wardline.findings.scanning import CodeScan, LookedAt, SBOMScan, ScannerId
from wardline.ids import PrincipalId, RunId
from wardline.pipelines.building import Built, Stopped, Tested
from wardline.pipelines.keys import FILENAME
from wardline.pipelines.spec import BuildSpec, TestSpec
from wardline.predicates import BlobRef

AUTHOR = "devi@example.org"
WARDLINE_YAML = """\
wardline: 1
service: {name: trivial, owner: nobody, criticality: administrative, data: [none]}
regulations: [hipaa]
build: {run: "true", artifact: "dist/*.whl"}
test: {run: "true", junit: junit.xml, coverage: coverage.xml, standards: {min_coverage: 80}}
scan: {code: [bandit]}
start: {command: "trivial --port $PORT", health: /healthz}
environments:
  development:
    target: {kind: local}
    strategy: {kind: blue-green, analysis: {lasting: 100ms, min_requests: 1}}
  staging:
    target: {kind: local}
    strategy: {kind: blue-green, analysis: {lasting: 100ms, min_requests: 1}}
  production:
    target: {kind: local}
    strategy: {kind: canary, steps: [10, 100], analysis: {lasting: 100ms, min_requests: 1}, soak: 100ms}
    approvals: [{role: clinical-safety, count: 1}, {role: compliance, count: 1}]
rollback: {rehearse_in: staging}
"""


class FakeRepository:
    """One commit, whose version is its message."""

    def __init__(
        self, version: str, *, yaml: str = WARDLINE_YAML, author: str = AUTHOR, others: Mapping[str, str] | None = None
    ) -> None:
        self._files = {FILENAME: yaml, **(others or {})}
        self.commit = Commit(
            sha=hashlib.sha1(version.encode(), usedforsecurity=False).hexdigest(),
            tree="0" * 40,
            committed_at=datetime(2026, 1, 1, tzinfo=UTC),
            author_email=author,
            message=version,
        )

    def resolve(self, path: Path, ref: str) -> Commit:
        return self.commit

    def export(self, path: Path, commit: Commit, into: Path) -> None:
        (into / "version").write_text(commit.message)

    def file_at(self, path: Path, commit: Commit, name: str) -> bytes | None:
        return self._files[name].encode() if name in self._files else None


class FakeBuilder:
    """Builds a bundle that says its version and nothing else, and claims to hold so many other packages."""

    def __init__(self, *, others: int = 0) -> None:
        self._others = others

    def build(self, source: Path, spec: BuildSpec, *, work: Path, say: object) -> Built | Stopped:
        version = (source / "version").read_text()
        bundle = work / "trivial.bundle"
        bundle.write_text(version)
        digest = Digest.of(version.encode())
        own = Package(name="trivial", version=version, filename="trivial.whl", digest=digest)
        others = tuple(
            Package(name=f"package-{n}", version="1.0", filename=f"package_{n}-1.0-py3-none-any.whl", digest=digest)
            for n in range(self._others)
        )
        moment = datetime(2026, 1, 1, tzinfo=UTC)
        return Built(
            artifact=Artifact(
                digest=digest, size_bytes=len(version), name="trivial", version=version, packages=(own, *others)
            ),
            bundle=bundle,
            locked=True,
            started_at=moment,
            finished_at=moment,
            output=b"",
        )

    def install(self, bundle: Path, into: Path) -> None:
        into.mkdir(parents=True, exist_ok=True)


class FakeTester:
    """Reports ten tests that passed, or `failed` of them that did not."""

    def __init__(self, *, failed: int = 0) -> None:
        self._failed = failed

    def test(self, source: Path, bundle: Path, spec: TestSpec, *, work: Path, say: object) -> Tested | Stopped:
        return Tested(
            executed=10,
            passed=10 - self._failed,
            failed=self._failed,
            errored=0,
            skipped=0,
            coverage_bp=9000,
            exit_code=int(bool(self._failed)),
            reports=(),
            output=b"",
        )


class FakeCodeScanner:
    """Looked at one file and found what it was given."""

    def __init__(self, findings: tuple[Finding, ...] = ()) -> None:
        self._findings = findings

    def scan(self, source: Path, *, paths: tuple[str, ...], timeout: timedelta) -> CodeScan:
        return CodeScan(
            scanner=ScannerId(name="bandit", version="0"),
            looked_at=LookedAt(files=1, lines=1),
            findings=self._findings,
            reason=None,
            report=None,
        )


class FakeSBOMScanner:
    """Lists the artifact itself."""

    def scan(self, installed: Path, *, expected: tuple[tuple[str, str], ...], timeout: timedelta) -> SBOMScan:
        return SBOMScan(
            scanner=ScannerId(name="syft", version="0"),
            spec_version="1.6",
            components=len(expected),
            names_artifact=True,
            reason=None,
            report=b"{}",
        )


class FakePeople:
    """Knows the author and nobody else."""

    def principal_of(self, email: str) -> PrincipalId | None:
        return PrincipalId("p-devi") if email == AUTHOR else None


class FakeRooms:
    """Rooms below one folder."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def fresh(self, run: RunId, name: str) -> Path:
        room = self.of(run, name)
        room.mkdir(parents=True, exist_ok=True)
        return room

    def of(self, run: RunId, name: str) -> Path:
        return self._root / run / name

    def clear(self, run: RunId) -> None:
        """Nothing is worth clearing."""


class FakeBundles:
    """Keeps nothing: what is deployed is never installed."""

    def keep(self, bundle: Path) -> BlobRef:
        content = bundle.read_bytes()
        return BlobRef(digest=Digest.of(content), media_type="text/plain", size_bytes=len(content))

    def path_of(self, digest: Digest) -> Path:
        return Path(digest.hex)


def fake_workshop(  # one knob a station
    folder: Path,
    version: str,
    *,
    failed_tests: int = 0,
    yaml: str = WARDLINE_YAML,
    author: str = AUTHOR,
    findings: tuple[Finding, ...] = (),
    other_packages: int = 0,
    files: Mapping[str, str] | None = None,
) -> Workshop:
    """Return a workshop that ships `version` of a service that does nothing."""
    return Workshop(
        repository=FakeRepository(version, yaml=yaml, author=author, others=files),
        people=FakePeople(),  # type: ignore[arg-type]  # only `principal_of` is asked
        builder=FakeBuilder(others=other_packages),
        tester=FakeTester(failed=failed_tests),
        code_scanners={"bandit": FakeCodeScanner(findings)},
        sbom_scanner=FakeSBOMScanner(),
        bundles=FakeBundles(),
        rooms=FakeRooms(folder / "rooms"),
        version="0",
    )
