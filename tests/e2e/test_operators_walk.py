"""What people do around a gate, as an operator would do it: waive, approve, fall, come back, leave, freeze."""

import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.e2e.installation import Driven, Installation, commit, repository
from tests.e2e.tiny import tiny

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]

DENIED = 4
VERIFIER = Path(__file__).parents[2] / "verifier" / "wardline_verify.py"
LATER = f"{datetime.now(UTC) + timedelta(days=30):%Y-%m-%d}"
WEAK = "import hashlib\n\nNAME = hashlib.md5(b'cache').hexdigest()\n"
FREEZE = """\
calendar: 1
timezone: UTC
windows:
  - {{id: go-live, kind: freeze, strength: hard, starts: {starts}, lasts: 30d, reason: the new wing opens}}
"""


@pytest.fixture(scope="module")
def wardline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    installation = Installation(tmp_path_factory.mktemp("walk"))
    installation.enrol_everybody()
    yield installation
    installation.stop()


@pytest.fixture(scope="module")
def repo(wardline: Installation) -> Path:
    files = tiny("1.0")
    files["tiny.py"] = WEAK + files["tiny.py"]
    asked = "{role: compliance, training: required}"
    files["wardline.yaml"] = files["wardline.yaml"].replace("{role: compliance}", asked)
    return repository(wardline.folder / "tiny", files)


@pytest.fixture(scope="module")
def waiting(wardline: Installation, repo: Path) -> Iterator[Driven]:
    """A release that waits for people, its finding waived."""
    first = wardline.ship(repo)
    assert first.end() == DENIED, first
    finding = re.findall(r"F-[0-9a-f]{12}", str(first))[0]
    refused = wardline.attempt("waive", "hipaa:164.312(b)", *said(wardline, "cleo"), "--days", 3, person="cleo")
    assert (refused.code, "never a requirement of the law" in refused.err) == (2, True), refused
    refused = wardline.attempt("waive", finding, *said(wardline, "cleo"), person="cleo")
    assert (refused.code, "--days" in refused.err) == (2, True), refused
    refused = wardline.attempt("waive", "F-000000000000", *said(wardline, "cleo"), "--days", 3, person="cleo")
    assert (refused.code, "no scan on record has the finding" in refused.err) == (2, True), refused
    refused = wardline.attempt("waive", finding, *said(wardline, "nora"), "--days", 3, person="nora")
    assert (refused.code, "without-role" in refused.err) == (DENIED, True), refused
    wardline("waive", finding, *said(wardline, "cleo"), "--days", 3, person="cleo")
    run = wardline.ship(repo)
    run.until_it_waits("production needs 1 of clinical-safety and 1 of compliance")
    yield run
    run.kill()


def said(wardline: Installation, person: str) -> tuple[object, ...]:
    return ("--key", wardline.key(person), "--reason", "Names a cache entry only.")


def words(wardline: Installation, run: str) -> list[dict]:
    (door,) = wardline.json("approvals", run)
    return door["words"]


def test_a_waiver_is_in_every_report_with_its_owner_and_its_end(wardline: Installation, waiting: Driven) -> None:
    (waiver,) = wardline.json("waivers")
    assert (waiver["owner"], waiver["stands"], waiver["environment"]) == ("p-cleo", True, None)
    line = f"waiver: {waiver['finding']} is accepted everywhere until"
    for shown in (wardline("waivers"), wardline("runs", "show", waiting.run), wardline("status")):
        assert line in shown
        assert "owner Cleo (p-cleo)" in shown
    assert [each["waivers"][0]["log"] for each in wardline.json("status")] == [waiver["log"]]


def test_who_is_not_trained_is_refused_until_somebody_else_records_it(wardline: Installation, waiting: Driven) -> None:
    asked = ("approve", waiting.run, "--role", "compliance", "--yes", *said(wardline, "cleo"))
    refused = wardline.attempt(*asked, person="cleo")
    assert (refused.code, "training-missing" in refused.err) == (DENIED, True), refused
    own = ("people", "train", "p-cleo", "--until", LATER, "--statement", "Yearly.", "--yes")
    refused = wardline.attempt(*own, "--key", wardline.key("cleo"), person="cleo")
    assert (refused.code, "own-training" in refused.err) == (DENIED, True), refused
    wardline(*own, "--key", wardline.key("ada"), person="ada")
    assert LATER in wardline("people", "list")


