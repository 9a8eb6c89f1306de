from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from wardline.deployments.strategies import Done, Finish, Retreat, Shift, Start, Watch, Withdraw, moves, next_step
from wardline.outcomes import Outcome
from wardline.pipelines.spec import StrategyKind, StrategySpec

CANARY = StrategySpec(kind=StrategyKind.CANARY, steps=(10, 50, 100), soak=timedelta(seconds=3))


def walk(strategy: StrategySpec, outcomes: list[Outcome]) -> Done:
    """Take moves until the strategy finishes; each ends as the next of `outcomes` says, then all pass."""
    done: Done = ()
    remaining = iter(outcomes)
    while not (done and isinstance(done[-1][0], Finish)):
        assert len(done) < 50, "the strategy never finishes"
        done = (*done, (next_step(strategy, done), next(remaining, Outcome.PASSED)))
    return done


def names(done: Done) -> list[str]:
    return [move.name for move, _ in done]


def test_a_canary_watches_every_step_and_soaks_before_the_old_release_goes() -> None:
    assert names(walk(CANARY, [])) == [
        "start", "shift-10", "watch-10", "shift-50", "watch-50", "shift-100", "watch-100", "soak", "withdraw", "finish",
    ]  # fmt: skip


def test_blue_green_moves_everybody_at_once() -> None:
    assert names(walk(StrategySpec(), [])) == ["start", "shift-100", "watch-100", "withdraw", "finish"]


def test_a_first_release_has_nobody_to_share_with() -> None:
    planned = [move.name for move in moves(CANARY, first=True)]
    assert planned == ["start", "shift-100", "watch-100", "soak", "withdraw", "finish"]


def test_a_failed_start_moves_no_traffic() -> None:
    assert names(walk(CANARY, [Outcome.FAILED])) == ["start", "finish"]


def test_an_inconclusive_watch_leads_back() -> None:
    done = walk(CANARY, [Outcome.PASSED, Outcome.PASSED, Outcome.INCONCLUSIVE])
    assert names(done) == ["start", "shift-10", "watch-10", "retreat", "finish"]
    assert done[-1][0] == Finish(outcome=Outcome.FAILED)


@given(st.lists(st.sampled_from(Outcome), max_size=12))
def test_whatever_happens_a_deployment_ends_with_one_release_serving(outcomes: list[Outcome]) -> None:
    done = walk(CANARY, outcomes)
    finish = done[-1][0]
    assert isinstance(finish, Finish)
    everything_passed = all(
        outcome is Outcome.PASSED for move, outcome in done if not isinstance(move, Finish | Retreat)
    )
    assert (finish.outcome is Outcome.PASSED) == everything_passed
    assert any(isinstance(move, Withdraw) for move, _ in done) or not everything_passed
    touched = any(isinstance(move, Shift) for move, _ in done)
    assert everything_passed or touched == any(isinstance(move, Retreat) for move, _ in done)


@given(st.lists(st.integers(1, 19).map(lambda n: n * 5), unique=True).map(sorted))
def test_every_share_of_traffic_is_watched_before_the_next(steps: list[int]) -> None:
    planned = moves(StrategySpec(kind=StrategyKind.CANARY, steps=(*steps, 100)), first=False)
    assert isinstance(planned[0], Start)
    for shift, watch in zip(planned[1:-2:2], planned[2:-2:2], strict=True):
        assert isinstance(shift, Shift)
        assert isinstance(watch, Watch)
        assert shift.percent == watch.percent
