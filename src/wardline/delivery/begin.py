"""Begin: make a run of what somebody asked for, and refuse at once what cannot work."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wardline.clock import Clock
from wardline.delivery.read_calendars import refuse_unread_calendars
from wardline.delivery.read_policies import refuse_wrong_policies
from wardline.delivery.rehearse import waiting_for_production
from wardline.delivery.roll_back import way_back
from wardline.delivery.unsigned_words import to_argument
from wardline.delivery.workshop import Workshop
from wardline.deployments import history
from wardline.deployments.predicates import REHEARSAL
from wardline.environments.observations import EnvironmentKey
from wardline.errors import InvalidInput, NotFound
from wardline.evidence.log import EvidenceLog
from wardline.evidence.register import REGISTERED
from wardline.gates.adoptions import WORDS, standing_adoptions
from wardline.gates.enrolled import directory
from wardline.gates.policy_files import load_policies
from wardline.ids import EnvironmentName, IdFactory, RunId
from wardline.pipelines.keys import FILENAME
from wardline.pipelines.parse import parse_bytes
from wardline.pipelines.run import Run, RunStatus, RunStore
from wardline.pipelines.spec import Pipeline
from wardline.predicates import BlobRef

SHIP, ROLL_BACK, REHEARSE = "ship", "roll-back", "rehearse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginnings:
    """Where runs begin."""

    runs: RunStore
    log: EvidenceLog
    clock: Clock
    ids: IdFactory

    def ship(self, workshop: Workshop, path: Path, ref: str, *, emergency: bool = False) -> Run:
        """Begin a run for the commit that `ref` names now; an `emergency` waits at its first door for the glass.

        Raises:
            NotFound: No such path, ref, or no wardline.yaml in the commit.
            InvalidInput: No Git repository, no commit yet, or the commit's wardline.yaml, or a calendar or policy of
                it, is wrong.
        """
        people = directory(self.log.every(*REGISTERED))
        adopted = [each.adoption.policy for each in standing_adoptions(self.log.every(*WORDS), people=people)]
        commit_sha, pipeline = read_pipeline(workshop, path, ref, adopted=adopted)
        arguments = {"emergency": "yes"} if emergency else {}
        return self._begin(
            SHIP, pipeline.service.name, repository=str(path), commit_sha=commit_sha, arguments=arguments
        )

    def roll_back(self, environment: EnvironmentKey, *, to: str | None, words: BlobRef | None) -> Run:
        """Begin going back in `environment`.

        Raises:
            NotFound: There is nothing to go back to.
        """
        way_back(history.read(self.log.every()), environment, to=to)
        wanted = {"environment": str(environment.name), "to": to, "words": to_argument(words)}
        return self._begin(ROLL_BACK, environment.service, arguments=_given(wanted))

    def rehearse(self, service: str | None) -> Run:
        """Begin another rehearsal of the release that waits where the last one of `service` took place.

        Raises:
            NotFound: Nothing was ever rehearsed, or what was is not served there any more.
            InvalidInput: Several services were, and `service` is None.
        """
        places = {
            str(item.statement.body["service"]): str(item.statement.body["environment"])
            for item in self.log.every(REHEARSAL)
            if service is None or item.statement.body["service"] == service
        }
        if not places:
            raise NotFound(
                "nothing was ever rehearsed here", remedy="Ship a change whose wardline.yaml has `rollback`."
            )
        if len(places) > 1:
            raise InvalidInput(f"several services were rehearsed: {', '.join(places)}", remedy="Say --service.")
        ((name, environment),) = places.items()
        waiting_for_production(self.log, EnvironmentKey(service=name, name=EnvironmentName(environment)))
        production = environments_of(self.log, name)[-1]
        return self._begin(REHEARSE, name, arguments={"environment": environment, "production": production.name})

    def _begin(
        self, journey: str, service: str, *, arguments: dict[str, str], repository: str = "", commit_sha: str = ""
    ) -> Run:
        run = Run(
            id=RunId(self.ids.new("r")),
            journey=journey,
            service=service,
            repository=repository,
            commit_sha=commit_sha,
            status=RunStatus.RUNNING,
            stage="begin",
            waiting_for=None,
            started_at=self.clock.now(),
            finished_at=None,
            version=0,
            arguments=arguments,
        )
        self.runs.add(run)
        return run


def is_emergency(run: Run) -> bool:
    """Return whether `run` was begun as one. It is a matter of waiting alone: no gate asks for it."""
    return "emergency" in run.arguments


def read_pipeline(workshop: Workshop, path: Path, ref: str, *, adopted: Sequence[str] = ()) -> tuple[str, Pipeline]:
    """Return the commit that `ref` names and what its own wardline.yaml declares; raises as `Beginnings.ship`."""
    commit = workshop.repository.resolve(path, ref)
    content = workshop.repository.file_at(path, commit, FILENAME)
    if content is None:
        raise NotFound(
            f"commit {commit.sha[:12]} has no {FILENAME} at the root of its repository",
            remedy="Make one with `wardline init`, commit it, and ship again; what is not committed is not shipped.",
        )
    pipeline = parse_bytes(content)
    refuse_unread_calendars(workshop, path, commit, pipeline)
    base = [*(policy.id for policy in load_policies()), *adopted]
    refuse_wrong_policies(workshop, path, commit, pipeline, base=base)
    return commit.sha, pipeline


def environments_of(log: EvidenceLog, service: str | None) -> tuple[EnvironmentKey, ...]:
    """Return every environment anything was ever deployed to, in the order of the first deployment.

    Raises:
        NotFound: `service` was never deployed here.
    """
    seen = dict.fromkeys(moved.environment for moved in history.read(log.every()))
    found = tuple(key for key in seen if service is None or key.service == service)
    if service is not None and not found:
        known = ", ".join(sorted({key.service for key in seen})) or "none"
        raise NotFound(f"service {service} was never deployed here; known: {known}")
    return found


def environment_named(log: EvidenceLog, name: str, service: str | None) -> EnvironmentKey:
    """Return the one environment called `name`.

    Raises:
        NotFound: Nothing was ever deployed there.
        InvalidInput: Several services have one.
    """
    every = environments_of(log, service)
    found = [key for key in every if key.name == name]
    if not found:
        known = ", ".join(str(key) for key in every) or "none yet"
        raise NotFound(f"nothing was ever deployed to {name}; known: {known}")
    if len(found) > 1:
        raise InvalidInput(f"several services have {name}: {', '.join(map(str, found))}", remedy="Say --service.")
    return found[0]


def _given(arguments: dict[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in arguments.items() if value is not None}
