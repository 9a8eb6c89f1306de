"""Scan: what the artifact is made of, and what code scanners see in its source."""

from collections.abc import Callable

from wardline.changes.predicates import SBOMListed
from wardline.delivery.build import stopped
from wardline.delivery.take_source import declared
from wardline.delivery.travel import Travel
from wardline.delivery.workshop import Workshop
from wardline.errors import IntegrityViolation
from wardline.evidence.log import Evidence
from wardline.findings.predicates import Scanned
from wardline.pipelines.building import Stopped
from wardline.predicates import Predicate

_CYCLONEDX = "application/vnd.cyclonedx+json"
_REPORT = "application/json"


def list_components(travel: Travel, workshop: Workshop, built: Evidence) -> Predicate:
    """List what the bundle is made of, in an environment that holds it and nothing else."""
    _, pipeline, _ = declared(travel.run, workshop)
    artifact = built.statement.subjects[0]
    installed = workshop.rooms.fresh(travel.id, "installed") / "venv"
    workshop.builder.install(workshop.bundles.path_of(artifact.digest), installed)
    scan = workshop.sbom_scanner.scan(installed, expected=_distributions(built), timeout=pipeline.scan.timeout)
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


def scan_code(travel: Travel, workshop: Workshop, built: Evidence, *, scanner: str) -> Callable[[], Predicate]:
    """Return the act of one code scanner looking at the exported source."""

    def act() -> Predicate:
        _, pipeline, _ = declared(travel.run, workshop)
        artifact = built.statement.subjects[0]
        looks = workshop.code_scanners.get(scanner)
        if looks is None:
            missing = Stopped(
                code="no-such-scanner",
                words=f"no code scanner named {scanner}; known: {', '.join(workshop.code_scanners)}",
                errored=True,
                exit_code=None,
                output=b"",
            )
            return stopped(travel, f"scan/{scanner}", missing, about=artifact)
        scan = looks.scan(
            workshop.rooms.of(travel.id, "source"), paths=pipeline.scan.paths, timeout=pipeline.scan.timeout
        )
        if scan.remedy is not None:
            travel.progress.says(scan.remedy)
        report = None if scan.report is None else travel.collect.blobs.put(scan.report, _REPORT)
        return Scanned(artifact=artifact, scan=scan, report=report)

    return act


def _distributions(built: Evidence) -> tuple[tuple[str, str], ...]:
    match built.statement.body:
        case {"wardline_bundle": {"name": str(name), "version": str(version), "packages": list(packages)}}:
            others = [
                (str(package["name"]), str(package["version"])) for package in packages if isinstance(package, dict)
            ]
            return ((name, version), *(other for other in others if other[0] != name))
        case _:
            raise IntegrityViolation(f"log index {built.index}: provenance without its bundle")
