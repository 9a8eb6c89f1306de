"""Whoever is asked to sign sees what and is asked where they look, also where the result goes to a file."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from wardline.cli.main import app

PROGRAM = Path(sys.executable).with_name("wardline")
PASSPHRASE = "quite a long phrase"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with keys and an installation where Dora may forget Sam."""
    monkeypatch.setenv("WARDLINE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("WARDLINE_PASSPHRASE", PASSPHRASE)
    monkeypatch.chdir(tmp_path)
    for who in ("ada", "dora"):
        run("keys", "new", f"{who}.key")
    run("people", "enrol", "p-ada", "--role", "administrator", "--key", "ada.key")
    run("people", "enrol", "p-dora", "--role", "data-protection", "--public-key", "dora.key.pub", "--key", "ada.key")
    run("people", "enrol", "p-sam", "--name", "Sam Safety", "--key", "ada.key")
    return tmp_path


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == 0, done
    return done.stdout


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 1)])
def test_the_question_is_seen_and_is_not_in_the_document(folder: Path, answer: str, code: int) -> None:
    command = ["people", "forget", "p-sam", "--key", "dora.key", "--output", "json"]
    terminal, its_end = pty.openpty()
    try:
        os.write(terminal, f"{answer}\n".encode())
        done = subprocess.run([PROGRAM, *command], stdin=its_end, capture_output=True, text=True, check=False)
    finally:
        os.close(terminal)
        os.close(its_end)
    assert done.returncode == code, done
    assert "name: Sam Safety" in done.stderr
    assert "[y/N]" in done.stderr
    if code == 0:
        assert json.loads(done.stdout)["destroys"]["name"] == "Sam Safety"


def test_nobody_signs_for_nothing(folder: Path) -> None:
    said = run("people", "forget", "p-dora")  # no key is named, none is needed
    assert "nothing is to be signed" in said
    before = json.loads(run("log", "check", "--output", "json"))["size"]
    assert json.loads(run("people", "forget", "p-dora", "--output", "json"))["log"] is None
    assert json.loads(run("log", "check", "--output", "json"))["size"] == before
