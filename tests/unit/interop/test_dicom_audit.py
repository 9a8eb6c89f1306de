"""Audit messages keep to the RELAX NG schema of DICOM PS3.15 A.5.1 and to the tables of A.5.3."""

import base64
import re
from typing import Any
from xml.etree.ElementTree import Element

import pytest
from audit_samples import ORIGIN, context, leaf, leaves, predicates
from defusedxml.ElementTree import fromstring
from hypothesis import given
from hypothesis import strategies as st

from wardline.adapters.interop.dicom_audit import DICOMAuditMessages
from wardline.evidence.audit.exports import Extent
from wardline.predicates import NAMESPACE

LEAVES = leaves()
FORM = DICOMAuditMessages(ORIGIN)

_TOKEN = r"\S(?:.*\S)?"
_ANY = r".+"
_BOOLEAN = "true|false"
_DATE_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
_BASE64 = r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?"
_CODED = ({"csd-code": _TOKEN, "codeSystemName": _TOKEN, "originalText": _TOKEN}, {"displayName": _TOKEN}, "")
# Of each element: the attributes it must have, those it may have, and its children in order.
SCHEMA: dict[str, tuple[dict[str, str], dict[str, str], str]] = {
    "AuditMessage": (
        {},
        {},
        "EventIdentification (ActiveParticipant )+AuditSourceIdentification (ParticipantObjectIdentification )*",
    ),
    "EventIdentification": (
        {"EventDateTime": _DATE_TIME, "EventOutcomeIndicator": "0|4|8|12"},
        {"EventActionCode": "[CRUDE]"},
        "EventID (EventTypeCode )*(EventOutcomeDescription )?",
    ),
    "EventID": _CODED,
    "EventTypeCode": _CODED,
    "EventOutcomeDescription": ({}, {}, ""),
    "ActiveParticipant": (
        {"UserID": _ANY, "UserIsRequestor": _BOOLEAN},
        {"AlternativeUserID": _ANY, "UserName": _ANY},
        "(RoleIDCode )*(MediaIdentifier )?",
    ),
    "RoleIDCode": _CODED,
    "MediaIdentifier": ({}, {}, "MediaType "),
    "MediaType": _CODED,
    "AuditSourceIdentification": ({"AuditSourceID": _TOKEN}, {}, "(AuditSourceTypeCode )*"),
    "AuditSourceTypeCode": ({"csd-code": "[1-9]"}, {}, ""),
    "ParticipantObjectIdentification": (
        {"ParticipantObjectID": _TOKEN},
        {"ParticipantObjectTypeCode": "[1-4]", "ParticipantObjectTypeCodeRole": "[1-9]|1[0-9]|2[0-6]"},
        "ParticipantObjectIDTypeCode ParticipantObjectName (ParticipantObjectDetail )*",
    ),
    "ParticipantObjectIDTypeCode": _CODED,
    "ParticipantObjectName": ({}, {}, ""),
    "ParticipantObjectDetail": ({"type": _TOKEN, "value": _BASE64}, {}, ""),
}


def check_schema(element: Element) -> None:
    must, may, children = SCHEMA[element.tag]
    assert must.keys() <= element.attrib.keys() <= must.keys() | may.keys(), element.tag
    for name, value in element.attrib.items():
        assert re.fullmatch((must | may)[name], value), (element.tag, name, value)
    assert re.fullmatch(children, "".join(f"{child.tag} " for child in element)), element.tag
    for child in element:
        check_schema(child)


@pytest.mark.parametrize("item", LEAVES, ids=lambda item: item.statement.predicate_type)
def test_every_statement_keeps_to_the_schema(item: Any) -> None:
    message = fromstring(FORM.message(item).decode())
    check_schema(message)
    event = message.find("EventIdentification/EventID")
    assert event is not None
    if event.get("csd-code") == "110113":
        check_alert(message)
    else:
        check_export(message)


def check_alert(message: Element) -> None:
    """Hold a message against PS3.15 table A.5.3.11-1."""
    identification = message[0]
    assert identification.get("EventActionCode") == "E"
    assert identification.find("EventTypeCode[@codeSystemName='DCM']") is not None
    for subject in message.findall("ParticipantObjectIdentification"):
        (kind,) = subject.findall("ParticipantObjectIDTypeCode")
        assert (kind.get("csd-code"), kind.get("codeSystemName")) == ("12", "RFC-3881")
        assert "Alert Description" in details(subject)


def check_export(message: Element) -> None:
    """Hold a message against PS3.15 table A.5.3.4-1."""
    assert message[0].get("EventActionCode") == "R"
    source, media = message.findall("ActiveParticipant")
    assert source.find("RoleIDCode[@csd-code='110153']") is not None
    assert media.find("RoleIDCode[@csd-code='110154']") is not None
    assert media.get("UserIsRequestor") == "false"
    assert media.find("MediaIdentifier/MediaType") is not None


def details(thing: Element) -> dict[str, str]:
    return {
        detail.get("type", ""): base64.b64decode(detail.get("value", ""), validate=True).decode()
        for detail in thing.findall("ParticipantObjectDetail")
    }


def test_what_was_said_can_be_read_back() -> None:
    kind = f"{NAMESPACE}/deployment/v1"
    said = next(item for item in LEAVES if item.statement.predicate_type == kind)
    statement, *_ = fromstring(FORM.message(said).decode()).findall("ParticipantObjectIdentification")
    told = details(statement)
    assert told["index"] == str(said.index)
    assert told["environment"] == said.statement.body["environment"]


def test_a_file_has_one_message_a_line() -> None:
    extent = Extent(size=len(LEAVES), first=0, end=len(LEAVES), service=None)
    lines = b"".join(FORM.document(extent, iter(LEAVES))).decode().splitlines()
    assert len(lines) == len(LEAVES)
    for line in lines:
        check_schema(fromstring(line))


@given(text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_no_text_breaks_the_markup(text: str) -> None:
    kind = f"{NAMESPACE}/refusal/v1"
    body = predicates()[kind] | {"action": text, "principal": text, "wardline": context("m-1", step=text, run=text)}
    message = FORM.message(leaf(kind, body, subjects=[(text, text)]))
    assert b"\n" not in message
    parsed = fromstring(message.decode())
    check_schema(parsed)
    # What was said stands in the details as it was said, cut where it is very long.
    assert details(parsed.findall("ParticipantObjectIdentification")[0])["step"][:200] == text[:200]


def test_a_message_about_a_large_leaf_stays_below_what_receivers_cut_off() -> None:
    reasons = [{"controls": [f"{number}{'é' * 250}" for number in range(500)]}]
    body = {"wardline_decision": {"verdict": "deny", "reasons": reasons}, "wardline": context("m-1", step="&" * 60_000)}
    subjects = [(f"{number}{'&' * 3000}", str(number)) for number in range(300)]
    large = leaf("https://slsa.dev/verification_summary/v1", body, subjects=subjects)
    assert len(FORM.message(large)) < 32_768  # IHE ITI-20: no receiver may cut below that
