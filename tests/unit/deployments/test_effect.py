"""An artifact is in effect while it is in front of callers anywhere, and as long as nobody can tell."""

from datetime import UTC, datetime, timedelta

from wardline.canonical import Digest
from wardline.deployments.effect import last_in_effect, runs_in_effect
from wardline.deployments.history import Moved
from wardline.deployments.predicates import Phase, ReleaseRef
from wardline.environments.observations import EnvironmentKey
from wardline.ids import DeploymentId, EnvironmentName, ReleaseId, RunId
from wardline.predicates import BlobRef

START = datetime(2026, 1, 1, tzinfo=UTC)
NOW = datetime(2032, 1, 1, tzinfo=UTC)
BLOB = BlobRef(digest=Digest.of(b"document"), media_type="application/json", size_bytes=8)


def artifact(version: str) -> Digest:
    return Digest.of(version.encode())


def day(number: int) -> datetime:
    return START + timedelta(days=number)


class Story:
    def __init__(self) -> None:
        self.moves: list[Moved] = []

    def move(
        self, to: str, *, away: str | None, phase: Phase, serves: str | None, where: str = "production", run: str = "r"
    ) -> "Story":
        moved = Moved(
            index=len(self.moves),
            run=RunId(run),
            at=day(len(self.moves)),
            deployment=DeploymentId(f"{run}/{where}"),
            environment=EnvironmentKey(service="desk", name=EnvironmentName(where)),
            release=release(to),
            previous=None if away is None else release(away),
            serving=None if serves is None else ReleaseId(serves),
            decision=0,
            phase=phase,
            reason=None,
        )
        self.moves.append(moved)
        return self

    def deploy(self, to: str, *, away: str | None = None, where: str = "production", run: str = "r") -> "Story":
        self.move(to, away=away, phase=Phase.STARTED, serves=away, where=where, run=run)
        return self.move(to, away=away, phase=Phase.SUCCEEDED, serves=to, where=where, run=run)


def release(version: str) -> ReleaseRef:
    return ReleaseRef(id=ReleaseId(version), version=version, artifact=artifact(version), document=BLOB)


def test_what_serves_is_in_effect_now_and_what_it_replaced_was_until_then() -> None:
    until = last_in_effect(Story().deploy("1").deploy("2", away="1").moves, now=NOW)
    assert until == {artifact("1"): day(3), artifact("2"): NOW}


def test_what_serves_in_one_environment_only_is_in_effect() -> None:
    story = Story().deploy("1", where="staging").deploy("1").deploy("2", away="1")
    assert last_in_effect(story.moves, now=NOW)[artifact("1")] == NOW


def test_what_was_rolled_back_to_is_in_effect_again() -> None:
    story = Story().deploy("1").deploy("2", away="1")
    story.move("1", away="2", phase=Phase.ROLLED_BACK, serves="1")
    assert last_in_effect(story.moves, now=NOW) == {artifact("1"): NOW, artifact("2"): day(4)}


def test_a_release_that_did_not_work_was_in_effect_until_it_was_taken_back() -> None:
    story = Story().deploy("1")
    story.move("2", away="1", phase=Phase.SHIFTED, serves="1").move("2", away="1", phase=Phase.ROLLED_BACK, serves="1")
    assert last_in_effect(story.moves, now=NOW) == {artifact("1"): NOW, artifact("2"): day(3)}


def test_a_deployment_that_has_not_ended_keeps_both_in_effect() -> None:
    story = Story().deploy("1").move("2", away="1", phase=Phase.SHIFTED, serves="1")
    assert last_in_effect(story.moves, now=NOW) == {artifact("1"): NOW, artifact("2"): NOW}


def test_after_a_stop_nothing_is_in_effect_any_more() -> None:
    story = Story().deploy("1").move("1", away="1", phase=Phase.STOPPED, serves=None)
    assert last_in_effect(story.moves, now=NOW) == {artifact("1"): day(2)}


def test_what_left_callers_without_being_named_was_in_effect_until_then() -> None:
    story = Story().deploy("1").deploy("2", away=None)
    assert last_in_effect(story.moves, now=NOW)[artifact("1")] == day(3)


def test_a_run_is_in_effect_as_long_as_anything_it_deployed() -> None:
    story = Story().deploy("1", run="r-1").deploy("2", away="1", run="r-2").deploy("3", away="2", run="r-3")
    story.move("1", away="3", phase=Phase.ROLLED_BACK, serves="1", run="r-4")
    assert runs_in_effect(story.moves, now=NOW) == {
        RunId("r-1"): NOW,
        RunId("r-2"): day(5),
        RunId("r-3"): day(6),
        RunId("r-4"): NOW,
    }
