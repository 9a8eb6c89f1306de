"""A service nobody here wrote: httpbin as released, from `wardline init` to packets that an outsider verifies."""

import os
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.installation import PROGRAM, Ended, Installation, commit, git, repository, skip_without_index

HTTPBIN = "httpbin==0.10.4"
MD5 = "B324"  # bandit's rule of weak hashes; httpbin makes ETags and answers digest authentication with MD5 and SHA-1
# The lines a person edits after `wardline init`: three that nobody can guess, and two that make the story short.
EDITED = {
    r"^  owner:.*$": "  owner: platform",
    r"^  criticality:.*$": "  criticality: administrative",
    r"^  data:.*$": "  data: [none]",
    r"lasting: 30s": "lasting: 4s",
    r"soak: 1m": "soak: 3s",
}


@pytest.fixture(scope="module")
def wardline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    installation = Installation(tmp_path_factory.mktemp("httpbin"))
    yield installation
    installation.stop()


@pytest.fixture(scope="module")
def httpbin(wardline: Installation) -> Path:
    """Its release, unpacked and committed as somebody's repository."""
    folder = wardline.folder
    fetch = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary", ":all:", "--dest", str(folder)]
    done = subprocess.run([*fetch, HTTPBIN], capture_output=True, text=True, timeout=300, check=False)
    skip_without_index(done)
    assert done.returncode == 0, done.stderr
    (archive,) = folder.glob("httpbin-*.tar.gz")
    subprocess.run(["tar", "-xzf", archive, "--no-same-owner", "-C", folder], check=True)
    return repository(folder / archive.name.removesuffix(".tar.gz"))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_httpbin_goes_from_its_release_to_production(wardline: Installation, httpbin: Path) -> None:
    initialise(wardline, httpbin)
    wardline.enrol_everybody()

    finding = ship_is_denied(wardline, httpbin)
    only_those_who_answer_for_it_may_waive(wardline, finding)
    first = shipped(wardline, httpbin)
    serves(wardline, "production", version="0.10.4")

    package = httpbin / "httpbin" / "__init__.py"
    commit(httpbin, {"httpbin/__init__.py": f"{package.read_text()}\n# As we run it.\n"}, "Say whose it is")
    second = shipped(wardline, httpbin)
    steps = {each["step"] for each in wardline.shown(second)["evidence"]}
    assert {"production/deploy/1-shift-10", "production/deploy/3-shift-50", "production/deploy/5-shift-100"} <= steps
    goes_back(wardline)

    for run in (first, second):
        an_outsider_verifies(wardline, run)
    figures = wardline.json("metrics")
    assert figures["audit_trail"]["completeness_bp"] == 10_000
    wardline.checks()
    stops(wardline)
    assert git(httpbin, "status", "--porcelain") == "", "nothing but wardline.yaml was written to the repository"


def initialise(wardline: Installation, repo: Path) -> None:
    said = wardline("init", cwd=repo)
    assert "service.owner, service.criticality, service.data" in said
    declared = repo / "wardline.yaml"
    blank = wardline.attempt("validate", cwd=repo)
    assert blank.code == 2, blank
    assert "wardline.yaml:8: service.owner: still blank" in blank.err
    text = declared.read_text()
    assert "httpbin.core:app" in text
    assert "# measured: " in text
    for pattern, line in EDITED.items():
        text, count = re.subn(pattern, line, text, flags=re.MULTILINE)
        assert count == 1, pattern
    commit(repo, {"wardline.yaml": text}, "Let Wardline ship it")
    assert "development → staging → production" in wardline("validate", cwd=repo)


def ship_is_denied(wardline: Installation, repo: Path) -> str:
    """Ship, be told which finding is in the way, and return its id."""
    ship = wardline.ship(repo)
    assert ship.end() == 4, ship
    assert ship.steps["scan/bandit"] == "✓", "it looked"
    assert ship.steps["development/gate"] == "✗"
    (denied,) = [line for line in ship.lines if "deny by no-serious-finding" in line]
    (finding,) = re.findall(r"F-[0-9a-f]{12}", denied)
    assert any(finding in line and MD5 in line and "httpbin/helpers.py" in line for line in ship.lines), ship
    assert wardline.status("development") is None, "nothing was deployed"
    return finding


def only_those_who_answer_for_it_may_waive(wardline: Installation, finding: str) -> None:
    def waive(person: str, wanted: str = finding) -> Ended:
        how = ("--days", 90, "--key", wardline.key(person), "--reason", "Names an ETag; protects nothing.")
        return wardline.attempt("waive", wanted, *how, person=person)

    author = waive("nora")
    assert author.code == 4
    assert "compliance" in author.err, "it says whose business that is"
    unknown = waive("cleo", "F-000000000000")
    assert unknown.code == 2
    assert "F-000000000000" in unknown.err
    assert waive("cleo").code == 0


def shipped(wardline: Installation, repo: Path) -> str:
    """Ship to production, people answering from processes of their own while it waits."""
    ship = wardline.ship(repo)
    ship.until_it_waits("production needs 1 of clinical-safety and 1 of compliance")
    refused = wardline.attempt(
        "approve", ship.run, "--role", "compliance", "--key", wardline.key("nora"), "--reason", "Mine.", "--yes",
        person="nora",
    )  # fmt: skip
    assert refused.code == 4, refused
    wardline.approve(ship.run, "sam", "cleo")
    assert ship.end() == 0, ship
    assert set(ship.steps.values()) == {"✓"}
    return ship.run


def goes_back(wardline: Installation) -> None:
    newer = serves(wardline, "production", version="0.10.4")
    wardline("rehearse")
    back = wardline.start("rollback", "production", "--reason", "Only to see it.")
    assert back.end() == 0, back
    older = serves(wardline, "production", version="0.10.4")
    assert older != newer


def serves(wardline: Installation, environment: str, *, version: str) -> str:
    """Assert that callers are answered there, and return the release that does."""
    seen = wardline.status(environment)
    assert seen["serves"]["version"] == version
    assert not seen["drifted"], seen
    with urllib.request.urlopen(f"{seen['url']}/get", timeout=10) as answer:
        assert answer.status == 200
    return seen["serves"]["id"]


def an_outsider_verifies(wardline: Installation, run: str) -> None:
    packet = wardline.folder / f"{run}.packet.html"
    key = wardline.json("packet", run, "--to", packet)["key"]
    elsewhere = wardline.folder / f"elsewhere-{run}"
    elsewhere.mkdir()
    shutil.copy(packet, elsewhere / "packet.html")
    bare = {"PATH": os.environ["PATH"], "HOME": str(elsewhere), "LANG": "C.UTF-8"}
    command = [str(PROGRAM), "verify", "packet.html", "--key", key]
    holds = subprocess.run(command, cwd=elsewhere, env=bare, capture_output=True, text=True, timeout=60, check=False)
    assert holds.returncode == 0, holds.stdout + holds.stderr
    assert sorted(path.name for path in elsewhere.iterdir()) == ["packet.html"], "nothing was written"
    content = bytearray(packet.read_bytes())
    content[len(content) // 2] ^= 1
    (elsewhere / "packet.html").write_bytes(content)
    forged = subprocess.run(command, cwd=elsewhere, env=bare, capture_output=True, text=True, timeout=60, check=False)
    assert forged.returncode == 5, forged.stdout + forged.stderr


def stops(wardline: Installation) -> None:
    said = wardline("environments", "stop", "all")
    assert said.splitlines() == [f"stopped httpbin/{name}" for name in ("development", "staging", "production")]
    assert all(each["serves"] is None and not each["weights"] for each in wardline.json("status"))
