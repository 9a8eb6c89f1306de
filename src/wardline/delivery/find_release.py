"""Find a release: the run behind what serves somewhere, without reading the whole log."""

from collections.abc import Iterator
from itertools import chain

from wardline.delivery.begin import SHIP
from wardline.deployments import history
from wardline.deployments.history import Moved
from wardline.errors import InvalidInput, NotFound
from wardline.evidence.log import EvidenceLog
from wardline.ids import EnvironmentName, RunId
from wardline.pipelines.run import Run, RunStatus, RunStore

_ALL = 2**31 - 1


class Releases:
    """Looks runs up in the order in which they ended, youngest first; a run of the log is read when it is needed."""

    def __init__(self, runs: RunStore, log: EvidenceLog) -> None:
        self._runs = runs
        self._log = log

    def run_behind(self, service: str | None, environment: EnvironmentName | None) -> RunId:
        """Return the run behind what serves in `environment`; None: the last that brought a change to its end.

        Raises:
            NotFound: There is none.
            InvalidInput: There are several services, and none is named.
        """
        ordered = self._ordered(service)
        if environment is not None:
            return self._serving(ordered, environment)
        for run in ordered:
            if run.journey == SHIP and run.status is RunStatus.SUCCEEDED:
                return run.id
        raise NotFound(
            f"no run of {ordered[0].service} has succeeded yet",
            remedy="Name one that has not: --run, from `runs list`.",
        )

    def _ordered(self, service: str | None) -> list[Run]:
        every = self._runs.newest(_ALL)
        known = sorted({run.service for run in every})
        if service is None and len(known) > 1:
            raise InvalidInput(f"there are several services: {', '.join(known)}", remedy="Say --service.")
        found = [run for run in every if service in (None, run.service)]
        if not found:
            asked = "" if service is None else f" of {service[:60]}"
            raise NotFound(f"there is no run{asked}; known services: {', '.join(known) or 'none'}")
        # One that goes on may still deploy: it comes before all that have ended.
        ended = sorted((r for r in found if r.finished_at is not None), key=_end, reverse=True)
        return [*(run for run in found if run.finished_at is None), *ended]

    def _serving(self, ordered: list[Run], environment: EnvironmentName) -> RunId:
        last = self._last_move(ordered, environment)
        if last is None or last.serving is None:
            why = "was never deployed to" if last is None else "serves nothing now"
            raise NotFound(f"{environment} of {ordered[0].service} {why}", remedy="Ask about a run: --run.")
        for moved in chain((last,), self._moves(ordered, environment)):
            if moved.serving == moved.release.id == last.serving:
                run = self._log.read(moved.decision).statement.context.run
                if run is not None:
                    return run
        raise NotFound(f"what {environment} serves was allowed by no run in the log", remedy="Ask about a run: --run.")

    def _last_move(self, ordered: list[Run], environment: EnvironmentName) -> Moved | None:
        """Return the youngest end of a deployment there. Who ended before it happened cannot have a younger one."""
        last: Moved | None = None
        for run in ordered:
            if last is not None and run.finished_at is not None and run.finished_at < last.at:
                return last
            for moved in self._moves([run], environment):
                if last is None or moved.index > last.index:
                    last = moved
        return last

    def _moves(self, ordered: list[Run], environment: EnvironmentName) -> Iterator[Moved]:
        for run in ordered:
            for moved in reversed(history.read(self._log.of_run(run.id))):
                if moved.environment.name == environment and moved.ended:
                    yield moved


def _end(run: Run) -> tuple[float, str]:
    return (0.0 if run.finished_at is None else run.finished_at.timestamp(), run.id)
