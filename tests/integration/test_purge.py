"""Nothing goes before its time or under a hold; what went is on record, and everything still proves."""

import multiprocessing
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tests.fakes.delivery_world import delivery_world
from tests.fakes.old_evidence import NEW, OLD, OldEvidence, by, counts, old_evidence

from wardline.adapters.blobs.files import FileBlobs
from wardline.clock import ManualClock
from wardline.delivery.hold import HoldRequest, hold, holds, release
from wardline.delivery.purge import Purging
from wardline.errors import InvalidInput, NotFound, Refused
from wardline.evidence.mentions import blobs_of, rests_on
from wardline.evidence.predicates import PURGE, HoldReason, LegalHold, LegalHoldReleased, Scope
from wardline.evidence.retention.keeping import State
from wardline.evidence.retention.purges import Manifest, read_purges, why_gone
from wardline.evidence.retention.retention import Kept, Schedule
from wardline.identity.predicates import Refusal, principal_subject
from wardline.identity.principals import Role
from wardline.ids import PrincipalId, RunId
from wardline.pipelines.predicates import StageStopped


@pytest.fixture
def old(tmp_path: Path) -> Iterator[OldEvidence]:
    with old_evidence(tmp_path) as opened:
        yield opened


def expected_due(old: OldEvidence) -> set[str]:
    """Return what OLD named, and neither NEW, which serves, nor what NEW rests on."""
    log = old.world.log
    serving = log.of_run(RunId(NEW))
    below = [log.read(index) for item in serving for index in rests_on(item)]
    left = {blob.digest.hex for item in log.of_run(RunId(OLD)) for blob in blobs_of(item)}
    wanted = {blob.digest.hex for item in (*serving, *below) for blob in blobs_of(item)}
    return left - wanted


def placed(old: OldEvidence, name: str = "p-cleo", role: Role = Role.COMPLIANCE, **scope: object) -> int:
    request = HoldRequest(
        scope=Scope(**scope),  # type: ignore[arg-type]
        role=role,
        code=HoldReason.LITIGATION,
        reason="a dispute over a claim",
        blocks_erasure=False,
    )
    return hold(request, by=by(name), collect=old.world.collect).index


def test_what_is_past_its_period_goes_and_what_serves_stays(old: OldEvidence) -> None:
    before, size = old.lying(), old.world.log.size()
    plan = old.purging().look(before=None)
    due = {one.thing.digest.hex for one, _ in plan.due}
    assert due == expected_due(old)
    assert due
    assert old.world.log.size() == size  # looking changes nothing
    removed = old.purging().purge(before=None)
    assert removed.statement is not None
    assert (removed.gone, removed.left) == (len(due), 0)
    (manifest,) = old.lying() - before
    assert before - old.lying() == due
    assert removed.statement.statement.body["manifest"]["digest"]["sha256"] == manifest  # type: ignore[index,call-overload]
    assert old.world.check_log() == size + 1


def test_the_statement_counts_what_went_and_its_manifest_names_it(old: OldEvidence) -> None:
    plan = old.purging().look(before=None)
    removed = old.purging().purge(before=None)
    assert removed.statement is not None
    body = removed.statement.statement.body
    (reference,) = blobs_of(removed.statement)
    manifest = Manifest.decode(old.blobs.get(reference.digest))
    assert {one.digest for one in manifest.removals} == {one.thing.digest for one, _ in plan.due}
    assert all(one.retain_until <= old.clock.now() for one in manifest.removals)
    assert {entry["class"]: entry["count"] for entry in body["classes"]} == counts(plan, State.DUE)  # type: ignore[union-attr,index,call-overload]
    assert sum(entry["bytes"] for entry in body["classes"]) == removed.gone_bytes  # type: ignore[union-attr,index,call-overload,misc]
    assert manifest.schedule == Schedule().to_json()
    assert removed.statement.statement.context.run is None


def test_a_purge_with_nothing_due_says_nothing(old: OldEvidence) -> None:
    old.purging().purge(before=None)
    size = old.world.log.size()
    again = old.purging().purge(before=None)
    assert (again.statement, again.gone) == (None, 0)
    assert old.world.log.size() == size


