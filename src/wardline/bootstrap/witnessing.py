"""An installation's log towards outsiders: its tiles, its proofs, and the witnesses it asks."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from wardline.adapters.blobs.plain_files import write_file
from wardline.adapters.c2sp.http import Peer
from wardline.adapters.c2sp.remote_witness import RemoteWitness
from wardline.adapters.c2sp.tile_files import Written, write_tiles
from wardline.adapters.c2sp.witness_list import ListedWitness, add_witness, read_witnesses
from wardline.adapters.storage.cosignatures import SQLCosignatures
from wardline.adapters.storage.published import SQLPublishedLog
from wardline.bootstrap.home import Home
from wardline.delivery.cosign import Asked, ask_witnesses, take_cosignatures
from wardline.errors import InvalidInput, NotFound
from wardline.identity.predicates import Purpose
from wardline.tlog.checkpoint import read_checkpoint, signers
from wardline.tlog.cosignature import WitnessKey
from wardline.tlog.note import VerifierKey
from wardline.tlog.proof_file import MAX_CHARACTERS, ProofFile

# A witness answers in milliseconds. Nobody who ships waits longer than this for one that does not.
PATIENCE = timedelta(seconds=10)
_FILE = "witnesses"


def witnesses_of(home: Home) -> tuple[ListedWitness, ...]:
    """Return the witnesses that this installation knows.

    Raises:
        InvalidInput: A line of the file is no witness; the message names it.
    """
    return read_witnesses(home.settings.home / _FILE)


def list_witness(home: Home, key: WitnessKey, url: str | None) -> None:
    """Add a witness to those that this installation knows; without `url`, one that looks itself.

    Raises:
        Conflict: One of that name, or with that key, is listed.
        InvalidInput: `url` is no HTTP URL.
    """
    if url is not None:
        Peer(prefix=url, clock=home.clock, patience=PATIENCE)  # refuses what is no URL before it is written down
    add_witness(home.settings.home / _FILE, ListedWitness(key=key, url=url))


def newest_by(home: Home, witness: WitnessKey) -> int:
    """Return the size of the largest checkpoint that `witness` cosigned; 0: none yet."""
    return SQLCosignatures(home.database).newest_by(witness.name)


def cosign(home: Home) -> tuple[Asked, ...]:
    """Ask every witness with a URL for a cosignature of the newest checkpoint. Without witnesses, nobody is asked.

    Raises:
        InvalidInput: A line of the file of witnesses is none.
        NotFound: The log is empty.
    """
    askable = [
        (witness.key, RemoteWitness(Peer(prefix=witness.url, clock=home.clock, patience=PATIENCE)))
        for witness in witnesses_of(home)
        if witness.url is not None
    ]
    return ask_witnesses(SQLPublishedLog(home.database), SQLCosignatures(home.database), askable)


def take(home: Home, file: Path) -> tuple[Asked, ...]:
    """Keep the cosignatures in `file`, a checkpoint that witnesses cosigned after looking at this log themselves.

    Raises:
        InvalidInput: It is no signed checkpoint, or no listed witness cosigned it.
        IntegrityViolation: It is not a checkpoint of this log, or a cosignature does not hold.
        NotFound: There is no such file, or this log keeps no checkpoint of that size.
    """
    note = _read(file)
    try:
        claimed = read_checkpoint(note)
    except InvalidInput as error:
        raise InvalidInput(
            f"{file}: {error.what}", remedy="Expected the file that `wardline witness check --to` wrote."
        ) from error
    if claimed.origin != home.log.key.name:
        raise InvalidInput(f"{file}: a checkpoint of log {claimed.origin[:200]}; this one is {home.log.key.name}")
    head = home.log.checkpoint(claimed.size)
    keys = [witness.key for witness in witnesses_of(home)]
    return take_cosignatures(note, head, SQLCosignatures(home.database), keys)


def write_log_tiles(home: Home, folder: Path, *, entries: bool) -> Written:
    """Bring `folder` up to the newest checkpoint; any web server can serve it."""
    return write_tiles(SQLPublishedLog(home.database), folder, entries=entries)


def serve_log(home: Home, listen: str, *, entries: bool, ready: Callable[[str], None]) -> None:
    """Serve the log read-only over HTTP until this process is told to end."""
    from wardline.adapters.c2sp.serving import serve
    from wardline.adapters.c2sp.tile_server import tile_server

    serve(tile_server(SQLPublishedLog(home.database), entries=entries), listen, ready=ready)


def write_proof(home: Home, index: int, file: Path, *, entry: Path | None) -> ProofFile:
    """Write the proof that leaf `index` is in the log, and the leaf itself to `entry`.

    Raises:
        NotFound: There is no such leaf.
    """
    log = SQLPublishedLog(home.database)
    size = home.log.size()
    if index >= size:
        raise NotFound(f"log index {index}: the log has {size} statements", remedy="See `wardline log list`.")
    note = log.checkpoint_from(index + 1)
    proof = ProofFile(index=index, hashes=log.inclusion_proof(index, read_checkpoint(note).size), checkpoint=note)
    if entry is not None:
        write_file(entry, log.entries(index, 1)[0])
    write_file(file, proof.encode().encode())
    return proof


def key_of_checkpoint(home: Home, note: str) -> VerifierKey:
    """Return the newest key of this log that signed the checkpoint in `note` and counted for its size.

    Raises:
        IntegrityViolation: None did.
    """
    keys = home.log.keys()
    checkpoint = keys.open(note)
    valid = keys.keyring.valid_at(checkpoint.size - 1, Purpose.CHECKPOINTS)
    return signers(note, [VerifierKey(name=keys.root.name, raw=key.raw) for key in valid])[-1]


def _read(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return opened.read(MAX_CHARACTERS).decode()
    except FileNotFoundError as error:
        raise NotFound(f"{file}: there is no such file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file}: cannot be read, or is no text") from error
