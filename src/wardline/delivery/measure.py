"""Measure: the figures of every service, folded from the log."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from wardline.canonical import JSONObject
from wardline.environments.observations import EnvironmentKey
from wardline.evidence.log import EvidenceLog
from wardline.ids import RunId
from wardline.metrics.audit import AuditTrail, allows, audit_trail
from wardline.metrics.dora import DORA, dora
from wardline.metrics.emergencies import Emergencies, decided_under_glass, emergencies
from wardline.metrics.records import Records, read


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    services: tuple[tuple[EnvironmentKey, DORA], ...]
    emergencies: tuple[Emergencies, ...]  # of each of `services`
    trail: AuditTrail

    def to_json(self) -> JSONObject:
        """Durations in whole seconds, shares in basis points; null where there is nothing to say."""
        trail = self.trail
        return {
            "services": [
                _figures(key, figures)
                | {"emergency_releases": broken.under_glass, "break_glass_rate_bp": broken.rate_bp}
                for (key, figures), broken in zip(self.services, self.emergencies, strict=True)
            ],
            "audit_trail": {
                "completeness_bp": trail.completeness_bp,
                "runs": trail.runs,
                "sealed": trail.sealed,
                "under_way": trail.under_way,
                "deployments": trail.deployments,
                "consented": trail.consented,
                "gaps": list(trail.gaps),
            },
        }


def measure(
    log: EvidenceLog, *, under_way: Callable[[RunId], bool], service: str | None, environment: str | None
) -> Figures:
    """Fold the log. `environment` None: of each service the last one it was ever deployed to, which is production."""
    evidence = tuple(log.every())
    records, under_glass = read(evidence), decided_under_glass(evidence)
    measured = _measured(records, service, environment)
    return Figures(
        services=tuple((key, dora(records, key)) for key in measured),
        emergencies=tuple(emergencies(records, key, under_glass=under_glass) for key in measured),
        trail=audit_trail(records, under_way=under_way, allows=allows(evidence)),
    )


def _measured(records: Records, service: str | None, environment: str | None) -> tuple[EnvironmentKey, ...]:
    last: dict[str, EnvironmentKey] = {}
    seen: dict[EnvironmentKey, None] = {}
    for moved in records.deployments:
        key = moved.environment
        if key not in seen:
            seen[key] = None
            last[key.service] = key
    wanted = last.values() if environment is None else [key for key in seen if key.name == environment]
    return tuple(key for key in wanted if service is None or key.service == service)


def _figures(key: EnvironmentKey, figures: DORA) -> JSONObject:
    def seconds(value: timedelta | None) -> int | None:
        return None if value is None else round(value.total_seconds())

    return {
        "service": key.service,
        "environment": key.name,
        "deployments": figures.deployments,
        "window_s": seconds(figures.window),
        "lead_time_s": seconds(figures.lead_time),
        "change_failure_rate_bp": figures.change_failure_rate_bp,
        "time_to_recovery_s": seconds(figures.time_to_recovery),
    }
