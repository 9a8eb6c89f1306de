"""Accepted: which findings of a release a waiver lets pass now, where, until when, and who owns the risk."""

from dataclasses import dataclass

from wardline.canonical import JSONObject
from wardline.clock import to_rfc3339
from wardline.delivery.collect_evidence import Collector
from wardline.delivery.enrol import enrolled
from wardline.gates.predicates import WAIVER
from wardline.gates.readings import SCAN, findings_of
from wardline.gates.waivers import StandingWaiver, every_waiver
from wardline.ids import EnvironmentName, RunId


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A waiver that somebody made who might. `stands`: it has not expired."""

    waiver: StandingWaiver
    stands: bool

    def to_json(self) -> JSONObject:
        waiver = self.waiver.waiver
        return {
            "log": self.waiver.index,
            "finding": waiver.finding,
            "environment": waiver.environment,
            "owner": self.waiver.by,
            "expires_at": to_rfc3339(waiver.expires_at),
            "stands": self.stands,
        }


def accepted(collect: Collector) -> tuple[Accepted, ...]:
    """Return every waiver, in log order. Whether one counts for a change is for its gate: never for its author's."""
    now = collect.clock.now()
    found = every_waiver(collect.log.every(WAIVER), people=enrolled(collect))
    return tuple(Accepted(waiver=each, stands=now < each.waiver.expires_at) for each in found)


def accepted_in(run: RunId, collect: Collector, *, environment: EnvironmentName | None = None) -> tuple[Accepted, ...]:
    """Return the waivers of findings that `run` has; only those that count at `environment`, if one is named."""
    scans = (item for item in collect.log.of_run(run) if item.statement.predicate_type == SCAN)
    findings = {finding.get("id") for scan in scans for finding in findings_of(scan)}
    return tuple(
        each
        for each in accepted(collect)
        if each.waiver.waiver.finding in findings
        and (environment is None or each.waiver.waiver.environment in (None, environment))
    )
