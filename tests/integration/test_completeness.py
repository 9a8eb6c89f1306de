"""Whatever is taken away, damaged or cannot be looked at is told, with its place; nothing else is."""

import dataclasses
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.fakes.old_evidence import LONG_AGO, NEW, OLD, OldEvidence, old_evidence

from wardline.canonical import Digest
from wardline.delivery.prove_complete import Sources, prove_complete
from wardline.errors import IntegrityViolation, NotFound, Unavailable
from wardline.evidence.log import Evidence
from wardline.evidence.mentions import SEAL, blobs_of
from wardline.evidence.retention.completeness import Completeness, Looked, Window
from wardline.identity.predicates import Refusal, principal_subject
from wardline.ids import PrincipalId, RunId
from wardline.outcomes import Outcome
from wardline.pipelines.run import RunStatus

YEAR = Window(since=LONG_AGO - timedelta(days=1), until=LONG_AGO + timedelta(days=365))


@pytest.fixture
def old(tmp_path: Path) -> Iterator[OldEvidence]:
    with old_evidence(tmp_path) as opened:
        yield opened


def sources(old: OldEvidence, **others: object) -> Sources:
    world = old.world

    def under_way(run: RunId) -> bool:
        try:
            return not world.runs.load(run).ended
        except NotFound:
            return False

    known: dict = {
        "log": world.log,
        "blobs": old.blobs,
        "check": world.check_log,
        "artifact": lambda _digest: None,  # the fake workshop keeps none
        "runs": world.runs.newest(1000),
        "under_way": under_way,
    }
    return Sources(**(known | others))


def looked(found: Completeness, title: str) -> Looked:
    (one,) = (looked for looked in found.looked if title in looked.title)
    return one


def only_wrong(found: Completeness, title: str) -> Looked:
    """Return what was looked at, and was the only thing that was not as it should be."""
    wrong = [looked.title for looked in found.looked if looked.outcome is not Outcome.PASSED]
    assert len(wrong) == 1, wrong
    assert title in wrong[0]
    return looked(found, title)


def prove(old: OldEvidence, window: Window = YEAR, **others: object) -> Completeness:
    return prove_complete(window, sources(old, **others))


@dataclasses.dataclass
class Log:
    """The real log, of which `shown` shows only a part, or stops."""

    log: object
    shown: Callable[[Evidence], bool]
    stops_at: int | None = None
    error: type[Exception] = Unavailable

    def every(self, *kinds: str) -> Iterator[Evidence]:
        for item in self.log.every(*kinds):  # type: ignore[attr-defined]
            if item.index == self.stops_at:
                raise self.error(f"leaf {item.index}")
            if self.shown(item):
                yield item


def test_of_a_whole_year_nothing_is_missing(old: OldEvidence) -> None:
    found = prove(old)
    assert found.outcome is Outcome.PASSED
    assert (found.statements, found.size, found.first) == (found.size, old.world.log.size(), 0)
    assert looked(found, "run").counted == 2
    assert looked(found, "Allow").counted > 0
    assert looked(found, "named").counted > 10


def test_a_window_counts_only_what_is_inside(old: OldEvidence) -> None:
    second = Window(since=LONG_AGO + timedelta(days=10), until=YEAR.until)
    found = prove(old, second)
    assert found.outcome is Outcome.PASSED
    assert found.first == old.world.log.of_run(RunId(NEW))[0].index
    assert looked(found, "run").counted == 1
    nothing = prove(old, Window(since=YEAR.until, until=YEAR.until + timedelta(days=1)))
    assert (nothing.outcome, nothing.statements, nothing.first) == (Outcome.PASSED, 0, None)


def test_what_was_purged_is_not_missing(old: OldEvidence) -> None:
    removed = old.purging().purge(before=None)
    found = prove(old)
    assert found.outcome is Outcome.PASSED
    (note,) = looked(found, "named").notes
    assert note.startswith(f"{removed.gone} of them")


def some_blob(old: OldEvidence) -> tuple[Digest, Path]:
    digest = old.purging().look(before=None).due[0][0].thing.digest
    return digest, old.world.folder / "blobs" / digest.hex[:2] / digest.hex


def test_what_somebody_took_away_is_missing(old: OldEvidence) -> None:
    digest, path = some_blob(old)
    path.unlink()
    (line,) = only_wrong(prove(old), "named").missing
    assert digest.hex in line
    assert "no purge says so" in line


def test_what_somebody_changed_is_missing(old: OldEvidence) -> None:
    digest, path = some_blob(old)
    path.write_bytes(b"forged")
    (line,) = only_wrong(prove(old), "named").missing
    assert digest.hex in line


def test_what_cannot_be_read_was_not_seen(old: OldEvidence) -> None:
    class Broken:
        def get(self, digest: Digest) -> bytes:
            raise Unavailable(f"blob {digest.short}: Input/output error")

    found = prove(old, blobs=Broken())
    assert found.outcome is Outcome.ERRORED
    assert only_wrong(found, "named").missing == ()


def test_a_purge_does_not_excuse_what_was_named_after_it(old: OldEvidence) -> None:
    from wardline.evidence.log import OUTPUT
    from wardline.pipelines.predicates import StageStopped

    purge = old.purging().purge(before=None)
    gone = purge.plan.due[0][0].thing
    reference = dataclasses.replace(next(iter(blobs_of(old.world.log.of_run(RunId(OLD))[0]))), digest=gone.digest)
    named = dataclasses.replace(reference, media_type=OUTPUT)
    stopped = StageStopped(
        about=principal_subject(PrincipalId("p")),
        stage="test",
        code="report-missing",
        exit_code=None,
        errored=True,
        output=named,
        private=None,
    )
    later = old.world.collect.once("test", None, lambda: stopped)
    window = Window(since=old.clock.now() - timedelta(days=1), until=old.clock.now() + timedelta(days=1))
    (line,) = only_wrong(prove(old, window), "named").missing
    assert f"named at log index {later.index}" in line


