"""DICOM audit messages (PS3.15 A.5.1, by its RELAX NG schema; never RFC 3881's own)."""

import base64
from collections.abc import Iterator
from typing import ClassVar
from xml.etree import ElementTree as ET

from wardline.adapters.interop.legible import legible
from wardline.clock import to_rfc3339
from wardline.evidence.audit.audit_codes import DESTINATION_MEDIA, SECURITY_ALERT, URI, URI_MEDIA, Code, ExportFormat
from wardline.evidence.audit.audit_events import AuditEvent, AuditObject, Participant, audit_event
from wardline.evidence.audit.exports import Extent
from wardline.evidence.log import Evidence

_APPLICATION_SERVER = "4"  # PS3.15 A.5.1.2.1
_ALERT = "Alert Description"  # PS3.15 A.5.3.11: every subject of an alert has one


class DICOMAuditMessages:
    """Statements of the log `origin` as audit messages."""

    name: ClassVar[ExportFormat] = ExportFormat.DICOM

    def __init__(self, origin: str) -> None:
        self._origin = origin

    def message(self, evidence: Evidence) -> bytes:
        """Return one XML document in UTF-8, in one line and without a declaration."""
        event = audit_event(evidence, origin=self._origin)
        return ET.tostring(_message(event), encoding="unicode").encode()

    def document(self, extent: Extent, evidence: Iterator[Evidence]) -> Iterator[bytes]:  # noqa: ARG002  # the Protocol's
        """Yield one message a line."""
        for item in evidence:
            yield self.message(item) + b"\n"


def _message(event: AuditEvent) -> ET.Element:
    # The order of the elements is the schema's.
    message = ET.Element("AuditMessage")
    identification = ET.SubElement(
        message,
        "EventIdentification",
        EventActionCode=event.action.value,
        EventDateTime=to_rfc3339(event.recorded_at),
        EventOutcomeIndicator=event.indicator.value,
    )
    _coded(identification, "EventID", event.event)
    for kind in event.kinds:
        _coded(identification, "EventTypeCode", kind)
    ET.SubElement(identification, "EventOutcomeDescription").text = legible(event.description)
    for participant in event.participants:
        _participant(message, participant)
    source = ET.SubElement(message, "AuditSourceIdentification", AuditSourceID=legible(event.source))
    ET.SubElement(source, "AuditSourceTypeCode", {"csd-code": _APPLICATION_SERVER})
    for thing in event.objects:
        _object(message, thing, alert=event.description if event.event is SECURITY_ALERT else None)
    return message


def _participant(message: ET.Element, participant: Participant) -> None:
    element = ET.SubElement(
        message,
        "ActiveParticipant",
        UserID=legible(participant.id),
        UserIsRequestor=str(participant.requestor).lower(),
    )
    if participant.role is not None:
        _coded(element, "RoleIDCode", participant.role)
    if participant.answers_as is not None:
        _coded(element, "RoleIDCode", participant.answers_as)
    if participant.role is DESTINATION_MEDIA:
        _coded(ET.SubElement(element, "MediaIdentifier"), "MediaType", URI_MEDIA)


def _object(message: ET.Element, thing: AuditObject, *, alert: str | None) -> None:
    element = ET.SubElement(
        message,
        "ParticipantObjectIdentification",
        ParticipantObjectID=thing.uri,
        ParticipantObjectTypeCode=thing.kind.value,
    )
    if thing.role is not None:
        element.set("ParticipantObjectTypeCodeRole", thing.role.value)
    _coded(element, "ParticipantObjectIDTypeCode", URI)
    ET.SubElement(element, "ParticipantObjectName").text = legible(thing.name)
    for type_, value in (*([] if alert is None else [(_ALERT, alert)]), *((d.type, d.value) for d in thing.details)):
        # Values are base64 in the schema, so that what was logged cannot pass for markup.
        encoded = base64.b64encode(value.encode()).decode()
        ET.SubElement(element, "ParticipantObjectDetail", type=type_, value=encoded)


def _coded(parent: ET.Element, name: str, code: Code) -> None:
    attributes = {"csd-code": code.code, "codeSystemName": code.system.value, "originalText": code.display}
    ET.SubElement(parent, name, attributes)
