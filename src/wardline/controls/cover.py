"""The fold: from evidence and what people said to coverage.

What was not seen does not count: evidence that failed, could not look or cannot tell answers nothing, and speaks
against what else is there. A waiver touches a finding and never a control.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from wardline.canonical import JSON
from wardline.controls.catalogue import Catalogue, Control, Requirement, Status
from wardline.controls.coverage import Against, Answered, Coverage, Row
from wardline.controls.library import Library
from wardline.controls.mapping import EvidenceKind, Mapped, Reach
from wardline.controls.said import Claim, Said
from wardline.evidence.log import Evidence
from wardline.evidence.statements import Statement
from wardline.ids import EnvironmentName
from wardline.outcomes import Outcome
from wardline.predicates import NAMESPACE

SCAN = f"{NAMESPACE}/scan/v1"
REHEARSAL = f"{NAMESPACE}/rollback-rehearsal/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The evidence that coverage looks at.

    Attributes:
        run: What one run left, in log order.
        installation: What else the installation said of the types that mappings look for everywhere, in log order.
        environment: Only what was said of this environment, and of none; None: of all.
        doubted: Of statements by a check that let a planted fault pass, by log index, what they are taken for.
    """

    run: Sequence[Evidence]
    installation: Sequence[Evidence]
    environment: EnvironmentName | None = None
    doubted: Mapping[int, Outcome] = field(default_factory=dict)


def installation_types(library: Library, catalogues: Iterable[Catalogue]) -> tuple[str, ...]:
    """Return the predicate types that the mappings of `catalogues` look for in the whole log."""
    wanted = {catalogue.id for catalogue in catalogues}
    rows = (row for mapping in library.mappings if mapping.catalogue in wanted for row in mapping.rows)
    kinds = {answer.evidence for row in rows for answer in row.answers}
    return tuple(sorted({kind.predicate_type for kind in kinds if kind.reach is Reach.INSTALLATION}))


def cover(catalogues: Iterable[Catalogue], library: Library, *, seen: Seen, said: Said, now: datetime) -> Coverage:
    """Return how far `seen` and `said` answer the controls of `catalogues` at `now`."""
    look = _Look(seen, said, now)
    covered = []
    for catalogue in catalogues:
        rows = tuple(look.row(control, library.mapped(control.id)) for control in catalogue.controls)
        covered.append((catalogue, rows))
    return Coverage(at=now, catalogues=tuple(covered))


class _Look:
    """Looks for the evidence of one row after another; what was found of a kind is kept."""

    def __init__(self, seen: Seen, said: Said, now: datetime) -> None:
        self._now = now
        self._run = _last_words(seen.run, seen.environment)
        self._installation = _youngest(seen.installation)
        self._doubted = seen.doubted
        # The last word on a control counts, and where it has ended none: what somebody said before does not return.
        self._attested = {
            control: last
            for control, last in {each.control: each for each in said.attested}.items()
            if now < last.until and last.claim is not Claim.WITHDRAWN
        }
        self._decided = {
            control: last for control, last in {each.control: each for each in said.decided}.items() if now < last.until
        }
        waivers = [
            each for each in said.accepted if seen.environment is None or each.environment in (None, seen.environment)
        ]
        self._accepted = [each for each in waivers if now < each.until]
        standing, relied_on = {each.finding for each in self._accepted}, _relied_on(self._run)
        self._lapsed = [
            each for each in waivers if each.until <= now and each.index in relied_on and each.finding not in standing
        ]
        self._kept: dict[EvidenceKind, tuple[list[Evidence], list[Against]]] = {}

    def row(self, control: Control, mapped: Mapped) -> Row:
        looked = [(answer, *self._found(answer.evidence)) for answer in mapped.answers]
        answered = tuple(
            Answered(answer=answer, indices=tuple(item.index for item in found)) for answer, found, _ in looked if found
        )
        against = {each.index: each for _, _, contrary in looked for each in contrary}
        named = _named(item for _, found, _ in looked for item in found)
        attested, decided = self._attested.get(control.id), self._decided.get(control.id)
        return Row(
            control=control,
            mapped=mapped,
            in_force=_is_in_force(control, self._now),
            answered=answered,
            against=tuple(against[index] for index in sorted(against)),
            attested=attested,
            decided=decided if control.requirement is Requirement.ADDRESSABLE else None,
            accepted=tuple(each for each in self._accepted if each.finding in named),
            lapsed=tuple(each for each in self._lapsed if each.finding in named),
        )

    def _found(self, kind: EvidenceKind) -> tuple[list[Evidence], list[Against]]:
        if kind not in self._kept:
            items = self._run if kind.reach is Reach.RUN else self._installation
            last = [item for item in items if item.statement.predicate_type == kind.predicate_type]
            passed = [item for item in last if self._outcome(item) is Outcome.PASSED]
            others = [item for item in last if self._outcome(item) is not Outcome.PASSED]
            self._kept[kind] = (
                [item for item in passed if kind.matches(_as_far_as_it_allowed(item.statement))],
                [Against(index=item.index, outcome=self._outcome(item)) for item in others],
            )
        return self._kept[kind]

    def _outcome(self, item: Evidence) -> Outcome:
        return self._doubted.get(item.index, item.statement.context.outcome)


