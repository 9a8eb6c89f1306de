"""A second verifier, written from docs/reference/packet-format.md with the standard library and Ed25519 only."""

import base64
import hashlib
import json
import re
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from told_story import MACHINE, ORIGIN, STRANGER, begun

from wardline.evidence.packet import Packet
from wardline.evidence.verify_packet import Trust, verify_packet
from wardline.tlog.note import VerifierKey

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "reference" / "packet-format.md"
MIDDLE = b'<template id="wardline-packet/2">\n'
NAMESPACE = "https://wardline.dev/predicates"
KEY = VerifierKey(name=ORIGIN, raw=MACHINE.public_key.raw)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    with begun(tmp_path_factory.mktemp("told")) as story:
        story.tell()
        return story.packet()


def canonical(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def check_dsse(key: bytes, kind: str, body: bytes, signature: dict) -> None:
    assert signature["keyid"] == hashlib.sha256(key).hexdigest()
    message = b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(body), body)
    Ed25519PublicKey.from_public_bytes(key).verify(base64.b64decode(signature["sig"]), message)


def second_opinion(content: bytes, vkey: str) -> None:
    """Raise AssertionError or InvalidSignature unless the checks pass that need no schema and no page."""
    origin, _, raw = vkey.rsplit("+", 2)
    key = base64.b64decode(raw)[1:]
    # 1
    prefix, suffix = frame()
    assert content.startswith(prefix)
    assert content.endswith(suffix)
    page, _, lines = content.removeprefix(prefix).removesuffix(suffix).rpartition(MIDDLE)
    proof = json.loads(base64.b64decode(lines))
    assert prefix + page + MIDDLE + base64.encodebytes(canonical(proof)) + suffix == content
    # 4, before any key change
    rest = {name: value for name, value in proof.items() if name != "signature"}
    check_dsse(key, "application/vnd.wardline.packet+json", canonical(rest), proof["signature"])
    # 5
    size, root = check_checkpoint(proof, origin, key)
    # 3, 7
    people: dict[str, dict] = {}
    told = []
    for item in proof["statements"]:
        statement = check_signatory(item["envelope"], people, key)
        steps = [base64.b64decode(step) for step in item["proof"]]
        leaf = hashlib.sha256(b"\x00" + canonical(item["envelope"])).digest()
        assert climb(leaf, item["index"], size, steps) == root
        told.append((item["index"], statement["predicateType"], statement["predicate"], statement["subject"]))
    # 8, 9, 10
    check_run(proof["run"], told, {blob["digest"]["sha256"] for blob in proof["blobs"]})
    # 11, by its digest
    assert hashlib.sha256(page).hexdigest() == proof["page"]["sha256"]
    # 12
    for blob in proof["blobs"]:
        inside = base64.b64decode(blob.pop("content"))
        assert (hashlib.sha256(inside).hexdigest(), len(inside)) == (blob["digest"]["sha256"], blob["size"])
        assert any(canonical(blob) in canonical(predicate) for _, _, predicate, _ in told)


def frame() -> tuple[bytes, bytes]:
    suffix, prefix = re.findall(r"```html\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    return prefix.encode(), suffix.encode()


def check_checkpoint(proof: dict, origin: str, key: bytes) -> tuple[int, bytes]:
    body, _, signatures = proof["checkpoint"].rpartition("\n\n")
    name, blob = signatures.strip().removeprefix("— ").split(" ")
    Ed25519PublicKey.from_public_bytes(key).verify(base64.b64decode(blob)[4:], f"{body}\n".encode())
    lines = body.split("\n")
    assert name == origin == proof["origin"] == lines[0]
    return int(lines[1]), base64.b64decode(lines[2])


def check_signatory(envelope: dict, people: dict[str, dict], machine: bytes) -> dict:
    payload = base64.b64decode(envelope["payload"])
    statement = json.loads(payload)
    predicate, actor = statement["predicate"], statement["predicate"]["wardline"]["actor"]
    kind = statement["predicateType"].removeprefix(f"{NAMESPACE}/")
    if kind == "enrolment/v1":
        signer = people.get(actor) if people else predicate
        assert predicate["founding"] == (not people)
        assert "administrator" in signer["roles"]
    elif kind in {"approval/v1", "rejection/v1", "waiver/v1"}:
        signer = people[actor]
        assert predicate.get("role", signer["roles"][0]) in signer["roles"]
    else:
        signer = None
    key = machine if signer is None else base64.b64decode(signer["key"]["raw"])
    (signature,) = envelope["signatures"]
    check_dsse(key, "application/vnd.in-toto+json", payload, signature)
    if kind == "enrolment/v1":
        people[predicate["principal"]] = predicate
    return statement


def climb(leaf: bytes, index: int, size: int, steps: list[bytes]) -> bytes:
    """RFC 9162 §2.1.3.2."""
    node, last, found = index, size - 1, leaf
    for step in steps:
        assert last
        if node % 2 or node == last:
            found = hashlib.sha256(b"\x01" + step + found).digest()
            while node and node % 2 == 0:
                node, last = node >> 1, last >> 1
        else:
            found = hashlib.sha256(b"\x01" + found + step).digest()
        node, last = node >> 1, last >> 1
    assert last == 0
    return found


def check_run(run: str, told: list[tuple[int, str, dict, list]], blobs: set[str]) -> None:
    own = [item for item in told if item[2]["wardline"]["run"] == run]
    seals = [item for item in own if item[1] == f"{NAMESPACE}/seal/v1"]
    assert seals == own[-1:]
    assert (seals[0][2]["statements"], seals[0][2]["first"]) == (len(own), own[0][0])
    here = {index: (predicate, subject) for index, _, predicate, subject in told}
    for index, kind, predicate, subject in own:
        if kind == f"{NAMESPACE}/deployment/v1":
            assert predicate["decision"] < index
            decision, judged = here[predicate["decision"]]
            assert decision["verificationResult"] == "PASSED"
            assert decision["wardline_decision"]["verdict"] == "allow"
            assert decision["wardline_decision"]["environment"] == predicate["environment"]
            assert judged[0]["digest"] == subject[0]["digest"] == predicate["release"]["artifact"]
        if kind == "https://slsa.dev/verification_summary/v1":
            decision = predicate["wardline_decision"]
            assert decision["policies"]["digest"] == decision["policy_digest"] == predicate["policy"]["digest"]
            assert decision["input"]["digest"] == decision["input_digest"]
            assert {decision["policies"]["digest"]["sha256"], decision["input"]["digest"]["sha256"]} <= blobs
        for rested in predicate.get("wardline_decision", {}).get("evidence", []):
            assert rested in here
            assert rested < index


def test_a_verifier_written_from_the_document_agrees(told: bytes) -> None:
    second_opinion(told, str(KEY))
    assert verify_packet(told, Trust(key=KEY)).holds


def test_both_refuse_another_key(told: bytes) -> None:
    stranger = VerifierKey(name=ORIGIN, raw=STRANGER.public_key.raw)
    with pytest.raises((AssertionError, InvalidSignature)):
        second_opinion(told, str(stranger))
    assert not verify_packet(told, Trust(key=stranger)).holds


def test_the_document_names_the_frame_and_the_members_as_they_are(told: bytes) -> None:
    prefix, suffix = frame()
    assert told.startswith(prefix)
    assert told.endswith(suffix)
    text = DOCUMENT.read_text()
    assert f"{len(prefix)} bytes, SHA-256 `{hashlib.sha256(prefix).hexdigest()}`" in text
    packet = Packet.decode(told)
    for name in packet.contents.to_json(page=packet.page_digest):
        assert f'"{name}":' in text
