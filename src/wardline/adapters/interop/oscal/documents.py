"""All OSCAL documents of one assessment: made, held against trestle and against each other."""

from wardline.adapters.interop.oscal.catalogs import catalogs
from wardline.adapters.interop.oscal.components import component_definition
from wardline.adapters.interop.oscal.milestones import plan_of_action
from wardline.adapters.interop.oscal.names import Document
from wardline.adapters.interop.oscal.observed import evidence_file
from wardline.adapters.interop.oscal.plan import assessment_plan
from wardline.adapters.interop.oscal.references import check_references
from wardline.adapters.interop.oscal.results import assessment_results
from wardline.adapters.interop.oscal.trestle import check_installed, written
from wardline.controls.assessed import Assessed


def documents(assessed: Assessed) -> tuple[Document, ...]:
    """Return the documents of `assessed`, each reference of which leads somewhere.

    Raises:
        InvalidInput: A catalogue has ids that OSCAL cannot tell apart.
        IntegrityViolation: A reference leads nowhere.
    """
    milestones = plan_of_action(assessed)
    made = (
        *catalogs(assessed),
        component_definition(assessed),
        assessment_plan(assessed),
        assessment_results(assessed),
        *(() if milestones is None else (milestones,)),
    )
    check_references(made, (evidence_file(leaf) for leaf in assessed.leaves.values()))
    return made


def files(assessed: Assessed) -> dict[str, bytes]:
    """Return the files of an export by their relative paths: the documents, and the leaves they name.

    Raises:
        InvalidInput, IntegrityViolation: As `documents`, and where trestle does not accept one.
        Unavailable: Trestle is not installed.
    """
    check_installed()
    leaves = {evidence_file(leaf): leaf.content for leaf in assessed.leaves.values()}
    return {document.file: written(document) for document in documents(assessed)} | leaves
