"""What is open, as an OSCAL plan of action and milestones: missing rows, accepted findings, reviews owed."""

from wardline.adapters.interop.oscal.names import MILESTONES, Document, Names, about, metadata, properties
from wardline.adapters.interop.oscal.observed import Observed
from wardline.adapters.interop.oscal.plan import assets, this_system
from wardline.canonical import JSON, JSONObject
from wardline.clock import to_rfc3339
from wardline.controls.assessed import Assessed, OwedReview
from wardline.controls.coverage import Row, State

_OPEN = frozenset({State.MISSING, State.WAIVED})


def plan_of_action(assessed: Assessed) -> Document | None:
    """Return what is open; None: nothing is, and OSCAL knows no plan without an item."""
    names, observed = Names(assessed.origin), Observed(assessed)
    rows = [
        row
        for catalogue, rows in assessed.coverage.catalogues
        if not catalogue.advisory
        for row in rows
        if row.state in _OPEN or row.accepted
    ]
    risks, leaves = observed.risks(rows), observed.resources(rows)
    items: list[JSON] = [_missing(names, assessed, observed, row) for row in rows if row.state is State.MISSING]
    items += [_accepted(names, risk) for risk in risks if isinstance(risk, dict)]
    items += [_owed(names, assessed, review) for review in assessed.owed]
    if not items:
        return None
    findings: list[JSON] = [finding for row in rows if (finding := observed.finding(row)) is not None]
    body: JSONObject = {
        "system-id": {
            "identifier-type": "http://ietf.org/rfc/rfc4122",
            "id": names.uuid("service", assessed.service),
        },
        "local-definitions": {"components": [this_system(assessed)], "assessment-assets": assets(assessed)},
    }
    body |= {"observations": [observed.observation(row) for row in rows]} if rows else {}
    body |= {"risks": risks} if risks else {}
    body |= {"findings": findings} if findings else {}
    body["poam-items"] = items
    if leaves:
        body["back-matter"] = {"resources": leaves}
    head = metadata(f"What is open for {about(assessed)}", assessed, *observed.people(rows))
    return names.document(MILESTONES, "plan-of-action-and-milestones", head, body)


def _missing(names: Names, assessed: Assessed, observed: Observed, row: Row) -> JSONObject:
    why = "evidence did not pass, or could not be had" if row.against else "evidence is missing"
    if row.lapsed:
        why = "what a waiver let pass is let pass no longer"
    if row.mapped.gap is not None:
        why = "nothing looks at it yet"
    said: JSONObject = {
        "uuid": names.uuid("item", assessed.run, assessed.environment or "", row.control.id),
        "title": f"{row.control.id}: {why}",
        "description": f"{row.control.title} ({row.control.requirement.value}, {row.control.citation}).",
        "props": properties({"control": row.control.id, "coverage": row.state.value}),
        "related-findings": [{"finding-uuid": observed.finding_uuid(row)}],
    }
    return said if row.person is None else said | {"remarks": f"Left to a person: {row.person}"}


def _accepted(names: Names, risk: JSONObject) -> JSONObject:
    return {
        "uuid": names.uuid("item", str(risk["uuid"])),
        "title": risk["title"],
        "description": risk["description"],
        "props": risk["props"],
        "related-risks": [{"risk-uuid": risk["uuid"]}],
        "remarks": "Mend the finding, or judge anew, before that day.",
    }


def _owed(names: Names, assessed: Assessed, review: OwedReview) -> JSONObject:
    due = None if review.due is None else to_rfc3339(review.due)
    return {
        "uuid": names.uuid("item", "review", str(review.decision)),
        "title": f"Review of an emergency release of {assessed.service} into {review.environment}",
        "description": f"Rules were set aside under break-glass by decision {review.decision} of the log"
        + (", by one person." if due else ", by two people together."),
        "props": properties(
            {
                "decision": review.decision,
                "deployment": review.deployment,
                "since": to_rfc3339(review.opened_at),
                "due": due,
            }
        ),
        "remarks": "Compliance and clinical safety, two people, review it; until then no normal release passes.",
    }
