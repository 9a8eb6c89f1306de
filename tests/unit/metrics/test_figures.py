"""The figures against sums made by hand."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.canonical import Digest, JSONObject
from wardline.deployments.history import Moved
from wardline.deployments.predicates import Phase, ReleaseRef
from wardline.environments.observations import EnvironmentKey
from wardline.evidence.envelopes import Envelope, Signature
from wardline.evidence.log import Evidence
from wardline.evidence.statements import Context, Statement
from wardline.gates.decisions import Allow, Deny, Judgement, Undecided
from wardline.gates.predicates import DECISION
from wardline.ids import DeploymentId, EnvironmentName, KeyId, PrincipalId, ReleaseId, RunId
from wardline.metrics.audit import Allowed, allows, audit_trail
from wardline.metrics.dora import DORA, dora
from wardline.metrics.records import Records, RunRecord
from wardline.outcomes import Outcome
from wardline.predicates import BlobRef, Subject

PRODUCTION = EnvironmentKey(service="desk", name=EnvironmentName("production"))
STAGING = EnvironmentKey(service="desk", name=EnvironmentName("staging"))
MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
NOTHING = DORA(deployments=0, window=None, lead_time=None, change_failure_rate_bp=None, time_to_recovery=None)


def release(version: str) -> ReleaseRef:
    digest = Digest.of(version.encode())
    document = BlobRef(digest=digest, media_type="application/json", size_bytes=1)
    return ReleaseRef(id=ReleaseId(version), version=version, artifact=digest, document=document)


class Tale:
    """Deployments, told in the order in which they happened."""

    def __init__(self) -> None:
        self.moves: list[Moved] = []
        self.runs: list[RunRecord] = []

    def move(
        self,
        run: str,
        phase: Phase,
        *,
        at: float,
        reason: str | None = None,
        where: EnvironmentKey = PRODUCTION,
        route: tuple[str | None, str] | None = None,
    ) -> "Tale":
        away, to = route or (None, run)
        moved = Moved(
            index=100 + len(self.moves),
            run=RunId(run),
            at=MONDAY + timedelta(hours=at),
            deployment=DeploymentId(f"{run}/{where.name}"),
            environment=where,
            release=release(to),
            previous=None if away is None else release(away),
            serving=ReleaseId(run) if phase is Phase.SUCCEEDED else None,
            decision=7,
            phase=phase,
            reason=reason,
        )
        self.moves.append(moved)
        return self

    def succeeds(self, run: str, *, at: float, where: EnvironmentKey = PRODUCTION) -> "Tale":
        """It meets callers half an hour before it has succeeded."""
        for phase, before in ((Phase.STARTED, 0.75), (Phase.SHIFTED, 0.5), (Phase.WITHDRAWN, 0.1)):
            self.move(run, phase, at=at - before, where=where)
        return self.move(run, Phase.SUCCEEDED, at=at, where=where)

    def is_taken_back(self, run: str, *, at: float, after: float, reason: str = "analysis-not-passed") -> "Tale":
        self.move(run, Phase.STARTED, at=at - after - 0.1).move(run, Phase.SHIFTED, at=at - after)
        return self.move(run, Phase.SHIFTED, at=at, reason=reason).move(run, Phase.ROLLED_BACK, at=at, reason=reason)

    def operator(self, away: str | None, to: str, *, at: float) -> "Tale":
        return self.move(f"o{at}", Phase.ROLLED_BACK, at=at, reason="operator", route=(away, to))

    def commits(self, run: str, *, at: float) -> "Tale":
        self.runs.append(record(run, committed_at=MONDAY + timedelta(hours=at)))
        return self

    def figures(self, where: EnvironmentKey = PRODUCTION) -> DORA:
        return dora(Records(runs=tuple(self.runs), deployments=tuple(self.moves)), where)


def record(run: str, *, statements: int = 9, stated: int | None = 9, committed_at: datetime | None = None) -> RunRecord:
    return RunRecord(
        run=RunId(run),
        statements=statements,
        stated=stated,
        status="succeeded",
        began_at=MONDAY,
        ended_at=MONDAY,
        committed_at=committed_at,
    )


# -- DORA


def test_where_nothing_happened_there_is_nothing_to_say() -> None:
    assert Tale().figures() == NOTHING
    assert Tale().succeeds("a", at=1, where=STAGING).figures() == NOTHING


def test_what_is_under_way_is_no_deployment_yet() -> None:
    assert Tale().move("a", Phase.STARTED, at=1).move("a", Phase.SHIFTED, at=2).figures() == NOTHING


def test_three_good_changes() -> None:
    tale = Tale().commits("a", at=0).commits("b", at=2).commits("c", at=10)
    figures = tale.succeeds("a", at=1).succeeds("b", at=10).succeeds("c", at=14).figures()
    assert figures == DORA(
        deployments=3,
        window=timedelta(hours=13),
        lead_time=timedelta(hours=4),  # of 1, 8 and 4
        change_failure_rate_bp=0,
        time_to_recovery=None,
    )


def test_a_change_whose_commit_is_not_known_has_no_lead_time() -> None:
    figures = Tale().commits("a", at=0).succeeds("a", at=3).succeeds("b", at=5).figures()
    assert (figures.deployments, figures.lead_time) == (2, timedelta(hours=3))


def test_one_of_four_changes_taken_back() -> None:
    tale = Tale().succeeds("a", at=1).succeeds("b", at=2).is_taken_back("c", at=4, after=0.25).succeeds("d", at=5)
    figures = tale.figures()
    assert figures.deployments == 3
    assert figures.change_failure_rate_bp == 2500
    assert figures.time_to_recovery == timedelta(minutes=15)


def test_only_failures_leave_no_window() -> None:
    figures = Tale().is_taken_back("a", at=4, after=1).figures()
    assert figures == DORA(
        deployments=0,
        window=None,
        lead_time=None,
        change_failure_rate_bp=10_000,
        time_to_recovery=timedelta(hours=1),
    )


def test_what_no_caller_met_is_no_failed_change() -> None:
    """It did not start, or it was given up before any traffic was shifted to it."""
    tale = Tale().succeeds("a", at=1)
    tale.move("b", Phase.STARTED, at=2).move("b", Phase.FAILED, at=2, reason="not-healthy")
    tale.move("c", Phase.STARTED, at=3).move("c", Phase.ROLLED_BACK, at=3, reason="cancelled")
    assert tale.figures().change_failure_rate_bp == 0
    assert tale.figures().time_to_recovery is None


def test_what_was_given_up_is_no_failed_change() -> None:
    tale = Tale().succeeds("a", at=1).is_taken_back("b", at=3, after=1, reason="cancelled")
    assert tale.figures().change_failure_rate_bp == 0


def test_a_rollback_by_an_operator_fails_the_change_it_undid() -> None:
    tale = Tale().succeeds("a", at=1).succeeds("b", at=10).operator("b", "a", at=12)
    figures = tale.figures()
    assert figures.deployments == 2
    assert figures.change_failure_rate_bp == 5000
    assert figures.time_to_recovery == timedelta(hours=2, minutes=30)  # callers met it half an hour before its end


def test_rollbacks_to_and_fro_fail_a_change_once() -> None:
    tale = Tale().succeeds("a", at=1).succeeds("b", at=10)
    tale.operator("b", "a", at=11).operator("a", "b", at=12).operator("b", "a", at=13)
    assert tale.figures().change_failure_rate_bp == 5000


def test_a_rollback_further_back_fails_one_more_change() -> None:
    tale = Tale().succeeds("a", at=1).succeeds("b", at=2).succeeds("c", at=3).succeeds("d", at=4)
    figures = tale.operator("d", "c", at=5).operator("c", "a", at=6).figures()
    assert figures.change_failure_rate_bp == 5000
    assert figures.time_to_recovery == timedelta(hours=2, minutes=30)  # of 1.5 and 3.5


def test_what_is_shipped_again_can_fail_again() -> None:
    tale = Tale().succeeds("a", at=1).succeeds("b", at=2).operator("b", "a", at=3)
    assert tale.succeeds("b", at=4).operator("b", "a", at=5).figures().change_failure_rate_bp == 6667


def test_starting_again_what_was_stopped_fails_nothing() -> None:
    tale = Tale().succeeds("a", at=1).move("s", Phase.STOPPED, at=2, reason="operator").operator(None, "a", at=3)
    assert tale.figures().change_failure_rate_bp == 0


def test_rehearsals_are_no_deployments() -> None:
    tale = Tale().succeeds("a", at=1, where=STAGING)
    tale.move("b", Phase.ROLLED_BACK, at=2, reason="rehearsal", where=STAGING)
    tale.move("c", Phase.SUCCEEDED, at=2, reason="rehearsal", where=STAGING)
    tale.move("d", Phase.SUCCEEDED, at=3, reason="bring-to-production", where=STAGING)
    figures = tale.figures(STAGING)
    assert (figures.deployments, figures.window, figures.change_failure_rate_bp) == (1, timedelta(), 0)


def test_a_stop_is_neither_a_success_nor_a_failure() -> None:
    tale = Tale().succeeds("a", at=1).move("s", Phase.STOPPED, at=2, reason="operator")
    assert tale.figures() == Tale().succeeds("a", at=1).figures()


TELL = {
    "good": lambda tale, run, at: tale.succeeds(run, at=at),
    "bad": lambda tale, run, at: tale.is_taken_back(run, at=at, after=0.1),
    "unmet": lambda tale, run, at: tale.move(run, Phase.FAILED, at=at, reason="not-healthy"),
    "back": lambda tale, _, at: tale.operator(f"r{at - 1}", f"r{at - 2}", at=at),
    "stop": lambda tale, run, at: tale.move(run, Phase.STOPPED, at=at, reason="operator"),
    "rehearsal": lambda tale, run, at: tale.move(run, Phase.ROLLED_BACK, at=at, reason="rehearsal"),
}


@given(st.lists(st.sampled_from(sorted(TELL)), max_size=12))
def test_shares_are_shares(story: list[str]) -> None:
    tale = Tale()
    for number, what in enumerate(story):
        TELL[what](tale, f"r{number}", number)
    figures = tale.figures()
    assert figures.deployments == story.count("good")
    assert (figures.window is None) == (figures.deployments == 0)
    assert (figures.change_failure_rate_bp is None) == (not {"good", "bad"} & set(story))
    assert 0 <= (figures.change_failure_rate_bp or 0) <= 10_000
    assert figures.time_to_recovery is None or figures.time_to_recovery >= timedelta()


# -- the audit trail


def test_an_empty_log_is_not_complete_but_says_nothing() -> None:
    trail = audit_trail(Records(runs=(), deployments=()), under_way=lambda _: False, allows={})
    assert trail.completeness_bp is None
    assert trail.gaps == ()


def test_what_is_under_way_is_neither_complete_nor_a_gap() -> None:
    records = Records(runs=(record("a"), record("b", stated=None)), deployments=())
    trail = audit_trail(records, under_way=lambda run: run == "b", allows={})
    assert (trail.runs, trail.sealed, trail.under_way, trail.completeness_bp) == (1, 1, 1, 10_000)
    assert trail.gaps == ()


@pytest.mark.parametrize(
    ("run", "gap"),
    [
        (record("b", stated=None), "run b: not sealed"),
        (record("b", statements=8), "run b: 8 of 9 statements"),
        (record("b", statements=10), "run b: 10 of 9 statements"),
    ],
)
def test_a_run_that_is_not_whole_is_a_gap(run: RunRecord, gap: str) -> None:
    trail = audit_trail(Records(runs=(record("a"), run), deployments=()), under_way=lambda _: False, allows={})
    assert (trail.completeness_bp, trail.gaps) == (5000, (gap,))


def test_a_sealed_run_is_not_under_way_whatever_the_table_says() -> None:
    trail = audit_trail(Records(runs=(record("a", statements=8),), deployments=()), under_way=lambda _: True, allows={})
    assert trail.gaps == ("run a: 8 of 9 statements",)


def test_what_reached_an_environment_without_an_allow_is_a_gap() -> None:
    moves = Tale().move("a", Phase.STARTED, at=1).move("a", Phase.SHIFTED, at=2).move("a", Phase.SUCCEEDED, at=3).moves
    records = Records(runs=(record("a"),), deployments=tuple(moves))
    allow = Allowed(artifact=release("a").artifact, environment=PRODUCTION.name)
    allowed = audit_trail(records, under_way=lambda _: False, allows={7: allow})
    assert (allowed.deployments, allowed.consented, allowed.completeness_bp) == (2, 2, 10_000)
    without = audit_trail(records, under_way=lambda _: False, allows={6: allow})
    assert (without.deployments, without.consented, without.completeness_bp) == (2, 0, 3333)
    assert without.gaps == ("log index 100: no Allow for it before it", "log index 102: no Allow for it before it")


@pytest.mark.parametrize(
    "other",
    [
        Allowed(artifact=release("b").artifact, environment=PRODUCTION.name),
        Allowed(artifact=release("a").artifact, environment=STAGING.name),
    ],
)
def test_an_allow_for_something_else_is_none(other: Allowed) -> None:
    records = Records(runs=(), deployments=tuple(Tale().move("a", Phase.STARTED, at=1).moves))
    trail = audit_trail(records, under_way=lambda _: False, allows={7: other})
    assert (trail.consented, trail.completeness_bp) == (0, 0)


def test_an_allow_that_came_later_is_none() -> None:
    records = Records(runs=(), deployments=tuple(Tale().move("a", Phase.STARTED, at=1).moves))
    moved = Moved(**{name: getattr(records.deployments[0], name) for name in Moved.__slots__} | {"decision": 101})
    allow = Allowed(artifact=release("a").artifact, environment=PRODUCTION.name)
    trail = audit_trail(Records(runs=(), deployments=(moved,)), under_way=lambda _: False, allows={101: allow})
    assert (trail.consented, trail.completeness_bp) == (0, 0)


def decided(kind: type[Allow | Deny | Undecided], *, index: int, result: str | None = None) -> Evidence:
    judgement = Judgement(
        environment=PRODUCTION.name,
        artifact=release("a").artifact,
        policy_digest=Digest.of(b"policies"),
        input_digest=Digest.of(b"input"),
        evidence=(),
        reasons=(),
    )
    body: JSONObject = {
        "verificationResult": result or ("PASSED" if kind is Allow else "FAILED"),
        "wardline_decision": {
            "verdict": kind.verdict,
            "environment": judgement.environment,
            "input_digest": {"sha256": judgement.input_digest.hex},
            "policy_digest": {"sha256": judgement.policy_digest.hex},
            "evidence": [],
            "reasons": [],
        },
    }
    outcomes = {"allow": Outcome.PASSED, "deny": Outcome.FAILED, "undecided": Outcome.INCONCLUSIVE}
    context = Context(
        run=RunId("a"),
        step=str(index),
        attempt=1,
        recorded_at=MONDAY,
        actor=PrincipalId("m"),
        outcome=outcomes[kind.verdict],
    )
    subject = Subject(name="artifact", digest=judgement.artifact)
    statement = Statement(predicate_type=DECISION, subjects=(subject,), context=context, body=body)
    envelope = Envelope(payload_type="x", payload=b"x", signatures=(Signature(keyid=KeyId("k"), sig=b"s"),))
    return Evidence(index=index, key=context.key, envelope=envelope, statement=statement)


def test_only_what_says_allow_all_over_allows() -> None:
    told = [
        decided(Allow, index=0),
        decided(Deny, index=1),
        decided(Undecided, index=2),
        decided(Allow, index=3, result="FAILED"),
    ]
    assert allows(told) == {0: Allowed(artifact=release("a").artifact, environment=PRODUCTION.name)}
