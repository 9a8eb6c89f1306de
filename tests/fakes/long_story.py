"""An installation with everything a log can hold: two releases, keys changed, witnesses, an erasure and a purge."""

from dataclasses import dataclass, replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.fakes.delivery_world import ADMIN, signer_of
from tests.fakes.fake_workshop import FakePeople
from tests.fakes.growing_log import line_of, witness
from tests.fakes.old_evidence import NEW, OldEvidence, by, old_evidence

from wardline.adapters.blobs.bundles import FileBundles
from wardline.adapters.blobs.files import FileBlobs
from wardline.adapters.signing.keys import KeySigner, installation_key
from wardline.adapters.storage.cosignatures import SQLCosignatures
from wardline.adapters.storage.people import SQLPeople
from wardline.delivery.change_keys import KeyDesk, Revocation
from wardline.delivery.enrol import enrol
from wardline.delivery.forget import Forgetting
from wardline.evidence.packets.assemble_packet import Archive, assemble
from wardline.identity.predicates import Enrolment, Purpose, RevocationReason
from wardline.identity.principals import Principal, Role
from wardline.ids import PrincipalId, RunId, SubjectId
from wardline.tlog.note import VerifierKey, take_apart

SECOND = KeySigner(Ed25519PrivateKey.from_private_bytes(bytes([90]) * 32))
WITNESSES = (witness(1), witness(2))
OFFICER, LEAVING = "p-dora", "p-devi"


@dataclass(frozen=True, kw_only=True)
class LongStory:
    """What lies in `folder`, closed: its database, its blobs and bundles, its key, and the packet of its last run."""

    folder: Path
    key: VerifierKey
    packet: bytes

    @property
    def database(self) -> Path:
        return self.folder / "wardline.db"

    @property
    def blobs(self) -> FileBlobs:
        return FileBlobs(self.folder / "blobs")

    @property
    def bundles(self) -> FileBundles:
        return FileBundles(self.folder / "artifacts")


def long_story(folder: Path) -> LongStory:
    with old_evidence(folder) as old:
        log, first = old.world.log, installation_key(folder / "keys" / "installation.pem")
        _take_in(old)
        _cosign(old)
        log.keys().hold(SECOND)
        desk = KeyDesk(collect=old.world.collect, root=log.key)
        desk.add(SECOND, frozenset(Purpose), beside=first)
        old.purging().purge(before=None)
        _cosign(old)
        forgetting = Forgetting(collect=old.world.collect, people=SQLPeople(old.world.database))  # type: ignore[arg-type]
        forgetting.forget(forgetting.look(SubjectId(LEAVING)), by=by(OFFICER))
        desk = replace(desk, collect=replace(old.world.collect, signer=SECOND))
        desk.revoke(
            Revocation(key=signer_of(LEAVING).public_key, since=None, reason=RevocationReason.SUPERSEDED), by=by(ADMIN)
        )
        desk.retire(first.public_key, by=SECOND)
        _cosign(old)
        archive = Archive(log=log, blobs=old.world.collect.blobs, cosignatures=SQLCosignatures(old.world.database))  # type: ignore[arg-type]
        packet = assemble(RunId(NEW), archive).sign(SECOND).encode()
        return LongStory(folder=folder, key=log.key, packet=packet)


def _take_in(old: OldEvidence) -> None:
    """Enrol somebody who may forget, and remember names."""
    officer = Principal(
        id=PrincipalId(OFFICER), key=signer_of(OFFICER).public_key, roles=frozenset({Role.DATA_PROTECTION})
    )
    enrol(Enrolment(principal=officer), by=by(ADMIN), collect=old.world.collect, people=FakePeople())  # type: ignore[arg-type]
    people = SQLPeople(old.world.database)  # type: ignore[arg-type]
    people.remember(PrincipalId(LEAVING), name="Plantedname Leaving", emails=["devi@example.org"])
    people.remember(PrincipalId(ADMIN), name="Plantedname Staying", emails=["ada@example.org"])


def _cosign(old: OldEvidence) -> None:
    size = old.world.log.size()
    text, _ = take_apart(old.world.log.checkpoint(size))
    for number, each in enumerate(WITNESSES, start=1):
        SQLCosignatures(old.world.database).keep(size, each.name, line_of(number, text))  # type: ignore[arg-type]
