"""Every key of wardline.yaml, declared once. The parser, the JSON Schema and the reference are made from this table."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial

from packaging.requirements import InvalidRequirement, Requirement

from wardline.identity.principals import Role
from wardline.ids import EnvironmentName
from wardline.pipelines import rules
from wardline.pipelines.sections import Key, Section
from wardline.pipelines.shapes import Choice, Duration, Fraction, Items, Table, Text, Value, Whole
from wardline.pipelines.spec import (
    AnalysisSpec,
    ApprovalSpec,
    BuildSpec,
    Criticality,
    DataClass,
    EnvironmentSpec,
    Pipeline,
    RollbackSpec,
    ScanSpec,
    SecretRef,
    SecretSource,
    ServiceSpec,
    StartSpec,
    StrategyKind,
    StrategySpec,
    TargetSpec,
    TestSpec,
)

FILENAME = "wardline.yaml"
_SECOND, _HOUR, _DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)

# Declared and written into evidence. Which controls of each are answered is the catalogues' matter.
REGULATIONS = (
    "hipaa", "hitech", "gdpr", "uk-gdpr", "42-cfr-part-2", "21-cfr-part-11", "fda-524b", "mdr", "nis2", "iec-62304",
    "iec-81001-5-1", "iso-13485", "iso-14971", "iso-27001", "nist-800-53", "hitrust", "soc-2", "dtac", "dcb0129",
)  # fmt: skip


def _requirement(text: str) -> str | None:
    try:
        found = Requirement(text)
    except InvalidRequirement:
        return None
    # A direct URL cannot be hash-locked, and often carries a token.
    return text if found.url is None else None


def _test_requirement(text: str) -> str | None:
    return text if text.startswith("-r ") else _requirement(text)


def _secret(text: str) -> SecretRef:
    source, _, locator = text.partition(":")
    return SecretRef(source=SecretSource(source), locator=locator)


def _in_order(declared: Mapping[str, object]) -> tuple[EnvironmentSpec, ...]:
    # The section of an environment does not know its name: it makes a partial that takes it.
    return tuple(make(name=EnvironmentName(name)) for name, make in declared.items() if isinstance(make, partial))


def _pipeline(**declared: object) -> object:
    declared.pop("wardline")  # 1, the only version there is
    make: Callable[..., object] = Pipeline
    return make(**declared)


def _minimum(*, min_coverage: int = 0) -> int:
    return min_coverage


_LABEL = r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?"
_PATH = r"(?!/)(?!(?:.*/)?\.\.(?:/|$))[^\x00-\x1f\x7f\\]+"  # below the export: no root, no way up
_VARIABLE = r"[A-Za-z_][A-Za-z0-9_]*"

LABEL = Text(wanted="a name in lower-case letters, digits and -, starting with a letter", pattern=_LABEL, longest=63)
COMMAND = Text(wanted="a command on one line", pattern=r"[^\x00-\x20\x7f][^\x00-\x1f\x7f]*")
START_COMMAND = Text(
    wanted="a command on one line with $PORT in it, the port to listen on",
    pattern=r"(?=.*\$(?:PORT(?![A-Za-z0-9_])|\{PORT\}))[^\x00-\x20\x7f][^\x00-\x1f\x7f]*",
)
PATH = Text(wanted="a path below the repository, with / and without ..", pattern=_PATH, longest=400)
CALENDAR = Text(wanted="a path below the repository that ends in .yaml", pattern=_PATH + r"\.yaml", longest=400)
POLICY = Text(wanted="a path below the repository that ends in .yaml", pattern=_PATH + r"\.yaml", longest=400)
WHEEL = Text(wanted="a glob below the repository that ends in .whl", pattern=_PATH + r"\.whl", longest=400)
HEALTH = Text(
    wanted="a path that starts with /, without query or spaces",
    pattern=r"/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*",
    longest=400,
)
VARIABLE = Text(wanted="an environment variable's name", pattern=_VARIABLE, longest=100)
REQUIREMENT = Text(
    wanted='a requirement such as "gunicorn>=23", from the index and not from a URL',
    pattern=r"[A-Za-z0-9][^\x00-\x1f\x7f]*",
    longest=200,
    refine=_requirement,
)
TEST_REQUIREMENT = Text(
    wanted='a requirement such as "pytest>=8" or "-r requirements-test.txt", not a URL',
    pattern=r"(?:-r (?!/)(?!(?:.*/)?\.\.(?:/|$)))?[A-Za-z0-9.][^\x00-\x1f\x7f\\]*",
    longest=200,
    refine=_test_requirement,
)
SECRET = Text(
    wanted="a reference: env:NAME or file:/absolute/path; a secret itself never stands in this file",
    pattern=rf"env:{_VARIABLE}|file:/[^\x00-\x1f\x7f]+",
    longest=400,
    refine=_secret,
    hidden=True,
)

EXTRA = Text(wanted="the name of an extra", pattern=r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?", longest=100)


def _timeout(default: str, what: str) -> Key:
    return Key(
        name="timeout",
        shape=Duration(at_least=_SECOND, at_most=_DAY),
        default=default,
        doc=f"after this long the {what} is stopped and counts as errored",
    )


# fmt: off
_SERVICE = Section(make=ServiceSpec, check=rules.service, keys=(
    Key(name="name", shape=LABEL, required=True, doc="the service's name, in every page and statement about it"),
    Key(name="owner", shape=LABEL, required=True, doc="the team that answers for the service; not a person"),
    Key(name="criticality", shape=Choice(words=tuple(Criticality), make=Criticality), required=True,
        doc="what stops when the service stops"),
    Key(name="data", shape=Items(each=Choice(words=tuple(DataClass), make=DataClass), at_least=1), required=True,
        doc="the classes of data it touches; [none] where it touches neither"),
    Key(name="safety_class", shape=Choice(words=("A", "B", "C")), doc="software safety class, IEC 62304"),
))

_BUILD = Section(make=BuildSpec, keys=(
    Key(name="run", shape=COMMAND, required=True, doc="the command that makes the service's wheel"),
    Key(name="artifact", shape=WHEEL, required=True, doc="where the wheel is afterwards; must match exactly one file"),
    Key(name="requirements", shape=Items(each=REQUIREMENT), default=[], doc="tools the build command needs"),
    Key(name="extras", shape=Items(each=EXTRA), default=[], doc="optional dependencies of the wheel to ship with it"),
    Key(name="with", field="with_packages", shape=Items(each=REQUIREMENT), default=[],
        doc="packages shipped beside the wheel, such as a server"),
    Key(name="lock", shape=PATH, doc="a requirements file whose every line carries a hash"),
    _timeout("15m", "build"),
))

_STANDARDS = Section(make=_minimum, keys=(
    Key(name="min_coverage", shape=Whole(at_least=0, at_most=100), default=0,
        doc="percent of lines the tests must reach"),
))

_TEST = Section(make=TestSpec, check=rules.test, keys=(
    Key(name="run", shape=COMMAND, required=True, doc="the command that tests the installed bundle"),
    Key(name="junit", shape=PATH, required=True, doc="the JUnit XML report it writes"),
    Key(name="coverage", shape=PATH, doc="the Cobertura XML report it writes"),
    Key(name="requirements", shape=Items(each=TEST_REQUIREMENT), default=[],
        doc="tools the tests need: requirements, or -r and a file"),
    Key(name="standards", field="min_coverage", shape=_STANDARDS, doc="what the tests are held against"),
    _timeout("30m", "test run"),
))

_SCAN = Section(make=ScanSpec, keys=(
    Key(name="code", shape=Items(each=Choice(words=("bandit",), not_built=("semgrep", "checkov")), at_least=1),
        default=["bandit"], doc="the scanners that read the source"),
    Key(name="paths", shape=Items(each=PATH, at_least=1), default=["."], doc="what they read, below the repository"),
    _timeout("10m", "scan"),
    Key(name="dependencies", shape=Items(each=Choice(words=("osv",))), default=[],
        doc="what looks up known vulnerabilities of the components; osv: in the advisories that were imported"),
    Key(name="results", shape=Items(each=Choice(words=("conftest", "opa"))), default=[],
        doc="policy tools outside whose results must be handed in for the commit; see wardline gate import"),
), not_built={
    "phi": "looking for PHI in the source",
    "secrets": "looking for secrets in the source",
    "infrastructure": "checks of infrastructure code",
})

_START = Section(make=StartSpec, keys=(
    Key(name="command", shape=START_COMMAND, required=True,
        doc="the command that starts one instance; $PORT in it is the loopback port to listen on"),
    Key(name="health", shape=HEALTH, required=True, doc="the path that answers 2xx once the instance is ready"),
    Key(name="timeout", shape=Duration(at_least=_SECOND, at_most=_HOUR), default="30s",
        doc="after this long without a healthy answer the start has failed"),
))

_TARGET = Section(make=TargetSpec, keys=(
    Key(name="kind", shape=Choice(words=("local",), not_built=("kubernetes", "compose", "ssh", "systemd")),
        required=True, doc="what runs the service there"),
    Key(name="instances", shape=Whole(at_least=1, at_most=32), default=1, doc="how many run side by side"),
    Key(name="port", shape=Whole(at_least=1, at_most=65_535),
        doc="where callers reach it; left out: a free one, chosen once and kept"),
))

_ANALYSIS = Section(make=AnalysisSpec, keys=(
    Key(name="error_rate", field="error_rate_bp", shape=Fraction(), default=0.01,
        doc="the part of requests that may be answered 5xx"),
    Key(name="p95_ms", shape=Whole(at_least=1, at_most=600_000), default=1000,
        doc="milliseconds in which 95 of 100 requests are answered"),
    Key(name="lasting", shape=Duration(at_least=_SECOND / 10, at_most=_DAY), default="10s",
        doc="how long each step is watched"),
    Key(name="min_requests", shape=Whole(at_least=1, at_most=1_000_000), default=10,
        doc="fewer requests than this say nothing: inconclusive"),
))

_STRATEGY = Section(make=StrategySpec, check=rules.strategy, keys=(
    Key(name="kind", default="blue-green",
        shape=Choice(words=tuple(StrategyKind), make=StrategyKind, not_built=("rolling", "recreate", "shadow")),
        doc="all traffic at once, or step by step"),
    Key(name="steps", shape=Items(each=Whole(at_least=5, at_most=100, multiple_of=5), at_least=1),
        doc="percent of traffic at each step of a canary, rising to 100"),
    Key(name="analysis", shape=_ANALYSIS, doc="what must hold for the deployment to count as working"),
    Key(name="soak", shape=Duration(at_least=_SECOND * 0, at_most=_DAY * 7), default="0s",
        doc="how long all traffic is watched before the old release is withdrawn"),
))

_APPROVAL = Section(make=ApprovalSpec, keys=(
    Key(name="role", shape=Choice(words=tuple(Role), make=Role), required=True, doc="who answers for the release"),
    Key(name="count", shape=Whole(at_least=1, at_most=10), default=1, doc="how many different people of that role"),
    Key(name="training", default="not-asked",
        shape=Choice(words=("not-asked", "required"), make="required".__eq__),
        doc="whether theirs must be on record and in date; see wardline people train"),
))

_ENVIRONMENT = Section(make=partial(partial, EnvironmentSpec), check=rules.environment, keys=(
    Key(name="target", shape=_TARGET, required=True, doc="where the service runs"),
    Key(name="config", shape=Table(name=VARIABLE, each=Value(), check=rules.variables), default={},
        doc="environment variables, as plain text"),
    Key(name="secrets", shape=Table(name=VARIABLE, each=SECRET, check=rules.variables), default={},
        doc="environment variables fetched at start: env:NAME or file:/absolute/path"),
    Key(name="strategy", shape=_STRATEGY, doc="how a release takes over from the one before it"),
    Key(name="approvals", shape=Items(each=_APPROVAL), default=[], doc="the people who must agree, by role"),
    Key(name="approvals_within", shape=Duration(at_least=_SECOND, at_most=_DAY * 30), default="72h",
        doc="how long they are waited for; then the run ends undecided"),
    Key(name="windows", shape=Items(each=CALENDAR), default=[],
        doc="the calendars that say when changes may not go there"),
    Key(name="window_wait", shape=Duration(at_least=_SECOND * 0, at_most=_DAY * 7), default="12h",
        doc="how long a run waits for windows to end; one that ends later denies at once"),
))

_ROLLBACK = Section(make=RollbackSpec, keys=(
    Key(name="rehearse_in", shape=LABEL, required=True,
        doc="the environment before production where the way back is rehearsed"),
    Key(name="max_age", shape=Duration(at_least=_SECOND, at_most=_DAY * 30), default="96h",
        doc="an older rehearsal no longer counts"),
    Key(name="max_duration", shape=Duration(at_least=_SECOND, at_most=_DAY), default="60s",
        doc="a way back that takes longer does not count"),
))

WHOLE = Section(make=_pipeline, check=rules.whole, keys=(
    Key(name="wardline", shape=Whole(at_least=1, at_most=1), required=True, doc="the version of this format: 1"),
    Key(name="service", shape=_SERVICE, required=True, doc="what is shipped and who answers for it"),
    Key(name="regulations", shape=Items(each=Choice(words=REGULATIONS)), default=[],
        doc="the laws and standards the service answers to; written into the evidence"),
    Key(name="build", shape=_BUILD, required=True, doc="how the service's wheel is made"),
    Key(name="test", shape=_TEST, required=True, doc="how the bundle is tested"),
    Key(name="scan", shape=_SCAN, doc="how the source is scanned"),
    Key(name="start", shape=_START, required=True, doc="how one instance is started"),
    Key(name="environments", required=True,
        shape=Table(name=LABEL, each=_ENVIRONMENT, required=(rules.PRODUCTION,), make=_in_order,
                    check=rules.environments),
        doc="where changes are promoted, in order; the last one is production"),
    Key(name="rollback", shape=_ROLLBACK, doc="the rehearsal of the way back"),
    Key(name="policies", shape=Items(each=POLICY), default=[],
        doc="the service's own policies, asked at its gates beside all others"),
))
# fmt: on
