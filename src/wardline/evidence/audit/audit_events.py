"""Audit events: what one leaf says, in the shape that DICOM PS3.15 A.5.1 and FHIR R4 AuditEvent share.

A pure function of the leaf: exported again, an event is the same to the last byte, its id included. Nothing is told
that the leaf does not hold; people stay pseudonyms.
"""

import base64
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from urllib.parse import quote

from wardline.canonical import JSON, Digest, JSONObject
from wardline.evidence.audit.audit_codes import (
    APPLICATION,
    CODINGS,
    DESTINATION_MEDIA,
    EXPORT,
    EXPORT_TYPE,
    SOURCE_ROLE,
    UNKNOWN,
    Code,
    CodeSystem,
    Coding,
)
from wardline.evidence.log import Evidence
from wardline.evidence.mentions import member
from wardline.evidence.signatories import PERSONAL
from wardline.evidence.statements import Statement
from wardline.identity.predicates import Enrolment, Refusal
from wardline.ids import PrincipalId
from wardline.outcomes import Outcome
from wardline.predicates import NAMESPACE, Subject
from wardline.tlog.merkle import leaf_hash

# Audit repositories cut messages off, some at 8 KiB, all that follow IHE not below 32 KiB: an event stays small however
# large its leaf is. What does not fit is counted, and the log index leads to the whole.
MOST_DETAIL_BYTES = 8192
MOST_SUBJECTS = 8
LONGEST_NAME = 128  # characters; what it names is known by its digest
LONGEST_TEXT = 256  # characters
_MACHINE = "m-"  # how an installation calls itself
# What a person signs; a key change may be signed by either.
_BY_PEOPLE = PERSONAL | {Enrolment.predicate_type, f"{NAMESPACE}/key-change/v1"}
_CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,63}", re.ASCII)


class Indicator(StrEnum):
    """How an event ended (PS3.15 A.5.1.1). 12, the audited system itself is unsafe, is nothing a leaf can say."""

    SUCCESS = "0"
    MINOR = "4"  # nothing came of it, and it may be tried again
    SERIOUS = "8"  # it was ended


class Action(StrEnum):
    """What was done (PS3.15 A.5.1.1). PS3.15 A.5.3 prescribes R for an export and E for a security alert."""

    READ = "R"
    EXECUTE = "E"


class ObjectKind(StrEnum):
    PERSON = "1"
    SYSTEM = "2"


class ObjectRole(StrEnum):
    USER_ENTITY = "11"  # whose rights it is about
    SECURITY_RESOURCE = "13"
    JOB = "20"


