"""`wardline init` and `wardline validate` as commands, in real repositories."""

import json
import os
import pty
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from wardline.pipelines.parse import MAX_BYTES, parse_bytes

WARDLINE = (sys.executable, "-c", "from wardline.cli.main import main; main()")
DESK = {
    "pyproject.toml": '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
    '[project]\nname = "desk"\nversion = "1.0"\n[tool.setuptools]\npy-modules = ["desk"]\n',
    "desk.py": "def app(environ, start_response):\n"
    "    if environ['PATH_INFO'] == '/healthz':\n        return []\n"
    "    return [b'never tested']\n",
    "tests/test_desk.py": "import desk\n\ndef test_app():\n    assert desk.app({'PATH_INFO': '/healthz'}, 0) == []\n",
}
ANSWERS = ("--owner", "front-desk", "--criticality", "clinical-support", "--data", "phi,pii", "--regulations", "hipaa")


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


def repository(folder: Path, files: dict[str, str]) -> Path:
    write(folder, files)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "first")
    return folder


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def wardline(tmp_path):
    def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "WARDLINE_HOME": str(tmp_path / "home")}
        command = [*WARDLINE, *arguments]
        return subprocess.run(
            command,
            cwd=cwd,
            env=env,
            text=True,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=240,
            check=False,
        )

    return run


@pytest.mark.slow
def test_measured_coverage_becomes_the_first_standard(tmp_path, wardline):
    folder = repository(tmp_path / "desk", DESK)
    done = wardline("init", *ANSWERS, cwd=folder)
    assert done.returncode == 0, done.stderr
    pipeline = parse_bytes((folder / "wardline.yaml").read_bytes())
    assert pipeline.test.min_coverage == 75  # three of four lines
    assert "measured: 75.00 %" in (folder / "wardline.yaml").read_text()
    assert pipeline.start.command == "gunicorn --bind 127.0.0.1:$PORT desk:app"
    assert pipeline.build.with_packages == ("gunicorn",)
    assert pipeline.start.health == "/healthz"
    assert {path.name for path in folder.iterdir()} == {".git", "desk.py", "pyproject.toml", "tests", "wardline.yaml"}
    assert wardline("validate", cwd=folder).returncode == 0


@pytest.mark.slow
def test_failing_tests_make_no_standard(tmp_path, wardline):
    setup = "from setuptools import setup\nsetup(name='desk', version='1', py_modules=['desk'])\n"
    files = {
        "setup.py": setup,
        "desk.py": DESK["desk.py"],
        "tests/test_desk.py": "import desk\n\ndef test_no():\n    assert 0\n",
    }
    folder = repository(tmp_path / "desk", files)
    done = wardline("init", *ANSWERS, "--output", "json", cwd=folder)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["measured"] == {"coverage_bp": None, "reason": "1 of 1 tests did not pass"}
    assert said["blanks"] == []
    text = (folder / "wardline.yaml").read_text()
    assert said["text"] == text
    assert "# NOT MEASURED: 1 of 1 tests did not pass" in text
    assert parse_bytes(text.encode()).test.min_coverage == 0


