"""A log of its own for what is planted, with keys that nobody trusts. Nothing of it is the installation's."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import Engine

from wardline.adapters.blobs.files import FileBlobs
from wardline.adapters.signing.keys import KeySigner, installation_key
from wardline.adapters.storage.database import open_database
from wardline.adapters.storage.evidence_log import SQLEvidenceLog
from wardline.adapters.storage.subject_keys import SQLSubjectKeys
from wardline.clock import Clock
from wardline.delivery.collect_evidence import Collector
from wardline.findings.redactor import StreamingRedactor
from wardline.ids import PrincipalId, RandomIds

ORIGIN: Final = "wardline.invalid/planted"  # RFC 2606: no such host


@dataclass(frozen=True, slots=True, kw_only=True)
class Scratch:
    """An open log, and where it lies."""

    file: Path
    engine: Engine
    signer: KeySigner
    log: SQLEvidenceLog
    blobs: FileBlobs
    collect: Collector


@contextmanager
def scratch(folder: Path, clock: Clock) -> Iterator[Scratch]:
    """Open a fresh log in `folder`."""
    file, signer, blobs = folder / "wardline.db", installation_key(folder / "key.pem"), FileBlobs(folder / "blobs")
    with open_database(file) as engine:
        log = SQLEvidenceLog(engine, signer=signer, origin=ORIGIN)
        collect = Collector(
            log=log,
            blobs=blobs,
            signer=signer,
            machine=PrincipalId("m-planted"),
            clock=clock,
            ids=RandomIds(),
            redactor=StreamingRedactor,
            subjects=SQLSubjectKeys(engine),
        )
        yield Scratch(file=file, engine=engine, signer=signer, log=log, blobs=blobs, collect=collect)
