"""What the code writes is what docs/predicates publishes: schemas, members, codes, examples."""

import importlib
import json
import pkgutil
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jsonschema
import pytest

import wardline
from wardline.analysis.limits import Verdict
from wardline.analysis.predicates import ReleaseAnalysed
from wardline.analysis.signals import Sample
from wardline.canonical import Digest, JSONObject, decode
from wardline.changes.commits import Commit
from wardline.changes.predicates import SBOMListed, SourceTaken
from wardline.deployments.predicates import DeploymentMoved, Leg, Phase, ReleaseRef, RollbackRehearsed
from wardline.evidence.statements import Context, Statement
from wardline.findings.finding import Finding, Severity
from wardline.findings.predicates import Scanned
from wardline.findings.scanning import CodeScan, LookedAt, ScannerId
from wardline.identity.erasure import Destroyed, Erasure, Remaining
from wardline.identity.predicates import Change, KeyChange, Purpose, RevocationReason
from wardline.identity.principals import PublicKey
from wardline.ids import DeploymentId, EnvironmentName, PrincipalId, ReleaseId, RunId
from wardline.outcomes import Outcome
from wardline.pipelines.predicates import StageStopped
from wardline.pipelines.run import RunStatus
from wardline.pipelines.sealing import RunSealed
from wardline.pipelines.spec import AnalysisSpec, Criticality, DataClass
from wardline.predicates import NAMESPACE, BlobRef, Predicate, Subject

DOCS = Path(__file__).parents[3] / "docs" / "predicates"
NOW = datetime(2026, 11, 23, 1, 2, 3, 4000, tzinfo=UTC)
PHASES_THAT_FAIL = {Phase.FAILED, Phase.ROLLED_BACK}


def blob(text: str = "x") -> BlobRef:
    return BlobRef(digest=Digest.of(text.encode()), media_type="application/json", size_bytes=len(text))


def artifact() -> Subject:
    return Subject(name="eligibility-1.0.bundle", digest=Digest.of(b"1.0"))


def release(version: str = "1.0") -> ReleaseRef:
    return ReleaseRef(
        id=ReleaseId(f"{version}-0123abcd"), version=version, artifact=Digest.of(version.encode()), document=blob()
    )


def source(*, author: str | None, sha: str = "a" * 40) -> Predicate:
    return SourceTaken(
        service="eligibility",
        commit=Commit(sha=sha, tree="b" * len(sha), committed_at=NOW, author_email="d@example.org", message="Start"),
        author=None if author is None else PrincipalId(author),
        private=blob("salted"),
        pipeline=Digest.of(b"wardline: 1"),
        regulations=("hipaa", "gdpr"),
        criticality=Criticality.CLINICAL,
        data=(DataClass.PHI, DataClass.PII),
    )


def stopped(*, exit_code: int | None, kept: BlobRef | None) -> Predicate:
    return StageStopped(
        about=artifact(),
        stage="test",
        code="report-missing",
        exit_code=exit_code,
        errored=True,
        output=kept,
        private=kept,
    )


def sbom(*, reason: str | None) -> Predicate:
    return SBOMListed(
        artifact=artifact(),
        scanner=("syft", "1.18.1"),
        spec_version="1.6",
        components=2,
        names_artifact=reason is None,
        reason=reason,
        report=blob() if reason is None else None,
    )


def scan(*findings: Finding, reason: str | None = None) -> Predicate:
    seen = CodeScan(
        scanner=ScannerId(name="bandit", version="1.9.4"),
        looked_at=LookedAt(files=3, lines=200),
        findings=findings,
        reason=reason,
        report=b"{}",
    )
    return Scanned(artifact=artifact(), scan=seen, report=None if reason else blob())


def finding(severity: Severity) -> Finding:
    return Finding(
        id="F-0123456789ab",
        check="bandit",
        rule="B324",
        severity=severity,
        path="src/a.py",
        line=7,
        message="Weak hash.",
    )


def deployment(phase: Phase, *, previous: ReleaseRef | None, words: BlobRef | None) -> Predicate:
    return DeploymentMoved(
        deployment=DeploymentId("r-1/production"),
        service="eligibility",
        environment=EnvironmentName("production"),
        release=release("1.1"),
        previous=previous,
        serving=None if previous is None else previous.id,
        strategy="canary",
        decision=41,
        phase=phase,
        weights=() if previous is None else ((previous.id, 90), (release("1.1").id, 10)),
        generation=3,
        outcome=Outcome.FAILED if phase in PHASES_THAT_FAIL else Outcome.PASSED,
        took_ms=1200,
        reason="analysis-not-passed" if phase in PHASES_THAT_FAIL else None,
        private=words,
    )


