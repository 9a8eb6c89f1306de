"""Policies of an organisation and of a service, by the commands: adopted, listed, held against cases, retired."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
from tests.fakes.delivery_world import DeliveryWorld, delivery_world
from tests.fakes.fake_target import FakeTarget
from tests.fakes.fake_workshop import WARDLINE_YAML, fake_workshop
from tests.fakes.filled_home import fill, settings
from typer.testing import CliRunner, Result

from wardline.bootstrap.home import Home, open_home
from wardline.cli.main import app
from wardline.delivery.begin import read_pipeline
from wardline.errors import InvalidInput
from wardline.pipelines.run import RunStatus

PASSPHRASE = "only for this test"
POLICY = """\
id: acme-two-scanners
title: At least two scanners read the source
controls: ["hipaa:164.308(a)(1)(ii)(A)"]
source: ACME standard 4.2
match: {environments: [staging]}
needs: [{expression: has(input.standards.scanners), message: which scanners are declared is not known}]
validations: [{expression: size(input.standards.scanners) >= 2, message: fewer than two scanners}]
cases:
  pass: [{standards: {scanners: [a, b]}}]
  deny: [{standards: {scanners: [a]}}]
  undecided: [{}]
"""
FILE = "policies/two-scanners.yaml"
DECLARING = WARDLINE_YAML + f"policies: [{FILE}]\n"


def world_in(opened: Home, folder: Path) -> DeliveryWorld:
    return DeliveryWorld(
        folder=folder,
        log=opened.log,
        collect=opened.collect,
        runs=opened.runs,
        holds=opened.holds,
        drivers=opened.drivers,
        target=FakeTarget(folder, sick=frozenset()),
        database=opened.database,
        clock=opened.clock,
    )


@pytest.fixture
def home(tmp_path: Path) -> Path:
    with open_home(settings(tmp_path / "home")) as opened:
        fill(opened, tmp_path)
        world_in(opened, tmp_path).enrol_everybody()
    for name in ("p-cleo", "p-sam"):
        private = Ed25519PrivateKey.from_private_bytes(name.encode().ljust(32, b"-"))
        encryption = BestAvailableEncryption(PASSPHRASE.encode())
        file = tmp_path / f"{name}.key"
        file.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
        file.chmod(0o600)
    return tmp_path / "home"


@pytest.fixture
def service(tmp_path: Path) -> Path:
    folder = tmp_path / "service"
    (folder / "policies").mkdir(parents=True)
    (folder / "wardline.yaml").write_text(DECLARING)
    (folder / FILE).write_text(POLICY)
    return folder


def command(home: Path, *arguments: str, by: str = "p-cleo") -> Result:
    known = {
        "WARDLINE_HOME": str(home),
        "WARDLINE_KEY": str(home.parent / f"{by}.key"),
        "WARDLINE_PASSPHRASE": PASSPHRASE,
    }
    return CliRunner().invoke(app, [*arguments], env=known)


def listed(home: Path, *more: str) -> dict[str, dict]:
    told = json.loads(command(home, "gate", "list", *more, "--output", "json").output)
    return {policy["id"]: policy for policy in told["policies"]}


def test_a_policy_is_shown_adopted_listed_and_retired(home: Path, service: Path) -> None:
    file = str(service / FILE)
    asked = command(home, "gate", "adopt", file, "--reason", "Risk analysis of March.")
    assert "nobody can be asked here" in str(asked.exception)
    assert "must hold  size(input.standards.scanners) >= 2" in asked.output
    assert command(home, "gate", "adopt", file, "--reason", "So.", "--yes", by="p-sam").exit_code == 1
    done = command(home, "gate", "adopt", file, "--reason", "Risk analysis of March.", "--yes", "--output", "json")
    adopted = json.loads(done.output)
    assert (adopted["policy"], adopted["by"]) == ("acme-two-scanners", "p-cleo")
    mine = listed(home)["acme-two-scanners"]
    assert (mine["from"]["kind"], mine["from"]["log"], mine["from"]["by"]) == ("adopted", adopted["log"], "p-cleo")
    assert listed(home)["tests-passed"]["from"] == {"kind": "shipped"}
    assert f"adopted at log index {adopted['log']} by p-cleo" in command(home, "gate", "list").output
    assert "✓ acme-two-scanners: 3 cases" in command(home, "gate", "test").output
    assert "is the id of another policy" in str(
        command(home, "gate", "adopt", file, "--reason", "Again.", "--yes").exception.problems
    )
    done = command(home, "gate", "retire", "acme-two-scanners", "--reason", "Replaced.", "--yes")
    assert done.exit_code == 0, done.output
    assert "acme-two-scanners retired by p-cleo" in done.output
    assert "acme-two-scanners" not in listed(home)
    checked = command(home, "log", "check")
    assert checked.exit_code == 0, checked.output


def test_an_adopted_policy_whose_file_is_gone_is_told_and_fails_the_test(home: Path, service: Path) -> None:
    command(home, "gate", "adopt", str(service / FILE), "--reason", "Risk analysis.", "--yes")
    digest = listed(home)["acme-two-scanners"]["from"]["digest"].removeprefix("sha256:")
    (found,) = [path for path in (home / "blobs").rglob("*") if digest[4:] in path.name]
    found.unlink()
    assert "is not kept here" in listed(home)["acme-two-scanners"]["problem"]
    assert "NOT READ" in command(home, "gate", "list").output
    tested = command(home, "gate", "test")
    assert tested.exit_code == 1
    assert "✗ acme-two-scanners: 0 cases" in tested.output


def test_where_no_installation_is_the_list_says_so_and_begins_none(tmp_path: Path) -> None:
    told = command(tmp_path / "nowhere", "gate", "list")
    assert told.exit_code == 0
    assert "No installation is here" in told.output
    assert not (tmp_path / "nowhere").exists()
    assert json.loads(command(tmp_path / "nowhere", "gate", "list", "--output", "json").output)["installation"] is False


def test_the_policies_of_a_service_are_listed_and_held_against_their_cases(tmp_path: Path, service: Path) -> None:
    nowhere = tmp_path / "nowhere"
    mine = listed(nowhere, "--path", str(service))["acme-two-scanners"]
    assert (mine["from"]["kind"], mine["from"]["file"], mine["asked_at"]) == ("declared", FILE, ["staging"])
    assert listed(nowhere, "--path", str(service))["rollback-rehearsed"]["asked_at"] == ["production"]
    assert "✓ acme-two-scanners: 3 cases" in command(nowhere, "gate", "test", "--path", str(service)).output
    assert command(nowhere, "validate", str(service)).exit_code == 0


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (">= 2", ">= 1", "deny case 0: got allow"),
        (">= 2", ">=", "Failed to parse expression"),
        ("hipaa:164.308(a)(1)(ii)(A)", "hipaa:164.999", "no catalogue has the control"),
        ("acme-two-scanners", "tests-passed", "is the id of another policy here"),
        ("[staging]", "[stage]", "no environment of wardline.yaml is stage"),
        ("deny: [{standards: {scanners: [a]}}]", "deny: []", "cases.deny: expected a list of at least 1"),
    ],
)
def test_validate_refuses_what_could_not_be_asked_as_stated(
    tmp_path: Path, service: Path, old: str, new: str, said: str
) -> None:
    (service / FILE).write_text(POLICY.replace(old, new))
    told = command(tmp_path / "nowhere", "validate", str(service), "--output", "json")
    assert told.exit_code == 2
    problem = json.loads(told.output)["problems"][0]
    assert FILE in problem
    assert said in problem


def test_a_run_asks_what_its_commit_declares_and_the_decision_is_made_again(tmp_path: Path) -> None:
    station = {"yaml": DECLARING, "files": {FILE: POLICY}}
    with delivery_world(tmp_path) as world:
        world.enrol_everybody()
        world.begin("r-1", "1.0")
        assert world.walk("r-1", "1.0", **station) is RunStatus.DENIED
        decisions = {
            item.statement.context.step: item.statement.body["wardline_decision"]
            for item in world.log.of_run("r-1")
            if "wardline_decision" in item.statement.body
        }
    said = {r["policy"]: r["verdict"] for r in decisions["staging/gate"]["reasons"]}
    assert said["acme-two-scanners"] == "deny"
    assert "acme-two-scanners" not in {r["policy"] for r in decisions["development/gate"]["reasons"]}


@pytest.mark.parametrize("files", [{}, {FILE: "id: x"}, {FILE: POLICY.replace("acme-two-scanners", "approved")}])
def test_a_run_whose_policies_cannot_be_asked_does_not_begin(tmp_path: Path, files: dict[str, str]) -> None:
    workshop = fake_workshop(tmp_path, version="1.0", yaml=DECLARING, files=files)
    with pytest.raises(InvalidInput, match=r"policies that wardline\.yaml declares") as caught:
        read_pipeline(workshop, tmp_path, "HEAD")
    assert FILE in caught.value.problems[0]


def test_a_packet_of_a_run_under_an_adopted_policy_that_warns_holds(home: Path, service: Path, tmp_path: Path) -> None:
    """Wardline's own verifier and the standalone one: the adoption is among what the decision rests on."""
    (service / FILE).write_text(POLICY + "severity: warn\n")
    done = command(home, "gate", "adopt", str(service / FILE), "--reason", "Proposed.", "--yes", "--output", "json")
    adopted = json.loads(done.output)["log"]
    with open_home(settings(home)) as opened:
        world = world_in(opened, tmp_path)
        world.begin("r-2", "2.0")
        assert world.walk("r-2", "2.0") is RunStatus.SUCCEEDED
        said = {
            reason["policy"]: reason["verdict"]
            for item in opened.log.of_run("r-2")
            if item.statement.context.step == "staging/gate"
            for reason in item.statement.body["wardline_decision"]["reasons"]
        }
        assert said["acme-two-scanners"] == "warn"
        key = str(opened.log.key)
    packet = tmp_path / "r-2.packet.html"
    assert command(home, "packet", "r-2", "--to", str(packet)).exit_code == 0
    verified = command(home, "verify", str(packet), "--key", key)
    assert verified.exit_code == 0, verified.output
    script = Path(__file__).parents[2] / "verifier" / "wardline_verify.py"
    alone = subprocess.run(
        [sys.executable, script, packet, "--key", key], capture_output=True, text=True, timeout=60, check=False
    )
    assert alone.returncode == 0, alone.stdout + alone.stderr
    decisions = json.loads(command(home, "gate", "explain", "r-2", "--output", "json").output)
    with open_home(settings(home)) as opened:
        rests = [opened.log.read(each["index"]).statement.body["wardline_decision"]["evidence"] for each in decisions]
    assert all(adopted in evidence for evidence in rests)
    assert "! acme-two-scanners" in command(home, "gate", "explain", "r-2").output
    assert command(home, "gate", "replay", "r-2").exit_code == 0


