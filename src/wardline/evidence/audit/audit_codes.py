"""What each kind of statement is called in the audit vocabularies of healthcare, and what of it an auditor is told.

Codes: DICOM PS3.16 CID 400 (events), CID 403 (kinds of security alert), CID 402 (roles of participants). A change of
software, of what guards it or of who may do what is coded as a security alert: success makes it an informative
one (PS3.15 A.5.3.11).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from wardline.predicates import NAMESPACE


class CodeSystem(StrEnum):
    """Who defines a code, by the name DICOM audit messages use."""

    DICOM = "DCM"
    RFC_3881 = "RFC-3881"
    WARDLINE = "Wardline"


class ExportFormat(StrEnum):
    """In which form statements leave the installation."""

    FHIR = "fhir"  # R4 AuditEvent
    DICOM = "dicom"  # audit messages, PS3.15 A.5
    JSONL = "jsonl"  # the statements themselves


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """One coded value with the words its system has for it."""

    system: CodeSystem
    code: str
    display: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Coding:
    """How statements of one type are coded.

    Attributes:
        name: Our own code for it; `told_by` refines it, e.g. `deployment.shifted`.
        kinds: More exactly, for a security alert.
        told_by: Path to the member that says which case it is; None: there is only one.
        details: What is told, and the path to it in the predicate. A path goes through lists.
    """

    name: str
    event: Code
    kinds: tuple[Code, ...]
    told_by: str | None = None
    details: Mapping[str, str]


def _dicom(code: str, display: str) -> Code:
    return Code(system=CodeSystem.DICOM, code=code, display=display)


EMERGENCY_STARTED = _dicom("110127", "Emergency Override Started")
EMERGENCY_STOPPED = _dicom("110138", "Emergency Override Stopped")
EXPORT = _dicom("110106", "Export")
SECURITY_ALERT = _dicom("110113", "Security Alert")
SECURITY_CONFIGURATION = _dicom("110129", "Security Configuration")
SOFTWARE_CONFIGURATION = _dicom("110131", "Software Configuration")
RESTRICTED_FUNCTION = _dicom("110132", "Use of Restricted Function")
OBJECT_SECURITY = _dicom("110135", "Object Security Attributes Changed")
ROLES_CHANGED = _dicom("110136", "Security Roles Changed")
USER_SECURITY = _dicom("110137", "User Security Attributes Changed")
APPLICATION = _dicom("110150", "Application")
SOURCE_ROLE = _dicom("110153", "Source Role ID")
DESTINATION_MEDIA = _dicom("110154", "Destination Media")
URI_MEDIA = _dicom("110037", "URI")
URI = Code(system=CodeSystem.RFC_3881, code="12", display="URI")

EXPORT_TYPE = f"{NAMESPACE}/export/v1"


def _paths(words: str) -> Mapping[str, str]:
    """Return details from `name` or `name=path` words."""
    pairs = (word.partition("=") for word in words.split())
    return {name: path or name for name, _, path in pairs}


def _coding(name: str, kinds: tuple[Code, ...], details: str, *, told_by: str | None = None) -> Coding:
    return Coding(name=name, event=SECURITY_ALERT, kinds=kinds, told_by=told_by, details=_paths(details))


def _software(name: str, details: str, *, told_by: str | None = None) -> Coding:
    return _coding(name, (SOFTWARE_CONFIGURATION,), details, told_by=told_by)


def _configuration(name: str, details: str, *, told_by: str | None = None) -> Coding:
    return _coding(name, (SECURITY_CONFIGURATION,), details, told_by=told_by)


_WORD = "environment role meaning run=subject.run commit=subject.commit rehearsal=subject.rehearsal shown=shown_digest"

_OURS = (
    _software("source", "service commit=commit.sha author pipeline regulations criticality data"),
    _software(
        "sbom",
        "format components scanner=scanner.name scanner-version=scanner.version names-artifact=names_artifact reason",
    ),
    _software(
        "scan",
        "scanner=scanner.name scanner-version=scanner.version critical=counts.critical high=counts.high "
        "medium=counts.medium low=counts.low note=counts.note part=part.number parts=part.of reason",
    ),
    _software(
        "policy-results",
        "service commit tool=tool.name tool-version=tool.version tested failed warned errored reason",
        told_by="tool.name",
    ),
    _software("advisory-snapshot", "digest=digest.sha256 advisories withdrawn newest ecosystem=ecosystems.name"),
    _software("stage-stopped", "stage code exit-code=exit_code", told_by="stage"),
    _software(
        "deployment",
        "deployment service environment release=release.id version=release.version from-release=previous.id "
        "from-version=previous.version serving strategy decision phase generation took-ms=took_ms reason",
        told_by="phase",
    ),
    _software(
        "analysis",
        "deployment service environment release percent requests errors p95-ms=p95_ms restarts reason=reasons",
    ),
    _software(
        "rollback-rehearsal",
        "service environment from-release=from.release release=to.release rollback-ms=rollback_ms "
        "same-digests=same_digests",
    ),
    _software("seal", "journey service status statements first", told_by="status"),
    _configuration("approval", _WORD),
    _configuration("rejection", _WORD),
    _configuration("waiver", "finding environment expires=expires_at"),
    _coding(
        "break-glass",
        (EMERGENCY_STARTED,),
        "role code service run=subject.run environment=subject.doors.environment expires=expires_at joins "
        "shown=shown.digest",
        told_by="code",
    ),
    _coding(
        "emergency-review",
        (EMERGENCY_STOPPED,),
        "role verdict service run=subject.run decision=asked_again.decision policy=asked_again.answers.policy",
        told_by="verdict",
    ),
    _configuration(
        "self-test",
        # Not each trial: some receivers cut messages at 8 KiB.
        "part=part.number parts=part.of passed=counts.passed failed=counts.failed errored=counts.errored "
        "not-passed=not_passed",
    ),
    _configuration("attestation", "control=controls.id claim role service expires=expires_at", told_by="claim"),
    _configuration(
        "addressable-decision", "control=control.id choice role service expires=expires_at", told_by="choice"
    ),
    _configuration("training", "principal claim role expires=expires_at", told_by="claim"),
    _configuration("policy-adoption", "policy control=controls role document=document.digest"),
    _configuration("policy-retirement", "policy adoption role document=document_digest"),
    _coding(
        "enrolment",
        (ROLES_CHANGED, USER_SECURITY),
        "principal kind role=roles key=key.keyid scheme=key.scheme founding",
    ),
    _coding(
        "key-change",
        (USER_SECURITY,),
        "change holder key=key.keyid scheme=key.scheme by=by.keyid purpose=purposes since reason",
        told_by="change",
    ),
    _coding("refusal", (RESTRICTED_FUNCTION,), "action code principal", told_by="action"),
    _coding(
        "erasure",
        (RESTRICTED_FUNCTION,),
        "role principal name=destroyed.name addresses=destroyed.addresses texts=destroyed.texts "
        "manifest=destroyed.manifest.digest ground=kept.ground until=kept.until",
    ),
    _coding(
        "legal-hold",
        (OBJECT_SECURITY,),
        "role code service=scope.service run=scope.run since=scope.since until=scope.until "
        "blocks-erasure=blocks_erasure",
    ),
    _coding("legal-hold-release", (OBJECT_SECURITY,), "role hold"),
    _coding(
        "purge",
        (RESTRICTED_FUNCTION,),
        "at-size=at_size before schedule manifest=manifest.digest class=classes.class count=classes.count",
    ),
    Coding(
        name="export",
        event=EXPORT,
        kinds=(),
        details=_paths("format medium first last count service size content receiver"),
    ),
)

_PUBLISHED = {
    "https://slsa.dev/provenance/v1": _software(
        "provenance",
        "locked=buildDefinition.externalParameters.locked builder=buildDefinition.internalParameters.builder "
        "version=wardline_bundle.version",
    ),
    "https://in-toto.io/attestation/test-result/v0.1": _software(
        "test-result",
        "result executed=wardline_tests.executed passed=wardline_tests.passed failed=wardline_tests.failed "
        "errored=wardline_tests.errored skipped=wardline_tests.skipped coverage-bp=wardline_tests.coverage_bp "
        "min-coverage-bp=wardline_tests.min_coverage_bp",
    ),
    "https://slsa.dev/verification_summary/v1": _configuration(
        "decision",
        "resource=resourceUri environment=wardline_decision.environment verdict=wardline_decision.verdict "
        "policies=wardline_decision.policy_digest input=wardline_decision.input_digest "
        "control=wardline_decision.reasons.controls",
        told_by="wardline_decision.verdict",
    ),
}

CODINGS: Mapping[str, Coding] = {f"{NAMESPACE}/{coding.name}/v1": coding for coding in _OURS} | _PUBLISHED

# What a newer Wardline wrote is still told: that it happened, by whom and how it ended.
UNKNOWN = _configuration("statement", "")