def test_a_purge_that_was_killed_before_it_removed_is_completed_by_the_next(old: OldEvidence) -> None:
    class Killed(Exception):
        pass

    class DyingBlobs:
        """Removes one thing, and is killed at the second."""

        done = 0

        def lying(self):
            return old.blobs.lying()

        def remove(self, digest, *, put_before):
            if self.done:
                raise Killed
            self.done += 1
            return old.blobs.remove(digest, put_before=put_before)

    purging = old.purging()
    due = len(purging.look(before=None).due)
    dying = type(purging)(collect=purging.collect, stores=(DyingBlobs(),), schedule=purging.schedule)
    with pytest.raises(Killed):
        dying.purge(before=None)
    size = old.world.log.size()
    after = purging.look(before=None)
    assert (len(after.due), after.fresh) == (due - 1, ())
    completed = purging.purge(before=None)
    assert (completed.statement, completed.gone) == (None, due - 1)
    assert old.world.log.size() == size
    assert not purging.look(before=None).due


def test_a_hold_that_came_before_the_completion_stops_it(old: OldEvidence) -> None:
    purging = old.purging()
    _, statement = purging._said(None)
    assert statement is not None
    placed(old)
    assert purging.purge(before=None).gone == 0


@pytest.mark.parametrize("scope", [{}, {"run": RunId(OLD)}, {"service": "trivial"}])
def test_nothing_under_a_hold_goes(old: OldEvidence, scope: dict) -> None:
    before = old.lying()
    index = placed(old, **scope)
    plan = old.purging().look(before=None)
    assert not plan.due
    assert all(one.holds == {index} for one, _ in plan.fates if one.state is State.HELD)
    assert old.purging().purge(before=None).statement is None
    assert before <= old.lying()
    release(index, role=Role.COMPLIANCE, reason="settled", by=by("p-cleo"), collect=old.world.collect)
    assert old.purging().purge(before=None).gone > 0


def test_a_hold_on_another_run_holds_nothing_here(old: OldEvidence) -> None:
    placed(old, run=RunId(NEW))
    assert old.purging().purge(before=None).gone > 0


def test_a_hold_placed_between_the_look_and_the_statement_counts(old: OldEvidence) -> None:
    collect = old.world.collect

    class Interrupting:
        """Lets somebody place a hold right after the stores were listed."""

        done = False

        def lying(self):
            yield from old.blobs.lying()

        def remove(self, digest, *, put_before):
            raise AssertionError(digest)

    purging = old.purging()
    racing = type(purging)(collect=collect, stores=(Interrupting(),), schedule=purging.schedule)
    plan = racing.look(before=None)
    assert plan.fresh
    placed(old)
    looks = iter([plan])

    class Racing(type(purging)):  # type: ignore[misc]
        __slots__ = ()

        def look(self, *, before):
            return next(looks, None) or super().look(before=before)

    removed = Racing(collect=collect, stores=(Interrupting(),), schedule=purging.schedule).purge(before=None)
    assert (removed.statement, removed.gone) == (None, 0)


def test_a_longer_period_of_the_installation_counts(old: OldEvidence) -> None:
    longer = Schedule(years=dict.fromkeys([kept for kept in Kept if Schedule().of(kept)], 30))
    assert old.purging(longer).purge(before=None).statement is None


def test_what_was_put_again_a_moment_ago_stays_for_a_day(old: OldEvidence) -> None:
    """A run may have kept the same bytes and be about to name them."""
    thing = old.purging().look(before=None).due[0][0].thing
    old.blobs.put(old.blobs.get(thing.digest), "text/plain")
    old.touch(thing.digest.hex)
    plan = old.purging().look(before=None)
    assert [one.state for one, _ in plan.fates if one.thing.digest == thing.digest] == [State.RECENT]
    assert old.purging().purge(before=None).left == 0
    assert thing.digest.hex in old.lying()
    old.clock.advance(timedelta(days=2))
    old.purging().purge(before=None)
    assert thing.digest.hex not in old.lying()


def test_what_is_put_again_between_the_statement_and_the_removal_stays(old: OldEvidence) -> None:
    purging = old.purging()
    plan, statement = purging._said(None)
    assert statement is not None
    thing = plan.due[0][0].thing
    old.touch(thing.digest.hex)
    removed = purging.purge(before=None)
    assert removed.gone == len(plan.due) - 1
    assert thing.digest.hex in old.lying()


