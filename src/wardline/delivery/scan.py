"""Scan: what the artifact is made of, what code scanners see in its source, what is known of its components."""

from collections.abc import Callable

from wardline.canonical import JSON, Digest, decode, encode
from wardline.changes.predicates import SBOMListed
from wardline.delivery.build import stopped
from wardline.delivery.take_source import declared
from wardline.delivery.travel import Travel
from wardline.delivery.workshop import Workshop
from wardline.errors import IntegrityViolation
from wardline.evidence.log import Evidence
from wardline.findings.predicates import FINDINGS, ScanContinued, Scanned, findings_document, parts
from wardline.findings.scanning import CodeScan
from wardline.pipelines.building import Stopped
from wardline.predicates import Predicate, Subject

_CYCLONEDX = "application/vnd.cyclonedx+json"
_REPORT = "application/json"


def list_components(travel: Travel, workshop: Workshop, built: Evidence) -> Predicate:
    """List what the bundle is made of, in an environment that holds it and nothing else."""
    _, pipeline, _ = declared(travel.run, workshop)
    artifact = built.statement.subjects[0]
    installed = workshop.rooms.fresh(travel.id, "installed") / "venv"
    workshop.builder.install(workshop.bundles.path_of(artifact.digest), installed)
    scan = workshop.sbom_scanner.scan(installed, expected=_distributions(travel, built), timeout=pipeline.scan.timeout)
    if scan.remedy is not None:
        travel.progress.says(scan.remedy)
    return SBOMListed(
        artifact=artifact,
        scanner=(scan.scanner.name, scan.scanner.version),
        spec_version=scan.spec_version,
        components=scan.components,
        names_artifact=scan.names_artifact,
        reason=scan.reason,
        report=None if scan.report is None else travel.collect.blobs.put(scan.report, _CYCLONEDX),
    )


def scan_code(travel: Travel, workshop: Workshop, built: Evidence, *, scanner: str) -> None:
    """Let one code scanner look at the exported source; it leaves as many statements as its findings take."""
    _leave(travel, scanner, lambda: _look(travel, workshop, built, scanner=scanner))


def scan_dependencies(travel: Travel, workshop: Workshop, listed: Evidence, *, scanner: str) -> None:
    """Let one scanner look up known vulnerabilities of the components that `listed` names."""
    _leave(travel, scanner, lambda: _look_up(travel, workshop, listed, scanner=scanner))


def _leave(travel: Travel, scanner: str, look: Callable[[], Predicate]) -> None:
    first = travel.leave(f"scan/{scanner}", look)
    match first.statement.body:
        case {"part": {"of": int(of)}, "whole": {"digest": {"sha256": str(digest)}}} as begun if of > 1:
            # Every part is told from the list that the first one keeps: a restart goes on with the same findings.
            told = parts(_listed(travel, Digest(digest)))
            for number in range(2, of + 1):
                further = ScanContinued(
                    artifact=first.statement.subjects[0],
                    begun=begun,
                    findings=told[number - 1],
                    number=number,
                    of=of,
                )
                travel.leave(f"scan/{scanner}/part-{number}", lambda further=further: further)  # type: ignore[misc]  # a bound default
        case _:
            return


def _look(travel: Travel, workshop: Workshop, built: Evidence, *, scanner: str) -> Predicate:
    _, pipeline, _ = declared(travel.run, workshop)
    artifact = built.statement.subjects[0]
    looks = workshop.code_scanners.get(scanner)
    if looks is None:
        return _missing(travel, scanner, tuple(workshop.code_scanners), about=artifact)
    scan = looks.scan(workshop.rooms.of(travel.id, "source"), paths=pipeline.scan.paths, timeout=pipeline.scan.timeout)
    return _scanned(travel, scan, artifact)


def _look_up(travel: Travel, workshop: Workshop, listed: Evidence, *, scanner: str) -> Predicate:
    artifact = listed.statement.subjects[0]
    looks = workshop.dependency_scanners.get(scanner)
    if looks is None:
        return _missing(travel, scanner, tuple(workshop.dependency_scanners), about=artifact)
    match listed.statement.body:
        case {"reason": None, "report": {"digest": {"sha256": str(digest)}}}:
            return _scanned(travel, looks.scan(travel.collect.blobs.get(Digest(digest))), artifact)
        case _:
            return _scanned(travel, looks.scan(None), artifact)


def _missing(travel: Travel, scanner: str, known: tuple[str, ...], *, about: Subject) -> Predicate:
    missing = Stopped(
        code="no-such-scanner",
        words=f"no scanner named {scanner}; known: {', '.join(known)}",
        errored=True,
        exit_code=None,
        output=b"",
    )
    return stopped(travel, f"scan/{scanner}", missing, about=about)


def _scanned(travel: Travel, scan: CodeScan, artifact: Subject) -> Predicate:
    if scan.remedy is not None:
        travel.progress.says(scan.remedy)
    blobs, listed = travel.collect.blobs, findings_document(scan)
    return Scanned(
        artifact=artifact,
        scan=scan,
        report=None if scan.report is None else blobs.put(scan.report, _REPORT),
        whole=blobs.put(encode(listed), FINDINGS) if len(parts(listed)) > 1 else None,
    )


def _listed(travel: Travel, digest: Digest) -> list[JSON]:
    listed = decode(travel.collect.blobs.get(digest))
    if not isinstance(listed, list):
        raise IntegrityViolation(f"blob {digest}: expected a list of findings")
    return listed


def _distributions(travel: Travel, built: Evidence) -> tuple[tuple[str, str], ...]:
    match built.statement.body:
        case {
            "wardline_bundle": {"name": str(name), "version": str(version), "lock": {"digest": {"sha256": str(lock)}}}
        }:
            return ((name, version), *(other for other in _locked(travel, Digest(lock)) if other[0] != name))
        case _:
            raise IntegrityViolation(f"log index {built.index}: provenance without its bundle")


def _locked(travel: Travel, digest: Digest) -> list[tuple[str, str]]:
    match decode(travel.collect.blobs.get(digest)):
        case {"packages": list(packages)}:
            return [(str(each["name"]), str(each["version"])) for each in packages if isinstance(each, dict)]
        case _:
            raise IntegrityViolation(f"blob {digest}: expected the lock of a bundle")
