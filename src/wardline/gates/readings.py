"""What the evidence of a run says, section by section. What is not known is left out, never null."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wardline.canonical import JSON, Digest, JSONObject
from wardline.evidence.log import Evidence
from wardline.gates.door import Door
from wardline.ids import EnvironmentName, PrincipalId
from wardline.outcomes import Outcome
from wardline.predicates import NAMESPACE

SOURCE = f"{NAMESPACE}/source/v1"
PROVENANCE = "https://slsa.dev/provenance/v1"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
SBOM = f"{NAMESPACE}/sbom/v1"
SCAN = f"{NAMESPACE}/scan/v1"
DEPLOYMENT = f"{NAMESPACE}/deployment/v1"
REHEARSAL = f"{NAMESPACE}/rollback-rehearsal/v1"

# A deployment that has not ended changes nothing yet: what served before it is what to go back to.
_ENDED = frozenset({"succeeded", "rolled-back", "failed", "stopped"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanRead:
    """One scan, in the parts it was told in. `whole`: every part is there."""

    scanner: str
    parts: tuple[Evidence, ...]
    whole: bool

    def findings(self) -> list[JSONObject]:
        """Return the findings of all parts as they were recorded."""
        return [finding for part in self.parts for finding in findings_of(part)]


class Readings:
    """Reads one door's evidence. Sections are plain JSON; the member `log` is the leaf they come from."""

    def __init__(self, door: Door, evidence: Sequence[Evidence]) -> None:
        self._door = door
        self._all = evidence
        self._run = [item for item in evidence if item.statement.context.run == door.run]

    def change(self) -> JSONObject | None:
        match _latest(self._run, SOURCE):
            case Evidence(index=index, statement=statement):
                commit = _object(statement.body.get("commit"))
                author = statement.body.get("author")
                return known({"log": index, "commit": commit.get("sha"), "tree": commit.get("tree"), "author": author})
            case _:
                return None

    def author(self) -> PrincipalId | None:
        author = (self.change() or {}).get("author")
        return PrincipalId(author) if isinstance(author, str) else None

    def tests(self) -> JSONObject | None:
        item = _latest(self._run, TEST_RESULT)
        if item is None:
            return None
        counts = _object(item.statement.body.get("wardline_tests"))
        names = (
            "executed", "passed", "failed", "errored", "skipped", "coverage_bp", "min_coverage_bp", "exit_code",
        )  # fmt: skip
        return _about(item) | known({name: counts.get(name) for name in names})

    def sbom(self) -> JSONObject | None:
        item = _latest(self._run, SBOM)
        if item is None:
            return None
        names = ("format", "spec_version", "components", "names_artifact")
        return _about(item) | known({name: item.statement.body.get(name) for name in names})

    def provenance(self) -> JSONObject | None:
        item = _latest(self._run, PROVENANCE)
        if item is None:
            return None
        builder = _object(_object(item.statement.body.get("runDetails")).get("builder"))
        return _about(item) | known({"builder": builder.get("id")})

    def scans(self) -> list[ScanRead]:
        """Return the latest scan of each scanner, by name."""
        latest: dict[str, dict[int, Evidence]] = {}
        for item in self._run:
            if item.statement.predicate_type == SCAN:
                latest.setdefault(_scanner(item), {})[_part(item, "number")] = item
        return [_scan(name, latest[name]) for name in sorted(latest)]

    def production(self) -> JSONObject | None:
        """Return what production serves now; None: nobody can tell."""
        return self._serving(self._door.pipeline.production.name)

    def way_back(self) -> JSONObject | None:
        """Return where a deployment here would go back to; None: nobody can tell."""
        now = self._serving(self._door.environment.name)
        if now is None:
            return None
        if now["empty"]:
            return known({"kind": "withdraw", "log": now.get("log")})
        section: JSONObject = {name: value for name, value in now.items() if name != "empty"}
        section["kind"] = "previous"
        section["provenance"] = any(_subject_of(i) == now["artifact"] for i in self._all if _is(i, PROVENANCE))
        return section

    def rehearsal(self) -> Evidence | None:
        """Return the latest rehearsal of this artifact, in whichever run it was made."""
        service = self._door.pipeline.service.name
        rehearsals = (
            item
            for item in self._all
            if _is(item, REHEARSAL)
            and item.statement.body.get("service") == service
            and _subject_of(item) == str(self._door.artifact)
        )
        return max(rehearsals, key=lambda item: item.index, default=None)

    def tells_what_serves(self, environment: EnvironmentName) -> bool:
        """Return whether the deployments here tell it, whatever was said before them."""
        serving, artifacts, log = self._fold(environment)
        return log is not None and (not isinstance(serving, str) or serving in artifacts)

    def _serving(self, environment: EnvironmentName) -> JSONObject | None:
        serving, artifacts, log = self._fold(environment)
        if serving is None:
            return known({"empty": True, "log": log})
        # A release whose artifact no evidence names is something else than nothing: nobody can tell.
        if not isinstance(serving, str) or serving not in artifacts:
            return None
        return known({"empty": False, "release": serving, "artifact": artifacts[serving], "log": log})

    def _fold(self, environment: EnvironmentName) -> tuple[JSON, dict[str, str], int | None]:
        """Return what serves, the artifact of each release that was named, and where the last deployment ended."""
        artifacts: dict[str, str] = {}
        serving: JSON = None
        log: int | None = None
        for item in self._deployments(environment):
            body = item.statement.body
            artifacts |= dict(_release(body.get("release"))) | dict(_release(body.get("previous")))
            if body.get("phase") in _ENDED and "serving" in body:
                serving, log = body["serving"], item.index
        return serving, artifacts, log

    def _deployments(self, environment: EnvironmentName) -> Iterator[Evidence]:
        wanted = (self._door.pipeline.service.name, environment)
        for item in self._all:
            body = item.statement.body
            if _is(item, DEPLOYMENT) and (body.get("service"), body.get("environment")) == wanted:
                yield item