def _named(found: Iterable[Evidence]) -> frozenset[str]:
    """Return the findings that scans among `found` name."""
    return frozenset(name for item in found if item.statement.predicate_type == SCAN for name in _findings(item))


def _relied_on(run: Iterable[Evidence]) -> frozenset[int]:
    """Return the leaves that the gates of a run counted on."""
    return frozenset(
        index
        for item in run
        if isinstance(decision := item.statement.body.get("wardline_decision"), dict)
        and isinstance(evidence := decision.get("evidence"), list)
        for index in evidence
        if isinstance(index, int)
    )


def _as_far_as_it_allowed(statement: Statement) -> Statement:
    """Return `statement` without the reasons of policies that did not allow: a rule set aside answers nothing."""
    decision = statement.body.get("wardline_decision")
    if not isinstance(decision, dict) or not isinstance(reasons := decision.get("reasons"), list):
        return statement
    allowed: list[JSON] = [each for each in reasons if isinstance(each, dict) and each.get("verdict") == "allow"]
    return replace(statement, body=statement.body | {"wardline_decision": decision | {"reasons": allowed}})


def _is_in_force(control: Control, now: datetime) -> bool:
    """Return whether it is asked for on the day: proposals as if they were law, and what has no known date too."""
    if control.status is Status.PROPOSED or control.in_force.start is None:
        return True
    return control.in_force.covers(now.date())


def _last_words(items: Iterable[Evidence], environment: EnvironmentName | None) -> list[Evidence]:
    """Return, of each type at each place, the last statement: a gate that was asked again has one answer."""
    last: dict[tuple[str, str], Evidence] = {}
    for item in items:
        place = _place(item)
        if environment is None or place.environment in (None, environment):
            last[item.statement.predicate_type, str(place)] = item
    return sorted(last.values(), key=lambda item: item.index)


def _youngest(items: Iterable[Evidence]) -> list[Evidence]:
    return list({item.statement.predicate_type: item for item in items}.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """What a statement of a run is about, besides the run."""

    environment: str | None
    part: str

    def __str__(self) -> str:
        return f"{self.environment or ''}/{self.part}"


def _place(item: Evidence) -> _Place:
    body = item.statement.body
    decision = body.get("wardline_decision")
    environment = decision.get("environment") if isinstance(decision, dict) else body.get("environment")
    if not isinstance(environment, str) or item.statement.predicate_type == REHEARSAL:
        # A rehearsal says where the way back was walked; it is about the release, wherever that goes.
        return _Place(environment=None, part=item.statement.context.step)
    role = body.get("role")  # two people of two roles say yes to one release
    return _Place(environment=environment, part=role if isinstance(role, str) else "")


def _findings(item: Evidence) -> Iterable[str]:
    findings = item.statement.body.get("findings")
    for finding in findings if isinstance(findings, list) else ():
        name = finding.get("id") if isinstance(finding, dict) else None
        if isinstance(name, str):
            yield name
