"""`wardline log export`: statements for audit repositories, in the formats that healthcare knows."""

from pathlib import Path
from typing import Annotated

import typer

from wardline.cli.shell import Output, say, say_json
from wardline.errors import InvalidInput
from wardline.evidence.audit.audit_codes import ExportFormat


def export(
    form: Annotated[ExportFormat, typer.Option("--format", help="FHIR R4 AuditEvent, DICOM audit XML or JSON lines.")],
    since: Annotated[str | None, typer.Option(help="First log index, date or time. Default: the beginning.")] = None,
    until: Annotated[str | None, typer.Option(help="Up to just before this index, date or time.")] = None,
    service: Annotated[str | None, typer.Option(help="Only what is about this service.")] = None,
    to: Annotated[Path | None, typer.Option(help="File to write.")] = None,
    syslog: Annotated[str | None, typer.Option(help="HOST:PORT of an audit repository: syslog over TLS.")] = None,
    ca: Annotated[Path | None, typer.Option(help="Who vouches for that repository, as PEM.")] = None,
    cert: Annotated[Path | None, typer.Option(help="Our certificate, where it asks who we are, as PEM.")] = None,
    cert_key: Annotated[Path | None, typer.Option(help="The key of that certificate, as PEM.")] = None,
    name: Annotated[str | None, typer.Option(help="Under which progress is kept; default: HOST and PORT.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where the last export to it stopped.")] = False,
    output: Annotated[Output, typer.Option()] = Output.TEXT,
) -> None:
    """Export statements to a file or an audit repository. The export is itself recorded."""
    from wardline.bootstrap.exporting import Destination, export_file, export_syslog
    from wardline.cli.home import existing_home
    from wardline.evidence.audit.exports import Wanted, parse_bound

    if (to is None) == (syslog is None):
        raise InvalidInput("expected either --to FILE or --syslog HOST:PORT")
    if resume and since is not None:
        raise InvalidInput("--resume begins where the last export stopped: it takes no --since")
    wanted = Wanted(
        since=None if since is None else parse_bound(since),
        until=None if until is None else parse_bound(until),
        service=service,
    )
    if to is not None:
        _check_nothing_for_syslog(ca, cert, cert_key, name, resume or None)
        with existing_home() as wardline:
            sent = export_file(wardline, form, wanted, to)
    else:
        destination = Destination(
            address=syslog or "",
            ca=_needed(ca),
            certificate=_together(cert, cert_key),
            key=cert_key,
            name=name,
        )
        with existing_home() as wardline:
            sent = export_syslog(wardline, form, wanted, destination, resume=resume)
    if output is Output.JSON:
        say_json({"count": sent.count, "first": sent.first, "last": sent.last, "record": sent.record})
        return
    if sent.record is None:
        say("nothing new")
        return
    reach = "" if sent.count == 0 else f", log index {sent.first} to {sent.last}"
    say(f"{sent.count} statements to {to or syslog}{reach}; recorded at log index {sent.record}")
    if sent.count == 0 and service is not None:
        say(f"none there is of service {service!r}: is that its name? `wardline status` lists them")


def _check_nothing_for_syslog(*given: object) -> None:
    if any(each is not None for each in given):
        raise InvalidInput("--ca, --cert, --cert-key, --name and --resume belong to --syslog")


def _needed(ca: Path | None) -> Path:
    if ca is None:
        raise InvalidInput("--syslog needs --ca: nothing is sent to who cannot prove to be the one you named")
    return ca


def _together(cert: Path | None, cert_key: Path | None) -> Path | None:
    if (cert is None) != (cert_key is None):
        raise InvalidInput("--cert and --cert-key go together")
    return cert