def test_what_was_purged_named_again_and_ends_again_is_purged_under_a_new_statement(old: OldEvidence) -> None:
    thing = old.purging().look(before=None).due[0][0].thing
    content = old.blobs.get(thing.digest)
    first = old.purging().purge(before=None)
    assert first.statement is not None
    kept = old.blobs.put(content, "text/plain")
    old.touch(kept.digest.hex)
    stopped = StageStopped(
        about=principal_subject(PrincipalId("p")),
        stage="test",
        code="report-missing",
        exit_code=None,
        errored=True,
        output=kept,
        private=None,
    )
    named = old.world.collect.once("again", None, lambda: stopped)
    old.clock.advance(timedelta(days=3))
    assert old.purging().purge(before=None).gone == 0
    assert thing.digest.hex in old.lying()
    old.years(7)
    second = old.purging().purge(before=None)
    assert second.statement is not None
    purge = read_purges(old.world.log, old.blobs).by_digest[thing.digest]
    assert purge.index == second.statement.index > named.index > first.statement.index


def test_what_was_purged_says_when_and_under_which_statement(old: OldEvidence) -> None:
    removed = old.purging().purge(before=None)
    assert removed.statement is not None
    gone = removed.plan.due[0][0]
    explained = type(old.blobs)(old.world.folder / "blobs", gone=why_gone(old.world.log, old.blobs))
    with pytest.raises(NotFound) as missing:
        explained.get(gone.thing.digest)
    assert (
        f"purged on {old.clock.now().date().isoformat()} under statement {removed.statement.index}"
        in missing.value.what
    )
    assert f"retention class {gone.kept}" in missing.value.what
    purges = read_purges(old.world.log, old.blobs)
    assert purges.by_digest[gone.thing.digest].index == removed.statement.index
    assert purges.unread == ()


def test_a_manifest_that_is_lost_is_said_to_be_unread(old: OldEvidence) -> None:
    removed = old.purging().purge(before=None)
    assert removed.statement is not None
    (reference,) = blobs_of(removed.statement)
    old.blobs.remove(reference.digest, put_before=old.clock.now() + timedelta(days=36500))
    ((index, why),) = read_purges(old.world.log, old.blobs).unread
    assert index == removed.statement.index
    assert reference.digest.hex in why


def test_a_manifest_is_never_due(old: OldEvidence) -> None:
    old.purging().purge(before=None)
    old.years(90)
    assert counts(old.purging().look(before=None), State.FOR_EVER) == {Kept.PURGE_MANIFESTS: 1}


def test_a_purge_may_be_told_to_look_less_far(old: OldEvidence) -> None:
    assert old.purging().purge(before=old.clock.now() - timedelta(days=5 * 365)).statement is None
    with pytest.raises(InvalidInput, match="not over"):
        old.purging().look(before=old.clock.now() + timedelta(seconds=1))


@pytest.mark.parametrize(
    ("name", "role"), [("p-sam", Role.COMPLIANCE), ("p-sam", Role.CLINICAL_SAFETY), ("p-x", Role.COMPLIANCE)]
)
def test_who_may_not_hold_is_refused_and_that_is_evidence(old: OldEvidence, name: str, role: Role) -> None:
    with pytest.raises(Refused):
        placed(old, name, role)
    (refusal,) = old.world.log.every(Refusal.predicate_type)
    assert refusal.statement.body["action"] == "hold"
    assert refusal.statement.body["principal"] == ("p-sam" if name == "p-sam" else None)
    assert not holds(old.world.collect)


def test_who_may_not_release_is_refused(old: OldEvidence) -> None:
    index = placed(old)
    with pytest.raises(Refused):
        release(index, role=Role.COMPLIANCE, reason="no", by=by("p-sam"), collect=old.world.collect)
    assert [one.stands for one in holds(old.world.collect)] == [True]


def test_releasing_twice_records_nothing_more(old: OldEvidence) -> None:
    index = placed(old)
    collect = old.world.collect
    first = release(index, role=Role.COMPLIANCE, reason="over", by=by("p-cleo"), collect=collect)
    assert release(index, role=Role.COMPLIANCE, reason="over", by=by("p-cleo"), collect=collect) == first
    assert [one.ended.index for one in holds(collect) if one.ended] == [first.index]


