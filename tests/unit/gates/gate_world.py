"""A small world with a log, people and a run that has come to its production gate."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.fakes.memory_subject_keys import MemorySubjectKeys

from wardline.canonical import JSON, Digest, JSONObject
from wardline.clock import ManualClock
from wardline.delivery.collect_evidence import Collector
from wardline.delivery.enrol import enrol
from wardline.delivery.sign import Signatory
from wardline.errors import Conflict, NotFound
from wardline.evidence.envelopes import Envelope, seal
from wardline.evidence.log import Evidence
from wardline.evidence.signed import SignedStatement
from wardline.evidence.statements import PAYLOAD_TYPE, Context, Statement
from wardline.gates import readings
from wardline.gates.door import Door
from wardline.gates.facts import Facts, gather
from wardline.identity.predicates import Enrolment
from wardline.identity.principals import Principal, PublicKey, Role
from wardline.ids import EnvironmentName, PrincipalId, RunId, SequentialIds
from wardline.outcomes import Outcome
from wardline.pipelines.spec import (
    ApprovalSpec,
    BuildSpec,
    Criticality,
    DataClass,
    EnvironmentSpec,
    Pipeline,
    RollbackSpec,
    ScanSpec,
    ServiceSpec,
    StartSpec,
    TargetSpec,
    TestSpec,
)
from wardline.predicates import BlobRef, Subject

START = datetime(2026, 11, 23, 8, tzinfo=UTC)
RUN = RunId("r-0000000001")
ARTIFACT = Digest.of(b"eligibility-1.1.bundle")
SERVED = Digest.of(b"eligibility-1.0.bundle")
FINDING = "F-0123456789ab"
PRODUCTION = EnvironmentName("production")


@dataclass(frozen=True)
class KeySigner:
    private: Ed25519PrivateKey

    @property
    def public_key(self) -> PublicKey:
        return PublicKey.of(self.private.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        return self.private.sign(message)


def key(seed: str) -> KeySigner:
    return KeySigner(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(Digest.of(seed.encode()).hex)))


def person(name: str) -> Signatory:
    return Signatory(principal=PrincipalId(name), signer=key(name))


@dataclass
class MemoryLog:
    leaves: list[Evidence] = field(default_factory=list)

    def append(self, envelope: Envelope | SignedStatement, *, at: int | None = None) -> Evidence:
        if isinstance(envelope, SignedStatement):
            envelope = envelope.envelope
        statement = Statement.decode(envelope.payload)
        found = self.find(statement.context.key)
        if found is None and at not in (None, len(self.leaves)):
            raise Conflict(f"expected {at} leaves, got {len(self.leaves)}")
        if found is None:
            found = Evidence(index=len(self.leaves), key=statement.context.key, envelope=envelope, statement=statement)
            self.leaves.append(found)
        return found

    def find(self, wanted: str) -> Evidence | None:
        return next((leaf for leaf in self.leaves if leaf.key == wanted), None)

    def read(self, index: int) -> Evidence:
        if not 0 <= index < len(self.leaves):
            raise NotFound(f"no leaf {index}")
        return self.leaves[index]

    def size(self) -> int:
        return len(self.leaves)

    def of_run(self, run: RunId) -> tuple[Evidence, ...]:
        return tuple(leaf for leaf in self.leaves if leaf.statement.context.run == run)

    def every(self, *types: str) -> Iterator[Evidence]:
        yield from [leaf for leaf in self.leaves if not types or leaf.statement.predicate_type in types]

    def youngest(self, *types: str) -> Iterator[Evidence]:
        yield from reversed([*self.every(*types)])


@dataclass
class MemoryBlobs:
    kept: dict[Digest, bytes] = field(default_factory=dict)

    def put(self, content: bytes, media_type: str) -> BlobRef:
        digest = Digest.of(content)
        self.kept[digest] = content
        return BlobRef(digest=digest, media_type=media_type, size_bytes=len(content))

    def get(self, digest: Digest) -> bytes:
        if digest not in self.kept:
            raise NotFound(f"blob {digest} is not here")
        return self.kept[digest]


@dataclass
class MemoryPeople:
    known: dict[PrincipalId, tuple[str, tuple[str, ...]]] = field(default_factory=dict)

    def remember(self, principal: PrincipalId, *, name: str, emails: Any) -> None:
        if any(self.principal_of(email) not in (None, principal) for email in emails):
            raise Conflict("one of the addresses belongs to somebody else")
        self.known[principal] = (name, tuple(emails))

    def principal_of(self, email: str) -> PrincipalId | None:
        return next((who for who, (_, emails) in self.known.items() if email in emails), None)

    def name_of(self, principal: PrincipalId) -> str | None:
        return self.known[principal][0] if principal in self.known else None

    def addresses_of(self, principal: PrincipalId) -> tuple[str, ...]:
        return self.known[principal][1] if principal in self.known else ()

    def erase(self, principal: PrincipalId) -> None:
        self.known.pop(principal, None)


@dataclass
class SentMessages:
    sent: list[tuple[RunId, str, JSON]] = field(default_factory=list)

    def send(self, run: RunId, topic: str, message: JSON) -> None:
        self.sent.append((run, topic, message))


class OpenRedactor:
    def feed(self, chunk: bytes) -> bytes:
        return chunk

    def finish(self) -> bytes:
        return b""


@dataclass(frozen=True)
class Said:
    """Any predicate at all."""

    predicate_type: str
    content: JSONObject
    about: Digest = ARTIFACT
    outcome: Outcome = Outcome.PASSED

    def subjects(self) -> tuple[Subject, ...]:
        return (Subject(name="artifact", digest=self.about),)

    def body(self) -> JSONObject:
        return self.content


def pipeline(*, rollback: bool = True, approvals: tuple[ApprovalSpec, ...] | None = None) -> Pipeline:
    asked = (ApprovalSpec(role=Role.CLINICAL_SAFETY), ApprovalSpec(role=Role.COMPLIANCE))
    return Pipeline(
        service=ServiceSpec(
            name="eligibility", owner="revenue-cycle", criticality=Criticality.CLINICAL_SUPPORT, data=(DataClass.PHI,)
        ),
        regulations=("hipaa", "gdpr"),
        build=BuildSpec(run="python -m build", artifact="dist/*.whl"),
        test=TestSpec(run="pytest", junit="junit.xml", coverage="coverage.xml", min_coverage=80),
        scan=ScanSpec(),
        start=StartSpec(command="serve --port $PORT", health="/healthz"),
        environments=(
            EnvironmentSpec(name=EnvironmentName("staging"), target=TargetSpec(kind="local")),
            EnvironmentSpec(
                name=PRODUCTION,
                target=TargetSpec(kind="local", instances=2),
                approvals=asked if approvals is None else approvals,
            ),
        ),
        rollback=RollbackSpec(rehearse_in=EnvironmentName("staging")) if rollback else None,
    )


def release(name: str, artifact: Digest) -> JSONObject:
    return {"id": name, "version": name, "artifact": {"sha256": artifact.hex}, "document": {}}


class World:
    """ada administers and wrote the change; ben answers for clinical safety, cleo for compliance, dan for both."""

    def __init__(self) -> None:
        self.log = MemoryLog()
        self.clock = ManualClock(START)
        self.people = MemoryPeople()
        self.messenger = SentMessages()
        self.collect = Collector(
            log=self.log,
            blobs=MemoryBlobs(),
            signer=key("machine"),
            machine=PrincipalId("machine"),
            clock=self.clock,
            ids=SequentialIds(),
            redactor=OpenRedactor,
            subjects=MemorySubjectKeys(),
        )
        self.enrol("ada", Role.ADMINISTRATOR, Role.COMPLIANCE, founding=True)
        self.enrol("ben", Role.CLINICAL_SAFETY)
        self.enrol("cleo", Role.COMPLIANCE)
        self.enrol("dan", Role.CLINICAL_SAFETY, Role.COMPLIANCE)

    def enrol(self, name: str, *roles: Role, founding: bool = False, seed: str | None = None) -> Evidence:
        public = key(seed or name).public_key if roles else None
        principal = Principal(id=PrincipalId(name), key=public, roles=frozenset(roles))
        enrolment = Enrolment(principal=principal, founding=founding)
        return enrol(enrolment, by=person("ada"), collect=self.collect, people=self.people)

    def say(self, step: str, predicate: Said, *, run: RunId | None = RUN) -> Evidence:
        # Parts of predicates, which the collector would refuse: what a gate makes of them is what is tried here.
        return self.forge(predicate, step=step, actor="machine", signer=key("machine"), run=run)

    def forge(self, predicate: Any, *, step: str, actor: str, signer: KeySigner, run: RunId | None = RUN) -> Evidence:
        """Append what no use case would: the log takes any well-formed envelope."""
        context = Context(
            run=run,
            step=step,
            attempt=1,
            recorded_at=self.clock.now(),
            actor=PrincipalId(actor),
            outcome=predicate.outcome,
        )
        payload = Statement.of(predicate, context).encode()
        return self.log.append(seal(payload, payload_type=PAYLOAD_TYPE, signer=signer))

    def serve(self, artifact: Digest = SERVED, *, name: str = "1.0-aa", environment: str = "production") -> None:
        body: JSONObject = {
            "service": "eligibility",
            "environment": environment,
            "release": release(name, artifact),
            "previous": None,
            "serving": name,
            "phase": "succeeded",
        }
        self.say(f"{environment}/deploy/{self.log.size()}", Said(readings.DEPLOYMENT, body, artifact), run=None)
        self.say(f"build/{artifact.short}", Said(readings.PROVENANCE, {}, artifact), run=None)

    def ship(self, *, author: str | None = "ada", findings: tuple[str, ...] = ()) -> None:
        """Leave what a run leaves before its production gate."""
        self.say(
            "source",
            Said(readings.SOURCE, {"commit": {"sha": "c0ffee", "tree": "7ee"}, "author": author}, SERVED),
        )
        self.say("build", Said(readings.PROVENANCE, {"runDetails": {"builder": {"id": "urn:builder"}}}))
        self.say("test", Said(readings.TEST_RESULT, counts()))
        self.say("sbom", Said(readings.SBOM, {"components": 9, "names_artifact": True, "format": "CycloneDX"}))
        self.say("scan/bandit", Said(readings.SCAN, scan(*findings)))
        self.rehearse()

    def rehearse(self, *, step: str = "staging/rehearsal", served: Digest | None = SERVED) -> Evidence:
        came_from = None if served is None else {"release": "1.0-aa", "artifact": {"sha256": served.hex}}
        body: JSONObject = {
            "service": "eligibility",
            "environment": "staging",
            "first_release": served is None,
            "from": came_from,
            "to": {"release": "1.1-bb", "artifact": {"sha256": ARTIFACT.hex}},
            "rollback_ms": 850,
            "same_digests": True,
        }
        return self.say(step, Said(readings.REHEARSAL, body))

    def door(self, **changes: Any) -> Door:
        declared = changes.pop("pipeline", pipeline())
        environment = declared.environment(changes.pop("environment", PRODUCTION))
        assert environment is not None
        return Door(run=RUN, artifact=ARTIFACT, pipeline=declared, environment=environment)

    def facts(self, **changes: Any) -> Facts:
        deadline = changes.pop("deadline", None)
        return gather(self.door(**changes), tuple(self.log.every()), now=self.clock.now(), deadline=deadline)


def counts(**changes: JSON) -> JSONObject:
    said: JSONObject = {
        "executed": 41,
        "passed": 41,
        "failed": 0,
        "errored": 0,
        "skipped": 0,
        "coverage_bp": 8500,
        "min_coverage_bp": 8000,
        "exit_code": 0,
    }
    return {"result": "PASSED", "wardline_tests": said | changes}


def scan(*findings: str) -> JSONObject:
    return {
        "scanner": {"name": "bandit", "version": "1.9.4"},
        "looked_at": {"files": 12, "lines": 800},
        "findings": [
            {
                "id": finding,
                "check": "bandit",
                "rule": "B324",
                "severity": "high",
                "path": "a.py",
                "line": 3,
                "message": "Use of weak SHA1 hash.",
            }
            for finding in findings
        ],
    }


def after(**duration: int) -> datetime:
    return START + timedelta(**duration)