def analysis(*reasons: str, p95_ms: int | None) -> Predicate:
    return ReleaseAnalysed(
        deployment=DeploymentId("r-1/production"),
        service="eligibility",
        environment=EnvironmentName("production"),
        release=ReleaseId("1.1-0123abcd"),
        version="1.1",
        artifact=Digest.of(b"1.1"),
        percent=10,
        sample=Sample(
            since=NOW,
            until=NOW + timedelta(seconds=6),
            requests=0 if p95_ms is None else 120,
            errors=0,
            p95_ms=p95_ms,
            probes=0,
            restarts=0,
        ),
        limits=AnalysisSpec(lasting=timedelta(seconds=6)),
        verdict=Verdict(outcome=Outcome.FAILED if reasons else Outcome.PASSED, reasons=reasons),
    )


def rehearsal(*, previous: ReleaseRef | None) -> Predicate:
    return RollbackRehearsed(
        service="eligibility",
        environment=EnvironmentName("staging"),
        release=release("1.1"),
        previous=previous,
        legs=(
            Leg(kind="back", took_ms=40, outcome=Outcome.PASSED),
            Leg(kind="forward", took_ms=700, outcome=Outcome.FAILED),
        ),
        same_digests=False,
        outcome=Outcome.FAILED,
    )


def seal(status: RunStatus, *, journey: str = "ship", first: int | None = 4) -> Predicate:
    return RunSealed(
        run=RunId("r-1"), journey=journey, service="eligibility", status=status, statements=32, first=first
    )


def erasure(*, principal: str | None, manifest: BlobRef | None) -> Predicate:
    return Erasure(
        principal=None if principal is None else PrincipalId(principal),
        destroyed=Destroyed(name=True, addresses=2, keys=("a" * 64,), texts=1, manifest=manifest),
        kept=Remaining(statements=3, signed=2, law="45 CFR 164.316(b)(2)(i)", until=None if manifest is None else NOW),
    )


def key(number: int) -> PublicKey:
    return PublicKey.of(bytes([number]) * 32)


def key_changes() -> list[Predicate]:
    origin = "wardline/0123456789abcdef"
    added = KeyChange(change=Change.ADDED, origin=origin, key=key(2), purposes=frozenset(Purpose), by=key(1))
    revoked = KeyChange(
        change=Change.REVOKED, origin=origin, key=key(1), since=7, reason=RevocationReason.KEY_COMPROMISE
    )
    return [
        added,
        replace(added, purposes=frozenset({Purpose.STATEMENTS})),
        KeyChange(change=Change.RETIRED, origin=origin, key=key(1)),
        *(replace(revoked, holder=PrincipalId("p-dev"), reason=reason) for reason in RevocationReason),
        replace(revoked, since=0),
    ]


FINAL = [status for status in RunStatus if status not in {RunStatus.RUNNING, RunStatus.WAITING}]
SAID: dict[str, list[Predicate]] = {
    "source": [source(author="p-dev"), source(author=None, sha="c" * 64)],
    "stage-stopped": [stopped(exit_code=None, kept=None), stopped(exit_code=-9, kept=blob())],
    "sbom": [sbom(reason=None), sbom(reason="artifact-not-listed")],
    "scan": [scan(), scan(*map(finding, Severity)), scan(reason="timed-out")],
    "deployment": [
        deployment(phase, previous=previous, words=words)
        for phase in Phase
        for previous in (None, release())
        for words in (None, blob())
    ],
    "analysis": [
        analysis(p95_ms=12),
        analysis("error-rate", "p95", "instance-crashed", p95_ms=900),
        analysis("too-few-requests", p95_ms=None),
        analysis("signals-unavailable", p95_ms=None),
    ],
    "key-change": key_changes(),
    "erasure": [erasure(principal="p-dev", manifest=blob()), erasure(principal=None, manifest=None)],
    "rollback-rehearsal": [rehearsal(previous=None), rehearsal(previous=release())],
    "seal": [
        *(seal(status) for status in FINAL),
        seal(RunStatus.SUCCEEDED, journey="roll-back"),
        seal(RunStatus.FAILED, journey="rehearse", first=None),
    ],
}


def written(predicate: Predicate) -> JSONObject:
    """Return the predicate as it stands in a leaf."""
    context = Context(
        run=RunId("r-1"),
        step="a/step",
        attempt=1,
        recorded_at=NOW,
        actor=PrincipalId("m-0123"),
        outcome=predicate.outcome,
    )
    document = decode(Statement.of(predicate, context).encode())
    assert isinstance(document, dict)
    body = document["predicate"]
    assert isinstance(body, dict)
    return body


def schema_of(name: str) -> JSONObject:
    schema: JSONObject = json.loads((DOCS / f"{name}.schema.json").read_text())
    return schema


