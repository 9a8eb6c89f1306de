"""Rows of coverage as OSCAL observations, findings and risks, with the leaves of the log that they rest on."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from wardline.adapters.interop.oscal.names import Names, about, moment, properties, statement_token
from wardline.canonical import JSON, JSONObject
from wardline.clock import to_rfc3339
from wardline.controls.assessed import Assessed, Leaf
from wardline.controls.coverage import Row, State
from wardline.controls.said import Accepted
from wardline.predicates import NAMESPACE

EVIDENCE = "evidence"  # the folder of the leaves, beside the documents

# OSCAL knows two states. What is not evidenced is not satisfied; why, the reason and our own property say.
_REASONS = {
    State.EVIDENCED: "pass",
    State.SUPPORTED: "other",
    State.ATTESTATION: "other",
    State.WAIVED: "other",
    State.MISSING: "fail",
}


class Observed:
    """Says the rows of one assessment; the same row is the same thing in every document."""

    def __init__(self, assessed: Assessed) -> None:
        self._assessed = assessed
        self._names = Names(assessed.origin)
        self._about = (assessed.run, assessed.environment or "")

    def observation(self, row: Row) -> JSONObject:
        names, control = self._names, row.control
        vouched = [each for each in (row.attested, row.decided) if each is not None]
        said: JSONObject = {
            "uuid": self._uuid("observation", control.id),
            "title": f"{control.id}: {row.state.value}",
            "description": f"{control.title} ({control.requirement.value}, {control.citation}): {row.state.value}, "
            f"for {about(self._assessed)}.",
            "props": properties(
                {
                    "control": control.id,
                    "coverage": row.state.value,
                    "requirement": control.requirement.value,
                    "gap": None if row.mapped.gap is None else row.mapped.gap.value,
                    "wants-decision": "yes" if row.wants_decision else None,
                    "held-against-the-law": "no" if control.checked is None else "yes",
                }
            ),
            "methods": ["EXAMINE", "INTERVIEW"] if vouched else ["EXAMINE"],
            "types": ["control-objective"],
            "origins": [{"actors": [{"type": "tool", "actor-uuid": names.uuid("wardline")}]}],
            "subjects": [{"subject-uuid": names.uuid("service", self._assessed.service), "type": "component"}],
            "collected": moment(self._assessed.changed_at),
        }
        evidence = self._evidence(row)
        ends = [each.until for each in (*vouched, *row.accepted)]
        rest = _told(row)
        return (
            said
            | ({"relevant-evidence": evidence} if evidence else {})
            | ({"expires": moment(min(ends))} if ends else {})
            | ({"remarks": rest} if rest else {})
        )

    def finding(self, row: Row) -> JSONObject | None:
        """Return whether the control is met by what was seen; None: it does not apply, so nothing was found."""
        if row.state not in _REASONS:
            return None
        control, risks = row.control, [self._risk_uuid(each) for each in row.accepted]
        state = "satisfied" if row.state is State.EVIDENCED else "not-satisfied"
        said: JSONObject = {
            "uuid": self._uuid("finding", control.id),
            "title": f"{control.id}: {row.state.value}",
            "description": _meaning(row),
            "props": properties({"coverage": row.state.value}),
            "target": {
                "type": "statement-id",
                "target-id": statement_token(control.id),
                "status": {"state": state, "reason": _REASONS[row.state], "remarks": row.state.value},
            },
            "related-observations": [{"observation-uuid": self._uuid("observation", control.id)}],
        }
        return said | ({"related-risks": [{"risk-uuid": risk} for risk in risks]} if risks else {})

    def risks(self, rows: Iterable[Row]) -> list[JSON]:
        """Return each finding that a waiver lets pass, as a risk accepted until the waiver ends."""
        touched: dict[int, tuple[Accepted, list[str]]] = {}
        for row in rows:
            for accepted in row.accepted:
                touched.setdefault(accepted.index, (accepted, []))[1].append(row.control.id)
        return [self._risk(accepted, controls) for _, (accepted, controls) in sorted(touched.items())]

    def resources(self, rows: Iterable[Row]) -> list[JSON]:
        """Return the leaves that `rows` name, each with its file."""
        named = sorted({index for row in rows for index in row.indices})
        return [self._resource(self._assessed.leaves[index]) for index in named]

    def people(self, rows: Iterable[Row]) -> list[JSON]:
        """Return those whose word `rows` count, by their pseudonyms."""
        named = sorted({each.by for row in rows for each in (row.attested, row.decided) if each is not None})
        return [{"uuid": self._names.uuid("person", name), "type": "person", "name": name} for name in named]

    def finding_uuid(self, row: Row) -> str:
        return self._uuid("finding", row.control.id)

    def _risk(self, accepted: Accepted, controls: list[str]) -> JSONObject:
        until = to_rfc3339(accepted.until)
        return {
            "uuid": self._risk_uuid(accepted),
            "title": f"Finding {accepted.finding} is accepted until {_day(accepted.until)}",
            "description": f"A signed waiver at log index {accepted.index} lets the finding pass until {until}.",
            "statement": "The finding is not mended. The waiver meets no control: those it touches are not satisfied.",
            "props": properties(
                {
                    "accepted-until": until,
                    "finding": accepted.finding,
                    "environment": accepted.environment,
                    "log-index": accepted.index,
                }
            ),
            "links": [{"href": f"#{self._resource_uuid(accepted.index)}", "rel": "reference"}],
            "status": "deviation-approved",
            "deadline": moment(accepted.until),
            "related-observations": [{"observation-uuid": self._uuid("observation", each)} for each in controls],
        }

    def _evidence(self, row: Row) -> list[JSON]:
        found: list[JSON] = []
        for answered in row.answered:
            told = f"{answered.answer.relation.value}: {answered.answer.rationale}"
            more = {"relation": answered.answer.relation.value, "scope": answered.answer.scope}
            found += [self._relevant(index, told, more) for index in answered.indices]
        for against in row.against:
            told = f"looked for, and {against.outcome.value}"
            found.append(self._relevant(against.index, told, {"outcome": against.outcome.value}))
        for index, said, by, until in _words(row):
            found.append(self._relevant(index, f"{said}, until {_day(until)}", {"by": by, "until": to_rfc3339(until)}))
        return found

    def _relevant(self, index: int, told: str, more: Mapping[str, str | None]) -> JSONObject:
        return {
            "href": f"#{self._resource_uuid(index)}",
            "description": f"log index {index}, {told}",
            "props": properties({"log-index": index, **more}),
        }

    def _resource(self, leaf: Leaf) -> JSONObject:
        return {
            "uuid": self._resource_uuid(leaf.index),
            "title": f"log index {leaf.index}: {leaf.predicate_type.removeprefix(f'{NAMESPACE}/')}",
            "props": properties(
                {
                    "log-index": leaf.index,
                    "leaf-hash": leaf.leaf_hash,
                    "predicate-type": leaf.predicate_type,
                    "outcome": leaf.outcome.value,
                    "recorded-at": to_rfc3339(leaf.recorded_at),
                }
            ),
            "rlinks": [
                {
                    "href": evidence_file(leaf),
                    "media-type": "application/vnd.dsse.envelope.v1+json",
                    "hashes": [{"algorithm": "SHA-256", "value": leaf.digest.hex}],
                }
            ],
        }

    def _uuid(self, what: str, control: str) -> str:
        return self._names.uuid(what, *self._about, control)

    def _risk_uuid(self, accepted: Accepted) -> str:
        return self._names.uuid("risk", *self._about, str(accepted.index))

    def _resource_uuid(self, index: int) -> str:
        return self._names.uuid("leaf", str(index))


def evidence_file(leaf: Leaf) -> str:
    return f"{EVIDENCE}/{leaf.index}.json"


def _words(row: Row) -> Iterable[tuple[int, str, str | None, datetime]]:
    if row.attested is not None:
        yield row.attested.index, f"attested {row.attested.claim.value}", row.attested.by, row.attested.until
    if row.decided is not None:
        yield row.decided.index, f"decided {row.decided.choice.value}", row.decided.by, row.decided.until
    for each in row.accepted:
        yield each.index, f"a waiver lets {each.finding} pass; that meets nothing", None, each.until
    for each in row.lapsed:
        yield each.index, f"a waiver let {each.finding} pass, and has ended", None, each.until


def _told(row: Row) -> str:
    """Return what stays to be done, or an empty text."""
    open_ = row.state is State.MISSING and row.mapped.gap is not None
    gap = [f"Nothing looks at it yet; what would answer it: {row.mapped.what}."] if open_ else []
    person = [] if row.person is None else [f"Left to a person: {row.person}"]
    wants = ["Addressable: carry it out, or decide in writing (45 CFR 164.306(d)(3))."] if row.wants_decision else []
    return " ".join((*gap, *person, *wants))


def _meaning(row: Row) -> str:
    match row.state:
        case State.EVIDENCED:
            return "Evidence, or a person's signed word for what evidence leaves, answers it within the scope named."
        case State.SUPPORTED:
            return "Evidence is a part of it; a person answers for the rest, and nobody has yet."
        case State.ATTESTATION:
            return "Only a person can answer it, and nobody has yet."
        case State.WAIVED:
            accepted = ", ".join(f"{each.finding} until {_day(each.until)}" for each in row.accepted)
            return f"Its evidence shows findings that a waiver lets pass: {accepted}. That meets nothing."
        case _:
            return "Evidence that could be there is not, or did not pass; or nothing looks at it yet."


def _day(moment: datetime) -> str:
    return to_rfc3339(moment)[:10]
