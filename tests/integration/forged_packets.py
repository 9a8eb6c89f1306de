"""Packets as somebody could make them who has no key, or every key there is: of a real one, changed in one place."""

import base64
import copy
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "unit" / "evidence"))

from told_story import ADMIN_KEY, MACHINE, ORIGIN, SAFETY_KEY, STRANGER, KeySigner

from wardline.evidence.packets.packet import MIDDLE, PREFIX, SUFFIX, Packet
from wardline.tlog.cosignature import WitnessKey, cosign
from wardline.tlog.merkle import leaf_hash, root_hash, split
from wardline.tlog.note import VerifierKey, sign_note

Mutant = tuple[str, Callable[[], bytes]]  # what was changed, and the file with it

KEY = VerifierKey(name=ORIGIN, raw=MACHINE.public_key.raw)
WITNESS_SIGNER = KeySigner.number(20)
WITNESS = WitnessKey(name="w.example/a", raw=WITNESS_SIGNER.public_key.raw)
NEW = KeySigner.number(30)
SIGNERS = {each.public_key.keyid: each for each in (MACHINE, ADMIN_KEY, SAFETY_KEY, STRANGER, NEW)}
IN_TOTO, WHOLE = "application/vnd.in-toto+json", "application/vnd.wardline.packet+json"


# Packets made by whoever has all the keys


def pae(kind: str, body: bytes) -> bytes:
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(body), body)


def text64(content: bytes) -> str:
    return base64.b64encode(content).decode()


@dataclass
class Said:
    """A statement on its way into a forged log."""

    index: int
    payload: Any
    signers: list[KeySigner]
    envelope: dict[str, Any] | None = None  # given: as it was, signatures and all

    def sealed(self) -> dict[str, Any]:
        if self.envelope is not None:
            return self.envelope
        body = encoded(self.payload)
        signatures = [
            {"keyid": each.public_key.keyid, "sig": text64(each.sign(pae(IN_TOTO, body)))} for each in self.signers
        ]
        return {"payload": text64(body), "payloadType": IN_TOTO, "signatures": signatures}


def encoded(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode("utf-8", "surrogatepass")


@dataclass
class World:
    """What a packet is made from, each part of which may be replaced before it is made."""

    said: list[Said]
    proof: dict[str, Any]
    size: int
    note: Callable[[str], str] = field(default=lambda text: sign_note(text, KEY, sign=MACHINE.sign))
    signer: KeySigner = MACHINE
    page: bytes = b""

    @classmethod
    def of(cls, packet: bytes) -> "World":
        _, proof = taken_apart(packet)
        said = []
        for item in proof["statements"]:
            payload = json.loads(base64.b64decode(item["envelope"]["payload"]))
            signers = [SIGNERS[each["keyid"]] for each in item["envelope"]["signatures"]]
            said.append(Said(item["index"], payload, signers, item["envelope"]))
        size = int(proof["checkpoint"].split("\n")[1])
        return cls(said=said, proof=proof, size=size, page=Packet.decode(packet).page)

    def packet(self) -> bytes:
        """Every statement in the tree, the tree under a checkpoint, and all of it signed."""
        envelopes = {each.index: each.sealed() for each in self.said}
        leaves = [leaf_hash(b"of somebody else %d" % index) for index in range(self.size)]
        for index, envelope in envelopes.items():
            if index < self.size:
                leaves[index] = leaf_hash(encoded(envelope))
        statements = [
            {"index": index, "envelope": envelope, "proof": [text64(step) for step in path(leaves, index)]}
            for index, envelope in envelopes.items()
        ]
        note = self.note(f"{ORIGIN}\n{self.size}\n{text64(root_hash(leaves))}\n")
        return signed({**self.proof, "statements": statements, "checkpoint": note}, self.page, self.signer)


def path(leaves: list[bytes], index: int) -> list[bytes]:
    """RFC 9162 §2.1.3.1."""
    if len(leaves) <= 1 or index >= len(leaves):
        return []
    left = split(len(leaves))
    if index < left:
        return [*path(leaves[:left], index), root_hash(leaves[left:])]
    return [*path(leaves[left:], index - left), root_hash(leaves[:left])]


def taken_apart(packet: bytes) -> tuple[bytes, dict[str, Any]]:
    page, _, lines = packet.removeprefix(PREFIX).removesuffix(SUFFIX).rpartition(MIDDLE)
    return page, json.loads(base64.b64decode(lines))


def put_together(page: bytes, proof: Any) -> bytes:
    return PREFIX + page + MIDDLE + base64.encodebytes(encoded(proof)) + SUFFIX


def signed(proof: dict[str, Any], page: bytes, signer: KeySigner = MACHINE) -> bytes:
    """The packet of whatever is given, signed as it is."""
    rest = {name: member for name, member in proof.items() if name != "signature"}
    signature = {"keyid": signer.public_key.keyid, "sig": text64(signer.sign(pae(WHOLE, encoded(rest))))}
    return put_together(page, {**rest, "signature": signature})


# Changes of one place

SAMPLES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2**53 - 1, 2**53, 10**30, 1.5, "", "x", "0" * 64, "\ud83d\ude00", "\u0661", "\ud800",
    [], [None], [0], {}, {"x": 1},
)  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in inner:
        yield from places(part, (*path, name))


