"""What OSCAL documents call things: uuids, tokens, properties, and the head that every document has."""

import json
import re
import uuid
from dataclasses import dataclass
from datetime import datetime

from wardline.canonical import JSON, JSONObject, digest_of
from wardline.clock import to_rfc3339
from wardline.controls.assessed import Assessed
from wardline.controls.catalogue import Catalogue
from wardline.errors import InvalidInput
from wardline.predicates import NAMESPACE

OSCAL_VERSION = "1.2.1"
OURS = NAMESPACE.replace("predicates", "oscal")  # the namespace of our properties

COMPONENTS, PLAN = "component-definition.json", "assessment-plan.json"
RESULTS, MILESTONES = "assessment-results.json", "plan-of-action-and-milestones.json"

_NOT_A_LAW = (
    "This lists evidence and what is missing of it. Whether a law is satisfied is for people to judge. People appear "
    "under their pseudonyms."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One file: its name, the name of its root member, and what is in it."""

    file: str
    root: str
    content: JSONObject

    @property
    def json(self) -> JSONObject:
        return {self.root: self.content}


class Names:
    """Names that the same thing has in every export of the same log, and nothing else has."""

    def __init__(self, origin: str) -> None:
        self._space = uuid.uuid5(uuid.NAMESPACE_URL, f"{OURS}/{origin}")

    def uuid(self, *parts: str) -> str:
        # As a list, so that ("a", "b/c") and ("a/b", "c") are two things.
        return str(uuid.uuid5(self._space, json.dumps(parts)))

    def document(self, file: str, root: str, head: JSONObject, body: JSONObject) -> Document:
        """Return the document with a uuid over all it says: OSCAL wants another one for every change of a document."""
        identifier = self.uuid(file, str(digest_of({"metadata": head, **body})))
        return Document(file=file, root=root, content={"uuid": identifier, "metadata": head, **body})


def metadata(title: str, assessed: Assessed, *more: JSON) -> JSONObject:
    """Return the head of a document; `more` are further parties."""
    names = Names(assessed.origin)
    ours: JSONObject = {"uuid": names.uuid("installation"), "type": "organization", "name": assessed.origin}
    return {
        "title": title,
        "last-modified": moment(assessed.changed_at),
        "version": to_rfc3339(assessed.changed_at),
        "oscal-version": OSCAL_VERSION,
        "props": properties({"made-by": f"wardline {assessed.made_by}", "log": assessed.origin}),
        "parties": [ours, *more],
        "remarks": _NOT_A_LAW,
    }


def properties(values: dict[str, str | int | None]) -> list[JSON]:
    """Return our properties with these values; those without one are left out."""
    return [{"name": name, "ns": OURS, "value": str(value)} for name, value in values.items() if value is not None]


def control_token(control: str) -> str:
    """Return the id of `control` as OSCAL can spell it: `hipaa:164.308(a)(8)` is `hipaa_164.308_a_8`."""
    token = re.sub(r"[^A-Za-z0-9.-]", "_", control.removesuffix(")").replace(")(", "("))
    return token if token[0].isalpha() else f"_{token}"


def statement_token(control: str) -> str:
    return f"{control_token(control)}_smt"


def moment(at: datetime) -> str:
    """Return `at` as trestle spells a moment: with an offset, and without a fraction of zero."""
    return to_rfc3339(at).removesuffix("Z").removesuffix(".000") + "+00:00"


def about(assessed: Assessed) -> str:
    """Return what was looked at, in words."""
    where = "" if assessed.environment is None else f" in {assessed.environment}"
    return f"run {assessed.run} of {assessed.service or 'a service without a name'}{where}"


def catalogue_file(catalogue: Catalogue) -> str:
    return f"catalog-{catalogue.id}.json"


def check_tokens(catalogue: Catalogue) -> None:
    """Return if OSCAL can tell the controls of `catalogue` apart.

    Raises:
        InvalidInput: Two of them would have one id.
    """
    spelled: dict[str, str] = {}
    for control in catalogue.controls:
        other = spelled.setdefault(control_token(control.id), control.id)
        if other != control.id:
            raise InvalidInput(f"catalogue {catalogue.id}: OSCAL cannot tell {other} from {control.id}")
