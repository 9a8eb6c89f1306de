"""OSCAL documents held against IBM's compliance-trestle: its models, its validators, its way of writing them."""

import importlib
import json
from typing import Any

from wardline.adapters.interop.oscal.names import Document
from wardline.errors import IntegrityViolation, Unavailable

_MODELS = {
    "catalog": ("catalog", "Catalog"),
    "component-definition": ("component", "ComponentDefinition"),
    "assessment-plan": ("assessment_plan", "AssessmentPlan"),
    "assessment-results": ("assessment_results", "AssessmentResults"),
    "plan-of-action-and-milestones": ("poam", "PlanOfActionAndMilestones"),
}


def check_installed() -> None:
    """Return if trestle is there.

    Raises:
        Unavailable: It is not.
    """
    _imported("trestle.oscal.catalog")


def written(document: Document) -> bytes:
    """Return the bytes of `document`, as trestle writes them.

    Raises:
        IntegrityViolation: Trestle does not accept the document, or reads something else than was said.
        Unavailable: Trestle is not installed.
    """
    module, name = _MODELS[document.root]
    model = getattr(_imported(f"trestle.oscal.{module}"), name)
    _imported("trestle.core.validator_factory")  # first: it and all_validator import each other
    every = _imported("trestle.core.all_validator").AllValidator()
    invalid = _imported("pydantic").ValidationError
    try:
        read = model.model_validate(document.content)
    except invalid as error:
        first = error.errors()[0]
        place = ".".join(str(step) for step in first["loc"])
        raise IntegrityViolation(f"{document.file} {place}: trestle does not accept it: {first['msg']}") from error
    if not every.model_is_valid(read, True):  # noqa: FBT003  # trestle takes it by place
        raise IntegrityViolation(f"{document.file}: trestle does not accept it: {every.error_msg()}")
    content = bytes(read.oscal_serialize_json_bytes(pretty=True))
    if json.loads(content) != _plain(document):
        raise IntegrityViolation(f"{document.file}: trestle reads something else than was said")
    return content + b"\n"


def _plain(document: Document) -> object:
    return json.loads(json.dumps(document.json))


def _imported(module: str) -> Any:  # noqa: ANN401  # trestle's models are made by a generator
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise Unavailable(
            f"OSCAL documents are held against compliance-trestle, which is not there: {error.name}",
            remedy="Install it beside Wardline: pip install 'wardline[oscal]'.",
        ) from error