def test_a_hold_on_what_is_not_in_the_log_is_refused_as_a_mistake(old: OldEvidence) -> None:
    for scope in ({"run": RunId("r-none")}, {"service": "trivail"}):
        with pytest.raises(NotFound):
            placed(old, **scope)
    with pytest.raises(NotFound, match="no legal hold at log index 0"):
        release(0, role=Role.COMPLIANCE, reason="over", by=by("p-cleo"), collect=old.world.collect)


@pytest.mark.parametrize(
    ("actor", "signer"), [("p-cleo", None), ("p-cleo", "p-sam"), ("p-sam", "p-sam"), ("p-nobody", "p-nobody")]
)
def test_a_hold_or_release_by_who_may_not_counts_for_nothing(old: OldEvidence, actor: str, signer: str | None) -> None:
    """Past the desk, as whoever writes into the log might: only an entitled person's own key counts."""
    collect = old.world.collect
    key = collect.signer if signer is None else by(signer).signer
    words = collect.blobs.put(b"x", "application/vnd.wardline.private-text+json")
    placing = LegalHold(role=Role.COMPLIANCE, scope=Scope(), code=HoldReason.AUDIT, reason=words, blocks_erasure=False)
    collect.signed(placing, step="forged/hold", run=None, signer=key, actor=PrincipalId(actor))
    assert not holds(collect)
    index = placed(old)
    released = LegalHoldReleased(role=Role.COMPLIANCE, hold=index, reason=words)
    collect.signed(released, step="forged/release", run=None, signer=key, actor=PrincipalId(actor))
    assert [one.stands for one in holds(collect)] == [True]


def test_after_a_purge_the_purge_statement_is_the_only_new_one(old: OldEvidence) -> None:
    before = old.world.log.size()
    old.purging().purge(before=None)
    assert [item.statement.predicate_type for item in old.world.log.every() if item.index >= before] == [PURGE]


class Deadly:
    """A store whose process is killed at its `fatal`-th removal, before or after it is done."""

    def __init__(self, blobs: FileBlobs, fatal: int, *, done: bool) -> None:
        self._blobs, self._left, self._done = blobs, fatal, done

    def lying(self):
        return self._blobs.lying()

    def remove(self, digest, *, put_before):
        self._left -= 1
        if self._left == 0 and not self._done:
            os.kill(os.getpid(), signal.SIGKILL)
        gone = self._blobs.remove(digest, put_before=put_before)
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return gone


class DeadlyBlobs:
    """Blobs whose process is killed as soon as the manifest is kept: no statement names it yet."""

    def __init__(self, blobs: FileBlobs) -> None:
        self._blobs = blobs

    def get(self, digest):
        return self._blobs.get(digest)

    def put(self, content, media_type):
        self._blobs.put(content, media_type)
        os.kill(os.getpid(), signal.SIGKILL)


def _purge_and_die(folder: Path, now: datetime, fatal: int, done: bool) -> None:
    clock = ManualClock(now)
    with delivery_world(folder, clock=clock) as world:
        blobs = FileBlobs(folder / "blobs")
        collect = world.collect if fatal else replace(world.collect, blobs=DeadlyBlobs(blobs))
        Purging(collect=collect, stores=(Deadly(blobs, fatal, done=done),), schedule=Schedule()).purge(before=None)


@pytest.mark.slow
@pytest.mark.parametrize(("fatal", "done"), [(0, False), (1, False), (1, True), (3, False), (3, True)])
def test_killed_anywhere_the_next_purge_ends_it_the_same(old: OldEvidence, fatal: int, done: bool) -> None:
    due, size = expected_due(old), old.world.log.size()
    spawned = multiprocessing.get_context("spawn").Process(
        target=_purge_and_die, args=(old.world.folder, old.clock.now(), fatal, done)
    )
    spawned.start()
    spawned.join(60)
    assert spawned.exitcode == -signal.SIGKILL
    assert len(list(old.world.log.every(PURGE))) == (1 if fatal else 0)
    gone = due - old.lying()
    assert len(gone) == max(0, fatal - 1 + done)
    completed = old.purging().purge(before=None)
    assert not due & old.lying()
    assert completed.gone == len(due) - len(gone)
    assert old.world.check_log() == size + 1
    purges = read_purges(old.world.log, old.blobs)
    assert {digest.hex for digest in purges.by_digest} == due
    assert purges.unread == ()
