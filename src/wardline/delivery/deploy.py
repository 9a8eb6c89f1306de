"""Deploy: deployments says the next move, analysis says how the last one went."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol, assert_never

from wardline.analysis.limits import Verdict, judge
from wardline.analysis.predicates import ReleaseAnalysed
from wardline.analysis.signals import Sample, Signals
from wardline.delivery.travel import Travel
from wardline.deployments.plans import DeploymentPlan
from wardline.deployments.ports import Deployer, Traffic
from wardline.deployments.predicates import DeploymentMoved, Phase, ReleaseRef
from wardline.deployments.strategies import Done, Finish, Move, Retreat, Shift, Start, Watch, Withdraw, next_step
from wardline.environments.observations import Observer
from wardline.errors import Conflict, InvalidInput, NotFound, Unavailable, WardlineError
from wardline.ids import ReleaseId
from wardline.outcomes import Outcome
from wardline.predicates import Predicate

_BETWEEN_PROBES = timedelta(milliseconds=250)
_FENCED = "fenced"


class Target(Observer, Deployer, Traffic, Signals, Protocol):
    """A place where releases run, seen from all four sides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consented:
    """A plan with the places its parts have in the log."""

    plan: DeploymentPlan
    decision: int  # log index of the Allow
    release: ReleaseRef
    previous: ReleaseRef | None