def test_a_lost_manifest_leaves_undecided_whether_a_thing_was_purged(old: OldEvidence) -> None:
    statement = old.purging().purge(before=None).statement
    assert statement is not None
    (manifest,) = blobs_of(statement)
    (old.world.folder / "blobs" / manifest.digest.hex[:2] / manifest.digest.hex).unlink()
    found = prove(old)
    assert found.outcome is Outcome.ERRORED
    assert all(f"statement {statement.index}" in line for line in only_wrong(found, "named").unseen)


def test_an_artifact_that_is_not_there_is_missing(old: OldEvidence) -> None:
    def artifact(digest: Digest) -> object:
        raise NotFound(f"artifact {digest} is not kept here")

    assert len(only_wrong(prove(old, artifact=artifact), "named").missing) == 2


def test_a_leaf_that_is_not_there_is_missing_twice_over(old: OldEvidence) -> None:
    inside = old.world.log.of_run(RunId(OLD))[3].index
    found = prove(old, log=Log(old.world.log, lambda item: item.index != inside))
    assert looked(found, "gap").missing == (f"log index {inside} is not there; the next one is {inside + 1}",)
    (line,) = looked(found, "run").missing
    assert line.startswith(f"run {OLD}: ")
    assert found.outcome is Outcome.FAILED


def test_a_tail_that_is_not_there_is_missing(old: OldEvidence) -> None:
    size = old.world.log.size()
    found = prove(old, log=Log(old.world.log, lambda item: item.index < size - 1))
    assert looked(found, "gap").missing == (f"the checked log has {size} statements, {size - 1} could be read",)
    assert looked(found, "run").missing == (f"run {NEW}: not sealed",)


def test_without_its_seal_a_run_is_not_whole(old: OldEvidence) -> None:
    def shown(item: Evidence) -> bool:
        return item.statement.predicate_type != SEAL or item.statement.context.run != OLD

    assert looked(prove(old, log=Log(old.world.log, shown)), "run").missing == (f"run {OLD}: not sealed",)


def test_without_its_decision_a_deployment_has_no_allow(old: OldEvidence) -> None:
    def shown(item: Evidence) -> bool:
        return item.statement.context.step != "production/gate"

    missing = looked(prove(old, log=Log(old.world.log, shown)), "Allow").missing
    assert missing
    assert all("no Allow" in line for line in missing)


def test_a_run_under_way_is_named_and_not_missing(old: OldEvidence) -> None:
    old.clock.advance(timedelta(seconds=-8 * 366 * 86400))
    old.world.begin("r-silent", "3.0")
    run = dataclasses.replace(old.world.runs.load(RunId("r-silent")), started_at=LONG_AGO)
    found = prove(old, runs=[run])
    assert found.outcome is Outcome.PASSED
    assert looked(found, "run").notes == ("run r-silent is under way and has left nothing yet",)


def test_a_run_that_only_the_table_knows_is_missing(old: OldEvidence) -> None:
    old.world.begin("r-lost", "3.0")
    run = dataclasses.replace(
        old.world.runs.load(RunId("r-lost")), started_at=LONG_AGO, status=RunStatus.SUCCEEDED, finished_at=LONG_AGO
    )
    (line,) = only_wrong(prove(old, runs=[run]), "run").missing
    assert "r-lost" in line


def test_a_log_that_does_not_hold_is_not_complete(old: OldEvidence) -> None:
    def check() -> int:
        raise IntegrityViolation("log: leaf 7 does not have its own hash")

    assert only_wrong(prove(old, check=check), "root").missing == ("log: leaf 7 does not have its own hash",)


@pytest.mark.parametrize(("error", "outcome"), [(Unavailable, Outcome.ERRORED), (IntegrityViolation, Outcome.FAILED)])
def test_a_log_that_stops_is_told_with_its_place(old: OldEvidence, error: type[Exception], outcome: Outcome) -> None:
    found = prove(old, log=Log(old.world.log, lambda _: True, stops_at=5, error=error))
    assert found.outcome is outcome
    gap = looked(found, "gap")
    assert (gap.missing or gap.unseen) == ("leaf 5",)
    assert looked(found, "named").outcome is Outcome.ERRORED


def test_a_time_that_goes_back_is_told(old: OldEvidence) -> None:
    collect = old.world.collect
    refusal = Refusal(action="approve", code="without-role", principal=None, about=principal_subject(PrincipalId("p")))
    old.clock.advance(timedelta(days=-1))
    # Past the collector's own check, as a program of somebody else's might.
    late = collect._append(refusal, "late", None, signer=collect.signer, actor=collect.machine)
    collect.clock.advance(timedelta(days=-1))  # type: ignore[attr-defined]
    later = collect._append(refusal, "later", None, signer=collect.signer, actor=collect.machine)
    assert later.index == late.index + 1
    window = Window(since=old.clock.now() - timedelta(days=3), until=old.clock.now() + timedelta(days=3))
    (line,) = only_wrong(prove(old, window), "forward").missing
    assert f"log index {later.index}" in line


def test_an_empty_log_proves_nothing(old: OldEvidence) -> None:
    found = prove(old, log=Log(old.world.log, lambda _: False), check=lambda: 0, runs=())
    assert found.outcome is Outcome.ERRORED
