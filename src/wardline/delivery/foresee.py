"""Foresee: what shipping a commit would do, without doing any of it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from wardline.canonical import JSON, JSONObject
from wardline.delivery.begin import read_pipeline
from wardline.delivery.read_calendars import calendars_at
from wardline.delivery.workshop import Workshop
from wardline.gates.calendars import Calendars
from wardline.identity.directory import Directory
from wardline.ids import EnvironmentName, PrincipalId
from wardline.pipelines.spec import ApprovalSpec, EnvironmentSpec, Pipeline


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """A commit and the road its own wardline.yaml declares."""

    commit_sha: str
    pipeline: Pipeline
    doubts: tuple[str, ...]  # why people's word at a gate could not count, as things stand

    def lines(self) -> tuple[str, ...]:
        """Return the road for people, a line a station."""
        pipeline = self.pipeline
        scanners = (*pipeline.scan.code, *pipeline.scan.dependencies)
        return (
            f"{pipeline.service.name} at {self.commit_sha[:12]}",
            f"  build   {pipeline.build.run}",
            f"  test    {pipeline.test.run} (at least {pipeline.test.min_coverage} % covered)",
            f"  scan    components, {', '.join(scanners) or 'no code scanner'}",
            *(
                f"  {environment.name}: {', '.join(self._stations(environment))}"
                for environment in pipeline.environments
            ),
            *(f"  note: {doubt}" for doubt in self.doubts),
        )

    def to_json(self) -> JSONObject:
        environments: list[JSON] = [
            {"environment": environment.name, "stations": list(self._stations(environment))}
            for environment in self.pipeline.environments
        ]
        return {
            "service": self.pipeline.service.name,
            "commit": self.commit_sha,
            "environments": environments,
            "doubts": list(self.doubts),
        }

    def _stations(self, environment: EnvironmentSpec) -> tuple[str, ...]:
        strategy = environment.strategy
        asked = [_asked(approval) for approval in environment.approvals]
        rollback = self.pipeline.rollback
        rehearses = rollback is not None and rollback.rehearse_in == environment.name
        return (
            *([f"approvals by {' and '.join(asked)}"] if asked else []),
            *([f"windows of {' and '.join(environment.windows)}"] if environment.windows else []),
            "gate",
            f"{strategy.kind.value} {'/'.join(map(str, strategy.steps))} %",
            *(["rehearsal of the rollback"] if rehearses else []),
        )


def foresee(
    workshop: Workshop, path: Path, ref: str, *, people: Directory, trained: frozenset[PrincipalId] = frozenset()
) -> Foreseen:
    """Return what would happen; raises as beginning a run would. `trained`: whose training is in date."""
    commit_sha, pipeline = read_pipeline(workshop, path, ref)
    commit = workshop.repository.resolve(path, commit_sha)
    calendars = {each.name: calendars_at(workshop, path, commit, each) for each in pipeline.environments}
    doubts = (
        *_of_author(commit_sha, workshop.people.principal_of(commit.author_email), pipeline),
        *_of_roles(pipeline, people),
        *_of_windows(calendars, people),
        *_of_training(pipeline, people, trained),
    )
    return Foreseen(commit_sha=commit_sha, pipeline=pipeline, doubts=doubts)


def _asked(approval: ApprovalSpec) -> str:
    return f"{approval.count} {approval.role.value}{' with training in date' if approval.training else ''}"


def _of_author(commit_sha: str, author: PrincipalId | None, pipeline: Pipeline) -> tuple[str, ...]:
    asking = [environment.name for environment in pipeline.environments if environment.approvals]
    if author is not None or not asking:
        return ()
    commit = commit_sha[:12]
    enrol = f"`wardline people enrol ID --role developer --email $(git log -1 --format=%ae {commit})`"
    return (
        f"the author of {commit} is not enrolled, so no approval can count and {asking[0]} stays undecided: {enrol}",
    )


def _of_windows(calendars: Mapping[EnvironmentName, Calendars], people: Directory) -> tuple[str, ...]:
    able = {role for each in people.principals() if each.key is not None for role in each.roles}
    return tuple(
        f"a soft window of {name} asks {role.value}; nobody is enrolled with a key for it: "
        f"`wardline people enrol ID --role {role.value} --public-key FILE.pub`"
        for name, declared in calendars.items()
        for role in declared.roles
        if role not in able
    )


def _of_roles(pipeline: Pipeline, people: Directory) -> tuple[str, ...]:
    able = Counter(role for each in people.principals() if each.key is not None for role in each.roles)
    return tuple(
        f"{environment.name} asks {wanted.count} of {wanted.role.value}; {able[wanted.role]} enrolled with a key: "
        f"`wardline people enrol ID --role {wanted.role.value} --public-key FILE.pub`"
        for environment in pipeline.environments
        for wanted in environment.approvals
        if able[wanted.role] < wanted.count
    )


def _of_training(pipeline: Pipeline, people: Directory, trained: frozenset[PrincipalId]) -> tuple[str, ...]:
    able = [each for each in people.principals() if each.key is not None and each.id in trained]
    return tuple(
        f"{environment.name} asks {wanted.count} of {wanted.role.value} with training in date; "
        f"{sum(wanted.role in each.roles for each in able)} on record: `wardline people train ID --until DATE`"
        for environment in pipeline.environments
        for wanted in environment.approvals
        if wanted.training and sum(wanted.role in each.roles for each in able) < wanted.count
    )
