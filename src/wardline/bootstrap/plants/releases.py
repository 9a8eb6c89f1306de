"""Releases planted before a target: they never come up, they end, they answer errors; and rehearsals with them."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Final

import wardline
from wardline.analysis.limits import judge
from wardline.bootstrap.plants.bundles import NAME, VERSION, make_bundle
from wardline.bootstrap.plants.rehearsals import rehearsals
from wardline.bootstrap.plants.telling import Plant, told
from wardline.canonical import Digest
from wardline.clock import Clock
from wardline.delivery.deploy import Target
from wardline.deployments.plans import Release
from wardline.environments.observations import EnvironmentKey
from wardline.errors import Unavailable
from wardline.gates.trials import Planted, Tool
from wardline.ids import EnvironmentName, ReleaseId
from wardline.outcomes import Outcome
from wardline.pipelines.spec import AnalysisSpec, StartSpec

_WHERE: Final = EnvironmentKey(service=NAME, name=EnvironmentName("planted"))
_GOOD: Final = ReleaseId("good")
_HEALTHY_WITHIN: Final = timedelta(seconds=30)  # half a second on an idle machine
_SICK_AFTER: Final = timedelta(seconds=3)  # it never will be: long enough to be asked some dozen times
_PROBES: Final = 12  # more than the analysis needs to say anything

MakeTarget = Callable[[Path, Path], Target]  # its folder, and the bundle that every release of it is made of


def plant_releases(make_target: MakeTarget, clock: Clock) -> Plant:
    """Return what starts releases that do not work beside one that does, all of them stopped at the end."""

    def plant(work: Path) -> tuple[Tool, tuple[Planted, ...]]:
        bundle = make_bundle(work / "made").bundle
        target = make_target(work / "environments", bundle)
        digest = Digest.of(bundle.read_bytes())
        try:
            target.start(_WHERE, _release(_GOOD, digest, mode="", within=_HEALTHY_WITHIN), generation=1)
            target.shift(_WHERE, {_GOOD: 100}, generation=1)
            alone = (
                *_not_started(target, digest, "sick", "a release that is never healthy"),
                *_not_started(target, digest, "ends", "a release that ends as soon as it starts"),
                _failing(target, digest, clock),
            )
        finally:
            target.stop(_WHERE, generation=1)
        planted = (*alone, *rehearsals(work / "rehearsed", target, digest, clock))
        return Tool(name="wardline", version=wardline.__version__), planted

    return plant


def _not_started(target: Target, digest: Digest, mode: str, fault: str) -> tuple[Planted, ...]:
    try:
        target.start(_WHERE, _release(ReleaseId(mode), digest, mode=mode, within=_SICK_AFTER), generation=1)
        got = "started"
    except Unavailable:
        got = "not started"
    serves = dict(target.observe(_WHERE).weights)
    return (
        told(fault, expected="not started", got=got, caught=got == "not started"),
        told(
            f"{fault}: what served before it",
            expected="serves everybody",
            got="serves everybody" if serves == {_GOOD: 100} else "does not",
            caught=serves == {_GOOD: 100},
        ),
    )


def _failing(target: Target, digest: Digest, clock: Clock) -> Planted:
    """Plant a release that says it is well and answers errors, and look at it as an analysis does."""
    failing, limits = ReleaseId("failing"), AnalysisSpec()
    target.start(_WHERE, _release(failing, digest, mode="failing", within=_HEALTHY_WITHIN), generation=1)
    since = clock.now()
    for _ in range(_PROBES):
        target.probe(_WHERE, failing, path="/planted")
    verdict = judge(target.sample(_WHERE, failing, since=since, until=clock.now() + timedelta(seconds=1)), limits)
    return told(
        "a release that says it is well and answers errors",
        expected="failed: error-rate",
        got=f"{verdict.outcome}: {', '.join(verdict.reasons) or 'nothing'}",
        caught=verdict.outcome is Outcome.FAILED and "error-rate" in verdict.reasons,
    )


def _release(release: ReleaseId, digest: Digest, *, mode: str, within: timedelta) -> Release:
    return Release(
        id=release,
        version=VERSION,
        artifact=digest,
        start=StartSpec(command="python -m planted_service $PORT", health="/healthz", timeout=within),
        config={"MODE": mode},
        secrets={},
        instances=1,
        port=None,
    )
