"""Facts: evidence folded into the one document that policies are asked about.

Pure. The shape of the document is in docs/explanation/gates.md.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from wardline.canonical import JSON, Digest, JSONObject
from wardline.clock import from_rfc3339, to_rfc3339
from wardline.evidence.log import Evidence
from wardline.evidence.register import REGISTERED
from wardline.findings.policy_results import POLICY_RESULTS
from wardline.gates import approvals, consent, enrolled, readings
from wardline.gates.adoptions import WORDS as POLICY_WORDS
from wardline.gates.approvals import Given, Ground, Standing
from wardline.gates.break_glass import Glass, glass_at, glasses
from wardline.gates.break_glass_predicates import BREAK_GLASS
from wardline.gates.consent import Document
from wardline.gates.door import Door
from wardline.gates.emergency_review import EMERGENCY_REVIEW
from wardline.gates.judge import Question
from wardline.gates.overlays import NO_OVERLAYS, Overlays
from wardline.gates.predicates import APPROVAL, DECISION, REJECTION, WAIVER
from wardline.gates.readings import Readings, ScanRead
from wardline.gates.rechecks import rechecks
from wardline.gates.results import results_section
from wardline.gates.review_debts import debts, open_debts
from wardline.gates.training import TRAINING, Trainings
from wardline.gates.waivers import StandingWaiver, standing_waivers
from wardline.gates.windows import windows_at
from wardline.identity.directory import Directory
from wardline.ids import PrincipalId
from wardline.pipelines.spec import ApprovalSpec

# All that a decision may read; anything else in the log cannot change one.
READ = (
    *REGISTERED,
    readings.SOURCE,
    readings.PROVENANCE,
    readings.TEST_RESULT,
    readings.SBOM,
    readings.SCAN,
    readings.DEPLOYMENT,
    readings.REHEARSAL,
    APPROVAL,
    REJECTION,
    WAIVER,
    TRAINING,
    DECISION,
    BREAK_GLASS,
    EMERGENCY_REVIEW,
    *POLICY_WORDS,
    POLICY_RESULTS,
)

_POINTS_PER_PERCENT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known at a door at one moment.

    Attributes:
        people: Who is who.
        author: Of the change; None: not known.
        document: What people are shown and sign.
        standing: Which of their words count for it.
        ground: What their words are held against.
        question: What policies are asked.
        overlays: Which policies were added to those that come with Wardline.
        glass: What is broken for this door; None: nothing. It may not suffice, or not yet.
    """

    people: Directory
    author: PrincipalId | None
    document: Document
    standing: Standing
    ground: Ground
    question: Question
    overlays: Overlays = NO_OVERLAYS
    glass: Glass | None = None


def gather(
    door: Door,
    evidence: Sequence[Evidence],
    *,
    now: datetime,
    deadline: datetime | None,
    overlays: Overlays = NO_OVERLAYS,
) -> Facts:
    """Return the facts at `door` from `evidence`: the statements of the types in READ, in log order.

    `deadline` is until when people were asked; None: nobody was asked yet.
    """
    people = enrolled.directory(evidence)
    reading = Readings(door, evidence)
    author = reading.author()
    waivers = standing_waivers(evidence, people=people, environment=door.environment.name, author=author, now=now)
    again = rechecks(door, evidence)
    ground = Ground(
        document=consent.document(door, reading, waivers, rechecks=again),
        people=people,
        author=author,
        trainings=Trainings.of(evidence, people=people),
        now=now,
        deadline=deadline,
    )
    words = [item for item in evidence if item.statement.context.run == door.run]
    standing = approvals.standing(words, ground)
    glass = glass_at(door, glasses(evidence, people=people, run=door.run), people=people, now=now)
    content = readings.known(
        {
            "version": 1,
            "now": to_rfc3339(now),
            "run": door.run,
            "service": _service(door),
            "environment": {"name": door.environment.name, "production": door.production},
            "artifact": {"digest": str(door.artifact)},
            "release_configuration": str(door.configuration),
            "change": reading.change(),
            "standards": _standards(door),
            "tests": reading.tests(),
            "sbom": reading.sbom(),
            "provenance": reading.provenance(),
            "scans": [_scan(scan, now) for scan in reading.scans()],
            "findings": _findings(reading, waivers),
            "rollback": _rollback(door),
            "rechecks": again,
            "rehearsal": _rehearsal(reading, now),
            "production": reading.production(),
            "way_back": reading.way_back(),
            "approvals": _approvals(door, standing, deadline=deadline, now=now),
            "calendars": consent.calendars_section(door.calendars),
            "windows": _windows(door, now),
            "policies": overlays.to_json(),
            "results": results_section(door, evidence, reading.change()),
            "emergency": glass.to_json() if glass is not None and glass.suffices(door, author=author) else None,
            "review_debts": [
                debt.to_json()
                for debt in open_debts(debts(evidence, people=people), service=door.pipeline.service.name)
            ],
        }
    )
    question = Question(
        environment=door.environment.name,
        production=door.production,
        artifact=door.artifact,
        document=content,
        evidence=tuple(sorted(set(_leaves(content)))),
    )
    return Facts(
        people=people,
        author=author,
        document=ground.document,
        standing=standing,
        ground=ground,
        question=question,
        overlays=overlays,
        glass=glass,
    )