@dataclass(frozen=True, slots=True, kw_only=True)
class Participant:
    """Somebody or something that took part, by pseudonym."""

    id: str
    requestor: bool
    role: Code | None
    answers_as: Code | None = None  # a person's own role here, e.g. clinical-safety


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    type: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditObject:
    """What an event is about, known by a URI."""

    uri: str
    name: str
    kind: ObjectKind
    role: ObjectRole | None
    details: tuple[Detail, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """One leaf, told to an audit repository.

    Attributes:
        id: The same for the same leaf of the same log, always: sent twice, it can be known as one.
        source: The log's origin.
        kinds: What kind of event, more exactly; the last one is our own code.
        objects: The statement itself first, then its run, then its subjects.
    """

    id: uuid.UUID
    source: str
    index: int
    event: Code
    kinds: tuple[Code, ...]
    action: Action
    recorded_at: datetime
    indicator: Indicator
    description: str
    participants: tuple[Participant, ...]
    objects: tuple[AuditObject, ...]


def audit_event(evidence: Evidence, *, origin: str) -> AuditEvent:
    """Return the event that the leaf `evidence` of the log `origin` is."""
    statement = evidence.statement
    coding = CODINGS.get(statement.predicate_type, UNKNOWN)
    own = _own_code(coding, statement.body)
    return AuditEvent(
        id=event_id(origin, evidence.index),
        source=origin,
        index=evidence.index,
        event=coding.event,
        kinds=(*coding.kinds, own),
        action=Action.READ if coding.event is EXPORT else Action.EXECUTE,
        recorded_at=statement.context.recorded_at,
        indicator=_indicator(statement),
        description=f"{own.code}: {statement.context.outcome}",
        participants=tuple(_participants(statement, origin)),
        objects=tuple(_objects(evidence, coding, origin)),
    )


def log_uri(origin: str) -> str:
    """Return the URI that names the log `origin`. It names, it leads nowhere."""
    return f"https://wardline.dev/log/{quote(origin, safe='/')}"


def event_id(origin: str, index: int) -> uuid.UUID:
    """Return the id of the event at `index` (RFC 9562 version 5: a name, hashed)."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"{log_uri(origin)}/{index}")


def _own_code(coding: Coding, body: JSONObject) -> Code:
    case = None if coding.told_by is None else member(body, *coding.told_by.split("."))
    known = isinstance(case, str) and _CODE.fullmatch(case) is not None
    code = f"{coding.name}.{case}" if known else coding.name
    return _own(code)


def _own(code: str) -> Code:
    return Code(system=CodeSystem.WARDLINE, code=code, display=code.replace("-", " ").replace(".", ": "))


def _indicator(statement: Statement) -> Indicator:
    if statement.predicate_type == Refusal.predicate_type:
        return Indicator.MINOR  # nothing was done; somebody who may can do it
    match statement.context.outcome:
        case Outcome.PASSED:
            return Indicator.SUCCESS
        case Outcome.INCONCLUSIVE:
            return Indicator.MINOR
        case Outcome.FAILED | Outcome.ERRORED:  # nobody could look: as serious as bad, until somebody did
            return Indicator.SERIOUS


def _participants(statement: Statement, origin: str) -> Iterator[Participant]:
    actor, body = statement.context.actor, statement.body
    if statement.predicate_type == EXPORT_TYPE:
        yield Participant(id=actor, requestor=True, role=SOURCE_ROLE)
        yield Participant(id=_whereto(body), requestor=False, role=DESTINATION_MEDIA)
        return
    machine = statement.predicate_type not in _BY_PEOPLE or actor.startswith(_MACHINE)
    tried = body.get("principal") if statement.predicate_type == Refusal.predicate_type else None
    if isinstance(tried, str):
        yield Participant(id=tried, requestor=True, role=None)
    role = body.get("role")
    yield Participant(
        id=actor,
        requestor=not isinstance(tried, str),
        role=APPLICATION if machine else None,
        answers_as=_own(role) if isinstance(role, str) and not machine else None,
    )
    if not machine:  # the process that took the person's word
        yield Participant(id=origin, requestor=False, role=APPLICATION)
    author = body.get("author")
    if isinstance(author, str):
        yield Participant(id=PrincipalId(author), requestor=False, role=None)


def _whereto(body: JSONObject) -> str:
    for name in ("receiver", "content"):
        digest = member(body, name, "sha256")
        if isinstance(digest, str):
            return f"sha256:{digest}"
    return "unknown"


def _objects(evidence: Evidence, coding: Coding, origin: str) -> Iterator[AuditObject]:
    statement = evidence.statement
    yield AuditObject(
        uri=f"{log_uri(origin)}/{evidence.index}",
        name=f"statement {evidence.index}",
        kind=ObjectKind.SYSTEM,
        role=ObjectRole.SECURITY_RESOURCE,
        details=_within_limits(_details(evidence, coding)),
    )
    run = statement.context.run
    if run is not None:
        yield AuditObject(
            uri=f"{log_uri(origin)}/run/{quote(run, safe='')}",
            name=run[:LONGEST_NAME],
            kind=ObjectKind.SYSTEM,
            role=ObjectRole.JOB,
        )
    for subject in statement.subjects[:MOST_SUBJECTS]:
        yield _about(subject)


def _about(subject: Subject) -> AuditObject:
    person = subject.name == "principal"
    return AuditObject(
        uri=_digest_uri(subject.digest),
        name=subject.name[:LONGEST_NAME],
        kind=ObjectKind.PERSON if person else ObjectKind.SYSTEM,
        role=ObjectRole.USER_ENTITY if person else None,
        details=(Detail(type="digest", value=str(subject.digest)),),
    )


def _digest_uri(digest: Digest) -> str:
    """Return the URI of what has this digest (RFC 6920)."""
    return "ni:///sha-256;" + base64.urlsafe_b64encode(bytes.fromhex(digest.hex)).decode().rstrip("=")


def _details(evidence: Evidence, coding: Coding) -> Iterator[Detail]:
    statement = evidence.statement
    yield Detail(type="index", value=str(evidence.index))
    yield Detail(type="leaf-hash", value=f"sha256:{leaf_hash(evidence.envelope.encode()).hex()}")
    yield Detail(type="predicate-type", value=statement.predicate_type)
    yield Detail(type="step", value=statement.context.step)
    yield Detail(type="outcome", value=statement.context.outcome)
    if statement.context.run is not None:
        yield Detail(type="run", value=statement.context.run)
    if len(statement.subjects) > MOST_SUBJECTS:
        yield Detail(type="subjects", value=str(len(statement.subjects)))
    for name, path in coding.details.items():
        # A control that three policies speak to is told once.
        for value in dict.fromkeys(_values(statement.body, path.split("."))):
            yield Detail(type=name, value=value)


def _values(value: JSON, path: list[str]) -> Iterator[str]:
    """Yield what lies at `path` as text; of a list, what lies there in each of its items."""
    match value:
        case list():
            for item in value:
                yield from _values(item, path)
        case dict() if path:
            yield from _values(value.get(path[0]), path[1:])
        case {"sha256": str(digest)}:
            yield f"sha256:{digest}"
        case bool() if not path:
            yield str(value).lower()
        case str() | int() if not path and value != "":
            yield str(value)
        case _:
            return


def _within_limits(details: Iterator[Detail]) -> tuple[Detail, ...]:
    kept: list[Detail] = []
    used = left_out = 0
    for detail in details:
        short = Detail(type=detail.type, value=_shortened(detail.value))
        size = len(short.value.encode())
        if used + size > MOST_DETAIL_BYTES or left_out:
            left_out += 1
            continue
        kept.append(short)
        used += size + len(short.type) + 48  # with what a format puts around it
    return (*kept, Detail(type="left-out", value=str(left_out))) if left_out else tuple(kept)


def _shortened(value: str) -> str:
    return value if len(value) <= LONGEST_TEXT else f"{value[: LONGEST_TEXT - 1]}…"
