"""Coverage of real runs: the road, the log and the gate are real; the stations are made up."""

import json
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from tests.fakes.delivery_world import DeliveryWorld, delivery_world, signer_of
from tests.fakes.filled_home import fill, settings
from typer.testing import CliRunner

from wardline.adapters.engine.immediate import Immediate
from wardline.bootstrap.home import open_home
from wardline.cli.main import app
from wardline.clock import SystemClock
from wardline.controls.coverage import Row, State
from wardline.controls.library import load_library
from wardline.delivery.begin import Beginnings
from wardline.delivery.roll_back import roll_back
from wardline.delivery.show_controls import Question, Shown, show_controls
from wardline.delivery.sign import Signatory
from wardline.delivery.waive import WaiverRequest, waive
from wardline.environments.observations import EnvironmentKey
from wardline.errors import InvalidInput, NotFound
from wardline.evidence.log import Evidence
from wardline.findings.finding import Finding, Severity
from wardline.ids import EnvironmentName, PrincipalId, RandomIds, RunId
from wardline.outcomes import Outcome
from wardline.pipelines.run import RunStatus

LIBRARY = load_library()
PRODUCTION, STAGING = EnvironmentName("production"), EnvironmentName("staging")
FINDING = Finding(
    id="F-0123456789ab",
    check="bandit",
    rule="B324",
    severity=Severity.HIGH,
    path="hashing.py",
    line=12,
    message="Use of weak SHA1 hash",
)


@contextmanager
def shipped(folder: Path) -> Iterator[DeliveryWorld]:
    with delivery_world(folder, sick=frozenset({"production/1.9"})) as opened:
        opened.enrol_everybody()
        opened.begin("r-1", "1.0")
        assert opened.walk("r-1", "1.0") is RunStatus.SUCCEEDED
        yield opened


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeliveryWorld]:
    """One release that went to production, for those who only look."""
    with shipped(tmp_path_factory.mktemp("still")) as opened:
        yield opened


@pytest.fixture
def world(tmp_path: Path) -> Iterator[DeliveryWorld]:
    """The same, for those who ship more."""
    with shipped(tmp_path) as opened:
        yield opened


def ask(world: DeliveryWorld, **asked: object) -> Shown:
    question = Question(**asked)  # type: ignore[arg-type]
    return show_controls(question, library=LIBRARY, runs=world.runs, collect=world.collect)


def row(shown: Shown, control: str) -> Row:
    return next(row for _, rows in shown.coverage.catalogues for row in rows if row.control.id == control)


def ship(world: DeliveryWorld, run: str, version: str, **station: object) -> RunStatus:
    world.begin(run, version)
    return world.walk(run, version, **station)


def test_a_release_is_covered_as_far_as_its_evidence_goes(still: DeliveryWorld) -> None:
    shown = ask(still)
    assert (shown.run, shown.service, shown.log_size) == ("r-1", "trivial", still.log.size())
    assert [catalogue.id for catalogue, _ in shown.coverage.catalogues] == ["hipaa"], "what its regulations call for"
    assert row(shown, "hipaa:164.308(a)(8)").state is State.SUPPORTED
    assert row(shown, "hipaa:164.316(b)(1)").state is State.EVIDENCED
    assert row(shown, "hipaa:164.308(a)(7)(ii)(D)").state is State.SUPPORTED
    assert row(shown, "hipaa:164.308(a)(4)(ii)(B)").state is State.SUPPORTED
    assert row(shown, "hipaa:164.310(b)").state is State.ATTESTATION
    assert row(shown, "hipaa:164.312(a)(2)(iv)").state is State.MISSING
    assert sum(shown.coverage.counts.values()) == 99


def test_every_index_leads_to_what_the_mapping_says(still: DeliveryWorld) -> None:
    for _, rows in ask(still).coverage.catalogues:
        for answered in (each for row in rows for each in row.answered):
            for index in answered.indices:
                statement = still.log.read(index).statement
                assert answered.answer.evidence.matches(statement)
                assert statement.context.outcome is Outcome.PASSED


@pytest.mark.slow
def test_a_denied_release_is_missing_what_its_gate_refused(world: DeliveryWorld) -> None:
    assert ship(world, "r-2", "1.1", failed_tests=2) is RunStatus.DENIED
    shown = ask(world, run=RunId("r-2"))
    evaluation = row(shown, "hipaa:164.308(a)(8)")
    assert evaluation.state is State.MISSING
    assert {each.outcome for each in evaluation.against} == {Outcome.FAILED}
    assert row(shown, "hipaa:164.308(a)(7)(ii)(D)").state is State.MISSING, "nothing was rehearsed"
    assert row(shown, "hipaa:164.308(a)(7)(ii)(E)").state is State.SUPPORTED, (
        "its criticality was declared all the same"
    )
    assert ask(world).run == "r-1", "the last that succeeded"


