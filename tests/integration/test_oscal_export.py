"""The export of a real run: byte-equal again, every reference followed by hand, accepted by trestle's own command."""

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.fakes.delivery_world import delivery_world, signer_of
from tests.fakes.filled_home import ADDRESS, MESSAGE, NAME, fill, settings
from typer.testing import CliRunner

from wardline.adapters.interop.oscal.documents import files
from wardline.adapters.interop.oscal.folder import write_folder
from wardline.bootstrap.home import open_home
from wardline.cli.main import app
from wardline.controls.library import load_library
from wardline.delivery.export_oscal import Maker, assess
from wardline.delivery.show_controls import Question
from wardline.delivery.sign import Signatory
from wardline.delivery.waive import WaiverRequest, waive
from wardline.errors import Conflict
from wardline.evidence.envelopes import Envelope
from wardline.findings.finding import Finding, Severity
from wardline.ids import PrincipalId
from wardline.pipelines.run import RunStatus
from wardline.tlog.merkle import leaf_hash

FINDING = Finding(
    id="F-0123456789ab",
    check="bandit",
    rule="B324",
    severity=Severity.HIGH,
    path="hashing.py",
    line=12,
    message="Use of weak SHA1 hash",
)
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release with a waived finding, exported twice with something else said between."""
    folder = tmp_path_factory.mktemp("oscal")
    with delivery_world(folder / "world") as world:
        world.enrol_everybody()
        world.begin("r-0", "0.9")
        assert world.walk("r-0", "0.9", findings=(FINDING,)) is not RunStatus.SUCCEEDED
        until = world.clock.now() + timedelta(days=30)
        cleo = Signatory(principal=PrincipalId("p-cleo"), signer=signer_of("p-cleo"))
        request = WaiverRequest(finding=FINDING.id, expires_at=until, environment=None, reason="Names a cache entry.")
        waive(request, by=cleo, collect=world.collect)
        world.begin("r-1", "1.0")
        assert world.walk("r-1", "1.0", findings=(FINDING,)) is RunStatus.SUCCEEDED

        def export(to: Path) -> None:
            maker = Maker(origin=world.log.key.name, version="1.0")
            question = Question(catalogues=("hipaa", "gdpr"))
            about = assess(question, library=load_library(), runs=world.runs, collect=world.collect, maker=maker)
            for index, leaf in about.leaves.items():
                assert leaf.content == world.log.read(index).envelope.encode()
            write_folder(to, files(about))

        export(folder / "once")
        world.begin("r-2", "1.1")
        world.walk("r-2", "1.1", failed_tests=1)  # it does not succeed: the last that did is still r-1
        export(folder / "again")
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def strings(value: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, dict):
        for name, held in value.items():
            yield from strings(held, (*path, name))
    elif isinstance(value, list):
        for held in value:
            yield from strings(held, path)
    elif isinstance(value, str):
        yield path, value


@pytest.mark.slow
def test_the_same_run_exported_again_is_the_same_to_the_byte(exported: Path) -> None:
    assert contents(exported / "once") == contents(exported / "again")


@pytest.mark.slow
def test_every_reference_in_the_folder_leads_to_something_in_it(exported: Path) -> None:
    held = contents(exported / "once")
    said = {name: list(strings(json.loads(content))) for name, content in held.items() if "/" not in name}
    defined = {text for pairs in said.values() for path, text in pairs if path[-1] in {"uuid", "id"}}
    followed = 0
    for name, pairs in said.items():
        for path, text in pairs:
            if path[-1] in {"href", "source"} and not text.startswith("https://"):
                assert text.removeprefix("#") in defined if text.startswith("#") else text in held, (name, path, text)
            elif UUID.fullmatch(text) or path[-1] in {"control-id", "target-id"}:
                assert text in defined, (name, path, text)
            else:
                continue
            followed += 1
    assert followed > 1000


@pytest.mark.slow
def test_every_leaf_beside_the_documents_is_the_one_that_is_named(exported: Path) -> None:
    held = contents(exported / "once")
    results = json.loads(held["assessment-results.json"])["assessment-results"]
    resources = results["back-matter"]["resources"]
    assert {each["rlinks"][0]["href"] for each in resources} == {name for name in held if "/" in name}
    for each in resources:
        (link,) = each["rlinks"]
        content, said = held[link["href"]], {prop["name"]: prop["value"] for prop in each["props"]}
        assert Envelope.decode(content).payload
        assert link["hashes"] == [{"algorithm": "SHA-256", "value": hashlib.sha256(content).hexdigest()}]
        assert said["leaf-hash"] == leaf_hash(content).hex()
        assert link["href"] == f"evidence/{said['log-index']}.json"


@pytest.mark.slow
def test_a_waived_finding_is_a_risk_and_what_it_touches_is_not_satisfied(exported: Path) -> None:
    held = contents(exported / "once")
    (result,) = json.loads(held["assessment-results.json"])["assessment-results"]["results"]
    (risk,) = result["risks"]
    assert FINDING.id in risk["title"]
    touched = [each for each in result["findings"] if "related-risks" in each]
    assert touched
    assert {each["target"]["status"]["state"] for each in touched} == {"not-satisfied"}


@pytest.mark.slow
def test_nothing_claims_compliance_and_nobody_is_named(exported: Path) -> None:
    for name, content in contents(exported / "once").items():
        if "/" not in name:
            assert b"complian" not in content.lower().replace(b"compliance-trestle", b"")


@pytest.mark.slow
def test_trestle_validates_a_workspace_of_the_files(exported: Path, tmp_path: Path) -> None:
    def trestle(*arguments: str) -> str:
        command = [sys.executable, "-W", "ignore", "-m", "trestle", *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    trestle("init")
    names = [name for name in contents(exported / "once") if "/" not in name]
    assert len(names) == 6
    for name in names:
        trestle("import", "-f", str(exported / "once" / name), "-o", name.removesuffix(".json"))
    assert trestle("validate", "-a").count("VALID: ") == 6


def test_the_command_exports_a_run_without_names(tmp_path: Path) -> None:
    with open_home(settings(tmp_path / "home")) as opened:
        fill(opened, tmp_path)
    environ = {"WARDLINE_HOME": str(tmp_path / "home")}
    arguments = ["controls", "export", "--run", "r-1", "--to", str(tmp_path / "out")]
    done = CliRunner().invoke(app, arguments, env=environ, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert "assessment-results.json" in done.output
    for content in contents(tmp_path / "out").values():
        assert not any(private.encode() in content for private in (NAME, ADDRESS, MESSAGE))
    again = CliRunner().invoke(app, arguments, env=environ)
    assert isinstance(again.exception, Conflict)
    arguments[-1] = str(tmp_path / "other")
    said = CliRunner().invoke(app, [*arguments, "--output", "json"], env=environ, catch_exceptions=False)
    assert json.loads(said.output)["documents"][0] == "catalog-hipaa.json"
    assert contents(tmp_path / "out") == contents(tmp_path / "other")
