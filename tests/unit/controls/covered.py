"""Evidence, catalogues and mappings made up for one test."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from wardline.canonical import Digest, JSONObject
from wardline.controls.catalogue import Catalogue, Control, Kind, Period, Requirement, Section, Status
from wardline.controls.cover import Seen, cover
from wardline.controls.coverage import Coverage, Row
from wardline.controls.library import Library
from wardline.controls.mapping import Answer, CatalogueMapping, Condition, EvidenceKind, Gap, Mapped, Reach, Relation
from wardline.controls.said import Said
from wardline.evidence.envelopes import Envelope
from wardline.evidence.log import Evidence
from wardline.evidence.statements import Context, Statement
from wardline.ids import EnvironmentName, PrincipalId, RunId
from wardline.outcomes import Outcome
from wardline.predicates import NAMESPACE, Subject

NOW = datetime(2026, 11, 25, 9, tzinfo=UTC)
LATER = NOW + timedelta(days=30)
RUN = RunId("r-0000000001")
ID = "law:1"
SCAN, SEAL, ENROLMENT = (f"{NAMESPACE}/{name}/v1" for name in ("scan", "seal", "enrolment"))
DECISION = "https://slsa.dev/verification_summary/v1"


def said(
    index: int,
    kind: str = SCAN,
    body: JSONObject | None = None,
    *,
    outcome: Outcome = Outcome.PASSED,
    step: str | None = None,
    run: RunId | None = RUN,
) -> Evidence:
    context = Context(
        run=run,
        step=step or f"step-{index}",
        attempt=1,
        recorded_at=NOW,
        actor=PrincipalId("m-1"),
        outcome=outcome,
    )
    about = (Subject(name="artifact", digest=Digest.of(b"artifact")),)
    statement = Statement(predicate_type=kind, subjects=about, context=context, body=body or {})
    envelope = Envelope(payload=statement.encode(), payload_type="application/vnd.in-toto+json", signatures=())
    return Evidence(index=index, key=context.key, envelope=envelope, statement=statement)


def kind(predicate_type: str = SCAN, *where: Condition, reach: Reach = Reach.RUN) -> EvidenceKind:
    return EvidenceKind(predicate_type=predicate_type, where=where, reach=reach)


def answer(relation: Relation = Relation.SUPPORTS, evidence: EvidenceKind | None = None) -> Answer:
    return Answer(evidence=evidence or kind(), relation=relation, scope="this release", rationale="because")


def control(requirement: Requirement = Requirement.REQUIRED, **changes: object) -> Control:
    made = Control(
        id=ID,
        section="all",
        kind=Kind.SPEC,
        requirement=requirement,
        title="One",
        paraphrase="Do it.",
        citation="Law 1",
        in_force=Period(start=NOW.date(), end=None),
        status=Status.IN_FORCE,
        checked=None,
        crosswalk=(),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def library(asked: Control, *answers: Answer, gap: Gap | None = None, advisory: bool = False) -> Library:
    law = Catalogue(
        id="law",
        version=1,
        title="A law",
        publisher="Somebody",
        jurisdiction="EU",
        source="https://law.example",
        status=asked.status,
        advisory=advisory,
        regulations=("law",),
        dates="now",
        crosswalk_checked=False,
        sections=(Section(id="all", title="All", citation="Law"),),
        controls=(asked,),
    )
    row = Mapped(
        control=asked.id, answers=answers, gap=gap, what=None if gap is None else "it", person="Look at the rest."
    )
    return Library(catalogues=(law,), mappings=(CatalogueMapping(catalogue="law", version=1, rows=(row,)),))


def coverage(
    books: Library,
    *evidence: Evidence,
    words: Said | None = None,
    environment: str | None = None,
    now: datetime = NOW,
) -> Coverage:
    seen = Seen(
        run=[item for item in evidence if item.statement.context.run is not None],
        installation=[item for item in evidence if item.statement.context.run is None],
        environment=None if environment is None else EnvironmentName(environment),
    )
    return cover(books.catalogues, books, seen=seen, said=words or Said(), now=now)


def row(books: Library, *evidence: Evidence, **rest: object) -> Row:
    ((_, (found,)),) = coverage(books, *evidence, **rest).catalogues  # type: ignore[arg-type]
    return found