def test_dry_run_prints_and_writes_nothing(tmp_path, wardline):
    folder = repository(tmp_path / "desk", DESK)
    done = wardline("init", *ANSWERS, "--no-measure", "--dry-run", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert parse_bytes(done.stdout.encode()).service.owner == "front-desk"
    assert not (folder / "wardline.yaml").exists()
    written = wardline("init", *ANSWERS, "--no-measure", cwd=folder / "tests")
    assert written.returncode == 0, written.stderr
    assert (folder / "wardline.yaml").read_text() == done.stdout.rstrip("\n") + "\n"  # at the top, from wherever


def test_what_cannot_be_known_is_left_blank_and_validate_says_so(tmp_path, wardline):
    folder = repository(tmp_path / "desk", {"notes.txt": "no service yet"})
    done = wardline("init", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "was not measured: build.run is not known yet" in done.stdout
    refused = wardline("validate", cwd=folder)
    assert refused.returncode == 2
    for key in ("service.owner", "build.run", "test.run", "start.command", "start.health"):
        assert f"{key}: still blank: " in refused.stderr


def test_the_commit_is_read_and_not_the_working_tree(tmp_path, wardline):
    folder = repository(tmp_path / "desk", DESK)
    write(folder, {"desk.py": "nothing = 1\n", "other.py": "def app(environ, start_response): ...\n"})
    done = wardline("init", "--no-measure", "--dry-run", cwd=folder)
    assert "127.0.0.1:$PORT desk:app" in done.stdout


def test_a_file_that_is_there_is_kept(tmp_path, wardline):
    folder = repository(tmp_path / "desk", {**DESK, "wardline.yaml": "mine"})
    for arguments in (("init",), ("init", "--dry-run")):
        done = wardline(*arguments, cwd=folder)
        assert done.returncode == 2
        assert "exists already and is not overwritten" in done.stderr
    assert (folder / "wardline.yaml").read_text() == "mine"


def test_no_place_for_a_file_is_refused_with_a_remedy(tmp_path, wardline):
    outside = wardline("init", cwd=tmp_path)
    assert (outside.returncode, "is not in a Git repository" in outside.stderr) == (2, True)
    assert "git init" in outside.stderr
    git(tmp_path, "init", "-q", "unborn")
    unborn = wardline("init", cwd=tmp_path / "unborn")
    assert (unborn.returncode, "has no commit yet" in unborn.stderr) == (2, True)
    missing = wardline("init", "nowhere", cwd=tmp_path)
    assert (missing.returncode, "there is no folder" in missing.stderr) == (2, True)


def test_wrong_answer_on_the_command_line_is_refused(tmp_path, wardline):
    folder = repository(tmp_path / "desk", DESK)
    done = wardline("init", "--criticality", "very", "--no-measure", cwd=folder)
    assert done.returncode == 2
    assert (
        '--criticality: expected one of life-critical, clinical, clinical-support, administrative, got "very"'
        in done.stderr
    )
    assert not (folder / "wardline.yaml").exists()


def test_a_person_is_asked_on_a_terminal(tmp_path):
    folder = repository(tmp_path / "desk", DESK)
    ours, theirs = pty.openpty()
    # name as guessed, owner, a wrong criticality and a right one, data, no regulations, the commands as guessed
    os.write(ours, b"\nfront-desk\nvery\nclinical\nphi, pii\n\n\n\n\n\n")
    process = subprocess.Popen(
        [*WARDLINE, "init", "--no-measure"], cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs,
        env={**os.environ, "WARDLINE_HOME": str(tmp_path / "home")},
    )  # fmt: skip
    os.close(theirs)
    seen = b""
    try:
        while part := os.read(ours, 4096):
            seen += part
    except OSError:
        pass  # the other end closed
    os.close(ours)
    assert process.wait(timeout=60) == 0, seen.decode()
    assert b"expected one of life-critical" in seen
    pipeline = parse_bytes((folder / "wardline.yaml").read_bytes())
    assert (pipeline.service.owner, pipeline.service.criticality.value) == ("front-desk", "clinical")
    assert [data.value for data in pipeline.service.data] == ["phi", "pii"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the file declares nothing"),
        (b"a: \xff", "expected UTF-8, got byte 0xff"),
        (b"#" * (MAX_BYTES + 1), "expected at most 1,048,576"),
        (b"a: [", "not YAML"),
    ],
)
def test_validate_refuses_what_is_no_pipeline(tmp_path, wardline, content, words):
    (tmp_path / "wardline.yaml").write_bytes(content)
    told = wardline("validate", cwd=tmp_path)
    assert told.returncode == 2
    assert words in told.stderr
    as_json = wardline("validate", "wardline.yaml", "--output", "json", cwd=tmp_path)
    assert as_json.returncode == 2
    said = json.loads(as_json.stdout)
    assert said["valid"] is False
    assert words in said["problems"][0]


def test_validate_names_what_is_not_there(tmp_path, wardline):
    done = wardline("validate", cwd=tmp_path)
    assert done.returncode == 2
    assert "`wardline init` writes a first one" in done.stderr
    (tmp_path / "wardline.yaml").mkdir()
    done = wardline("validate", cwd=tmp_path)
    assert (done.returncode, "is a folder; expected a file" in done.stderr) == (2, True)


def test_validate_says_what_it_cannot_read(tmp_path, wardline, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("wardline.yaml")  # what not even root can open
    done = wardline("validate", cwd=tmp_path)
    assert (done.returncode, "cannot read" in done.stderr) == (1, True)


def test_validate_prints_the_schema(tmp_path, wardline):
    done = wardline("validate", "--schema", cwd=tmp_path)
    assert done.returncode == 0
    assert json.loads(done.stdout)["title"] == "wardline.yaml"
