"""A witness: a key and a memory of its own, on a machine that needs no installation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from wardline.adapters.blobs.plain_files import write_file
from wardline.adapters.c2sp.http import Peer
from wardline.adapters.c2sp.served_log import ServedLog
from wardline.adapters.c2sp.witness_key import create_witness_key, open_witness_key
from wardline.adapters.c2sp.witness_memory import WitnessMemory
from wardline.clock import SystemClock
from wardline.errors import InvalidInput, NotFound
from wardline.tlog.cosignature import WitnessKey, with_cosignatures
from wardline.tlog.look import Looked, look_at
from wardline.tlog.note import VerifierKey
from wardline.tlog.witness import Alarm, Seen, Witness

_PATIENCE = timedelta(seconds=30)  # for one file of a log; an auditor's look may take its time


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """All that a witness remembers of one log: heads from the smallest, alarms from the oldest."""

    origin: str
    heads: tuple[Seen, ...]
    alarms: tuple[Alarm, ...]


def new_witness_key(file: Path, name: str) -> WitnessKey:
    """Make a key for the witness `name`.

    Raises:
        Conflict: The file exists.
    """
    return create_witness_key(file, name).key


def open_witness(state: Path, key: Path, logs: Sequence[VerifierKey]) -> Witness:
    """Open the witness with this key and memory, for these logs; a log may have several keys.

    Raises:
        NotFound, Refused, InvalidInput: The key cannot be used.
    """
    signer = open_witness_key(key)
    if any(log.raw == signer.key.raw for log in logs):
        raise InvalidInput("the witness has the key of a log that it is to hold")
    known: dict[str, list[VerifierKey]] = {}
    for log in logs:
        known.setdefault(log.name, []).append(log)
    return Witness(key=signer.key, sign=signer.sign, logs=known, memory=WitnessMemory(state), clock=SystemClock())


def serve_witness(witness: Witness, listen: str, *, ready: Callable[[str], None]) -> None:
    """Answer logs that ask until this process is told to end."""
    from wardline.adapters.c2sp.serving import serve
    from wardline.adapters.c2sp.witness_server import witness_server

    for origin in witness.logs:
        with witness.memory.of(origin):  # a memory that cannot be used shows now, not at the first question
            pass
    serve(witness_server(witness), listen, ready=ready)


def check_log_at(url: str, witness: Witness, *, to: Path | None) -> Looked:
    """Look at the log served under `url`; write its checkpoint with our cosignature to `to`.

    Raises:
        InvalidInput: The witness was given no log, or more than one.
    """
    origins = tuple(witness.logs)
    if len(origins) != 1:
        raise InvalidInput(f"{len(origins)} logs are named; one is looked at at a time")
    log = ServedLog(Peer(prefix=url, clock=witness.clock, patience=_PATIENCE))
    looked = look_at(log, witness, origins[0])
    if to is not None and looked.line is not None:
        write_file(to, with_cosignatures(looked.note, (looked.line,)).encode())
    return looked


def remembered(state: Path) -> tuple[Remembered, ...]:
    """Return what is remembered in the folder `state`.

    Raises:
        NotFound: Nothing is.
    """
    memory = WitnessMemory(state)
    found = []
    for origin in memory.origins():
        with memory.of(origin) as log:
            found.append(Remembered(origin=origin, heads=log.history(), alarms=tuple(log.alarms())))
    if not found:
        raise NotFound(f"{state}: no log is remembered there")
    return tuple(found)
