"""Plans need an Allow of their own; releases are known by what they are; history tells what serves."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline import canonical
from wardline.canonical import Digest
from wardline.deployments.history import Moved, allowed_before, serving
from wardline.deployments.plans import DeploymentPlan, Release
from wardline.deployments.predicates import Phase, ReleaseRef
from wardline.deployments.releases import from_document, release_of, to_document
from wardline.environments.observations import EnvironmentKey
from wardline.errors import IntegrityViolation, Refused
from wardline.gates.decisions import Allow, Judgement
from wardline.ids import DeploymentId, EnvironmentName, ReleaseId, RunId
from wardline.pipelines.spec import EnvironmentSpec, SecretRef, SecretSource, StartSpec, StrategySpec, TargetSpec
from wardline.predicates import BlobRef

PRODUCTION = EnvironmentKey(service="desk", name=EnvironmentName("production"))
STAGING = EnvironmentKey(service="desk", name=EnvironmentName("staging"))
START = StartSpec(command="desk $PORT", health="/healthz", timeout=timedelta(seconds=7))
ONE, TWO = Digest.of(b"1"), Digest.of(b"2")


def release(*, artifact: Digest = ONE, version: str = "1.0", **environment: object) -> Release:
    spec = EnvironmentSpec(name=PRODUCTION.name, target=TargetSpec(kind="local"), **environment)  # type: ignore[arg-type]
    return release_of(spec, start=START, artifact=artifact, version=version)


def plan(*, allowed_in: EnvironmentName, allowed: Digest) -> DeploymentPlan:
    judgement = Judgement(
        environment=allowed_in, artifact=allowed, policy_digest=ONE, input_digest=ONE, evidence=(), reasons=()
    )
    return DeploymentPlan(
        id=DeploymentId("d"),
        environment=PRODUCTION,
        release=release(artifact=ONE),
        previous=None,
        strategy=StrategySpec(),
        consent=Allow(judgement=judgement),
        generation=1,
    )


def test_a_plan_is_written_under_an_allow_for_it() -> None:
    assert plan(allowed_in=PRODUCTION.name, allowed=ONE).release.artifact == ONE


@pytest.mark.parametrize(("environment", "artifact"), [(STAGING.name, ONE), (PRODUCTION.name, TWO)])
def test_an_allow_for_something_else_is_none(environment: EnvironmentName, artifact: Digest) -> None:
    with pytest.raises(Refused, match="the Allow is for"):
        plan(allowed_in=environment, allowed=artifact)


# -- releases

SECRET = {"TOKEN": SecretRef(source=SecretSource.ENV, locator="DESK_TOKEN")}


def test_a_release_is_read_back_as_it_was() -> None:
    written = release(config={"A": "1"}, secrets=SECRET)
    assert from_document(to_document(written)) == written


def test_whatever_differs_is_another_release() -> None:
    every = [
        release(),
        release(artifact=TWO),
        release(version="1.1"),
        release(config={"A": "1"}),
        release(secrets=SECRET),
    ]
    assert len({each.id for each in every}) == len(every)


@pytest.mark.parametrize("changed", [{"artifact": str(TWO)}, {"config": {"A": "2"}}, {"instances": 2}, {"port": 80}])
def test_a_document_that_was_changed_is_no_release(changed: canonical.JSONObject) -> None:
    document = canonical.decode(to_document(release(config={"A": "1"})))
    assert isinstance(document, dict)
    with pytest.raises(IntegrityViolation, match="expected id"):
        from_document(canonical.encode(document | changed))


def test_a_document_of_another_shape_is_no_release() -> None:
    with pytest.raises(IntegrityViolation, match="not a release document"):
        from_document(canonical.encode({"id": "1.0-00000000"}))


# -- history


def ref(version: str) -> ReleaseRef:
    digest = Digest.of(version.encode())
    document = BlobRef(digest=digest, media_type="application/json", size_bytes=1)
    return ReleaseRef(id=ReleaseId(version), version=version, artifact=digest, document=document)


def moved(about: str, phase: Phase, serves: str | None, *, index: int = 0, where: EnvironmentKey = PRODUCTION) -> Moved:
    return Moved(
        index=index,
        run=RunId("r"),
        at=datetime(2026, 1, 1, tzinfo=UTC),
        deployment=DeploymentId(f"d-{about}"),
        environment=where,
        release=ref(about),
        previous=None,
        serving=None if serves is None else ReleaseId(serves),
        decision=index,
        phase=phase,
        reason=None,
    )


A, B = (moved(name, Phase.SUCCEEDED, name, index=index) for index, name in enumerate(("a", "b"), start=1))


def serves(*past: Moved) -> str | None:
    found = serving(past, PRODUCTION)
    return None if found is None else str(found[0].id)


def test_the_last_that_succeeded_serves_under_its_own_allow() -> None:
    assert serving((), PRODUCTION) is None
    assert serving((A, B), PRODUCTION) == (ref("b"), 2)


@pytest.mark.parametrize("phase", [Phase.STARTED, Phase.SHIFTED, Phase.WITHDRAWN, Phase.FENCED])
def test_what_has_not_ended_does_not_count(phase: Phase) -> None:
    assert serves(A, moved("b", phase, "b")) == "a"


@pytest.mark.parametrize("phase", [Phase.ROLLED_BACK, Phase.FAILED])
def test_what_failed_leaves_what_served_before(phase: Phase) -> None:
    assert serves(A, moved("b", phase, "a")) == "a"
    assert serves(moved("b", phase, None)) is None


def test_an_operator_brings_back_an_earlier_one() -> None:
    assert serving((A, B, moved("a", Phase.ROLLED_BACK, "a", index=1)), PRODUCTION) == (ref("a"), 1)


def test_after_a_stop_nothing_serves() -> None:
    assert serves(A, moved("a", Phase.STOPPED, None)) is None


def test_other_environments_are_other_environments() -> None:
    elsewhere = moved("b", Phase.SUCCEEDED, "b", where=STAGING)
    assert serves(A, elsewhere) == "a"
    assert serving((A, elsewhere), EnvironmentKey(service="other", name=PRODUCTION.name)) is None


def test_only_what_once_succeeded_can_be_gone_back_to_newest_first() -> None:
    failed = moved("c", Phase.ROLLED_BACK, "b")
    assert [found[0].id for found in allowed_before((A, B, failed, A), PRODUCTION)] == ["a", "b"]
    assert allowed_before((moved("c", Phase.STARTED, "c"), failed), PRODUCTION) == ()


def test_what_was_rolled_back_to_by_force_gains_no_allow() -> None:
    """Only a success puts a release among those one may go back to."""
    assert allowed_before((moved("x", Phase.ROLLED_BACK, "x"),), PRODUCTION) == ()


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(list(Phase)), st.sampled_from(["a", "b", "c", None])))
)
def test_what_serves_has_an_allow_of_its_own(story: list[tuple[str, Phase, str | None]]) -> None:
    past = tuple(moved(about, phase, it, index=index) for index, (about, phase, it) in enumerate(story))
    found = serving(past, PRODUCTION)
    assert found is None or any(m.decision == found[1] and m.release == found[0] for m in past)
