"""Appends evidence and keeps a blob for each, and says what was acknowledged: the program that faults are put into.

Run as `python writer.py FOLDER FIRST COUNT`. Exit 0: all was acknowledged; 75: one of our errors stopped it.
"""

import sys
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from wardline.adapters.blobs.files import FileBlobs
from wardline.adapters.signing.keys import KeySigner
from wardline.adapters.storage.database import open_database
from wardline.adapters.storage.evidence_log import SQLEvidenceLog
from wardline.canonical import Digest
from wardline.errors import WardlineError
from wardline.evidence.envelopes import seal
from wardline.evidence.log import OUTPUT
from wardline.evidence.statements import PAYLOAD_TYPE, Context, Statement
from wardline.ids import PrincipalId, RunId
from wardline.outcomes import Outcome
from wardline.predicates import NAMESPACE, BlobRef, Subject

ORIGIN = "wardline.example/faults"
SIGNER = KeySigner(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
REFUSED = 75


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def statement(number: int, output: BlobRef) -> Statement:
    return Statement(
        predicate_type=f"{NAMESPACE}/stage-stopped/v1",
        subjects=(Subject(name="commit", digest=Digest.of(b"commit")),),
        context=Context(
            run=RunId("r-faults"),
            step=f"step-{number}",
            attempt=1,
            recorded_at=datetime(2026, 11, 25, tzinfo=UTC),
            actor=PrincipalId("m-faults"),
            outcome=Outcome.FAILED,
        ),
        body={"stage": "test", "code": "tests-failed", "private": None, "output": output.to_json()},
    )


def main(folder: Path, first: int, count: int) -> int:
    blobs = FileBlobs(folder / "blobs")
    try:
        with open_database(folder / "wardline.db") as database:
            log = SQLEvidenceLog(database, signer=SIGNER, origin=ORIGIN)
            for number in range(first, first + count):
                kept = blobs.put(f"output of {number}\n".encode() * 50, OUTPUT)
                envelope = seal(statement(number, kept).encode(), payload_type=PAYLOAD_TYPE, signer=SIGNER)
                index = log.append(envelope).index
                say(f"acknowledged {number} {index} {kept.digest.hex}")
    except WardlineError as error:
        say(f"refused {type(error).__name__}: {error.what}")
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