def _service(door: Door) -> JSONObject:
    service = door.pipeline.service
    return {"name": service.name, "criticality": service.criticality.value, "data": [d.value for d in service.data]}


def _standards(door: Door) -> JSONObject:
    pipeline = door.pipeline
    return {
        "min_coverage_bp": pipeline.test.min_coverage * _POINTS_PER_PERCENT,
        "coverage_declared": pipeline.test.coverage is not None,
        "scanners": [*pipeline.scan.code, *pipeline.scan.dependencies],
        "calendars": list(door.environment.windows),
        "results": list(pipeline.scan.results),
    }


def _scan(scan: ScanRead, now: datetime) -> JSONObject:
    section = readings.scan_section(scan)
    match scan.parts[0].statement.body.get("advisories"):
        case {"digest": {"sha256": str(digest)}, "newest": str(newest)}:
            age = _seconds(now - from_rfc3339(newest))
            return section | {"advisories": {"digest": str(Digest(digest)), "newest": newest, "age_s": age}}
        case _:
            return section


def _findings(reading: Readings, waivers: Sequence[StandingWaiver]) -> list[JSON]:
    by_finding = {standing.waiver.finding: standing.index for standing in waivers}
    found: list[JSON] = []
    for scan in reading.scans():
        for finding in scan.findings():
            name = finding.get("id")
            waiver = by_finding.get(name) if isinstance(name, str) else None
            section: JSONObject = {
                "id": name,
                "severity": finding.get("severity"),
                "scanner": finding.get("check"),
                "waived": waiver is not None,
                "log": waiver,
            }
            found.append(readings.known(section))
    return found


def _rollback(door: Door) -> JSONObject | None:
    rollback = door.pipeline.rollback
    if rollback is None:
        return None
    return {
        "rehearse_in": rollback.rehearse_in,
        "max_age_s": _seconds(rollback.max_age),
        "max_duration_ms": round(rollback.max_duration.total_seconds() * 1000),
    }


def _rehearsal(reading: Readings, now: datetime) -> JSONObject | None:
    rehearsal = reading.rehearsal()
    if rehearsal is None:
        return None
    age = _seconds(now - rehearsal.statement.context.recorded_at)
    return readings.rehearsal_section(rehearsal) | {"age_s": age}


def _approvals(door: Door, standing: Standing, *, deadline: datetime | None, now: datetime) -> JSONObject:
    section: JSONObject = {
        "required": [_required(spec) for spec in door.environment.approvals],
        "standing": [_given(given) for given in standing.approvals],
        "rejections": [_given(given) for given in standing.rejections],
        "set_aside": [{"log": aside.index, "code": aside.objection.value} for aside in standing.set_aside],
        "deadline": None if deadline is None else to_rfc3339(deadline),
        "expired": deadline is not None and now >= deadline,
    }
    return readings.known(section)


def _windows(door: Door, now: datetime) -> list[JSON] | None:
    """Return the windows in effect; None: no calendar is declared, or not all could be read and nobody can tell."""
    calendars = door.calendars
    if not door.environment.windows or calendars.declared != door.environment.windows or not calendars.complete:
        return None
    return [window.to_json() for window in windows_at(calendars.read, now)]


def _required(spec: ApprovalSpec) -> JSONObject:
    section: JSONObject = {"role": spec.role.value, "count": spec.count}
    return section | {"training": "required"} if spec.training else section


def _given(given: Given) -> JSONObject:
    section: JSONObject = {"log": given.index, "principal": given.by, "role": given.role.value}
    if given.training is not None:
        until = to_rfc3339(given.training.training.expires_at)
        section["training"] = {"log": given.training.index, "until": until}
    return section


def _seconds(duration: timedelta) -> int:
    """Return whole seconds, rounded towards the past: a moment in the future has a negative age."""
    return duration // timedelta(seconds=1)


def _leaves(document: JSON) -> Iterator[int]:
    """Yield the log indices that a document names."""
    match document:
        case dict():
            for name, value in document.items():
                if name == "log" and isinstance(value, int):
                    yield value
                else:
                    yield from _leaves(value)
        case list():
            for item in document:
                yield from _leaves(item)
        case _:
            return