@pytest.mark.slow
def test_an_environment_is_covered_by_the_run_behind_what_it_serves(world: DeliveryWorld) -> None:
    assert ship(world, "r-2", "1.1") is RunStatus.SUCCEEDED
    assert ask(world, environment=PRODUCTION).run == "r-2"
    beginnings = Beginnings(runs=world.runs, log=world.log, clock=SystemClock(), ids=RandomIds())
    back = beginnings.roll_back(EnvironmentKey(service="trivial", name=PRODUCTION), to=None, words=None)
    assert roll_back(world.travel(back.id, Immediate()), world.target) is RunStatus.SUCCEEDED
    assert ask(world, environment=PRODUCTION).run == "r-1"
    assert ask(world, environment=STAGING).run == "r-2"
    assert ask(world).run == "r-2", "what was brought to its end last, wherever callers are now"


@pytest.mark.slow
def test_what_fell_back_is_covered_by_what_serves(world: DeliveryWorld) -> None:
    assert ship(world, "r-2", "1.9") is RunStatus.ROLLED_BACK
    assert ask(world, environment=PRODUCTION).run == "r-1"


@pytest.mark.slow
def test_only_some_of_the_log_is_read(world: DeliveryWorld) -> None:
    for number in range(2, 5):
        assert ship(world, f"r-{number}", f"1.{number}") is RunStatus.SUCCEEDED
    read: list[Evidence] = []
    watched = _Watched(world, read)
    shown = show_controls(
        Question(environment=PRODUCTION),
        library=LIBRARY,
        runs=world.runs,
        collect=watched,  # type: ignore[arg-type]
    )
    assert shown.run == "r-4"
    runs = {item.statement.context.run for item in read if item.statement.context.run is not None}
    assert runs <= {"r-4"}, "no other run was looked into"


@pytest.mark.slow
def test_a_waived_finding_meets_no_control(world: DeliveryWorld) -> None:
    world.begin("r-2", "1.1")
    assert world.walk("r-2", "1.1", findings=(FINDING,)) is not RunStatus.SUCCEEDED
    until = world.clock.now() + timedelta(days=30)
    request = WaiverRequest(finding=FINDING.id, expires_at=until, environment=None, reason="Names a cache entry.")
    waive(request, by=Signatory(principal=PrincipalId("p-cleo"), signer=signer_of("p-cleo")), collect=world.collect)
    assert ship(world, "r-3", "1.2", findings=(FINDING,)) is RunStatus.SUCCEEDED
    shown = ask(world)
    managed = row(shown, "hipaa:164.308(a)(1)(ii)(B)")
    assert (shown.run, managed.state) == ("r-3", State.WAIVED)
    assert [each.finding for each in managed.accepted] == [FINDING.id]
    assert row(shown, "hipaa:164.308(a)(8)").state is State.SUPPORTED, "a waiver touches a finding, and what shows it"


def test_what_is_asked_for_and_is_not_there_is_said(still: DeliveryWorld) -> None:
    with pytest.raises(NotFound, match="nothing of run r-9"):
        ask(still, run=RunId("r-9"))
    with pytest.raises(NotFound, match="known services: trivial"):
        ask(still, service="other")
    with pytest.raises(NotFound, match="moon of trivial was never deployed to"):
        ask(still, environment=EnvironmentName("moon"))
    with pytest.raises(NotFound, match="said nothing of moon"):
        ask(still, run=RunId("r-1"), environment=EnvironmentName("moon"))
    with pytest.raises(NotFound, match="there is no catalogue 'ccpa'"):
        ask(still, catalogues=("ccpa",))


def test_a_catalogue_is_chosen_and_a_proposal_only_on_purpose(still: DeliveryWorld) -> None:
    assert [c.id for c, _ in ask(still, catalogues=("nis2", "gdpr")).coverage.catalogues] == ["nis2", "gdpr"]
    assert [c.id for c, _ in ask(still, proposed=True).coverage.catalogues] == ["hipaa", "hipaa-nprm-2025"]


