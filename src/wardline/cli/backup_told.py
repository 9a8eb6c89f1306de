"""What people and programs are told of a backup and of a restore."""

from pathlib import Path

from wardline.bootstrap.backup import Restored
from wardline.canonical import JSONObject
from wardline.clock import to_rfc3339
from wardline.delivery.back_up import BackedUp
from wardline.delivery.restore import Prefix

_WITH_KEYS = "with keys: whoever has this file can sign as this installation and read every private text"
_WITHOUT_KEYS = (
    "without keys: what is restored can be read and verified, and nothing added to it until keys/ is put back from "
    "where you keep it; private texts stay unreadable, their keys are in backups with keys only"
)


def backed_up_to_json(backed: BackedUp, file: Path) -> JSONObject:
    manifest = backed.manifest
    return {
        "file": str(file),
        "key": str(manifest.key),
        "size": manifest.size,
        "root": manifest.root.hex(),
        "checkpoint": manifest.checkpoint,
        "with_keys": manifest.with_keys,
        "members": len(manifest.members),
        "bytes": sum(member.size_bytes for member in manifest.members),
        "purged": backed.purged,
        "absent": [{"digest": str(digest), "why": manifest.absent[digest].value} for digest in sorted(manifest.absent)],
    }


def backed_up_to_lines(backed: BackedUp, file: Path) -> list[str]:
    manifest = backed.manifest
    size = sum(member.size_bytes for member in manifest.members)
    lines = [f"{file}: {manifest.size} statements, {len(manifest.members)} files, {size} bytes"]
    if backed.purged:
        lines.append(f"{backed.purged} things were purged, as the log says: they are in no backup")
    lines.append(_WITH_KEYS if manifest.with_keys else _WITHOUT_KEYS)
    lines += [
        f"errored: {digest} is {manifest.absent[digest]}, and the log does not say that it was purged"
        for digest in sorted(manifest.absent)
    ]
    return [*lines, f"Prove it: wardline restore {file} --dry-run --key {manifest.key}"]


def restored_to_json(found: Restored, home: Path | None) -> JSONObject:
    manifest, prefix = found.manifest, found.prefix
    return {
        "home": None if home is None else str(home),
        "key": str(found.trusted),
        "key_given": found.given,
        "size": prefix.size,
        "root": manifest.root.hex(),
        "made_at": to_rfc3339(manifest.made_at),
        "with_keys": manifest.with_keys,
        "witnessed": prefix.seen,
        "proven_to": prefix.proven,
        "lost": prefix.lost,
        "erasures": found.erasures,
        "absent": [str(digest) for digest in sorted(manifest.absent)],
    }


def restored_to_lines(found: Restored, home: Path | None) -> list[str]:
    manifest = found.manifest
    lines = [f"backup of {to_rfc3339(manifest.made_at)}: {manifest.size} statements of log {manifest.key.name}"]
    if found.given:
        lines.append(f"it holds: every digest, signature and proof was derived again (key {found.trusted})")
    else:
        lines += [
            f"it holds, if the key inside the backup is the right one: {found.trusted}",
            "  Nobody vouched for that key: compare it with one you have by another way, or say --key.",
        ]
    lines += _prefix(found.prefix)
    if manifest.absent:
        lines.append(f"{len(manifest.absent)} things that the log names were missing or damaged when it was made")
    if not manifest.with_keys:
        lines.append(_WITHOUT_KEYS)
    if found.erasures:
        lines.append(f"{found.erasures} erasures were done again: what they destroyed was in the backup")
    return [*lines, "nothing was restored: it was tried out" if home is None else f"{home}: restored"]


def _prefix(prefix: Prefix) -> list[str]:
    if prefix.seen is None:
        return ["no witnessed checkpoint was shown: an older or another history would look the same (--witnessed)"]
    if prefix.proven is None:
        lines = [f"NOT proven to be what witnesses saw: every checkpoint shown is larger than {prefix.size}"]
    else:
        lines = [f"its first {prefix.proven} statements are proven to be those that witnesses saw"]
    if prefix.lost:
        lines += [
            f"{prefix.lost} statements are LOST: a witness saw {prefix.seen}",
            "  Look for a newer backup first. A witness refuses a log that goes on from here: to it, that is a fork.",
            "  What to do: docs/how-to/back-up-and-restore.md.",
        ]
    return lines
