"""A run told in full, in a real log: what the suites of this folder take packets from."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.fakes.memory_subject_keys import MemorySubjectKeys

from wardline.adapters.blobs.files import FileBlobs
from wardline.adapters.storage.database import open_database
from wardline.adapters.storage.evidence_log import SQLEvidenceLog
from wardline.canonical import Digest, encode
from wardline.changes.artifacts import Artifact, Package
from wardline.changes.commits import Commit
from wardline.changes.predicates import LOCK, Provenance, SBOMListed, SourceTaken, artifact_subject, lock_document
from wardline.clock import ManualClock
from wardline.controls.library import load_library
from wardline.delivery.collect_evidence import Collector
from wardline.delivery.decide import INPUT_DOCUMENT, POLICIES
from wardline.deployments.predicates import DeploymentMoved, Leg, Phase, ReleaseRef, RollbackRehearsed
from wardline.evidence.log import OUTPUT, Evidence
from wardline.evidence.packets.assemble_packet import Archive, assemble
from wardline.findings.finding import Finding, Severity
from wardline.findings.predicates import Scanned
from wardline.findings.scanning import CodeScan, LookedAt, ScannerId
from wardline.gates.decisions import Allow, Deny, Judgement, Reason, Undecided
from wardline.gates.policy import policy_digest, policy_document
from wardline.gates.policy_files import load_policies
from wardline.gates.predicates import Approval, DecisionMade, FindingsSeen, Matter, Waiver, Word
from wardline.identity.predicates import Enrolment
from wardline.identity.principals import Principal, PublicKey, Role
from wardline.ids import DeploymentId, EnvironmentName, PrincipalId, ReleaseId, RunId, SequentialIds, SubjectId
from wardline.outcomes import Outcome
from wardline.pipelines.building import Tested
from wardline.pipelines.predicates import TestResult
from wardline.pipelines.run import RunStatus
from wardline.pipelines.sealing import RunSealed
from wardline.predicates import Predicate

RUN = RunId("r-0000000001")
ORIGIN = "wardline.example/log"
STAGING, PRODUCTION = EnvironmentName("staging"), EnvironmentName("production")
ADMIN, SAFETY = PrincipalId("p-admin"), PrincipalId("p-safety")
ARTIFACT = Artifact(
    digest=Digest.of(b"bundle"),
    size_bytes=6,
    name="eligibility",
    version="1.1",
    packages=(Package(name="eligibility", version="1.1", filename="e.whl", digest=Digest.of(b"wheel")),),
)
COMMIT = Commit(
    sha="c0ffee" + "0" * 34,
    tree="7ee" + "0" * 37,
    committed_at=datetime(2026, 11, 22, 9, tzinfo=UTC),
    author_email="dev@clinic.example",
    message="Answer 271 faster",
)
FINDING = Finding(
    id="F-0123456789ab",
    check="bandit",
    rule="B324",
    severity=Severity.HIGH,
    path="src/eligibility/hashing.py",
    line=12,
    message="Use of weak SHA1 hash <for security>",
)


@dataclass(frozen=True)
class KeySigner:
    private: Ed25519PrivateKey

    @classmethod
    def number(cls, number: int) -> "KeySigner":
        return cls(Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32))

    @property
    def public_key(self) -> PublicKey:
        return PublicKey.of(self.private.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        return self.private.sign(message)


LAWS = tuple(law for law in load_library().catalogues if law.id in {"hipaa", "gdpr"})
MACHINE, ADMIN_KEY, SAFETY_KEY, STRANGER = (KeySigner.number(number) for number in (1, 2, 3, 4))


def reason(policy: str, verdict: str, message: str) -> Reason:
    (controls,) = (each.controls for each in load_policies() if each.id == policy)
    return Reason(policy=policy, verdict=verdict, message=message, controls=controls)


class Unmasked:
    def feed(self, chunk: bytes) -> bytes:
        return chunk

    def finish(self) -> bytes:
        return b""


class Story:
    """Everything a run leaves, told one statement at a time; each method returns its evidence."""

    def __init__(self, log: SQLEvidenceLog, blobs: FileBlobs) -> None:
        self.log, self.blobs = log, blobs
        self.clock = ManualClock(datetime(2026, 11, 23, 8, tzinfo=UTC))
        self.collect = Collector(
            log=log,
            blobs=blobs,
            signer=MACHINE,
            machine=PrincipalId("wardline"),
            clock=self.clock,
            ids=SequentialIds(),
            redactor=Unmasked,
            subjects=MemorySubjectKeys(),
        )

    def say(self, step: str, predicate: Predicate, *, run: RunId | None = RUN) -> Evidence:
        self.clock.advance(timedelta(seconds=7))
        return self.collect.once(step, run, lambda: predicate)

    def sign(
        self, step: str, predicate: Predicate, *, by: PrincipalId, signer: KeySigner, run: RunId | None = RUN
    ) -> Evidence:
        self.clock.advance(timedelta(minutes=3))
        return self.collect.signed(predicate, step=step, run=run, signer=signer, actor=by)

    def found(self) -> Evidence:
        founder = Principal(id=ADMIN, key=ADMIN_KEY.public_key, roles=frozenset({Role.ADMINISTRATOR}))
        enrolment = Enrolment(principal=founder, founding=True)
        return self.sign("enrol/admin", enrolment, by=ADMIN, signer=ADMIN_KEY, run=None)

    def enrol(self, *, by: PrincipalId = ADMIN, signer: KeySigner = ADMIN_KEY) -> Evidence:
        person = Principal(id=SAFETY, key=SAFETY_KEY.public_key, roles=frozenset({Role.CLINICAL_SAFETY}))
        return self.sign("enrol/safety", Enrolment(principal=person), by=by, signer=signer, run=None)

    def waive(self) -> Evidence:
        waiver = Waiver(
            finding=FINDING.id,
            expires_at=datetime(2027, 1, 31, tzinfo=UTC),
            environment=None,
            reason=self.collect.private("used for cache keys only", about=SubjectId(SAFETY)),
        )
        return self.sign("waiver/1", waiver, by=SAFETY, signer=SAFETY_KEY, run=None)

    def source(self) -> Evidence:
        return self.say(
            "source",
            SourceTaken(
                service="eligibility",
                commit=COMMIT,
                author=PrincipalId("p-dev"),
                private=self.collect.private("dev@clinic.example: Answer 271 faster", about=SubjectId("p-dev")),
                pipeline=Digest.of(b"wardline: 1"),
                regulations=("hipaa", "gdpr"),
                criticality="clinical-support",
                data=("phi",),
            ),
        )

    def build(self) -> Evidence:
        provenance = Provenance(
            run=RUN,
            commit=COMMIT,
            artifact=ARTIFACT,
            build_command="python -m build --wheel",
            locked=True,
            builder="wardline 0.1.0",
            started_at=self.clock.now(),
            finished_at=self.clock.now(),
            lock=self.blobs.put(encode(lock_document(ARTIFACT)), LOCK),
            output=self.blobs.put(b"built", OUTPUT),
        )
        return self.say("build", provenance)

    def test(self) -> Evidence:
        tested = Tested(
            executed=41,
            passed=40,
            failed=0,
            errored=0,
            skipped=1,
            coverage_bp=8675,
            exit_code=0,
            reports=(),
            output=b"41 passed",
        )
        result = TestResult(
            artifact=artifact_subject(ARTIFACT),
            tested=tested,
            pipeline=Digest.of(b"wardline: 1"),
            min_coverage_bp=8000,
            reports=(),
            output=self.blobs.put(b"41 passed", OUTPUT),
        )
        return self.say("test", result)

    def scan(self) -> Evidence:
        scan = CodeScan(
            scanner=ScannerId(name="bandit", version="1.9.4"),
            looked_at=LookedAt(files=9, lines=871),
            findings=(FINDING,),
            reason=None,
            report=None,
        )
        bill = SBOMListed(
            artifact=artifact_subject(ARTIFACT),
            scanner=("syft", "1.18.1"),
            spec_version="1.6",
            components=30,
            names_artifact=True,
            reason=None,
            report=None,
        )
        self.say("scan/sbom", bill)
        return self.say("scan/bandit", Scanned(artifact=artifact_subject(ARTIFACT), scan=scan, report=None))

    def approve(self, tests: int, waiver: int, rehearsal: int) -> Evidence:
        matter = Matter(
            run=RUN,
            artifact=ARTIFACT.digest,
            commit=COMMIT.sha,
            release_configuration=Digest.of(b"configuration"),
            findings=FindingsSeen.of((FINDING.id,)),
            waivers=(waiver,),
            rehearsal=rehearsal,
            tests=tests,
        )
        word = Word(
            environment=PRODUCTION,
            role=Role.CLINICAL_SAFETY,
            matter=matter,
            shown=self.blobs.put(encode(matter.to_json()), "application/vnd.wardline.consent+json"),
            reason=self.collect.private("read and understood", about=SubjectId(SAFETY)),
        )
        return self.sign("production/word/1", Approval(word=word), by=SAFETY, signer=SAFETY_KEY)

    def decide(
        self,
        environment: EnvironmentName,
        evidence: tuple[int, ...],
        *,
        verdict: type[Allow | Deny | Undecided] = Allow,
        artifact: Digest = ARTIFACT.digest,
        run: RunId = RUN,
    ) -> Evidence:
        document = encode({"environment": environment, "tests": {"executed": 41}})
        reasons = (
            reason("tests-passed", "allow", "41 executed, none failed"),
            reason("no-serious-finding", verdict.verdict, "one high finding, waived"),
        )
        judgement = Judgement(
            environment=environment,
            artifact=artifact,
            policy_digest=policy_digest(load_policies()),
            input_digest=Digest.of(document),
            evidence=evidence,
            reasons=reasons,
        )
        made = DecisionMade(
            service="eligibility",
            decision=verdict(judgement=judgement),
            decided_at=self.clock.now(),
            input=self.blobs.put(document, INPUT_DOCUMENT),
            policies=self.blobs.put(encode(policy_document(load_policies())), POLICIES),
            catalogues=LAWS,
        )
        return self.say(f"{environment}/gate", made, run=run)

    def release(self, version: str = "1.1", artifact: Digest = ARTIFACT.digest) -> ReleaseRef:
        document = self.blobs.put(version.encode(), "application/vnd.wardline.release+json")
        return ReleaseRef(id=ReleaseId(f"rel-{version}"), version=version, artifact=artifact, document=document)

    def deploy(
        self,
        environment: EnvironmentName,
        decision: int,
        phase: Phase,
        *,
        artifact: Digest = ARTIFACT.digest,
        run: RunId | None = RUN,
    ) -> Evidence:
        moved = DeploymentMoved(
            deployment=DeploymentId(f"d-{environment}"),
            service="eligibility",
            environment=environment,
            release=self.release(artifact=artifact),
            previous=None,
            serving=ReleaseId("rel-1.1") if phase is Phase.SUCCEEDED else None,
            strategy="canary",
            decision=decision,
            phase=phase,
            weights=((ReleaseId("rel-1.1"), 100),),
            generation=3,
            outcome=Outcome.PASSED,
            took_ms=412,
        )
        return self.say(f"{environment}/deploy/{phase}", moved, run=run)

    def rehearse(self) -> Evidence:
        legs = (
            Leg(kind="back", took_ms=120, outcome=Outcome.PASSED),
            Leg(kind="forward", took_ms=95, outcome=Outcome.PASSED),
        )
        rehearsed = RollbackRehearsed(
            service="eligibility",
            environment=STAGING,
            release=self.release(),
            previous=self.release("1.0", Digest.of(b"older bundle")),
            legs=legs,
            same_digests=True,
            outcome=Outcome.PASSED,
        )
        return self.say("staging/rehearsal", rehearsed)

    def seal(self, status: RunStatus = RunStatus.SUCCEEDED, *, statements: int | None = None) -> Evidence:
        own = self.log.of_run(RUN)
        sealed = RunSealed(
            run=RUN,
            journey="ship",
            service="eligibility",
            status=status,
            statements=len(own) + 1 if statements is None else statements,
            first=own[0].index if own else None,
        )
        return self.say("seal", sealed)

    def tell(self) -> None:
        """Tell the whole story of a release that went well."""
        self.found()
        self.enrol()
        self.say("another/source", self.source_of_another(), run=RunId("r-0000000000"))
        self.source()
        self.build()
        tests, findings, waiver = self.test(), self.scan(), self.waive()
        staging = self.decide(STAGING, (tests.index, findings.index, waiver.index))
        self.deploy(STAGING, staging.index, Phase.STARTED)
        self.deploy(STAGING, staging.index, Phase.SUCCEEDED)
        rehearsal = self.rehearse()
        approval = self.approve(tests.index, waiver.index, rehearsal.index)
        production = self.decide(PRODUCTION, (tests.index, findings.index, waiver.index, approval.index))
        self.deploy(PRODUCTION, production.index, Phase.STARTED)
        self.deploy(PRODUCTION, production.index, Phase.SHIFTED)
        self.deploy(PRODUCTION, production.index, Phase.SUCCEEDED)
        self.seal()

    def source_of_another(self) -> Predicate:
        return SourceTaken(
            service="billing",
            commit=COMMIT,
            author=None,
            private=self.collect.private("another", about=SubjectId(SAFETY)),
            pipeline=Digest.of(b""),
            regulations=(),
            criticality="administrative",
            data=("none",),
        )

    def packet(self) -> bytes:
        return assemble(RUN, Archive(log=self.log, blobs=self.blobs)).sign(MACHINE).encode()


@contextmanager
def begun(folder: Path) -> Iterator[Story]:
    with open_database(folder / "log.db") as engine:
        yield Story(SQLEvidenceLog(engine, signer=MACHINE, origin=ORIGIN), FileBlobs(folder / "blobs"))
