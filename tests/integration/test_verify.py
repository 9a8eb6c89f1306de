import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from wardline.canonical import Digest, JSONObject
from wardline.evidence.envelopes import seal
from wardline.evidence.log import Evidence
from wardline.evidence.packets.packet import Contents, Proven
from wardline.evidence.statements import PAYLOAD_TYPE, Context, Statement
from wardline.identity.principals import PublicKey
from wardline.ids import PrincipalId, RunId
from wardline.outcomes import Outcome
from wardline.predicates import NAMESPACE, Subject
from wardline.tlog.checkpoint import Checkpoint
from wardline.tlog.cosignature import WitnessKey
from wardline.tlog.merkle import leaf_hash
from wardline.tlog.note import VerifierKey

# What may be at hand where a packet is verified: none of what runs the product.
HEAVY = ("sqlalchemy", "dbos", "alembic", "securesystemslib", "rich", "cel", "wardline.adapters", "wardline.bootstrap")


class Machine:
    def __init__(self) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32)
        self.public_key = PublicKey.of(self._private.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        return self._private.sign(message)


MACHINE = Machine()
KEY = VerifierKey(name="wardline.example/log", raw=MACHINE.public_key.raw)
WITNESS = WitnessKey(name="witness.example/w1", raw=bytes(range(32)))
STRANGER = VerifierKey(name="wardline.example/log", raw=bytes([7]) * 32)


def smallest_packet() -> bytes:
    """A run that left nothing but its seal: a log of one leaf, whose proof is empty."""
    context = Context(
        run=RunId("r-1"),
        step="seal",
        attempt=1,
        recorded_at=datetime(2026, 11, 23, tzinfo=UTC),
        actor=PrincipalId("wardline"),
        outcome=Outcome.FAILED,
    )
    body: JSONObject = {"journey": "ship", "service": "s", "status": "failed", "statements": 1, "first": None}
    subject = Subject(name="run/r-1", digest=Digest.of(b"r-1"))
    statement = Statement(predicate_type=f"{NAMESPACE}/seal/v1", subjects=(subject,), context=context, body=body)
    envelope = seal(statement.encode(), payload_type=PAYLOAD_TYPE, signer=MACHINE)
    evidence = Evidence(index=0, key=context.key, envelope=envelope, statement=statement)
    root = leaf_hash(envelope.encode())
    checkpoint = Checkpoint(origin=KEY.name, size=1, root=root).sign(KEY, sign=MACHINE.sign)
    contents = Contents(
        run=RunId("r-1"),
        origin=KEY.name,
        checkpoint=checkpoint,
        statements=(Proven(evidence=evidence, proof=()),),
        blobs=(),
    )
    return contents.sign(MACHINE).encode()


@pytest.fixture
def packet(tmp_path: Path) -> Path:
    path = tmp_path / "r-1.packet.html"
    path.write_bytes(smallest_packet())
    return path


def verify(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    program = (
        "import sys, typer\n"
        "from wardline.cli.shell import report\n"
        "from wardline.cli.verify import verify\n"
        "from wardline.errors import WardlineError\n"
        "app = typer.Typer(); app.command()(verify)\n"
        "try:\n    app()\n"
        "except WardlineError as error:\n    sys.exit(report(error))\n"
        "finally:\n"
        f"    heavy = [name for name in sys.modules if name.startswith({HEAVY!r})]\n"
        "    print('HEAVY', heavy, file=sys.stderr) if heavy else None\n"
    )
    # An empty environment: no home, nothing configured.
    command = [sys.executable, "-c", program, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env={}, cwd=cwd, timeout=60, check=False)
    assert "HEAVY" not in done.stderr
    assert "Traceback" not in done.stderr
    return done


def test_a_packet_that_holds_is_0_with_every_check_named(packet: Path, tmp_path: Path) -> None:
    done = verify(packet, "--key", KEY, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.findall(r"^ *(\d+)\. ok ", done.stdout, re.MULTILINE) == [str(number) for number in range(1, 13)]
    assert "FAILED" not in done.stdout
    assert done.stdout.rstrip().endswith(f"holds (key {KEY})")


def test_the_key_may_be_a_file(packet: Path, tmp_path: Path) -> None:
    (tmp_path / "clinic.vkey").write_text(f"{KEY}\n")
    assert verify(packet, "--key", "clinic.vkey", cwd=tmp_path).returncode == 0


def test_a_packet_that_does_not_hold_is_5(packet: Path, tmp_path: Path) -> None:
    done = verify(packet, "--key", STRANGER, cwd=tmp_path)
    assert done.returncode == 5
    assert "DOES NOT HOLD" in done.stdout
    packet.write_bytes(packet.read_bytes().replace(b"</h1>", b"</h2>"))
    done = verify(packet, "--key", KEY, cwd=tmp_path)
    assert done.returncode == 5
    assert "11. FAILED" in done.stdout


def test_any_file_that_is_no_packet_is_5(tmp_path: Path) -> None:
    (tmp_path / "letter").write_text("Dear auditor")
    done = verify("letter", "--key", KEY, cwd=tmp_path)
    assert done.returncode == 5
    assert " 1. FAILED" in done.stdout
    assert " 2. not checked" in done.stdout


def test_the_checks_are_told_in_json(packet: Path, tmp_path: Path) -> None:
    for key, holds in ((KEY, True), (STRANGER, False)):
        done = verify(packet, "--key", key, "--output", "json", cwd=tmp_path)
        document = json.loads(done.stdout)
        assert document["holds"] is holds
        assert (document["run"], document["key"]) == ("r-1", str(key))
        assert [check["number"] for check in document["checks"]] == list(range(1, 13))
        assert all(check["outcome"] == "passed" for check in document["checks"]) is holds


@pytest.mark.parametrize("key", ["mistyped", "name+00000000+AQ==", "no/such/file", str(KEY)[:-2], "x" * 5000, "a\x7f+"])
def test_a_key_that_is_none_is_2_and_says_so(packet: Path, tmp_path: Path, key: str) -> None:
    done = verify(packet, "--key", key, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")


def test_a_file_that_cannot_be_read_is_2_and_says_so(tmp_path: Path) -> None:
    for file in ("missing.html", "."):
        done = verify(file, "--key", KEY, cwd=tmp_path)
        assert done.returncode == 2
        assert "cannot be read" in done.stderr


def start(*arguments: str | Path, by: str, cwd: Path) -> tuple[int, str, str]:
    program = f"import sys; sys.argv[0] = 'wardline'; from {by} import main; main()"
    command = [sys.executable, "-c", program, "verify", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env={}, cwd=cwd, timeout=60, check=False)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


ASKED = {
    "plain": ("r-1.packet.html", "--key", str(KEY)),
    "spelled with =": (f"--key={KEY}", "--output=json", "r-1.packet.html"),
    "another key": ("r-1.packet.html", "--key", str(STRANGER), "--output", "json"),
    "a key that is none": ("r-1.packet.html", "--key", "none"),
    "no such file": ("r-2.packet.html", "--key", str(KEY)),
    "no key": ("r-1.packet.html",),
    "no file": ("--key", str(KEY)),
    "two files": ("r-1.packet.html", "r-1.packet.html", "--key", str(KEY)),
    "an option nobody knows": ("r-1.packet.html", "--key", str(KEY), "--trust"),
    "an output nobody knows": ("r-1.packet.html", "--key", str(KEY), "--output", "sarif"),
    "a witness that did not see it": ("r-1.packet.html", "--key", str(KEY), "--witness", str(WITNESS)),
    "a witness that is none": ("r-1.packet.html", "--key", str(KEY), "--witness", str(KEY)),
    "more needed than named": ("r-1.packet.html", "--key", str(KEY), "--witnesses-needed", "1"),
    "needed is no number": ("r-1.packet.html", "--key", str(KEY), "--witnesses-needed", "two"),
    "an option without its value": ("r-1.packet.html", "--key"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(ASKED))
def test_the_short_way_says_what_the_command_line_says(packet: Path, tmp_path: Path, name: str) -> None:
    short, long = (start(*ASKED[name], by=by, cwd=tmp_path) for by in ("wardline.cli.start", "wardline.cli.main"))
    assert short == long
    assert (short[0] == 0) == (name in {"plain", "spelled with ="})


def test_the_short_way_needs_no_library_of_the_command_line(packet: Path, tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from wardline.cli.start import main\n"
        "heavy = {'typer', 'pydantic', 'rich', 'sqlalchemy'}\n"
        "try:\n    main()\n"
        "finally:\n    print([name for name in sys.modules if name in heavy], file=sys.stderr)"
    )
    command = [sys.executable, "-c", program, "verify", "r-1.packet.html", "--key", str(KEY)]
    done = subprocess.run(command, capture_output=True, text=True, env={}, cwd=tmp_path, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "[]\n")


def test_nobody_reading_on_is_no_crash(packet: Path, tmp_path: Path) -> None:
    program = f"{sys.executable} -c 'from wardline.cli.start import main; main()' verify r-1.packet.html --key {KEY}"
    command = ["/bin/sh", "-c", f"{{ {program}; }} | true"]
    done = subprocess.run(command, capture_output=True, text=True, env={}, cwd=tmp_path, timeout=60, check=False)
    assert "Traceback" not in done.stderr
