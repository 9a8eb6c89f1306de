"""A door: one artifact of one run before one environment."""

from dataclasses import dataclass

from wardline.canonical import Digest, digest_of
from wardline.ids import RunId
from wardline.pipelines.spec import EnvironmentSpec, Pipeline


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """What wants to pass, and where. All else is read from evidence."""

    run: RunId
    artifact: Digest
    pipeline: Pipeline
    environment: EnvironmentSpec

    @property
    def production(self) -> bool:
        return self.environment.name == self.pipeline.production.name

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
