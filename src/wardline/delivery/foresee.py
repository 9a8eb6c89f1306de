"""Foresee: what shipping a commit would do, without doing any of it."""

from dataclasses import dataclass
from pathlib import Path

from wardline.canonical import JSON, JSONObject
from wardline.delivery.begin import read_pipeline
from wardline.delivery.workshop import Workshop
from wardline.pipelines.spec import EnvironmentSpec, Pipeline


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """A commit and the road its own wardline.yaml declares."""

    commit_sha: str
    pipeline: Pipeline

    def lines(self) -> tuple[str, ...]:
        """Return the road for people, a line a station."""
        pipeline = self.pipeline
        return (
            f"{pipeline.service.name} at {self.commit_sha[:12]}",
            f"  build   {pipeline.build.run}",
            f"  test    {pipeline.test.run} (at least {pipeline.test.min_coverage} % covered)",
            f"  scan    components, {', '.join(pipeline.scan.code) or 'no code scanner'}",
            *(
                f"  {environment.name}: {', '.join(self._stations(environment))}"
                for environment in pipeline.environments
            ),
        )

    def to_json(self) -> JSONObject:
        environments: list[JSON] = [
            {"environment": environment.name, "stations": list(self._stations(environment))}
            for environment in self.pipeline.environments
        ]
        return {"service": self.pipeline.service.name, "commit": self.commit_sha, "environments": environments}

    def _stations(self, environment: EnvironmentSpec) -> tuple[str, ...]:
        strategy = environment.strategy
        asked = [f"{approval.count} {approval.role.value}" for approval in environment.approvals]
        rollback = self.pipeline.rollback
        rehearses = rollback is not None and rollback.rehearse_in == environment.name
        return (
            *([f"approvals by {' and '.join(asked)}"] if asked else []),
            "gate",
            f"{strategy.kind.value} {'/'.join(map(str, strategy.steps))} %",
            *(["rehearsal of the rollback"] if rehearses else []),
        )


def foresee(workshop: Workshop, path: Path, ref: str) -> Foreseen:
    """Return what would happen; raises as beginning a run would."""
    commit_sha, pipeline = read_pipeline(workshop, path, ref)
    return Foreseen(commit_sha=commit_sha, pipeline=pipeline)