def changes(value: Any) -> Iterator[tuple[str, Any]]:
    """What may stand in the place of a value."""
    for sample in SAMPLES:
        if type(sample) is not type(value) or sample != value:
            yield f"becomes {sample!r:.20}", sample
    if isinstance(value, bool):
        yield "is turned", not value
    elif isinstance(value, int):
        yield from ((f"{by:+}", value + by) for by in (1, -1, 1000))
    elif isinstance(value, str):
        yield from (("doubled", value * 2), ("cut", value[:-1]), ("other case", value.swapcase()))
        yield from (("a space", value + " "), ("a line feed", value + "\n"))
        yield "another character", chr(ord(value[:1] or "a") ^ 1) + value[1:]
    elif isinstance(value, list):
        yield from (("turned round", value[::-1]), ("first twice", [*value[:1], *value]), ("without last", value[:-1]))
    elif isinstance(value, dict):
        yield "with one more", {**value, "more": 1}
        yield from ((f"without {name}", {each: value[each] for each in value if each != name}) for name in value)


def with_change(document: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    changed = copy.copy(document)
    changed[path[0]] = with_change(document[path[0]], path[1:], new)
    return changed


def value_at(document: Any, path: tuple[Any, ...]) -> Any:
    for name in path:
        document = document[name]
    return document


def changed_somewhere(document: Any) -> Iterator[tuple[str, Any]]:
    for path in places(document):
        old = value_at(document, path)
        for what, new in changes(old):
            if encoded(new) != encoded(old):
                yield f"{'.'.join(map(str, path))} {what}", with_change(document, path, new)


# (a) Without any key: the file as bytes


def bytes_changed(packet: bytes) -> Iterator[Mutant]:
    for at in range(0, len(packet), 7):
        before, byte, after = packet[:at], packet[at : at + 1], packet[at + 1 :]
        yield f"byte {at} flipped", lambda b=before, x=byte, a=after, at=at: b + bytes([x[0] ^ 1 << at % 8]) + a
        yield f"byte {at} dropped", lambda b=before, a=after: b + a
        yield f"byte {at} twice", lambda b=before, x=byte, a=after: b + x + x + a
        yield f"byte {at} put in", lambda b=before, x=byte, a=after, at=at: b + bytes([at % 256]) + x + a
        yield f"a line feed at {at}", lambda b=before, x=byte, a=after: b + b"\n" + x + a
        yield f"100 bytes at {at} twice", lambda at=at: packet[: at + 100] + packet[at:]
        yield f"cut at {at}", lambda b=before: b


# (b) Without any key: the proof, encoded as it should be


def proof_changed(packet: bytes) -> Iterator[Mutant]:
    page, proof = taken_apart(packet)
    for what, changed in changed_somewhere(proof):
        yield f"proof: {what}", lambda changed=changed: put_together(page, changed)


# (c) With every key


def whole_signed_anew(packet: bytes) -> Iterator[Mutant]:
    """Everything of the proof but its statements changed, and the packet signed again."""
    page, proof = taken_apart(packet)
    rest = {name: member for name, member in proof.items() if name not in {"statements", "signature"}}
    for what, changed in changed_somewhere(rest):
        if isinstance(changed, dict):
            told = {**changed, "statements": proof["statements"]}
            yield f"signed anew: {what}", lambda told=told: signed(told, page)


def envelopes_signed_anew(packet: bytes) -> Iterator[Mutant]:
    """Every statement changed outside its payload: place, proof, envelope; the packet signed again."""
    page, proof = taken_apart(packet)
    every = proof["statements"]
    for at, item in enumerate(every):
        for what, changed in changed_somewhere(item):
            told = {**proof, "statements": [*every[:at], changed, *every[at + 1 :]]}
            yield f"signed anew: statement {at}: {what}", lambda told=told: signed(told, page)


def statements_told_anew(packet: bytes) -> Iterator[Mutant]:
    """Every payload changed in every place, signed again by whoever signed it, in a log of its own."""
    world = World.of(packet)
    for at, said in enumerate(world.said):
        for what, payload in changed_somewhere(said.payload):
            told = replace(said, payload=payload, envelope=None)
            changed = replace(world, said=[*world.said[:at], told, *world.said[at + 1 :]])
            yield f"told anew: statement {said.index}: {what}", changed.packet


def signers_changed(packet: bytes) -> Iterator[Mutant]:
    """Every statement signed by others, dropped, or told twice, in a log of its own; trees of other sizes."""
    world = World.of(packet)
    for at, said in enumerate(world.said):
        before, after = world.said[:at], world.said[at + 1 :]
        for signers in ([MACHINE], [ADMIN_KEY], [SAFETY_KEY], [STRANGER], [MACHINE, STRANGER], [], said.signers * 2):
            if signers != said.signers:
                told = replace(said, signers=signers, envelope=None)
                yield f"statement {said.index} by others", replace(world, said=[*before, told, *after]).packet
        yield f"statement {said.index} left out", replace(world, said=[*before, *after]).packet
        again = replace(said, index=world.size)
        yield f"statement {said.index} twice", replace(world, said=[*world.said, again], size=world.size + 1).packet
    for size in (0, 1, world.size - 1, world.size + 1, 4 * world.size):
        yield f"a tree of {size}", replace(world, size=size).packet


def notes_changed(packet: bytes) -> Iterator[Mutant]:
    """The checkpoint with what a witness said of it, changed as text; and changed before both signed it."""
    page, proof = taken_apart(packet)
    note = witnessed(proof["checkpoint"])

    def with_note(new: str) -> Callable[[], bytes]:
        return lambda: signed({**proof, "checkpoint": new}, page)

    yield "a witness more", with_note(note)
    for at in range(len(note)):
        yield f"note: character {at} changed", with_note(note[:at] + chr(ord(note[at]) ^ 1) + note[at + 1 :])
        yield f"note: character {at} dropped", with_note(note[:at] + note[at + 1 :])
        yield f"note: character {at} twice", with_note(note[: at + 1] + note[at:])
        for new in "\n \x00\x7f+\u2028\u0661":
            yield f"note: {new!r} at {at}", with_note(note[:at] + new + note[at:])
    origin, size, root, _, log_line, witness_line, _ = note.split("\n")
    for lines in (
        [],
        [log_line],
        [witness_line],
        [witness_line, log_line],
        [log_line] * 2,
        [log_line, witness_line] * 9,
    ):
        yield "note: other lines", with_note("\n".join([origin, size, root, "", *lines, ""]))
    sizes = [f"{origin}\n{other}\n{root}\n" for other in (f"0{size}", f"+{size}", 10**15, 10**16, "1" * 5000)]
    roots = [f"{origin}\n{size}\n{other}" for other in (f"{root[:-4]}\n", f"{root}\nmore\n", f"{root}\n\nmore\n", "")]
    for text in (*sizes, *roots, f"x{origin}\n{size}\n{root}\n"):
        yield f"note signed anew: {text[:40]!r}", with_note(witnessed(sign_note(text, KEY, sign=MACHINE.sign)))
    strangers = (
        sign_note(f"{origin}\n{size}\n{root}\n", KEY, sign=STRANGER.sign),
        note + witness_line[:-8] + "AAAAAAA=\n",
    )
    for new in strangers:
        yield "note: a line that does not hold", with_note(new)


def witnessed(note: str) -> str:
    text = note.rpartition("\n\n")[0] + "\n"
    return note + cosign(text, WITNESS, at=datetime(2026, 11, 23, 9, tzinfo=UTC), sign=WITNESS_SIGNER.sign)
