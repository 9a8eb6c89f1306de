"""`wardline.yaml` as declared values. `parse.py` makes them; nothing deeper ever sees a dictionary."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType

from wardline.identity.principals import Role
from wardline.ids import EnvironmentName


class Criticality(StrEnum):
    """What stops when the service stops."""

    LIFE_CRITICAL = "life-critical"
    CLINICAL = "clinical"
    CLINICAL_SUPPORT = "clinical-support"
    ADMINISTRATIVE = "administrative"


class DataClass(StrEnum):
    """The most sensitive data a service touches."""

    PHI = "phi"
    PII = "pii"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSpec:
    name: str
    owner: str
    criticality: Criticality
    data: tuple[DataClass, ...]
    safety_class: str | None = None  # IEC 62304: A, B or C


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildSpec:
    """How the service's own wheel is made; Wardline adds the dependencies and closes the bundle."""

    run: str
    artifact: str  # glob below the export; must match exactly one wheel
    requirements: tuple[str, ...] = ()  # tools the build command needs, e.g. "build"
    extras: tuple[str, ...] = ()  # optional dependencies of the wheel to ship, e.g. "postgres"
    with_packages: tuple[str, ...] = ()  # shipped beside it, e.g. a server: "gunicorn==23.0.0"
    lock: str | None = None  # requirements file whose every line carries a hash
    timeout: timedelta = timedelta(minutes=15)  # three times the slowest build of a pure Python service seen


@dataclass(frozen=True, slots=True, kw_only=True)
class TestSpec:
    """How the bundle is tested, and the standards its tests are held against."""

    __test__ = False  # pytest: not a test class

    run: str
    junit: str
    coverage: str | None = None  # Cobertura XML
    requirements: tuple[str, ...] = ()  # test tools: requirement specifiers, or "-r file"
    min_coverage: int = 0  # percent of lines
    timeout: timedelta = timedelta(minutes=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanSpec:
    """`results` are the policy tools outside whose results must be handed in for the commit."""

    code: tuple[str, ...] = ("bandit",)
    paths: tuple[str, ...] = (".",)  # below the export; tests are left out by the scanners' own settings
    timeout: timedelta = timedelta(minutes=10)
    dependencies: tuple[str, ...] = ()
    results: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StartSpec:
    """How one instance is started. `$PORT` in the command is the port it must listen on (loopback)."""

    command: str
    health: str  # path answering 2xx once ready
    timeout: timedelta = timedelta(seconds=30)


class SecretSource(StrEnum):
    """Where a secret's value is fetched from, at start and never before."""

    ENV = "env"
    FILE = "file"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretRef:
    """A reference such as `env:STAGING_DATABASE_URL`; never a value."""

    source: SecretSource
    locator: str

    def __str__(self) -> str:
        return f"{self.source}:{self.locator}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetSpec:
    kind: str  # "local"
    instances: int = 1
    port: int | None = None  # where callers reach it; None: a free one, chosen once and kept


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisSpec:
    """What must hold for a deployment to count as working."""

    error_rate_bp: int = 100  # basis points of requests answered 5xx: 100 is 1 %
    p95_ms: int = 1000
    lasting: timedelta = timedelta(seconds=10)
    min_requests: int = 10  # fewer say nothing: inconclusive


class StrategyKind(StrEnum):
    BLUE_GREEN = "blue-green"
    CANARY = "canary"


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategySpec:
    kind: StrategyKind = StrategyKind.BLUE_GREEN
    steps: tuple[int, ...] = (100,)  # percent of traffic, rising, multiples of 5, ending at 100
    analysis: AnalysisSpec = field(default_factory=AnalysisSpec)
    soak: timedelta = timedelta()  # how long all traffic is watched before the old release is withdrawn


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalSpec:
    """How many people of a role must agree. `training`: theirs must be in date (45 CFR 164.308(a)(5)(i))."""

    role: Role
    count: int = 1
    training: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentSpec:
    name: EnvironmentName
    target: TargetSpec
    config: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    secrets: Mapping[str, SecretRef] = field(default_factory=lambda: MappingProxyType({}))
    strategy: StrategySpec = field(default_factory=StrategySpec)
    approvals: tuple[ApprovalSpec, ...] = ()
    approvals_within: timedelta = timedelta(hours=72)  # over a weekend; then the run ends undecided
    windows: tuple[str, ...] = ()  # calendars, by their paths below the repository
    window_wait: timedelta = timedelta(hours=12)  # over a night, and no freeze of days


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackSpec:
    rehearse_in: EnvironmentName
    max_age: timedelta = timedelta(hours=96)  # a day more than people are given to approve
    max_duration: timedelta = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """All that a service declares. `environments` are in order; the last one is production."""

    service: ServiceSpec
    build: BuildSpec
    test: TestSpec
    start: StartSpec
    environments: tuple[EnvironmentSpec, ...]
    regulations: tuple[str, ...] = ()
    scan: ScanSpec = field(default_factory=ScanSpec)
    rollback: RollbackSpec | None = None
    policies: tuple[str, ...] = ()  # its own policies, by their paths below the repository

    @property
    def production(self) -> EnvironmentSpec:
        return self.environments[-1]

    def environment(self, name: str) -> EnvironmentSpec | None:
        return next((e for e in self.environments if e.name == name), None)
