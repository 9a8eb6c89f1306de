"""FHIR R4 AuditEvent (https://hl7.org/fhir/R4/auditevent.html), many of them in a Bundle of type collection.

R4 and no other release: R5 renames most elements. `requestor` stands on every agent, `name` and never `query` in an
entity (constraint sev-1).
"""

import json
import uuid
from collections.abc import Iterator
from typing import ClassVar

from wardline.adapters.interop.legible import legible
from wardline.canonical import JSONObject
from wardline.clock import to_rfc3339
from wardline.evidence.audit.audit_codes import DESTINATION_MEDIA, Code, CodeSystem, ExportFormat
from wardline.evidence.audit.audit_events import AuditEvent, AuditObject, Participant, audit_event, log_uri
from wardline.evidence.audit.exports import Extent
from wardline.evidence.log import Evidence

_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
_SYSTEMS = {
    CodeSystem.DICOM: "http://dicom.nema.org/resources/ontology/DCM",
    CodeSystem.RFC_3881: "urn:ietf:rfc:3881",
    CodeSystem.WARDLINE: "https://wardline.dev/CodeSystem/audit-event",
}
_URI = "urn:ietf:rfc:3986"


class FHIRAuditEvents:
    """Statements of the log `origin` as AuditEvents."""

    name: ClassVar[ExportFormat] = ExportFormat.FHIR

    def __init__(self, origin: str) -> None:
        self._origin = origin

    def message(self, evidence: Evidence) -> bytes:
        return _encode(_resource(audit_event(evidence, origin=self._origin)))

    def document(self, extent: Extent, evidence: Iterator[Evidence]) -> Iterator[bytes]:
        """Yield a Bundle piece by piece. It has no time of its own: the same statements give the same bytes."""
        scope = f"{log_uri(self._origin)}?{extent.first}-{extent.end}&{extent.service or ''}"
        bundle = uuid.uuid5(uuid.NAMESPACE_URL, scope)
        yield _encode({"resourceType": "Bundle", "id": str(bundle), "type": "collection"})[:-1]
        opened = False
        for item in evidence:
            resource = _resource(audit_event(item, origin=self._origin))
            entry: JSONObject = {"fullUrl": f"urn:uuid:{resource['id']}", "resource": resource}
            yield (b",\n" if opened else b',"entry":[\n') + _encode(entry)
            opened = True
        # FHIR forbids an empty list: a Bundle of nothing has no member `entry`.
        yield b"\n]}\n" if opened else b"}\n"


def _encode(document: JSONObject) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _resource(event: AuditEvent) -> JSONObject:
    return {
        "resourceType": "AuditEvent",
        "id": str(event.id),
        "type": _code(event.event),
        "subtype": [_code(kind) for kind in event.kinds],
        "action": event.action.value,
        "recorded": to_rfc3339(event.recorded_at),
        "outcome": event.indicator.value,
        "outcomeDesc": legible(event.description),
        "purposeOfEvent": [{"coding": [_coded("v3-ActReason", "HSYSADMIN", "health system administration")]}],
        "agent": [_agent(participant, event.source) for participant in event.participants],
        "source": {
            "observer": {"identifier": {"system": _URI, "value": log_uri(event.source)}, "display": event.source},
            "type": [_coded("security-source-type", "4", "Application Server")],
        },
        "entity": [_entity(each) for each in event.objects],
    }


def _agent(participant: Participant, source: str) -> JSONObject:
    author = _coded("v3-ParticipationType", "AUT", "author (originator)")
    agent: JSONObject = {
        "type": {"coding": [author if participant.role is None else _code(participant.role)]},
        "who": {"identifier": _who(participant, source)},
        "requestor": participant.requestor,
    }
    if participant.answers_as is not None:
        agent["role"] = [{"coding": [_code(participant.answers_as)]}]
    return agent


def _who(participant: Participant, source: str) -> JSONObject:
    if participant.id == source:
        return {"system": _URI, "value": log_uri(source)}
    if participant.role is DESTINATION_MEDIA:  # the digest of a file or of a receiver's name
        return {"value": participant.id}
    return {"system": f"{log_uri(source)}/principal", "value": legible(participant.id)}


def _entity(thing: AuditObject) -> JSONObject:
    entity: JSONObject = {
        "what": {"identifier": {"system": _URI, "value": thing.uri}},
        "type": _coded("audit-entity-type", thing.kind.value, _KINDS[thing.kind.value]),
        "name": legible(thing.name),
    }
    if thing.role is not None:
        entity["role"] = _coded("object-role", thing.role.value, _ROLES[thing.role.value])
    if thing.details:
        entity["detail"] = [{"type": each.type, "valueString": legible(each.value)} for each in thing.details]
    return entity


_KINDS = {"1": "Person", "2": "System Object"}
_ROLES = {"11": "Security User Entity", "13": "Security Resource", "20": "Job"}


def _code(code: Code) -> JSONObject:
    return {"system": _SYSTEMS[code.system], "code": code.code, "display": code.display}


def _coded(system: str, code: str, display: str) -> JSONObject:
    return {"system": f"{_TERMINOLOGY}/{system}", "code": code, "display": display}
