"""The verifier published apart from packets, held against Wardline's own over packets changed in every place.

Both follow docs/reference/packet-format.md; the standalone one was written without looking at this code. A change is
made either without any key, or by somebody who has every key there is and signs all of it anew, so that only what the
statements mean can give it away. What one verifier says of a packet the other has to say too, check by check.
"""

import base64
import copy
import hashlib
import importlib.util
import json
import re
import subprocess
import sys
import venv
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from types import ModuleType

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

sys.path.insert(0, str(Path(__file__).resolve().parent))

from forged_packets import (
    KEY,
    ORIGIN,
    STRANGER,
    WITNESS,
    Mutant,
    World,
    bytes_changed,
    envelopes_signed_anew,
    notes_changed,
    proof_changed,
    signers_changed,
    statements_told_anew,
    whole_signed_anew,
    witnessed,
)
from key_histories import BOTH, MACHINES, THEIRS, changed, enrolled, key_json, random_packet, world_of
from told_story import MACHINE, begun

from wardline.evidence.packets.packet import Packet
from wardline.evidence.packets.verify_packet import Trust, verify_packet
from wardline.evidence.schemes import canonical_ecdsa
from wardline.identity.principals import PublicKey
from wardline.outcomes import Outcome
from wardline.tlog.note import VerifierKey

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "verifier" / "wardline_verify.py"
DOCUMENT = ROOT / "docs" / "reference" / "packet-format.md"
SCHEMAS, PAGE = 2, 11  # checks; of the page the standalone verifier compares the digest only, and says so


