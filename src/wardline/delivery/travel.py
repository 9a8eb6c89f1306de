"""One run on its way: every durable step leaves one statement, and its result is that statement's place in the log."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from wardline.canonical import JSON
from wardline.clock import Clock
from wardline.delivery.collect_evidence import Collector
from wardline.environments.holds import Hold, Holds
from wardline.environments.observations import EnvironmentKey
from wardline.errors import IntegrityViolation
from wardline.evidence.log import Evidence
from wardline.ids import RunId
from wardline.outcomes import Outcome
from wardline.pipelines.engine import Engine
from wardline.pipelines.run import Drivers, Run, RunStatus, RunStore
from wardline.pipelines.sealing import RunSealed
from wardline.predicates import Predicate

_LOOK_AGAIN = timedelta(milliseconds=500)  # between looks at an environment that somebody else holds


class Progress(Protocol):
    """Shows people what happens. Nothing depends on it."""

    def begins(self, step: str) -> None:
        """`step` is being worked on now."""
        ...

    def says(self, line: str) -> None:
        """One redacted line of output from the step at work."""
        ...

    def waits(self, reason: str) -> None:
        """Nothing moves until `reason` is over."""
        ...

    def ends(self, step: str, outcome: Outcome, note: str) -> None:
        """`step` is done, now or in an earlier life of the run."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Travel:
    """What every journey needs: the run, the engine that makes its steps durable, the ports it leaves traces in."""

    id: RunId
    engine: Engine
    collect: Collector
    runs: RunStore
    holds: Holds
    drivers: Drivers
    clock: Clock
    progress: Progress

    @property
    def run(self) -> Run:
        return self.runs.load(self.id)

    def leave(self, step: str, produce: Callable[[], Predicate]) -> Evidence:
        """Do `step` once and return the evidence it left, now or before a crash."""

        def act() -> JSON:
            self.progress.begins(step)
            self._enter(step)
            return self.collect.once(step, self.id, produce).index

        evidence = self.collect.log.read(self._index(self.engine.step(step, act)))
        self.progress.ends(step, evidence.statement.context.outcome, "")
        return evidence

    def decide(self, step: str, choose: Callable[[], JSON]) -> JSON:
        """Do something durable that leaves no statement of its own, and return what it gave."""

        def act() -> JSON:
            self._enter(step)
            return choose()

        return self.engine.step(step, act)

    def hold(self, environment: EnvironmentKey) -> Hold:
        """Return the hold on `environment`, waiting visibly while another run has it."""

        def act() -> JSON:
            while not isinstance(taken := self.holds.claim(environment, self.id), Hold):
                self.wait_for(f"{environment} is held by run {taken}{self._state_of(taken)}")
                self.clock.wait(_LOOK_AGAIN)
            return taken.generation

        generation = self.engine.step(f"{environment.name}/hold", act)
        return Hold(environment=environment, run=self.id, generation=self._index(generation))

    def free(self, environment: EnvironmentKey) -> None:
        self.decide(f"{environment.name}/free", lambda: self.holds.free(environment, self.id))

    def wait_for(self, reason: str) -> None:
        """Say what the run waits for; said once, however often it is repeated."""
        run = self.run
        if run.waiting_for != reason:
            self.runs.save(run.waits(reason))
            self.progress.waits(reason)

    def seal(self, status: RunStatus) -> RunStatus:
        """Leave the last statement of the run and return how it ended: as an earlier seal says, if there is one."""

        def produce(_index: int) -> Predicate:
            left = self.collect.log.of_run(self.id)
            run = self.run
            return RunSealed(
                run=self.id,
                journey=run.journey,
                service=run.service,
                status=status,
                statements=len(left) + 1,
                first=left[0].index if left else None,
            )

        def act() -> JSON:
            self.progress.begins("seal")
            self._enter("seal")
            return self.collect.last("seal", self.id, produce).index

        evidence = self.collect.log.read(self._index(self.engine.step("seal", act)))
        status = RunStatus(str(evidence.statement.body["status"]))
        self.progress.ends("seal", evidence.statement.context.outcome, status.value)
        # Sealed: from here nothing more is done in the run's name, so nothing needs to be held for it.
        self.holds.free_all(self.id)
        run = self.run
        if not run.ended:
            self.runs.save(run.ends(status, now=self.clock.now()))
        return status

    def _enter(self, step: str) -> None:
        run = self.run
        if not run.ended:
            self.runs.save(run.at(step))

    def _state_of(self, other: RunId) -> str:
        if self.drivers.is_driven(other):
            return ""
        return f", interrupted: resume it with `wardline runs resume {other}` or cancel it"

    def _index(self, recorded: JSON) -> int:
        if not isinstance(recorded, int):
            raise IntegrityViolation(f"run {self.id}: a step recorded {type(recorded).__name__}, expected a number")
        return recorded
