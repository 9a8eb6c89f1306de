"""One leaf of every kind that can be in a log: examples of docs/predicates, and some of what people do."""

import json
import re
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from wardline import canonical
from wardline.canonical import Digest, JSONObject
from wardline.evidence.envelopes import seal
from wardline.evidence.log import Evidence
from wardline.evidence.schemas import known_types
from wardline.evidence.statements import PAYLOAD_TYPE, STATEMENT_TYPE, Statement
from wardline.identity.principals import PublicKey
from wardline.predicates import NAMESPACE

ORIGIN = "wardline/71263c27e84536f2"
DOCS = Path(__file__).resolve().parents[3] / "docs" / "predicates"
_PAGE = re.compile(r"Predicate type: `([^`]+)`(?:(?!Predicate type:).)*?^```json\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Signer:
    def __init__(self) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(b"k" * 32)

    @property
    def public_key(self) -> PublicKey:
        return PublicKey.of(self._private.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        return self._private.sign(message)


SIGNER = Signer()


def context(
    actor: str, *, run: str | None = "r-71ns7zn08b", outcome: str = "passed", step: str = "a/step"
) -> JSONObject:
    return {
        "run": run,
        "step": step,
        "attempt": 1,
        "recordedAt": "2026-11-23T02:17:16.661Z",
        "actor": actor,
        "outcome": outcome,
    }


def _blob(text: str) -> JSONObject:
    return {"digest": {"sha256": Digest.of(text.encode()).hex}, "mediaType": "application/json", "size": len(text)}


def _word(meaning: str, outcome: str) -> JSONObject:
    shown = _blob("shown")
    return {
        "environment": "production",
        "role": "clinical-safety",
        "meaning": meaning,
        "subject": {
            "run": "r-71ns7zn08b",
            "artifact": {"sha256": Digest.of(b"bundle").hex},
            "commit": "c0ffee" + "0" * 34,
            "release_configuration": {"sha256": Digest.of(b"configuration").hex},
            "findings": ["F-0123456789ab"],
            "waivers": [3],
            "rehearsal": 20,
            "tests": 7,
        },
        "shown_digest": shown["digest"],
        "shown": shown,
        "reason": _blob("reason"),
        "wardline": context("p-sam", outcome=outcome),
    }


_KEY = SIGNER.public_key
_OURS: dict[str, JSONObject] = {
    "approval": _word("approved-for-release", "passed"),
    "rejection": _word("rejected-for-release", "failed"),
    "waiver": {
        "finding": "F-0123456789ab",
        "reason": _blob("reason"),
        "expires_at": "2027-01-31T00:00:00.000Z",
        "environment": None,
        "wardline": context("p-cleo", run=None),
    },
    "enrolment": {
        "principal": "p-sam",
        "kind": "person",
        "roles": ["clinical-safety", "compliance"],
        "key": {"keyid": _KEY.keyid, "raw": "a2V5"},
        "founding": False,
        "wardline": context("p-ada", run=None),
    },
    "refusal": {
        "action": "approve",
        "code": "is-author",
        "principal": "p-devi",
        "wardline": context("m-71263c27e84536f2", outcome="failed"),
    },
}


def predicates() -> dict[str, JSONObject]:
    """Return one predicate of every known type."""
    found: dict[str, JSONObject] = {}
    for page in DOCS.glob("*.md"):
        for kind, block in _PAGE.findall(page.read_text()):
            found[kind] = json.loads(block)
    found |= {f"{NAMESPACE}/{name}/v1": body for name, body in _OURS.items()}
    missing = set(known_types()) - set(found)
    assert not missing, f"no example in docs/predicates: {missing}"
    return found


def leaf(
    kind: str, predicate: JSONObject, *, index: int = 17, subjects: list[tuple[str, str]] | None = None
) -> Evidence:
    """Return `predicate` as the leaf `index` of a log."""
    about = subjects or [("principal" if kind.endswith("enrolment/v1") else "eligibility-1.0.bundle", "bundle")]
    payload = canonical.encode(
        {
            "_type": STATEMENT_TYPE,
            "subject": [{"name": name, "digest": {"sha256": Digest.of(text.encode()).hex}} for name, text in about],
            "predicateType": kind,
            "predicate": predicate,
        }
    )
    statement = Statement.decode(payload)
    envelope = seal(payload, payload_type=PAYLOAD_TYPE, signer=SIGNER)
    return Evidence(index=index, key=statement.context.key, envelope=envelope, statement=statement)


def leaves() -> list[Evidence]:
    """Return one leaf of every known type, in the order of their names."""
    said = predicates()
    return [leaf(kind, said[kind], index=index) for index, kind in enumerate(sorted(said))]
