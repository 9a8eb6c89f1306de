"""What people are asked to consent to: the document that is shown before it is signed."""

from collections.abc import Sequence
from dataclasses import dataclass

from wardline.canonical import JSON, Digest, JSONObject, encode
from wardline.clock import to_rfc3339
from wardline.gates.calendars import Calendars
from wardline.gates.door import Door
from wardline.gates.predicates import FindingsSeen, Matter
from wardline.gates.readings import Readings, known, rehearsal_section
from wardline.gates.waivers import StandingWaiver


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What is shown, and the matter a signature over it binds. It holds no age and no time of day:
    it changes only when what would be released changes, and then earlier approvals fall.
    """

    door: Door
    matter: Matter
    content: JSONObject

    @property
    def canonical(self) -> bytes:
        return encode(self.content)

    @property
    def digest(self) -> Digest:
        return Digest.of(self.canonical)


def document(
    door: Door, readings: Readings, waivers: Sequence[StandingWaiver], *, rechecks: Sequence[JSON] = ()
) -> Document:
    """Return what a person is shown at `door` and signs.

    `waivers` are those that stand there now: shown are those of findings in this run, so that one for another service
    makes no approval fall. `rechecks` is what other runs saw of the same artifact since.
    """
    change, tests, rehearsal = readings.change() or {}, readings.tests(), readings.rehearsal()
    findings = [finding for scan in readings.scans() for finding in scan.findings()]
    waivers = [each for each in waivers if any(finding.get("id") == each.waiver.finding for finding in findings)]
    commit, tests_log = change.get("commit"), (tests or {}).get("log")
    matter = Matter(
        run=door.run,
        artifact=door.artifact,
        commit=commit if isinstance(commit, str) else None,
        release_configuration=door.configuration,
        findings=FindingsSeen.of(name for f in findings if isinstance(name := f.get("id"), str)),
        waivers=tuple(standing.index for standing in waivers),
        rehearsal=None if rehearsal is None else rehearsal.index,
        tests=tests_log if isinstance(tests_log, int) else None,
    )
    content: JSONObject = {
        "version": 1,
        "service": _service(door),
        "environment": door.environment.name,
        "subject": matter.to_json(),
        "change": change or None,
        "tests": tests,
        "sbom": readings.sbom(),
        "provenance": readings.provenance(),
        "findings": [*findings],
        "waivers": [_waiver(standing) for standing in waivers],
        "rehearsal": None if rehearsal is None else rehearsal_section(rehearsal),
        "rechecks": [*rechecks] or None,  # absent where there are none: as before there were any
        "way_back": readings.way_back(),
        # Which windows are in effect is left out: it is a matter of the hour, and would make every approval fall.
        "calendars": calendars_section(door.calendars),
    }
    return Document(door=door, matter=matter, content=known(content))


def calendars_section(calendars: Calendars) -> list[JSON] | None:
    """Return which calendars were read, by file and digest; None: none is declared."""
    if not calendars.declared:
        return None
    return [{"file": calendar.file, "digest": str(calendar.digest)} for calendar in calendars.read]


def _service(door: Door) -> JSONObject:
    service = door.pipeline.service
    return {
        "name": service.name,
        "criticality": service.criticality.value,
        "data": [kind.value for kind in service.data],
    }


def _waiver(standing: StandingWaiver) -> JSONObject:
    waiver = standing.waiver
    return {
        "log": standing.index,
        "finding": waiver.finding,
        "by": standing.by,
        "expires_at": to_rfc3339(waiver.expires_at),
    }
