"""Self-test: plant faults before policies and checks, and keep as evidence how many were caught.

45 CFR 164.308(a)(8) asks for periodic evaluation, GDPR Art. 32(1)(d) for regular testing of the measures themselves.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from wardline.canonical import Digest, JSONObject, digest_of
from wardline.delivery.collect_evidence import Collector
from wardline.errors import NotFound, WardlineError
from wardline.gates.planted import plant
from wardline.gates.policy import Policy, PolicyEngine
from wardline.gates.trials import SELF_TEST, Kind, Planted, Tool, Trial, Trials, newest_trials, parts
from wardline.outcomes import Outcome

POLICIES = "policies"  # names all of them at once


@dataclass(frozen=True, slots=True, kw_only=True)
class OnTrial:
    """A check that faults can be planted before.

    Attributes:
        configuration: Digest of its settings, and of the code that reads its tool.
        plant: Plants every fault in an empty folder; returns which tool looked, and what became of each fault.
    """

    name: str
    configuration: Digest
    plant: Callable[[Path], tuple[Tool, tuple[Planted, ...]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Policies and the checks of this installation, and where to plant.

    Attributes:
        engine, tool: What gates ask, and what it is.
        folder: Makes an empty folder for the check of that name.
        wardline: Version.
    """

    collect: Collector
    policies: Sequence[Policy]
    engine: PolicyEngine
    tool: Tool
    checks: Sequence[OnTrial]
    folder: Callable[[str], Path]
    wardline: str

    @property
    def names(self) -> tuple[str, ...]:
        return (POLICIES, *(policy.id for policy in self.policies), *(check.name for check in self.checks))


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What to plant before. No name: everything. `older_than`: leave out what caught everything since then."""

    names: tuple[str, ...] = ()
    older_than: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """What came of it.

    Attributes:
        left_out: Names of what was tried a short while ago.
        records: Log indices; none where nothing was due.
    """

    __test__ = False  # pytest: not a test class

    trials: tuple[Trial, ...]
    left_out: tuple[str, ...]
    records: tuple[int, ...]


def self_test(asked: Asked, bench: Bench, *, say: Callable[[Trial], None]) -> Tested:
    """Plant what is asked for, tell each trial as it ends, and record them all.

    Raises:
        NotFound: There is no such policy or check.
    """
    unknown = [name for name in asked.names if name not in bench.names]
    if unknown:
        raise NotFound(f"no policy or check is called {unknown[0][:80]!r}", remedy=f"Known: {', '.join(bench.names)}.")
    due, left_out = _due(asked, bench)
    trials = []
    for act in due:
        trials.append(act())
        say(trials[-1])
    return Tested(trials=tuple(trials), left_out=left_out, records=_record(trials, bench))


def try_policies(
    policies: Iterable[Policy], *, engine: PolicyEngine, tool: Tool, collect: Collector, wardline: str
) -> None:
    """Plant faults before those of `policies` that nobody tried yet, or could try, and record it: before they decide.

    Done twice, it is recorded once: by the documents tried, the engine and the version of Wardline.
    """
    digests = {digest_of(policy.to_json()): policy for policy in policies}
    known = newest_trials(collect.log.youngest(SELF_TEST), policies=digests)
    newest = {digest: known.of_policy(digest) for digest in digests}
    due = {digest: tried for digest, tried in newest.items() if tried is None or tried.outcome is Outcome.ERRORED}
    if not due:
        return
    trials = [plant(digests[digest], engine, tool=tool) for digest in due]
    # Where nobody could look before, this is another attempt: it stands after that one.
    documents: JSONObject = {digest.hex: None if tried is None else tried.index for digest, tried in due.items()}
    key = digest_of({"policies": documents, "engine": f"{tool.name} {tool.version}", "wardline": wardline})
    for part in parts(trials, wardline=wardline):
        collect.once(f"self-test/policies-{key.short}/{part.number}", None, lambda part=part: part)  # type: ignore[misc]  # a bound default


def _due(asked: Asked, bench: Bench) -> tuple[list[Callable[[], Trial]], tuple[str, ...]]:
    since = None if asked.older_than is None else bench.collect.clock.now() - asked.older_than
    known = Trials(bench.collect.log.every(SELF_TEST))
    due: list[Callable[[], Trial]] = []
    left_out: list[str] = []

    def is_fresh(kind: Kind, name: str, configuration: Digest) -> bool:
        newest = known.of(kind, name, configuration)
        fresh = since is not None and newest is not None and newest.at >= since
        return fresh and newest is not None and newest.outcome is Outcome.PASSED

    for policy in bench.policies:
        if not asked.names or {POLICIES, policy.id} & set(asked.names):
            if is_fresh(Kind.POLICY, policy.id, digest_of(policy.to_json())):
                left_out.append(policy.id)
            else:
                due.append(lambda policy=policy: plant(policy, bench.engine, tool=bench.tool))  # type: ignore[misc]
    for check in bench.checks:
        if not asked.names or check.name in asked.names:
            if is_fresh(Kind.CHECK, check.name, check.configuration):
                left_out.append(check.name)
            else:
                due.append(lambda check=check: _tried(check, bench))  # type: ignore[misc]
    return due, tuple(left_out)


def _tried(check: OnTrial, bench: Bench) -> Trial:
    try:
        tool, planted = check.plant(bench.folder(check.name))
    except WardlineError as error:
        # Nobody could look: that is never a pass, and no reason to leave the other checks untried.
        tool = Tool(name=check.name, version="unknown")
        planted = (
            Planted(fault="none was planted", expected="a tool that runs", got=error.what, outcome=Outcome.ERRORED),
        )
    return Trial(kind=Kind.CHECK, name=check.name, tool=tool, configuration=check.configuration, planted=planted)


def _record(trials: Sequence[Trial], bench: Bench) -> tuple[int, ...]:
    if not trials:
        return ()
    collect = bench.collect
    name = collect.ids.new("t")
    return tuple(
        collect.once(f"self-test/{name}/{part.number}", None, lambda part=part: part).index  # type: ignore[misc]
        for part in parts(trials, wardline=bench.wardline)
    )