def findings_of(scan: Evidence) -> list[JSONObject]:
    """Return the findings of one part of a scan as it recorded them."""
    findings = scan.statement.body.get("findings")
    return [_object(finding) for finding in findings] if isinstance(findings, list) else []


def scan_section(scan: ScanRead) -> JSONObject:
    first = scan.parts[0]
    looked = _object(first.statement.body.get("looked_at"))
    section = _about(first) | known(
        {"scanner": scan.scanner, "files": looked.get("files"), "lines": looked.get("lines")},
    )
    if len(scan.parts) > 1:
        section["further_parts"] = [{"log": part.index} for part in scan.parts[1:]]
    # What is missing may be the worst of it: then nobody has seen the findings.
    return section if scan.whole else section | {"outcome": Outcome.ERRORED.value}


def rehearsal_section(rehearsal: Evidence) -> JSONObject:
    body = rehearsal.statement.body
    came_from = _object(body.get("from"))
    return _about(rehearsal) | known(
        {
            "environment": body.get("environment"),
            "first_release": body.get("first_release"),
            "from_release": came_from.get("release"),
            "from_artifact": _digest(came_from.get("artifact")),
            "rollback_ms": body.get("rollback_ms"),
            "same_digests": body.get("same_digests"),
        }
    )


def known(section: JSONObject) -> JSONObject:
    """Return `section` without what is not known, so that asking for it is an error and not a null."""
    return {name: value for name, value in section.items() if value is not None}


def _about(item: Evidence) -> JSONObject:
    return {"log": item.index, "outcome": item.statement.context.outcome.value, "artifact": _subject_of(item)}


def _latest(evidence: Sequence[Evidence], predicate_type: str) -> Evidence | None:
    return max((i for i in evidence if _is(i, predicate_type)), key=lambda item: item.index, default=None)


def _is(item: Evidence, predicate_type: str) -> bool:
    return item.statement.predicate_type == predicate_type


def _subject_of(item: Evidence) -> str:
    return str(item.statement.subjects[0].digest)


def _scan(scanner: str, by_number: dict[int, Evidence]) -> ScanRead:
    numbers = sorted(by_number)
    found = tuple(by_number[number] for number in numbers)
    return ScanRead(scanner=scanner, parts=found, whole=numbers == list(range(1, _part(found[0], "of") + 1)))


def _part(scan: Evidence, name: str) -> int:
    value = _object(scan.statement.body.get("part")).get(name, 1)
    return value if isinstance(value, int) else 0


def _scanner(scan: Evidence) -> str:
    name = _object(scan.statement.body.get("scanner")).get("name")
    return name if isinstance(name, str) else ""


def _release(document: JSON) -> Iterator[tuple[str, str]]:
    match document:
        case {"id": str(release), "artifact": artifact} if (digest := _digest(artifact)) is not None:
            yield release, digest


def _digest(document: JSON) -> str | None:
    match document:
        case {"sha256": str(digest)}:
            return str(Digest(digest))
        case _:
            return None


def _object(document: JSON) -> JSONObject:
    return document if isinstance(document, dict) else {}