def _standalone() -> ModuleType:
    spec = importlib.util.spec_from_file_location("wardline_verify", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


standalone = _standalone()
PUBLISHED = standalone.schemas_in(str(ROOT / "docs" / "predicates"))


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    with begun(tmp_path_factory.mktemp("told")) as story:
        story.tell()
        return story.packet()


def theirs(content: bytes, key: VerifierKey, witnesses: tuple = ()) -> list[str]:
    keys = [standalone.VerifierKey(str(each), 4) for each in witnesses]
    _, found = standalone.verify(content, standalone.VerifierKey(str(key), 1), keys, len(keys), PUBLISHED)
    return [outcome for outcome, _ in found]


def disagreement(content: bytes, key: VerifierKey = KEY, witnesses: tuple = ()) -> str | None:
    """Return on which checks the two differ; None: on none."""
    found = verify_packet(content, Trust(key=key, witnesses=witnesses))
    ours, said = [check.outcome.value for check in found.checks], theirs(content, key, witnesses)
    differing = []
    for number, (one, other) in enumerate(zip(ours, said, strict=True), start=1):
        page = number == PAGE and (one, other) == ("failed", "passed")
        # What does not keep to its schema may miss what other checks look for: both refuse it, for that.
        unread = number > SCHEMAS and ours[SCHEMAS - 1] == said[SCHEMAS - 1] == "failed"
        if one != other and not page and not (unread and {one, other} == {"passed", "failed"}):
            differing.append(f"{number}: {one}, standalone {other} ({found.checks[number - 1].detail})")
    return "; ".join(differing) or None


def agree(mutants: Iterable[Mutant], witnesses: tuple = ()) -> int:
    """Return over how many mutants both verifiers agreed; at least one of each kind has to be there."""
    count, wrong = 0, []
    for what, make in mutants:
        count += 1
        found = disagreement(make(), witnesses=witnesses)
        if found is not None:
            wrong.append(f"{what}: {found}")
    assert wrong == []
    assert count
    return count


# Families of changes, how far apart the ones tried always are, and how far apart those tried when all are asked for.
FAMILIES: dict[str, tuple[Callable[[bytes], Iterator[Mutant]], int, int]] = {
    "bytes": (bytes_changed, 2_503, 41),
    "proof": (proof_changed, 331, 8),
    "whole": (whole_signed_anew, 37, 1),
    "envelopes": (envelopes_signed_anew, 293, 7),
    "statements": (statements_told_anew, 499, 11),
    "signers": (signers_changed, 7, 1),
    "notes": (notes_changed, 113, 1),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_both_verifiers_agree_on_a_spread_of_changed_packets(told: bytes, family: str) -> None:
    mutants, spread, _ = FAMILIES[family]
    assert agree(islice(mutants(told), 0, None, spread), (WITNESS,) if family == "notes" else ()) > 10


@pytest.mark.exhaustive
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("family", FAMILIES)
def test_both_verifiers_agree_on_thousands_of_changed_packets(told: bytes, family: str) -> None:
    mutants, _, spread = FAMILIES[family]
    assert agree(islice(mutants(told), 0, None, spread), (WITNESS,) if family == "notes" else ()) > 100


def test_both_verifiers_agree_on_histories_of_keys_made_up_at_random() -> None:
    assert [(seed, found) for seed in range(60) if (found := disagreement(*random_packet(seed)))] == []


@pytest.mark.exhaustive
@pytest.mark.timeout(1800)
def test_both_verifiers_agree_on_thousands_of_histories_of_keys() -> None:
    assert [(seed, found) for seed in range(60, 3_000) if (found := disagreement(*random_packet(seed)))] == []


def outcomes(content: bytes, key: VerifierKey = KEY) -> dict[int, str]:
    assert disagreement(content, key) is None
    found = enumerate(theirs(content, key), start=1)
    return {number: outcome for number, outcome in found if outcome != "passed"}


def test_both_hold_for_what_was_not_changed_with_and_without_a_witness(told: bytes) -> None:
    assert outcomes(told) == {}
    ((_, with_witness),) = islice(notes_changed(told), 1)
    assert disagreement(with_witness(), witnesses=(WITNESS,)) is None
    assert set(theirs(with_witness(), KEY, (WITNESS,))) == {"passed"}
    assert theirs(told, KEY, (WITNESS,))[5] == "failed"
    assert witnessed("a\n\nb\n").startswith("a\n\nb\n— ")


def test_both_refuse_another_key_and_another_log(told: bytes) -> None:
    assert {3, 4, 5, 7} <= outcomes(told, VerifierKey(name=ORIGIN, raw=STRANGER.public_key.raw)).keys()
    assert outcomes(told, VerifierKey(name="another.example/log", raw=MACHINE.public_key.raw)).keys() == {5, 7}


def test_a_run_that_left_its_seal_alone_holds() -> None:
    packet = world_of([], signer=MACHINE, checkpoints=MACHINE).packet()
    assert outcomes(packet) == {}


def test_a_retired_key_may_be_revoked_from_before_its_retirement_on() -> None:
    admin, old = THEIRS[0], MACHINES[1]
    founding = enrolled("p-admin", admin, ["administrator"], actor="p-admin", step="0", founding=True)
    said = [
        (founding, [admin]),
        (changed("added", old, step="1", by=key_json(MACHINE), purposes=BOTH), [MACHINE, old]),
        (changed("retired", old, step="2"), [MACHINE]),
        (changed("revoked", old, step="3", actor="p-admin", since=2, reason="key-compromise"), [admin]),
    ]
    assert outcomes(world_of(said, signer=MACHINE, checkpoints=MACHINE).packet()) == {}
    assert outcomes(world_of(said, signer=old, checkpoints=MACHINE).packet()).keys() == {3, 4}


@dataclass(frozen=True)
class P256:
    """A key of the other scheme; `form` makes what it signs with into another encoding of the same signature."""

    form: Callable[[bytes], bytes] = canonical_ecdsa
    private = ec.derive_private_key(77, ec.SECP256R1())

    @property
    def public_key(self) -> PublicKey:
        point = self.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return PublicKey.of(point)

    def sign(self, message: bytes) -> bytes:
        return self.form(self.private.sign(message, ec.ECDSA(SHA256())))


def greater_s(signature: bytes) -> bytes:
    r, s = decode_dss_signature(canonical_ecdsa(signature))
    return encode_dss_signature(r, standalone.P256_ORDER - s)


FORMS: dict[str, tuple[Callable[[bytes], bytes], set[int]]] = {
    "canonical": (canonical_ecdsa, set()),
    "the greater s": (greater_s, {3}),
    "a longer length": (lambda sig: b"\x30\x81" + canonical_ecdsa(sig)[1:], {3}),
    "a byte behind": (lambda sig: canonical_ecdsa(sig) + b"\0", {3}),
    "r and s of nothing": (lambda _: encode_dss_signature(0, 0), {3}),
    "r and s of no curve": (lambda _: encode_dss_signature(2**300, 1), {3}),
    "no DER": (lambda sig: sig[::-1], {3}),
    "nothing": (lambda _: b"", {3}),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_signature_by_p256_counts_in_one_form_only(form: str) -> None:
    make, failing = FORMS[form]
    key = P256(make)
    admin = enrolled("p-admin", THEIRS[0], ["administrator"], actor="p-admin", step="0", founding=True)
    added = changed("added", P256(), step="1", by=key_json(MACHINE), purposes=["statements"])
    said = [(admin, [THEIRS[0]]), (added, [MACHINE, P256()])]
    packet = world_of(said, signer=MACHINE, checkpoints=MACHINE)
    packet.said[-1] = replace(packet.said[-1], signers=[key])
    assert outcomes(packet.packet()).keys() == failing


def test_a_point_that_is_on_no_curve_is_no_key() -> None:
    admin = enrolled("p-admin", THEIRS[0], ["administrator"], actor="p-admin", step="0", founding=True)
    point = b"\x04" + bytes(63) + b"\x07"
    key = {"keyid": hashlib.sha256(point).hexdigest(), "raw": base64.b64encode(point).decode()}
    added = changed("added", P256(), step="1", by=key_json(MACHINE), purposes=["statements"])
    added["predicate"]["key"] = key
    said = [(admin, [THEIRS[0]]), (added, [MACHINE, P256()])]
    assert outcomes(world_of(said, signer=MACHINE, checkpoints=MACHINE).packet()).keys() == {3}


def test_nothing_rests_on_what_was_said_later(told: bytes) -> None:
    world = World.of(told)
    (at,) = (at for at, said in enumerate(world.said) if said.index == 9)
    payload = copy.deepcopy(world.said[at].payload)
    payload["predicate"]["wardline_decision"]["evidence"] = [5, 17]
    world.said[at] = replace(world.said[at], payload=payload, envelope=None)
    assert outcomes(world.packet()).keys() == {9}


@pytest.mark.parametrize("depth", [100, 400, 800])
def test_what_nests_beyond_all_measure_is_refused_by_both(told: bytes, depth: int) -> None:
    inner: object = 1
    for _ in range(depth):
        inner = [inner]
    world = World.of(told)
    payload = copy.deepcopy(world.said[2].payload)
    payload["predicate"]["more"] = inner
    world.said[2] = replace(world.said[2], payload=payload, envelope=None)
    assert not verify_packet(world.packet(), Trust(key=KEY)).holds
    _, found = standalone.verify(world.packet(), standalone.VerifierKey(str(KEY), 1), [], 0, None)
    assert found[0][0] == "failed"


def test_no_bytes_make_the_standalone_verifier_raise(told: bytes) -> None:
    prefix, suffix = frame()
    middle = b'<template id="wardline-packet/2">\n'
    for text in (b"", b"\xff", b"[" * 100_000, b'{"a":' * 100_000, b"1" * 100_000, b"NaN", b'"\\ud800"', b"{}", b"1e9"):
        wrapped = prefix + middle + standalone.binascii.b2a_base64(text) + suffix
        for content in (text, wrapped, told + text, told[: len(text)]):
            assert set(theirs(content, KEY)[1:]) == {"errored"} or content == told


def test_it_says_the_same_where_python_and_cryptography_keep_their_compiled_parts_elsewhere(
    told: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("_json", "_sha256"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.bindings._rust", ModuleType("_rust"))
    other = _standalone()
    assert other.sha256 is hashlib.sha256
    assert other.DECODE is not standalone.DECODE
    packets = [told, *(make() for _, make in islice(proof_changed(told), 0, None, 997))]
    packets += [random_packet(seed)[0] for seed in range(10)]
    for content in packets:
        told_by = [each.verify(content, each.VerifierKey(str(KEY), 1), [], 0, None)[1] for each in (standalone, other)]
        assert told_by[0] == told_by[1]


# As somebody uses it


def run(python: str | Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [str(python), "-I", str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_command_says_what_wardline_verify_says(told: bytes, tmp_path: Path) -> None:
    packet, key = tmp_path / "packet.html", tmp_path / "key.pub"
    packet.write_bytes(told)
    key.write_text(f"{KEY}\n")
    done = run(sys.executable, packet, "--key", key, "--schemas", ROOT / "docs" / "predicates", "--output", "json")
    said = json.loads(done.stdout)
    found = verify_packet(told, Trust(key=KEY))
    assert (done.returncode, said["holds"], said["run"], said["key"]) == (0, True, found.run, str(KEY))
    assert [(c["number"], c["title"], c["outcome"]) for c in said["checks"]] == [
        (check.number, check.title, check.outcome.value) for check in found.checks
    ]
    packet.write_bytes(told.replace(b"eligibility", b"Eligibility", 1))
    done = run(sys.executable, packet, "--key", KEY)
    assert done.returncode == 5
    assert "DOES NOT HOLD" in done.stdout
    assert "SCHEMAS WERE NOT HELD" in done.stdout
    assert "11. FAILED" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("packet.html",),
        ("packet.html", "--key"),
        ("packet.html", "--key", "nonsense"),
        ("no-such-file", "--key", KEY),
        ("packet.html", "--key", str(KEY)[:-1]),
        ("packet.html", "--key", KEY, "--witness", KEY),
        ("packet.html", "--key", KEY, "--witnesses-needed", "1"),
        ("packet.html", "--key", KEY, "--witness", WITNESS, "--witnesses-needed", "0"),
        ("packet.html", "--key", KEY, "--witness", WITNESS, "--witnesses-needed", "x"),
        ("packet.html", "--key", KEY, "--output", "xml"),
        ("packet.html", "--key", KEY, "--schemas", "no-such-folder"),
        ("packet.html", "--key", KEY, "--trust-me"),
    ],
)
def test_wrong_usage_and_what_cannot_be_read_exit_2(
    arguments: tuple, told: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "packet.html").write_bytes(told)
    assert standalone.main([str(each) for each in arguments]) == 2
    assert capsys.readouterr().err.startswith("error: ")


@pytest.mark.slow
def test_it_verifies_where_no_wardline_is_installed(told: bytes, tmp_path: Path) -> None:
    venv.create(tmp_path / "verify", with_pip=True)
    python = tmp_path / "verify" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "cryptography"], check=True, capture_output=True)
    absent = subprocess.run([python, "-I", "-c", "import wardline"], capture_output=True, text=True, check=False)
    assert "ModuleNotFoundError" in absent.stderr
    packet = tmp_path / "packet.html"
    packet.write_bytes(told)
    held = run(python, packet, "--key", KEY)
    assert (held.returncode, held.stderr) == (0, "")
    assert "holds (key" in held.stdout
    packet.write_bytes(told.replace(b"eligibility", b"Eligibility", 1))
    assert run(python, packet, "--key", KEY).returncode == 5


# The document


def frame() -> tuple[bytes, bytes]:
    suffix, prefix = re.findall(r"```html\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    return prefix.encode(), suffix.encode()


def test_the_document_names_the_frame_and_the_members_as_they_are(told: bytes) -> None:
    prefix, suffix = frame()
    assert told.startswith(prefix)
    assert told.endswith(suffix)
    text = DOCUMENT.read_text()
    assert f"{len(prefix)} bytes, SHA-256 `{hashlib.sha256(prefix).hexdigest()}`" in text
    packet = Packet.decode(told)
    for name in packet.contents.to_json(page=packet.page_digest):
        assert f'"{name}":' in text


def test_the_verifier_knows_the_predicates_that_are_published() -> None:
    assert PUBLISHED.keys() == standalone.KNOWN
    assert len(PUBLISHED) == len(list((ROOT / "docs" / "predicates").glob("*.schema.json")))


def test_it_imports_nothing_but_the_standard_library_and_cryptography() -> None:
    imported = set(re.findall(r"^\s*(?:from|import) ([a-z_0-9]+)", SCRIPT.read_text(), re.MULTILINE))
    assert imported - sys.stdlib_module_names == {"cryptography"}
    assert Outcome.ERRORED.value == "errored"
