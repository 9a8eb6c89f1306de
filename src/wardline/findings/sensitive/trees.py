"""Documents of keys and values: the path to a value says what it is, in FHIR by its resource (FHIR R4)."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from wardline.findings.sensitive.allowed import is_placeholder
from wardline.findings.sensitive.classes import SensitiveClass as C
from wardline.findings.sensitive.meaning import fits, is_about_a_person, kind_of_field, words_of
from wardline.findings.sensitive.sighting import Spot

_PEOPLE: Final = re.compile(
    r"(?i)patient|person|member_?(?!s$)|subscriber|beneficiar|guarantor|insured|people|contact|emergency|next_?of_?kin|demographic|related_?person|practitioner|customer|employee"
)
_RESOURCES: Final = frozenset(
    {
        "Patient",
        "Person",
        "RelatedPerson",
        "Practitioner",
        "Coverage",
        "Encounter",
        "Device",
        "Account",
        "Claim",
        "ExplanationOfBenefit",
        "Observation",
        "AuditEvent",
        "Immunization",
        "Procedure",
        "Condition",
        "DocumentReference",
        "ServiceRequest",
        "MedicationRequest",
        "DiagnosticReport",
        "Specimen",
        "Appointment",
        "Media",
        "PractitionerRole",
    }
)
_FHIR: Final[tuple[tuple[re.Pattern[str], C], ...]] = tuple(
    (re.compile(path), kind)
    for path, kind in (
        (r".*(?:^|\.)(?:name|contact\.name|maiden)\.(?:family|given|text|prefix_?|suffix_?)|.*\.(?:subject|patient|beneficiary|subscriber|performer|individual|requester|asserter|recorder|participant|policyHolder|actor)\.display", C.NAME),
        (r".*(?:^|\.)address\.(?:line|city|district|postalCode|text)", C.GEOGRAPHY),
        (r"(?:.*\.)?(?:birthDate|deceasedDateTime|multipleBirthDate|effectiveDateTime|occurrenceDateTime|performedDateTime|onsetDateTime|authoredOn|recordedDate|servicedDate|issued|admissionDate)|.*(?:^|\.)(?:period|servicedPeriod|effectivePeriod|performedPeriod|billablePeriod|occurrencePeriod)\.(?:start|end)", C.DATE),
        (r".*(?:^|\.)photo\.(?:url|data)", C.PHOTO),
        (r"(?:.*\.)?(?:subscriberId|policyNumber)", C.HEALTH_PLAN),
        (r".*qualification\.identifier\.value", C.LICENCE),
        (r"(?:.*\.)?(?:serialNumber|udiCarrier\.(?:deviceIdentifier|carrierHRF|carrierAIDC)|deviceIdentifier|distinctIdentifier|lotNumber)", C.DEVICE),
        (r".*network\.address", C.IP_ADDRESS),
    )
)  # fmt: skip
_TYPES: Final[Mapping[str, C]] = {
    "MR": C.MEDICAL_RECORD, "MRT": C.MEDICAL_RECORD, "PI": C.MEDICAL_RECORD, "SS": C.SSN, "SB": C.SSN, "MB": C.HEALTH_PLAN,
    "SN": C.HEALTH_PLAN, "MC": C.HEALTH_PLAN, "MA": C.HEALTH_PLAN, "DL": C.LICENCE, "PPN": C.LICENCE, "NPI": C.LICENCE,
    "MD": C.LICENCE, "DEA": C.LICENCE, "AN": C.ACCOUNT, "ACSN": C.OTHER_ID, "VN": C.OTHER_ID, "SNO": C.DEVICE, "UDI": C.DEVICE,
}  # fmt: skip
_SYSTEMS: Final = (("us-ssn", C.SSN), ("us-npi", C.LICENCE), ("us-mbi", C.HEALTH_PLAN), ("us-medicare", C.HEALTH_PLAN), ("mrn", C.MEDICAL_RECORD), ("medical-record", C.MEDICAL_RECORD), ("driver", C.LICENCE), ("dl", C.LICENCE), ("passport", C.LICENCE))  # fmt: skip
_IDENTIFIED: Final[Mapping[str, C]] = {
    "Patient": C.MEDICAL_RECORD,
    "Coverage": C.HEALTH_PLAN,
    "Account": C.ACCOUNT,
    "Practitioner": C.LICENCE,
    "Device": C.DEVICE,
}
_TELECOM: Final[Mapping[str, C]] = {
    "phone": C.PHONE,
    "sms": C.PHONE,
    "pager": C.PHONE,
    "fax": C.FAX,
    "email": C.EMAIL,
    "url": C.URL,
}


@dataclass(frozen=True, slots=True)
class Leaf:
    """A value in a document. `path` names keys, `owner` the object whose member it is."""

    path: tuple[str, ...]
    owner: tuple[int, ...]  # numbers of the objects around it, the innermost last
    value: str
    line: int
    column: int


def tree_spots(leaves: list[Leaf]) -> Iterator[Spot]:  # noqa: C901, PLR0912  # two passes over the same leaves
    """Yield the values whose keys say what they are; what stands beside a value helps to say it."""
    beside: dict[int, dict[str, str]] = defaultdict(dict)
    names: dict[int, set[str]] = defaultdict(set)
    for leaf in leaves:
        if leaf.owner and leaf.path:
            beside[leaf.owner[-1]].setdefault(leaf.path[-1], leaf.value)
            for number in leaf.owner[-3:]:
                names[number].add(leaf.path[-1])
            if leaf.path[-1] == "code":  # of `identifier.type.coding`: it says what the identifier is
                for number in leaf.owner[-4:-1]:
                    beside[number].setdefault("code", leaf.value)
    persons = {number for number, found in names.items() if is_about_a_person(found)}
    for leaf in leaves:
        if not leaf.path or is_placeholder(leaf.value):
            continue
        resource = next((beside[n]["resourceType"] for n in reversed(leaf.owner) if "resourceType" in beside[n]), None)
        if resource is None:
            resource = next((part for part in reversed(leaf.path) if part in _RESOURCES), None)
        kind, rule = _fhir_kind(leaf, resource, beside), f"fhir-{leaf.path[-1]}"
        if kind is None:
            kind, rule = (
                _kind(leaf, of_person=bool(persons.intersection(leaf.owner[-3:])), in_fhir=resource is not None),
                "key",
            )
        if kind is not None:
            yield Spot(kind=kind, rule=rule, line=leaf.line, column=leaf.column, value=leaf.value)


def _kind(leaf: Leaf, *, of_person: bool, in_fhir: bool) -> C | None:
    if in_fhir and leaf.path[-1] in {
        "display",
        "code",
        "system",
        "version",
        "url",
        "reference",
        "id",
        "status",
        "name",
        "title",
        "publisher",
    }:
        return None
    around = of_person or any(_PEOPLE.search(part) is not None for part in leaf.path[-4:-1])
    kind = kind_of_field(leaf.path[-1], leaf.value, of_person=around)
    if kind is None and len(leaf.path) > 1 and leaf.path[-2] not in {"members", "users", "parent", "owner"}:
        kind = kind_of_field("_".join(leaf.path[-2:]), leaf.value, of_person=around)
    return kind


def _fhir_kind(leaf: Leaf, resource: str | None, beside: dict[int, dict[str, str]]) -> C | None:
    if resource not in _RESOURCES:
        return None
    last = leaf.path[-1]
    own = beside[leaf.owner[-1]] if leaf.owner else {}
    dotted = ".".join(leaf.path[:-1] if last == "value" and "value" not in own and "system" not in own else leaf.path)
    if "telecom" in leaf.path and last == "value":
        return _TELECOM.get(own.get("system", "phone"), C.PHONE)
    if "identifier" in leaf.path[-3:] and last == "value" and "qualification" not in leaf.path:
        return _identifier(own, resource)
    kind = next((kind for pattern, kind in _FHIR if pattern.fullmatch(dotted)), None)
    return kind if kind is None or kind not in {C.DATE, C.NAME} or fits(kind, leaf.value) or kind is C.NAME else None


def _identifier(own: Mapping[str, str], resource: str) -> C:
    code = next((own[name] for name in ("code", "type") if own.get(name) in _TYPES), None)
    if code is not None:
        return _TYPES[code]
    system = words_of(own.get("system", "").replace(":", "-")).replace("_", "-")
    return next((kind for word, kind in _SYSTEMS if word in system), _IDENTIFIED.get(resource, C.OTHER_ID))
