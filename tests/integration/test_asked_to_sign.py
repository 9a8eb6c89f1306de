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


def on_a_terminal(answer: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    terminal, its_end = pty.openpty()
    try:
        os.write(terminal, f"{answer}\n".encode())
        return subprocess.run([PROGRAM, *arguments], stdin=its_end, capture_output=True, text=True, check=False)
    finally:
        os.close(terminal)
        os.close(its_end)


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 1)])
def test_the_question_is_seen_and_is_not_in_the_document(folder: Path, answer: str, code: int) -> None:
    done = on_a_terminal(answer, "people", "forget", "p-sam", "--key", "dora.key", "--output", "json")
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


@pytest.mark.parametrize(
    ("more", "said"), [((), "Hold everything for audit, signed"), (("--blocks-erasure",), "forgotten")]
)
def test_a_hold_that_blocks_erasure_says_so_before_it_is_signed(folder: Path, more: tuple[str, ...], said: str) -> None:
    command = ("log", "hold", "--role", "data-protection", "--code", "audit", "--reason", "An audit.", *more)
    done = on_a_terminal("y", *command, "--key", "dora.key")
    assert done.returncode == 0, done
    assert said in done.stderr