def deploy(travel: Travel, target: Target, consented: Consented) -> Outcome:
    """Walk the plan's strategy to its end. `failed`: what served before serves again.

    `errored`: another run took the environment meanwhile; what serves is for that run to say.
    """
    plan = consented.plan
    done: Done = ()
    while True:
        move = next_step(plan.strategy, done, first=plan.previous is None)
        act = _Act(travel=travel, target=target, consented=consented, done=done)
        evidence = travel.leave(f"{plan.environment.name}/deploy/{len(done)}-{move.name}", act.of(move))
        outcome = evidence.statement.context.outcome
        if evidence.statement.body.get("reason") == _FENCED:
            return Outcome.ERRORED
        if isinstance(move, Finish):
            return move.outcome
        done = (*done, (move, outcome))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Act:
    """Carries out one move and says what happened."""

    travel: Travel
    target: Target
    consented: Consented
    done: Done

    def of(self, move: Move) -> Callable[[], Predicate]:
        match move:
            case Start():
                return self._start
            case Shift(percent=percent):
                return lambda: self._shift(percent)
            case Watch():
                return lambda: self._watch(move)
            case Withdraw():
                return self._withdraw
            case Retreat():
                return self._retreat
            case Finish(outcome=outcome):
                return lambda: self._finish(outcome)
            case _:
                assert_never(move)

    def _start(self) -> Predicate:
        plan = self.consented.plan
        return self._attempt(
            Phase.STARTED,
            lambda: self.target.start(plan.environment, plan.release, generation=plan.generation),
            reason="not-healthy",
        )

    def _shift(self, percent: int) -> Predicate:
        plan = self.consented.plan
        weights = _weights(self.consented, percent)
        return self._attempt(
            Phase.SHIFTED,
            lambda: self.target.shift(plan.environment, weights, generation=plan.generation),
            reason="not-shifted",
            weights=weights,
        )

    def _withdraw(self) -> Predicate:
        plan, previous = self.consented.plan, self.consented.plan.previous
        began = self.travel.clock.elapsed()
        try:
            if previous is not None and previous.id != plan.release.id:
                self.target.withdraw(plan.environment, previous.id, generation=plan.generation)
        except Conflict as error:
            return self._fenced(error)
        took = self.travel.clock.elapsed() - began
        return self._moved(Phase.WITHDRAWN, Outcome.PASSED, took=took, weights={plan.release.id: 100})

    def _retreat(self) -> Predicate:
        # Nothing but the fence is caught here and in _withdraw: a way back that fails must stop the run, to be
        # resumed once mended.
        plan, previous = self.consented.plan, self.consented.plan.previous
        back = {} if previous is None else {previous.id: 100}
        began = self.travel.clock.elapsed()
        try:
            if previous is not None:
                # What served before may have been killed meanwhile; starting what runs changes nothing.
                self.target.start(plan.environment, previous, generation=plan.generation)
            self.target.shift(plan.environment, back, generation=plan.generation)
            took = self.travel.clock.elapsed() - began
            if previous is None or previous.id != plan.release.id:
                self.target.withdraw(plan.environment, plan.release.id, generation=plan.generation)
        except Conflict as error:
            return self._fenced(error)
        return self._moved(Phase.SHIFTED, Outcome.PASSED, took=took, reason=self._why(), weights=back)

    def _finish(self, outcome: Outcome) -> Predicate:
        plan = self.consented.plan
        if outcome is Outcome.PASSED:
            return self._moved(
                Phase.SUCCEEDED, outcome, took=timedelta(), weights={plan.release.id: 100}, serving=plan.release.id
            )
        retreated = any(isinstance(move, Retreat) for move, _ in self.done)
        return self._moved(
            Phase.ROLLED_BACK if retreated else Phase.FAILED,
            outcome,
            took=timedelta(),
            reason=self._why(),
            weights={} if plan.previous is None else {plan.previous.id: 100},
        )

    def _watch(self, move: Watch) -> Predicate:
        plan, clock = self.consented.plan, self.travel.clock
        limits = plan.strategy.analysis
        since, began = clock.now(), clock.elapsed()
        try:
            while True:
                self.target.probe(plan.environment, plan.release.id, path=plan.release.start.health)
                clock.wait(min(_BETWEEN_PROBES, move.lasting))
                sample = self.target.sample(plan.environment, plan.release.id, since=since, until=clock.now())
                verdict = judge(sample, limits)
                # Slowness needs the whole window to tell; errors and crashes do not get better by waiting.
                hopeless = bool({"error-rate", "instance-crashed"} & set(verdict.reasons))
                if hopeless or clock.elapsed() - began >= move.lasting:
                    break
        except (Unavailable, NotFound) as error:  # not found: somebody stopped the environment meanwhile
            sample = Sample(since=since, until=clock.now(), requests=0, errors=0, p95_ms=None, probes=0, restarts=0)
            verdict = Verdict(outcome=Outcome.ERRORED, reasons=("signals-unavailable",))
            self.travel.progress.says(error.what)
        return ReleaseAnalysed(
            deployment=plan.id,
            service=plan.environment.service,
            environment=plan.environment.name,
            release=plan.release.id,
            version=plan.release.version,
            artifact=plan.release.artifact,
            percent=move.percent,
            sample=sample,
            limits=limits,
            verdict=verdict,
        )

    def _attempt(
        self,
        phase: Phase,
        act: Callable[[], None],
        *,
        reason: str,
        weights: dict[ReleaseId, int] | None = None,
    ) -> Predicate:
        clock = self.travel.clock
        began = clock.elapsed()
        before = weights if weights is not None else _weights(self.consented, 0)
        try:
            act()
        except Conflict as error:
            return self._fenced(error)
        except (Unavailable, InvalidInput) as error:
            self.travel.progress.says(error.what)
            return self._moved(
                phase, Outcome.FAILED, took=clock.elapsed() - began, reason=reason, words=_words(error), weights=before
            )
        return self._moved(phase, Outcome.PASSED, took=clock.elapsed() - began, weights=before)

    def _fenced(self, error: Conflict) -> Predicate:
        return self._moved(Phase.FENCED, Outcome.ERRORED, took=timedelta(), reason=_FENCED, words=error.what)

    def _moved(  # noqa: PLR0913  # one statement has that many members, and each move fills its own
        self,
        phase: Phase,
        outcome: Outcome,
        *,
        took: timedelta,
        reason: str | None = None,
        words: str | None = None,
        weights: dict[ReleaseId, int] | None = None,
        serving: ReleaseId | None = None,
    ) -> DeploymentMoved:
        consented, plan = self.consented, self.consented.plan
        before = None if plan.previous is None else plan.previous.id
        return DeploymentMoved(
            deployment=plan.id,
            service=plan.environment.service,
            environment=plan.environment.name,
            release=consented.release,
            previous=consented.previous,
            serving=serving or before,
            strategy=plan.strategy.kind.value,
            decision=consented.decision,
            phase=phase,
            weights=tuple(sorted((weights or {}).items())),
            generation=plan.generation,
            outcome=outcome,
            took_ms=round(took.total_seconds() * 1000),
            reason=reason,
            private=None if words is None else self.travel.collect.machine_words(words),
        )

    def _why(self) -> str:
        failed = next((move for move, outcome in self.done if outcome is not Outcome.PASSED), None)
        return "analysis-not-passed" if isinstance(failed, Watch) else "not-healthy"


def _weights(consented: Consented, percent: int) -> dict[ReleaseId, int]:
    plan = consented.plan
    if plan.previous is None or plan.previous.id == plan.release.id:
        return {plan.release.id: 100} if percent else {}
    shares = {plan.previous.id: 100 - percent, plan.release.id: percent}
    return {release: share for release, share in shares.items() if share}


def _words(error: WardlineError) -> str:
    return error.what if error.remedy is None else f"{error.what}\n{error.remedy}"
