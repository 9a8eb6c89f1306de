"""Requests to export statements in the formats of others."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from wardline.adapters.interop.dicom_audit import DICOMAuditMessages
from wardline.adapters.interop.export_files import FileCursors, draft_of
from wardline.adapters.interop.fhir_audit import FHIRAuditEvents
from wardline.adapters.interop.json_lines import JSONLines
from wardline.adapters.interop.syslog_tls import Address, Credentials, SyslogTLS
from wardline.bootstrap.home import Home
from wardline.delivery.export_audit import Handover, Sent, export_to_file, extent_of
from wardline.errors import InvalidInput
from wardline.evidence.audit.audit_codes import ExportFormat
from wardline.evidence.audit.exports import AuditFormat, Extent, Wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """A receiver of syslog over TLS.

    address: HOST or HOST:PORT.
    name: Of the cursor; None: made from the address.
    """

    address: str
    ca: Path
    certificate: Path | None
    key: Path | None
    name: str | None


# How a receiver tells one kind of message from another (RFC 5424 §6.2.7); IHE ITI-20 has fixed the first.
_MESSAGE_IDS = {ExportFormat.DICOM: "IHE+RFC-3881", ExportFormat.JSONL: "wardline-statement"}

_FORMATS: dict[ExportFormat, Callable[[str, Extent], AuditFormat]] = {
    ExportFormat.FHIR: lambda origin, _: FHIRAuditEvents(origin),
    ExportFormat.DICOM: lambda origin, _: DICOMAuditMessages(origin),
    ExportFormat.JSONL: lambda origin, extent: JSONLines(origin, size=extent.size),
}


def export_file(home: Home, form: ExportFormat, wanted: Wanted, file: Path) -> Sent:
    """Write what is wanted into `file`, replaced whole or not at all."""
    extent = extent_of(home.log, wanted)
    with draft_of(file) as draft:
        return export_to_file(home.collect, extent, _FORMATS[form](_origin(home), extent), draft)


def export_syslog(home: Home, form: ExportFormat, wanted: Wanted, destination: Destination, *, resume: bool) -> Sent:
    """Hand what is wanted over to an audit repository; `resume`: go on from where it broke off.

    Raises:
        InvalidInput: This format does not go over syslog, or the destination cannot be one.
    """
    if form not in _MESSAGE_IDS:
        raise InvalidInput(
            f"--format {form} does not go over syslog; expected one of {', '.join(_MESSAGE_IDS)}",
            remedy="Write a file with --to and post it to the FHIR server.",
        )
    credentials = Credentials(ca=destination.ca, certificate=destination.certificate, key=destination.key)
    address = Address.parse(destination.address)
    extent = extent_of(home.log, wanted)
    handover = Handover(
        collect=home.collect,
        origin=_origin(home),
        form=_FORMATS[form](_origin(home), extent),
        receiver=SyslogTLS(address, credentials.context(), message_id=_MESSAGE_IDS[form]),
        cursors=FileCursors(home.settings.home / "exports"),
        name=destination.name or _cursor_name(address),
    )
    return handover.send(extent, resume=resume)


def _origin(home: Home) -> str:
    return home.log.key.name


def _cursor_name(address: Address) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", f"{address.host[:80]}-{address.port}").strip("-.")