def validator(name: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(schema_of(name))


@pytest.mark.parametrize("name", sorted(SAID))
def test_schemas_are_schemas_of_their_own_type(name: str) -> None:
    schema = schema_of(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"{NAMESPACE}/{name}/v1.schema.json"
    assert {said.predicate_type for said in SAID[name]} == {f"{NAMESPACE}/{name}/v1"}


@pytest.mark.parametrize("name", sorted(SAID))
def test_what_is_written_keeps_to_the_schema(name: str) -> None:
    for said in SAID[name]:
        validator(name).validate(written(said))


@pytest.mark.parametrize("name", sorted(SAID))
def test_nothing_may_be_left_out_or_added(name: str) -> None:
    holds = validator(name)
    for said in SAID[name]:
        body = written(said)
        for members in objects_in(body, free={"weights"}):
            for member in list(members):
                value = members.pop(member)
                assert not holds.is_valid(body), member
                members[member] = value
            members["extra"] = 1
            assert not holds.is_valid(body)
            del members["extra"]
        assert holds.is_valid(body)


@pytest.mark.parametrize("name", sorted(SAID))
def test_no_member_takes_a_value_of_another_type(name: str) -> None:
    holds = validator(name)
    for said in SAID[name]:
        body = written(said)
        for member, value in body.items():
            assert not holds.is_valid(body | {member: 0.5}), member
            assert not holds.is_valid(body | {member: [value]}), member


@pytest.mark.parametrize("name", sorted(SAID))
def test_every_page_names_its_type_its_schema_and_every_member(name: str) -> None:
    page = (DOCS / f"{name}.md").read_text()
    assert f"`{NAMESPACE}/{name}/v1`" in page
    assert f"({name}.schema.json)" in page
    prose, _, _ = page.partition("## Example")
    properties = schema_of(name)["properties"]
    assert isinstance(properties, dict)
    for member in properties:
        assert re.search(rf"`(?:\w+\[?\]?\.)?{member}(?:\[\]\.\w+|\.\w+)?`", prose), member


@pytest.mark.parametrize("name", sorted(SAID))
def test_every_example_keeps_to_the_schema(name: str) -> None:
    (example,) = re.findall(r"```json\n(.*?)```", (DOCS / f"{name}.md").read_text(), flags=re.DOTALL)
    validator(name).validate(json.loads(example))


def test_every_type_in_the_code_has_a_page() -> None:
    assert len(TYPES) >= 15  # else they were not found
    published = (DOCS / "published.md").read_text()
    listed = (DOCS / "README.md").read_text()
    for kind in TYPES:
        name = kind.removeprefix(f"{NAMESPACE}/").removesuffix("/v1")
        if kind.startswith(NAMESPACE):
            assert (DOCS / f"{name}.md").is_file(), kind
            assert (DOCS / f"{name}.schema.json").is_file(), kind
            assert f"[`…/{name}/v1`]({name}.md)" in listed, kind
        else:
            assert f"`{kind}`" in published, kind
            assert f"[`{kind}`](published.md)" in listed, kind


_CODE = r'\s*"([a-z][a-z0-9]*(?:-[a-z0-9]+)*)"'  # what follows the place where a code is made
MADE = {
    "stage-stopped": ({"adapters/builds/*.py", "delivery/scan.py"}, {r"halt\(", r"code="}),
    "scan": ({"adapters/scanners/bandit.py", "adapters/scanners/programs.py"}, {r"CouldNotLook\("}),
    "sbom": ({"adapters/scanners/syft.py", "adapters/scanners/programs.py"}, {r"CouldNotLook\(", r"return "}),
    "deployment": (
        {"delivery/deploy.py", "delivery/re*.py", "delivery/cancel.py", "delivery/roll_back.py", "delivery/stop.py"},
        {r"[^a-z]reason=", r"_FENCED = "},
    ),
    "analysis": ({"analysis/limits.py", "delivery/deploy.py"}, {r"reasons\.append\(", r"reasons=\((?:\*reasons,)?"}),
}


@pytest.mark.parametrize("name", sorted(MADE))
def test_every_page_names_every_code_that_may_be_written(name: str) -> None:
    places, spellings = MADE[name]
    root = Path(wardline.__file__).parent
    text = "\n".join(file.read_text() for place in places for file in root.glob(place))
    page = (DOCS / f"{name}.md").read_text()
    for spelling in spellings:
        codes = re.findall(spelling + _CODE, text)
        assert codes, spelling
        for code in codes:
            assert f"`{code}`" in page, code


def objects_in(value: object, *, free: set[str]) -> list[dict[str, object]]:
    """Return every object in `value` but those whose members are free, itself included."""
    if isinstance(value, list):
        return [each for item in value for each in objects_in(item, free=free)]
    if not isinstance(value, dict):
        return []
    inner = [each for name, item in value.items() if name not in free for each in objects_in(item, free=free)]
    return [value, *inner]


def types_in_code() -> set[str]:
    """Return every predicate type that a class of the package says."""
    found: set[str] = set()
    for module in pkgutil.walk_packages(wardline.__path__, "wardline."):
        if module.name.endswith((".predicates", ".sealing", ".erasure")):
            for item in vars(importlib.import_module(module.name)).values():
                kind = getattr(item, "predicate_type", None)
                if isinstance(kind, str):
                    found.add(kind)
    return found


TYPES = types_in_code()
