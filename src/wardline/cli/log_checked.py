"""What `wardline log check` is given to compare with, and what people and programs are told of what it found."""

import json
from pathlib import Path

from wardline.bootstrap.checking import Checked
from wardline.canonical import JSONObject
from wardline.delivery.check_things import Things
from wardline.delivery.compare_heads import KeptHeads
from wardline.delivery.restore import split_notes
from wardline.errors import InvalidInput
from wardline.evidence.packets.packet import MAX_BYTES, PREFIX, Packet
from wardline.tlog.proof_file import ProofFile

_PROOF = "c2sp.org/tlog-proof@"
_EXPECTED = "Expected a packet, a tlog-proof, signed checkpoints, or what `wardline log check --output json` printed."


def checked_to_json(checked: Checked) -> JSONObject:
    log = checked.log
    return {
        "size": log.size,
        "root": log.root.hex(),
        "checkpoint": checked.checkpoint or "",
        "checkpoints": log.checkpoints,
        "cosignatures": {"verified": log.cosignatures, "unlisted": dict(log.unlisted)},
        "against": [{"file": each.name, "size": each.size, "root": each.root.hex()} for each in checked.grown],
        "things": None if checked.things is None else _things_to_json(checked.things),
    }


def _things_to_json(things: Things) -> JSONObject:
    return {
        "outcome": things.outcome.value,
        "mentions": things.mentions,
        "there": things.there,
        "purged": things.purged,
        "missing": list(things.missing),
        "unseen": list(things.unseen),
    }


def checked_to_lines(checked: Checked) -> list[str]:
    log = checked.log
    lines = [f"the log holds: {log.size} statements, every leaf, root and signature derived again"]
    lines.append(f"{log.checkpoints} checkpoints, {log.cosignatures} cosignatures of witnesses verified")
    lines += [
        f"not verified: {count} cosignatures by {name}, which is not listed" for name, count in log.unlisted.items()
    ]
    lines += [
        f"{each.name}: its {each.size} statements begin this log, root {each.root.hex()}" for each in checked.grown
    ]
    if not checked.grown:
        lines.append("nothing was kept elsewhere to compare with: a log cut back as a whole would look the same")
    if checked.things is None:
        return [*lines, "blobs and artifacts: nobody looked"]
    return [*lines, *_things_to_lines(checked.things)]


def _things_to_lines(things: Things) -> list[str]:
    counts = (
        f"{things.there} are there as they were signed, {things.purged} were purged, "
        f"{len(things.missing)} are missing or damaged, at {len(things.unseen)} nobody could look"
    )
    lines = [f"blobs and artifacts: of {things.mentions} that statements name {counts}"]
    lines += [f"  missing: {line}" for line in things.missing]
    return [*lines, *(f"  nobody could look: {line}" for line in things.unseen)]


def kept_heads(file: Path) -> KeptHeads:
    """Return the checkpoints of the log in `file`, whatever carries them.

    Raises:
        InvalidInput: It cannot be read, or holds none.
    """
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)
        if content.startswith(PREFIX):
            return KeptHeads(name=str(file), notes=(Packet.decode(content).contents.checkpoint,))
        text = content.decode()
        if text.startswith(_PROOF):
            return KeptHeads(name=str(file), notes=(ProofFile.parse(text).checkpoint,))
        return KeptHeads(name=str(file), notes=tuple(split_notes(_printed(text))))
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}", remedy="Check the path.") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{file}: no text, at byte {error.start}", remedy=_EXPECTED) from error
    except InvalidInput as error:
        raise InvalidInput(f"{file}: {error.what}", remedy=_EXPECTED) from error


def _printed(text: str) -> str:
    """Return the note in what this command printed as JSON, or `text` itself."""
    try:
        match json.loads(text):
            case {"checkpoint": str(note)}:
                return note
            case _:
                return text
    except (ValueError, RecursionError):  # so it is no JSON
        return text
