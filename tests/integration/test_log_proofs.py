"""Proofs of single statements from a log whose keys changed, verified by somebody without an installation."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.fakes.filled_home import say, settings

from wardline.bootstrap import witnessing
from wardline.bootstrap.home import open_home
from wardline.bootstrap.keys import retire, rotate
from wardline.identity.principals import PublicKey
from wardline.tlog.note import VerifierKey

PROGRAM = Path(sys.executable).with_name("wardline")


def verify(proof: Path, entry: Path, *keys: object) -> subprocess.CompletedProcess[str]:
    named = [word for key in keys for word in ("--key", str(key))]
    command = [PROGRAM, "log", "verify", proof, "--entry", entry, *named, "--output", "json"]
    environ = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture
def changed(tmp_path: Path) -> tuple[VerifierKey, VerifierKey]:
    """Prove statement 1 to the newest head after the log's first key was retired; return both keys."""
    with open_home(settings(tmp_path / "home")) as home:
        first = home.log.key
        say(home, 1)
        second, _ = rotate(home, to=None, purposes=None)
        retire(home, PublicKey.of(first.raw).keyid[:12])
    with open_home(settings(tmp_path / "home")) as home:  # a process that began before signs with the retired one
        newest = say(home, 2).index
        proof = witnessing.write_proof(home, newest, tmp_path / "proof", entry=tmp_path / "entry")
        key = witnessing.key_of_checkpoint(home, proof.checkpoint)
    assert key == VerifierKey(name=first.name, raw=second.raw)
    return first, key


def test_a_proof_says_which_key_of_the_log_signed_it(changed: tuple[VerifierKey, VerifierKey], tmp_path: Path) -> None:
    first, second = changed
    proof, entry = tmp_path / "proof", tmp_path / "entry"
    assert json.loads(verify(proof, entry, second).stdout)["holds"]
    assert verify(proof, entry, first, second).returncode == 0
    refused = verify(proof, entry, first)
    assert (refused.returncode, "is not signed by" in refused.stderr + refused.stdout) == (5, True)


def test_a_key_may_be_given_as_the_file_that_holds_it(changed: tuple[VerifierKey, VerifierKey], tmp_path: Path) -> None:
    file = tmp_path / "log.pub"
    file.write_text(f"{changed[1]}\n")
    assert verify(tmp_path / "proof", tmp_path / "entry", file).returncode == 0


def test_keys_of_two_logs_are_a_mistake(changed: tuple[VerifierKey, VerifierKey], tmp_path: Path) -> None:
    other = VerifierKey(name="other.example", raw=changed[0].raw)
    refused = verify(tmp_path / "proof", tmp_path / "entry", *changed, other)
    assert (refused.returncode, "keys of 2 logs" in refused.stderr + refused.stdout) == (2, True)