def test_results_of_conftest_are_handed_in_for_a_commit_and_a_failure_is_told(home: Path, tmp_path: Path) -> None:
    """The report is in the shape conftest publishes; the tool itself is not run here."""
    report = tmp_path / "conftest.json"
    about = ("--service", "trivial", "--commit", "c" * 40, "--tool-version", "0.56.0")
    report.write_text('[{"filename": "a.yaml", "namespace": "main", "successes": 4}]')
    good = command(home, "gate", "import", str(report), "--tool", "conftest", *about)
    assert good.exit_code == 0, good.output
    assert "conftest: passed: 4 tested, nothing failed: log index" in good.output
    report.write_text("")
    empty = command(home, "gate", "import", str(report), "--tool", "conftest", *about, "--output", "json")
    assert empty.exit_code == 1
    told = json.loads(empty.output)
    assert (told["outcome"], told["problems"]) == ("errored", ["nothing could be read from it: empty"])
    assert command(home, "gate", "import", str(report), "--tool", "opa", "--run", "r-1").exit_code == 1
    for wrong in (("--run", "r-1", *about), ("--commit", "c" * 40), (), ("--run", "r-none")):
        assert command(home, "gate", "import", str(report), "--tool", "opa", *wrong).exit_code == 1
    assert command(home, "gate", "import", str(tmp_path / "gone"), "--tool", "opa", *about).exception is not None
    checked = command(home, "log", "check")
    assert checked.exit_code == 0, checked.output
