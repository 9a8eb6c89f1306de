"""Logs that nobody would keep: people and keys enrolled, added, retired and revoked at random, as a seed has it."""

import base64
import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from forged_packets import ORIGIN, SIGNERS, Said, World
from told_story import MACHINE, KeySigner

from wardline.tlog.note import VerifierKey, sign_note

OURS = "https://wardline.dev/predicates/"
PEOPLE = ("p-admin", "p-ann", "p-ben")
THEIRS = [KeySigner.number(number) for number in range(40, 44)]
MACHINES = [MACHINE, *(KeySigner.number(number) for number in range(44, 47))]
BOTH = ["checkpoints", "statements"]
SIGNERS.update({each.public_key.keyid: each for each in (*THEIRS, *MACHINES)})


def told(name: str, body: dict[str, Any], *, actor: str, step: str, run: str | None = None) -> dict[str, Any]:
    context = {
        "run": run,
        "step": step,
        "attempt": 1,
        "recordedAt": "2026-11-23T08:00:00.000Z",
        "actor": actor,
        "outcome": "passed",
    }
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": name, "digest": {"sha256": "0" * 64}}],
        "predicateType": f"{OURS}{name}/v1",
        "predicate": {**body, "wardline": context},
    }


def key_json(key: KeySigner | None) -> dict[str, str] | None:
    if key is None:
        return None
    return {"keyid": key.public_key.keyid, "raw": base64.b64encode(key.public_key.raw).decode()}


def changed(change: str, key: KeySigner, *, step: str, actor: str = "wardline", **members: Any) -> dict[str, Any]:
    body = {"holder": None, "purposes": [], "by": None, "since": None, "reason": None, **members}
    body |= {"change": change, "origin": ORIGIN, "key": key_json(key)}
    return told("key-change", body, actor=actor, step=step)


def enrolled(who: str, key: KeySigner | None, roles: list[str], *, actor: str, step: str, **members: Any) -> Any:
    body = {"principal": who, "kind": "person", "roles": roles, "key": key_json(key), "founding": False, **members}
    return told("enrolment", body, actor=actor, step=step)


def world_of(said: list[tuple[Any, list[KeySigner]]], *, signer: KeySigner, checkpoints: KeySigner) -> World:
    """A sealed run after `said`, in a log whose checkpoint and whose packet these keys sign."""
    body = {"journey": "ship", "service": "x", "status": "failed", "statements": 1, "first": None}
    every = [*said, (told("seal", body, actor="wardline", step="seal", run="r-1"), [signer])]
    empty = {"sha256": hashlib.sha256(b"").hexdigest()}
    proof = {"format": "wardline-packet/2", "run": "r-1", "origin": ORIGIN, "page": empty}
    proof |= {"catalogues": [], "blobs": [], "absent": []}
    key = VerifierKey(name=ORIGIN, raw=checkpoints.public_key.raw)
    return World(
        said=[Said(index, payload, signers) for index, (payload, signers) in enumerate(every)],
        proof=proof,
        size=len(every),
        note=lambda text: sign_note(text, key, sign=checkpoints.sign),
        signer=signer,
    )


@dataclass
class History:
    """What is made up as it goes: mostly in order, sometimes by the wrong hand."""

    chance: random.Random
    calm: bool  # whether hands are wrong a little less often
    keys: dict[str, KeySigner] = field(default_factory=lambda: {"p-admin": THEIRS[0]})
    machines: list[KeySigner] = field(default_factory=lambda: [MACHINE])
    said: list[tuple[Any, list[KeySigner]]] = field(default_factory=list)

    def mostly(self, usual: Callable[[], Any], unusual: Callable[[], Any]) -> Any:
        return usual() if self.chance.random() < (0.97 if self.calm else 0.9) else unusual()

    def enrol(self, step: str) -> None:
        pick = self.chance.choice
        by = self.mostly(lambda: pick([*self.keys]), lambda: pick(PEOPLE))
        signer = self.mostly(lambda: self.keys.get(by, THEIRS[3]), lambda: pick(THEIRS))
        who, key = pick(PEOPLE), self.mostly(lambda: pick([*THEIRS, None]), lambda: pick(MACHINES))
        roles = pick([["administrator"], ["administrator", "compliance"], ["administrator"], ["compliance"], []])
        odd = {"founding": True} if self.chance.random() < 0.02 else {}
        odd |= {"kind": "machine"} if self.chance.random() < 0.03 else {}
        self.said.append((enrolled(who, key, roles, actor=by, step=step, **odd), [signer]))
        self.keys |= {} if key is None else {who: key}

    def add(self, step: str) -> None:
        pick = self.chance.choice
        by, key = pick(self.machines), self.mostly(lambda: pick(MACHINES[1:]), lambda: pick([*THEIRS, *self.machines]))
        purposes = pick([BOTH, BOTH, BOTH, ["statements"], ["checkpoints"]])
        signers = self.mostly(lambda: pick([[by, key], [key, by]]), lambda: pick([[by], [by, by], [key, key]]))
        self.said.append((changed("added", key, step=step, by=key_json(by), purposes=purposes), signers))
        self.machines.append(key)

    def retire(self, step: str) -> None:
        key, signer = self.chance.choice(self.machines), self.chance.choice(self.machines)
        self.said.append((changed("retired", key, step=step), [signer]))

    def revoke(self, step: str) -> None:
        pick, here = self.chance.choice, len(self.said)
        by, key = pick([*self.keys]), pick([*self.keys.values(), *self.machines])
        holder = next((who for who, theirs in self.keys.items() if theirs is key), None)
        holder = self.mostly(lambda: holder, lambda: pick([None, *PEOPLE]))
        since = pick([0, here, here, here + 1, self.chance.randint(0, here), self.chance.randint(0, here)])
        payload = changed("revoked", key, step=step, actor=by, holder=holder, since=since, reason="key-compromise")
        self.said.append((payload, [self.mostly(lambda: self.keys[by], lambda: pick(THEIRS))]))

    def hold(self, step: str) -> None:
        by = self.chance.choice([*self.keys])
        text = {"digest": {"sha256": "0" * 64}, "mediaType": "text/plain", "size": 1}
        scope = {"service": None, "run": None, "since": None, "until": None}
        body = {"role": "compliance", "scope": scope, "code": "audit", "reason": text, "blocks_erasure": False}
        self.said.append((told("legal-hold", body, actor=by, step=step), [self.keys[by]]))


def random_packet(seed: int) -> tuple[bytes, VerifierKey]:
    """A packet of such a log, and a key to trust: most often the first one."""
    chance = random.Random(seed)
    history = History(chance, calm=chance.random() < 0.6)
    founder = enrolled("p-admin", THEIRS[0], ["administrator"], actor="p-admin", step="0", founding=True)
    history.said.append((founder, [THEIRS[0]]))
    acts = [history.enrol] * 4 + [history.add] * 3 + [history.retire] + [history.revoke] * 3 + [history.hold]
    for step in range(1, chance.randint(2, 12)):
        chance.choice(acts)(str(step))
    signer, checkpoints = chance.choice(history.machines), chance.choice(history.machines)
    root = chance.choice(history.machines) if chance.random() < 0.3 else MACHINE
    packet = world_of(history.said, signer=signer, checkpoints=checkpoints).packet()
    return packet, VerifierKey(name=ORIGIN, raw=root.public_key.raw)