def test_an_approval_falls_with_its_signer_and_the_run_says_so(wardline: Installation, waiting: Driven) -> None:
    wrong = ("approve", waiting.run, "--role", "clinical-safety", "--digest", f"sha256:{'0' * 64}", "--yes")
    refused = wardline.attempt(*wrong, *said(wardline, "sam"), person="sam")
    assert (refused.code, "nothing was signed" in refused.err) == (1, True), refused
    wardline.approve(waiting.run, "sam")
    waiting.until_it_waits("production needs 1 of compliance by")
    (word,) = words(wardline, waiting.run)
    assert (word["state"], word["printed"], word["meaning"]) == ("stands", "Sam (p-sam)", "approved-for-release")

    enrolled = ("people", "enrol", "p-sam", "--key", wardline.key("ada"))
    left = wardline(*enrolled, person="ada").rpartition(" ")[2].strip()
    waiting.until(lambda line: f"the signer has left (log index {left})" in line)
    (word,) = words(wardline, waiting.run)
    assert (word["state"], [(c["code"], c["log"]) for c in word["causes"]]) == ("fallen", [("departed", int(left))])
    refused = wardline.attempt(
        "approve", waiting.run, "--role", "clinical-safety", "--yes", *said(wardline, "sam"), person="sam"
    )
    assert (refused.code, "departed" in refused.err) == (DENIED, True), refused

    role = ("--role", "clinical-safety", "--public-key", f"{wardline.key('sam')}.pub")
    wardline(*enrolled, *role, person="ada")
    assert words(wardline, waiting.run)[0]["state"] == "stands", (
        "who comes back with key and role said yes to just this"
    )


def test_released_it_still_shows_what_its_approvals_fell_by(wardline: Installation, waiting: Driven) -> None:
    wardline.approve(waiting.run, "cleo")
    assert waiting.end() == 0, waiting
    late = wardline.attempt(
        "approve", waiting.run, "--role", "compliance", "--yes", *said(wardline, "cleo"), person="cleo"
    )
    assert (late.code, "a word comes too late" in late.err) == (1, True), late
    assert {word["state"] for word in words(wardline, waiting.run)} == {"stands"}
    no_more = ("--withdraw", "--statement", "The record was somebody else's.", "--yes", "--key", wardline.key("ada"))
    index = wardline("people", "train", "p-cleo", *no_more, person="ada").rpartition(" ")[2].strip()
    fallen = [word for word in words(wardline, waiting.run) if word["state"] == "fallen"]
    assert [word["by"] for word in fallen] == ["p-cleo"]
    assert fallen[0]["at_the_gate"] == "stands"
    assert [(c["code"], c["log"]) for c in fallen[0]["causes"]] == [("training-lapsed", int(index))]
    shown = wardline("approvals", waiting.run)
    assert f"training-lapsed by log index {index}: the training on record was withdrawn" in shown
    signed = [line for line in wardline("runs", "show", waiting.run).splitlines() if " signed by " in line]
    assert len(signed) == 2
    assert all("approved-for-release as" in line and "UTC" in line for line in signed)
    wardline.checks()


def test_both_verifiers_take_a_packet_that_rests_on_waiver_and_training(
    wardline: Installation, waiting: Driven
) -> None:
    assert waiting.end() == 0
    packet, key = wardline.folder / "walk.html", wardline("keys", "show").strip()
    wardline("packet", waiting.run, "--to", packet)
    wardline("verify", packet, "--key", key)
    done = subprocess.run(
        [sys.executable, str(VERIFIER), str(packet), "--key", key], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    held = packet.read_text()
    assert "training/v1" in held
    assert "waiver/v1" in held


def test_a_freeze_keeps_every_change_out_until_its_calendar_says_otherwise(
    wardline: Installation, repo: Path, waiting: Driven
) -> None:
    assert waiting.end() == 0
    declared = (repo / "wardline.yaml").read_text()
    frozen = declared.replace("  staging:\n", "  staging:\n    windows: [calendars/clinic.yaml]\n", 1)
    starts = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%dT%H:%M}"
    commit(repo, {"wardline.yaml": frozen, "calendars/clinic.yaml": FREEZE.format(starts=starts)}, "Freeze")
    ship = wardline.ship(repo)
    assert ship.end() == DENIED, ship
    assert any("deny by outside-windows" in line and "go-live" in line for line in ship.lines), ship
    assert wardline.json("status")[0]["serves"] is not None, "what serves goes on serving"
    over = f"{datetime.now(UTC) - timedelta(days=90):%Y-%m-%dT%H:%M}"
    commit(repo, {"calendars/clinic.yaml": FREEZE.format(starts=over)}, "Thaw")
    again = wardline.ship(repo)
    again.until_it_waits("production needs")
    again.kill()
    wardline("runs", "cancel", again.run)
    wardline.checks()
