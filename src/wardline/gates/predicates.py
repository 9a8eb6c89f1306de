"""What a gate can say: a decision, a person's yes or no, and a waiver. Published under docs/predicates/."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Self

from wardline.canonical import JSON, Digest, JSONObject, digest_of
from wardline.clock import from_rfc3339, to_rfc3339
from wardline.controls.catalogue import Catalogue
from wardline.errors import InvalidInput
from wardline.gates.decisions import Allow, Decision, Deny, Judgement, Reason, Undecided
from wardline.identity.principals import Role
from wardline.ids import EnvironmentName, RunId
from wardline.outcomes import Outcome
from wardline.predicates import NAMESPACE, BlobRef, Subject

DECISION = "https://slsa.dev/verification_summary/v1"
APPROVAL = f"{NAMESPACE}/approval/v1"
REJECTION = f"{NAMESPACE}/rejection/v1"
WAIVER = f"{NAMESPACE}/waiver/v1"

LONGEST_WAIVER = timedelta(days=365)  # a risk nobody looks at for a year is no longer an accepted one

# The meaning of a signature is part of it (21 CFR 11.50(a)(3)); a fixed code, so that no name or text rides along.
APPROVED = "approved-for-release"
REJECTED = "rejected-for-release"

_OUTCOMES = {"allow": Outcome.PASSED, "deny": Outcome.FAILED, "undecided": Outcome.INCONCLUSIVE}


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionMade:
    """A decision, as a SLSA Verification Summary.

    `input` is the kept document it was made from, `policies` the kept document of the policies that were asked:
    its digest is the policy digest of the decision. `catalogues` are those that the policies' control ids are from.

    Source: https://slsa.dev/spec/v1.1/verification_summary
    """

    predicate_type: ClassVar[str] = DECISION
    service: str
    decision: Decision
    decided_at: datetime
    input: BlobRef
    policies: BlobRef
    catalogues: tuple[Catalogue, ...] = ()

    @property
    def outcome(self) -> Outcome:
        return _OUTCOMES[self.decision.verdict]

    def subjects(self) -> tuple[Subject, ...]:
        return (Subject(name="artifact", digest=self.decision.judgement.artifact),)

    def body(self) -> JSONObject:
        judgement = self.decision.judgement
        allowed = self.decision.verdict == "allow"
        # Absent where nothing was set aside: as it was before there was break-glass.
        emergency: JSONObject = {} if judgement.emergency is None else {"emergency": {"log": judgement.emergency}}
        return {
            "verifier": {"id": f"{NAMESPACE}/verifiers/gate/v1"},
            "timeVerified": to_rfc3339(self.decided_at),
            "resourceUri": f"wardline:{self.service}/{judgement.environment}",
            "policy": {"uri": f"{NAMESPACE}/policies", "digest": {"sha256": judgement.policy_digest.hex}},
            "inputAttestations": [{"uri": f"log:{index}"} for index in judgement.evidence],
            # SLSA knows no third result: what is not allowed has not passed.
            "verificationResult": "PASSED" if allowed else "FAILED",
            "verifiedLevels": ["SLSA_BUILD_LEVEL_1"] if allowed else ["FAILED"],
            "wardline_decision": {
                "verdict": self.decision.verdict,
                "environment": judgement.environment,
                "input_digest": {"sha256": judgement.input_digest.hex},
                "policy_digest": {"sha256": judgement.policy_digest.hex},
                "evidence": list(judgement.evidence),
                "reasons": [_reason_to_json(reason) for reason in judgement.reasons],
                "catalogues": [_catalogue_to_json(catalogue) for catalogue in self.catalogues],
                "input": self.input.to_json(),
                "policies": self.policies.to_json(),
                **emergency,
            },
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingsSeen:
    """Which findings a person was shown, all in one digest: there may be thousands, and they must fit into a leaf."""

    count: int
    digest: Digest  # of their ids, sorted, as canonical JSON

    @classmethod
    def of(cls, ids: Iterable[str]) -> Self:
        known: list[JSON] = [*sorted(set(ids))]
        return cls(count=len(known), digest=digest_of(known))

    def to_json(self) -> JSONObject:
        return {"count": self.count, "digest": {"sha256": self.digest.hex}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """What a person says yes or no to: exactly this, and nothing that comes after it.

    Attributes:
        findings: All that the scanners found in it, waived or not.
        waivers: Log indices of the waivers that stood.
        rehearsal: Log index of the rollback rehearsal; None: there was none.
        tests: Log index of the test result; None: there was none.
    """

    run: RunId
    artifact: Digest
    commit: str | None
    release_configuration: Digest
    findings: FindingsSeen
    waivers: tuple[int, ...]
    rehearsal: int | None
    tests: int | None

    def to_json(self) -> JSONObject:
        return {
            "run": self.run,
            "artifact": {"sha256": self.artifact.hex},
            "commit": self.commit,
            "release_configuration": {"sha256": self.release_configuration.hex},
            "findings": self.findings.to_json(),
            "waivers": list(self.waivers),
            "rehearsal": self.rehearsal,
            "tests": self.tests,
        }

    @classmethod
    def parse(cls, document: JSON) -> Self:
        """Return the matter that `document` describes.

        Raises:
            InvalidInput: It describes none.
        """
        match document:
            case {
                "run": str(run),
                "artifact": {"sha256": str(artifact)},
                "commit": str() | None as commit,
                "release_configuration": {"sha256": str(configuration)},
                "findings": {"count": int(count), "digest": {"sha256": str(findings)}},
                "waivers": list(waivers),
                "rehearsal": int() | None as rehearsal,
                "tests": int() | None as tests,
                **rest,
            } if not rest:
                return cls(
                    run=RunId(run),
                    artifact=Digest(artifact),
                    commit=commit,
                    release_configuration=Digest(configuration),
                    findings=FindingsSeen(count=count, digest=Digest(findings)),
                    waivers=tuple(waiver for waiver in waivers if isinstance(waiver, int)),
                    rehearsal=rehearsal,
                    tests=tests,
                )
            case _:
                raise InvalidInput("approval subject: expected run, artifact, commit, release_configuration and so on")


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What a person has to say about a matter, in one role.

    Attributes:
        shown: The canonical document they were shown, kept so that an auditor can read it too.
        reason: Why, in their own words: encrypted under their own key.
    """

    environment: EnvironmentName
    role: Role
    matter: Matter
    shown: BlobRef
    reason: BlobRef

    def to_json(self, meaning: str) -> JSONObject:
        return {
            "environment": self.environment,
            "role": self.role.value,
            "meaning": meaning,
            "subject": self.matter.to_json(),
            "shown_digest": {"sha256": self.shown.digest.hex},
            "shown": self.shown.to_json(),
            "reason": self.reason.to_json(),
        }

    @classmethod
    def parse(cls, body: JSONObject, *, meaning: str) -> Self:
        """Return the word that `body` holds.

        Raises:
            InvalidInput: It holds none, or one with another meaning.
        """
        match body:
            case {
                "environment": str(environment),
                "role": str(role),
                "meaning": str(said),
                "subject": matter,
                "shown_digest": {"sha256": str(digest)},
                "shown": shown,
                "reason": reason,
                **rest,
            } if not rest and said == meaning and role in _ROLES:
                document = BlobRef.parse(shown)
                if document.digest.hex != digest:
                    raise InvalidInput(f"{meaning}: the digest that was signed is not that of the document shown")
                return cls(
                    environment=EnvironmentName(environment),
                    role=_ROLES[role],
                    matter=Matter.parse(matter),
                    shown=document,
                    reason=BlobRef.parse(reason),
                )
            case _:
                raise InvalidInput(f"expected a predicate that means {meaning}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A person's yes. It counts only while what it was given to is what would be released."""

    predicate_type: ClassVar[str] = APPROVAL
    word: Word

    @property
    def outcome(self) -> Outcome:
        return Outcome.PASSED

    def subjects(self) -> tuple[Subject, ...]:
        return (Subject(name="artifact", digest=self.word.matter.artifact),)

    def body(self) -> JSONObject:
        return self.word.to_json(APPROVED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A person's no. It stops the run at this environment, until the same person says otherwise."""

    predicate_type: ClassVar[str] = REJECTION
    word: Word

    @property
    def outcome(self) -> Outcome:
        return Outcome.FAILED

    def subjects(self) -> tuple[Subject, ...]:
        return (Subject(name="artifact", digest=self.word.matter.artifact),)

    def body(self) -> JSONObject:
        return self.word.to_json(REJECTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """Permission to pass one named finding for a while. `environment` None: in all of them."""

    predicate_type: ClassVar[str] = WAIVER
    finding: str
    expires_at: datetime
    environment: EnvironmentName | None
    reason: BlobRef

    @property
    def outcome(self) -> Outcome:
        return Outcome.PASSED

    def subjects(self) -> tuple[Subject, ...]:
        return (finding_subject(self.finding),)

    def body(self) -> JSONObject:
        return {
            "finding": self.finding,
            "reason": self.reason.to_json(),
            "expires_at": to_rfc3339(self.expires_at),
            "environment": self.environment,
        }

    @classmethod
    def parse(cls, body: JSONObject) -> Self:
        """Return the waiver that `body` holds.

        Raises:
            InvalidInput: It holds none.
        """
        match body:
            case {
                "finding": str(finding),
                "reason": reason,
                "expires_at": str(expires_at),
                "environment": str() | None as environment,
                **rest,
            } if not rest:
                return cls(
                    finding=finding,
                    expires_at=from_rfc3339(expires_at),
                    environment=None if environment is None else EnvironmentName(environment),
                    reason=BlobRef.parse(reason),
                )
            case _:
                raise InvalidInput("waiver: expected exactly finding, reason, expires_at and environment")


def finding_subject(finding: str) -> Subject:
    return Subject(name="finding", digest=digest_of({"finding": finding}))


def parse_decision(body: JSONObject, *, artifact: Digest) -> Decision:
    """Return the decision that `body` recorded about `artifact`.

    Raises:
        InvalidInput: It records none.
    """
    match body.get("wardline_decision"):
        case {
            "verdict": str(verdict),
            "environment": str(environment),
            "input_digest": {"sha256": str(input_digest)},
            "policy_digest": {"sha256": str(policy_digest)},
            "evidence": list(evidence),
            "reasons": list(reasons),
        } if verdict in _VERDICTS:
            judgement = Judgement(
                environment=EnvironmentName(environment),
                artifact=artifact,
                policy_digest=Digest(policy_digest),
                input_digest=Digest(input_digest),
                evidence=tuple(index for index in evidence if isinstance(index, int)),
                reasons=tuple(_reason(reason) for reason in reasons),
                emergency=_emergency(body["wardline_decision"]),
            )
            return _VERDICTS[verdict](judgement=judgement)
        case _:
            raise InvalidInput("verification summary: expected the member wardline_decision with a verdict")


_VERDICTS: dict[str, type[Allow | Deny | Undecided]] = {kind.verdict: kind for kind in (Allow, Deny, Undecided)}
_ROLES = {role.value: role for role in Role}


def _emergency(decision: JSON) -> int | None:
    match decision:
        case {"emergency": {"log": int(index)}}:
            return index
        case {"emergency": _}:
            raise InvalidInput("decision: emergency names the log index of a break-glass")
        case _:
            return None


def _catalogue_to_json(catalogue: Catalogue) -> JSONObject:
    return {"id": catalogue.id, "version": str(catalogue.version), "digest": {"sha256": catalogue.digest.hex}}


def _reason_to_json(reason: Reason) -> JSONObject:
    return {
        "policy": reason.policy,
        "verdict": reason.verdict,
        "message": reason.message,
        "controls": list(reason.controls),
    }


def _reason(document: JSON) -> Reason:
    match document:
        case {"policy": str(policy), "verdict": str(verdict), "message": str(message), "controls": list(controls)}:
            return Reason(policy=policy, verdict=verdict, message=message, controls=tuple(map(str, controls)))
        case _:
            raise InvalidInput("decision: every reason has policy, verdict, message and controls")
