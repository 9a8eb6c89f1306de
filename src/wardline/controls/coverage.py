"""Coverage: how far evidence and people answer each control. Never a verdict on the law."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wardline.canonical import JSON, JSONObject
from wardline.clock import to_rfc3339
from wardline.controls.catalogue import Catalogue, Control, Requirement
from wardline.controls.mapping import Answer, Gap, Mapped, Relation
from wardline.controls.said import Accepted, Attested, Choice, Claim, Decided
from wardline.outcomes import Outcome


class State(StrEnum):
    """How far a control is answered."""

    EVIDENCED = "evidenced"
    SUPPORTED = "supported, person needed"
    ATTESTATION = "attestation needed"
    WAIVED = "waived"  # a finding in its evidence is accepted for a while; that meets nothing
    MISSING = "missing"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An answer that is there, and the log indices of its evidence."""

    answer: Answer
    indices: tuple[int, ...]

    def to_json(self) -> JSONObject:
        return {
            "relation": self.answer.relation.value,
            "predicate_type": self.answer.evidence.predicate_type,
            "indices": list(self.indices),
            "scope": self.answer.scope,
            "rationale": self.answer.rationale,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Against:
    """Evidence that was looked for and did not pass."""

    index: int
    outcome: Outcome

    def to_json(self) -> JSONObject:
        return {"index": self.index, "outcome": self.outcome.value}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What bears on one control, and how far it is answered by that.

    Attributes:
        in_force: Whether it is asked for on the day.
        accepted: Waivers of findings in its evidence.
        lapsed: Waivers that a gate counted on when the release went on, and that have ended since.
    """

    control: Control
    mapped: Mapped
    in_force: bool
    answered: tuple[Answered, ...]
    against: tuple[Against, ...]
    attested: Attested | None
    decided: Decided | None
    accepted: tuple[Accepted, ...]
    lapsed: tuple[Accepted, ...] = ()

    @property
    def state(self) -> State:
        if not self.in_force or self._is_said_not_to_apply:
            return State.NOT_APPLICABLE
        if self.against or self.lapsed:
            # It was not good, or nobody could look, or what was let pass is let pass no longer: nothing outweighs that.
            return State.MISSING
        state = self._answered_so_far
        # (45 CFR 164.306(d)(2)) An accepted finding is no fulfilment, of a required specification least of all.
        return State.WAIVED if self.accepted and state is not State.MISSING else state

    @property
    def person(self) -> str | None:
        """What stays for a person; None: nothing that is known here."""
        if self.state is State.NOT_APPLICABLE:
            return None
        vouched = self.attested is not None or self.decided is not None
        return None if vouched and self.state is State.EVIDENCED else self.mapped.person

    @property
    def indices(self) -> tuple[int, ...]:
        """Every leaf of the log that bears on the row."""
        said = (each.index for each in (self.attested, self.decided, *self._waivers, *self.against) if each is not None)
        return tuple(sorted({*(index for each in self.answered for index in each.indices), *said}))

    @property
    def _waivers(self) -> tuple[Accepted, ...]:
        return (*self.accepted, *self.lapsed)

    @property
    def wants_decision(self) -> bool:
        """Whether the row is addressable and neither carried out nor decided about."""
        open_ = self.state in {State.SUPPORTED, State.ATTESTATION, State.MISSING, State.WAIVED}
        return self.control.requirement is Requirement.ADDRESSABLE and open_ and self.decided is None

    @property
    def _answered_so_far(self) -> State:
        relations = {each.answer.relation for each in self.answered}
        if Relation.SATISFIES in relations:
            return State.EVIDENCED
        if Relation.SUPPORTS in relations:
            return State.EVIDENCED if self._is_vouched_for else State.SUPPORTED
        if Relation.INDICATES in relations or self.mapped.gap is Gap.ORGANISATIONAL:
            return State.EVIDENCED if self._is_vouched_for else State.ATTESTATION
        # Evidence that could be there and is not: a person's word does not stand in for it. Where none can be, it does.
        return State.EVIDENCED if self._is_vouched_for and self.mapped.gap is Gap.NOT_BUILT else State.MISSING

    @property
    def _is_said_not_to_apply(self) -> bool:
        attested = self.attested is not None and self.attested.claim is Claim.NOT_APPLICABLE
        return attested or (self.decided is not None and self.decided.choice is Choice.NOT_REASONABLE)

    @property
    def _is_vouched_for(self) -> bool:
        attested = self.attested is not None and self.attested.claim is Claim.IN_PLACE
        return attested or (self.decided is not None and self.decided.choice is not Choice.NOT_REASONABLE)

    def to_json(self) -> JSONObject:
        answered: list[JSON] = [each.to_json() for each in self.answered]
        against: list[JSON] = [each.to_json() for each in self.against]
        return {
            "control": self.control.id,
            "title": self.control.title,
            "citation": self.control.citation,
            "requirement": self.control.requirement.value,
            "checked": self.control.checked is not None,
            "state": self.state.value,
            "answered": answered,
            "against": against,
            "gap": None if self.mapped.gap is None else self.mapped.gap.value,
            "what": self.mapped.what,
            "person": self.person,
            "wants_decision": self.wants_decision,
            "attested": _attested_to_json(self.attested),
            "decided": _decided_to_json(self.decided),
            "accepted": [_accepted_to_json(each) for each in self.accepted],
            "lapsed": [_accepted_to_json(each) for each in self.lapsed],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """The rows of each catalogue that was asked about, in the order of the law."""

    at: datetime
    catalogues: tuple[tuple[Catalogue, tuple[Row, ...]], ...]

    @property
    def counts(self) -> Mapping[State, int]:
        """How many rows are in which state; advisory catalogues are not counted."""
        counted = Counter(row.state for catalogue, rows in self.catalogues for row in rows if not catalogue.advisory)
        return {state: counted[state] for state in State}

    def to_json(self) -> JSONObject:
        return {
            "at": to_rfc3339(self.at),
            "counts": {state.value: count for state, count in self.counts.items()},
            "catalogues": [_catalogue_to_json(catalogue, rows) for catalogue, rows in self.catalogues],
        }


def _attested_to_json(said: Attested | None) -> JSON:
    if said is None:
        return None
    return {"index": said.index, "claim": said.claim.value, "by": said.by, "until": to_rfc3339(said.until)}


def _decided_to_json(said: Decided | None) -> JSON:
    if said is None:
        return None
    return {"index": said.index, "choice": said.choice.value, "by": said.by, "until": to_rfc3339(said.until)}


def _accepted_to_json(said: Accepted) -> JSON:
    return {"index": said.index, "finding": said.finding, "until": to_rfc3339(said.until)}


def _catalogue_to_json(catalogue: Catalogue, rows: Iterable[Row]) -> JSONObject:
    return {
        "id": catalogue.id,
        "version": catalogue.version,
        "digest": str(catalogue.digest),
        "status": catalogue.status.value,
        "advisory": catalogue.advisory,
        "rows": [row.to_json() for row in rows],
    }
