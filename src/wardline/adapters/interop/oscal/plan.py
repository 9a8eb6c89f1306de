"""The least assessment plan that results can refer to: what is looked at, by what, against which controls."""

from wardline.adapters.interop.oscal.components import wardline
from wardline.adapters.interop.oscal.names import (
    COMPONENTS,
    PLAN,
    Document,
    Names,
    about,
    catalogue_file,
    control_token,
    metadata,
    properties,
)
from wardline.canonical import JSON, JSONObject
from wardline.controls.assessed import Assessed

_NO_SSP = "No system security plan is kept by Wardline. The service's own stands in this place, where there is one."


def assessment_plan(assessed: Assessed) -> Document:
    """Return the plan that the results of this release follow."""
    names = Names(assessed.origin)
    ssp = names.uuid("no-ssp", assessed.service)
    resources: list[JSON] = [
        {"uuid": ssp, "title": "System security plan", "description": _NO_SSP},
        {
            "uuid": names.uuid("components"),
            "title": "What evidence can answer",
            "rlinks": [{"href": COMPONENTS}],
        },
    ]
    resources += [
        {
            "uuid": names.uuid("catalog", catalogue.id),
            "title": catalogue.title,
            "rlinks": [{"href": catalogue_file(catalogue)}],
        }
        for catalogue, _ in assessed.coverage.catalogues
    ]
    body: JSONObject = {
        "import-ssp": {"href": f"#{ssp}", "remarks": _NO_SSP},
        "local-definitions": {"components": [this_system(assessed)]},
        "reviewed-controls": reviewed_controls(assessed),
        "assessment-subjects": [
            {
                "type": "component",
                "include-subjects": [{"subject-uuid": names.uuid("service", assessed.service), "type": "component"}],
            }
        ],
        "assessment-assets": assets(assessed),
        "back-matter": {"resources": resources},
    }
    head = metadata(f"How evidence of {about(assessed)} is held against controls", assessed)
    return names.document(PLAN, "assessment-plan", head, body)


def this_system(assessed: Assessed) -> JSONObject:
    """Return the service as the system that is looked at."""
    return {
        "uuid": Names(assessed.origin).uuid("service", assessed.service),
        "type": "this-system",
        "title": assessed.service or "a service without a name",
        "description": f"The service as run {assessed.run} delivers it.",
        "props": properties({"run": assessed.run, "environment": assessed.environment}),
        "status": {"state": "other", "remarks": "Whether it runs, the deployments in the log say."},
    }


def assets(assessed: Assessed) -> JSONObject:
    """Return what looks: Wardline."""
    tool = wardline(assessed)
    uses: JSONObject = {"component-uuid": tool["uuid"]}
    platform: JSONObject = {
        "uuid": Names(assessed.origin).uuid("platform"),
        "title": assessed.origin,
        "uses-components": [uses],
    }
    return {"components": [tool | {"status": {"state": "operational"}}], "assessment-platforms": [platform]}


def reviewed_controls(assessed: Assessed) -> JSONObject:
    """Return every control that was gone through, catalogue by catalogue."""
    selections: list[JSON] = [
        {
            "description": f"Every row of {catalogue.title}, version {catalogue.version}"
            + (". Advice, not law: nothing of it is counted." if catalogue.advisory else "."),
            "props": properties({"catalogue": catalogue.id, "digest": str(catalogue.digest)}),
            "include-controls": [{"control-id": control_token(row.control.id)} for row in rows],
        }
        for catalogue, rows in assessed.coverage.catalogues
    ]
    return {"control-selections": selections}
