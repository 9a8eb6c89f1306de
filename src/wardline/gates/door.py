"""A door: one artifact of one run before one environment."""

from dataclasses import dataclass

from wardline.canonical import Digest, digest_of
from wardline.gates.calendars import NO_CALENDARS, Calendars
from wardline.gates.overlays import Added
from wardline.identity.principals import Role
from wardline.ids import RunId
from wardline.pipelines.spec import EnvironmentSpec, Pipeline


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """What wants to pass, where, and by which calendars and policies of its commit. All else is read from evidence."""

    run: RunId
    artifact: Digest
    pipeline: Pipeline
    environment: EnvironmentSpec
    calendars: Calendars = NO_CALENDARS
    policies: tuple[Added, ...] = ()

    @property
    def production(self) -> bool:
        return self.environment.name == self.pipeline.production.name

    @property
    def roles_asked(self) -> frozenset[Role]:
        """Return the roles whose word may matter here: those of approvals, and those that may let pass a window."""
        return frozenset({spec.role for spec in self.environment.approvals} | set(self.calendars.roles))

    @property
    def configuration(self) -> Digest:
        """The digest of what is deployed beside the artifact: references to secrets, never their values."""
        start, environment = self.pipeline.start, self.environment
        return digest_of(
            {
                "start": {
                    "command": start.command,
                    "health": start.health,
                    "timeout_ms": round(start.timeout.total_seconds() * 1000),
                },
                "config": dict(environment.config),
                "secrets": {name: str(reference) for name, reference in environment.secrets.items()},
                "instances": environment.target.instances,
                "port": environment.target.port,
            }
        )