class _Watched:
    """The world's collector, noting what is read of the log."""

    def __init__(self, world: DeliveryWorld, read: list[Evidence]) -> None:
        self._collect, self._log, self._read = world.collect, world.log, read

    @property
    def log(self) -> "_Watched":
        return self

    def __getattr__(self, name: str) -> object:
        return getattr(self._collect, name)

    def size(self) -> int:
        return self._log.size()

    def read(self, index: int) -> Evidence:
        self._read.append(self._log.read(index))
        return self._read[-1]

    def of_run(self, run: RunId) -> tuple[Evidence, ...]:
        self._read += self._log.of_run(run)
        return self._log.of_run(run)

    def every(self, *types: str) -> Iterator[Evidence]:
        for item in self._log.every(*types):
            self._read.append(item)
            yield item


# -- the command


@pytest.fixture
def home(tmp_path: Path) -> Path:
    with open_home(settings(tmp_path / "home")) as opened:
        fill(opened, tmp_path)
    return tmp_path / "home"


def command(home: Path, *arguments: str) -> str:
    done = CliRunner().invoke(app, ["controls", *arguments], env={"WARDLINE_HOME": str(home)}, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_the_command_says_what_is_there_and_claims_nothing(home: Path) -> None:
    said = command(home, "--run", "r-1", "--details", "--catalogue", "hipaa", "--catalogue", "uk-gdpr")
    assert "run r-1 of tiny" in said
    assert "hipaa:164.308(a)(5)(ii)(B)  supported, person needed" in said
    assert "person: Scan for malware on hosts" in said
    assert "addressable: carry it out, or decide in writing" in said
    assert "this row was not held against the law's text" in said
    assert "complian" not in said.lower()
    assert command(home, "show", "--run", "r-1") == command(home, "--run", "r-1")


def test_the_command_says_the_same_as_json(home: Path) -> None:
    said = json.loads(command(home, "--run", "r-1", "--output", "json"))
    assert (said["run"], said["environment"], said["without_catalogue"]) == ("r-1", None, [])
    (hipaa,) = said["catalogues"]
    assert hipaa["digest"] == str(LIBRARY.catalogue("hipaa").digest)
    assert len(hipaa["rows"]) == sum(said["counts"].values()) == 99


def test_the_catalogues_and_their_rows_are_listed(home: Path) -> None:
    assert command(home, "list").splitlines()[0].split() == [
        "catalogue", "version", "of", "status", "rows", "checked", "title",
    ]  # fmt: skip
    assert "hipaa:164.312(b)" in command(home, "list", "--catalogue", "hipaa")
    assert len(json.loads(command(home, "list", "--output", "json"))) == len(LIBRARY.catalogues)


def test_an_organisation_adds_a_country_by_two_files(home: Path) -> None:
    own = home / "controls"
    for folder in ("catalogs", "mappings"):
        (own / folder).mkdir(parents=True)
    shipped = Path(__file__).parents[2] / "src" / "wardline" / "controls"
    for folder in ("catalogs", "mappings"):
        text = (shipped / folder / "uk-gdpr.yaml").read_text()
        (own / folder / "ch.yaml").write_text(text.replace(": uk-gdpr", ": ch-revdsg").replace("[uk-gdpr]", "[hipaa]"))
    assert "ch-revdsg:art-32(1)(c)" in command(home, "--run", "r-1")
    (own / "mappings" / "ch.yaml").unlink()
    done = CliRunner().invoke(app, ["controls", "list"], env={"WARDLINE_HOME": str(home)})
    assert isinstance(done.exception, InvalidInput)
    assert done.exception.problems == ("catalogue ch-revdsg: it has no mapping",)


def test_the_page_that_adds_a_country_adds_it(home: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "add-a-country.md").read_text()
    catalogue, mapping = re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    for folder, text in (("catalogs", catalogue), ("mappings", mapping)):
        (home / "controls" / folder).mkdir(parents=True)
        (home / "controls" / folder / "ch-revdsg.yaml").write_text(text)
    told = [shlex.split(line) for line in re.findall(r"^wardline controls (.*)$", page, re.MULTILINE)]
    assert told == [["list"], ["list", "--catalogue", "ch-revdsg"], ["--catalogue", "ch-revdsg", "--details"]]
    listed, its_rows = (command(home, *arguments) for arguments in told[:2])
    assert "Federal Act on Data Protection" in listed
    assert "ch-revdsg:art-24" in its_rows
    covered = command(home, *told[2], "--run", "r-1")  # this home has no run that succeeded
    assert "not-built: incident records with a clock" in covered
