"""Coverage as OSCAL assessment results: one observation for each row, one finding for each that applies."""

from wardline.adapters.interop.oscal.names import PLAN, RESULTS, Document, Names, about, metadata, moment, properties
from wardline.adapters.interop.oscal.observed import Observed
from wardline.adapters.interop.oscal.plan import reviewed_controls
from wardline.canonical import JSON, JSONObject
from wardline.controls.assessed import Assessed

_STATES = (
    "`satisfied` is said only where coverage reads `evidenced`. Where a person is still needed, where a finding is "
    "accepted for a while, and where evidence is missing, a control is `not-satisfied`; the property `coverage` says "
    "which. What does not apply has an observation and no finding."
)


def assessment_results(assessed: Assessed) -> Document:
    """Return how far each control is answered, with the evidence."""
    names, observed = Names(assessed.origin), Observed(assessed)
    rows = [row for _, rows in assessed.coverage.catalogues for row in rows]
    observations: list[JSON] = [observed.observation(row) for row in rows]
    findings: list[JSON] = [finding for row in rows if (finding := observed.finding(row)) is not None]
    risks, leaves = observed.risks(rows), observed.resources(rows)
    counts: dict[str, str | int | None] = {
        f"count-{state.value.replace(',', '').replace(' ', '-')}": count
        for state, count in assessed.coverage.counts.items()
    }
    result: JSONObject = {
        "uuid": names.uuid("result", assessed.run, assessed.environment or ""),
        "title": f"Coverage of {about(assessed)}",
        "description": _STATES,
        "start": moment(assessed.began_at),
        "end": moment(assessed.changed_at),
        "props": properties({"run": assessed.run, "environment": assessed.environment, **counts}),
        "reviewed-controls": reviewed_controls(assessed),
        "observations": observations,
    }
    result |= ({"risks": risks} if risks else {}) | ({"findings": findings} if findings else {})
    body: JSONObject = {"import-ap": {"href": PLAN}, "results": [result]}
    if leaves:
        body["back-matter"] = {"resources": leaves}
    head = metadata(f"How far evidence of {about(assessed)} answers controls", assessed, *observed.people(rows))
    return names.document(RESULTS, "assessment-results", head, body)
