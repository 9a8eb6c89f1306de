"""Made-up secrets and identifiers planted before the redactor. None was ever anybody's.

Numbers are from ranges that are never given out or are published as examples: SSN 078-05-1120 and area 219 (SSA),
card 4111 1111 1111 1111 (published test number), 555-01xx (NANP fiction), example.org (RFC 2606).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import wardline
from wardline.bootstrap.plants.telling import Plant, told, unshown
from wardline.evidence.redaction import RedactorFactory
from wardline.findings.patterns import PATTERNS
from wardline.gates.trials import Planted, Tool

_WELL: Final = "41 passed in 3.20s, build 1.4.2 of 2026-11-25, 12 files, port 8080"

# In pieces, so that nobody who looks for secrets in this file finds one.
FAULTS: Final = (
    ("token", "pushed with ", "AKIA" + "IOSFODNN7EXAMPLE", ""),
    ("jwt", "session ", "eyJhbGciOiJub25lIn0" + ".eyJzdWIiOiJwbGFudGVkIn0" + ".c2lnbmF0dXJl", ""),
    ("authorization", "Authorization: Basic ", "cGxhbnRlZDpwbGFudGVk", ""),
    ("credentials", "fetched from https://", "planted:planted-word", "@db.example.org/x"),
    ("secret", "DATABASE_PASSWORD=", "planted-pass-word-41", ""),
    ("email", "patient wrote from ", "jane.planted@example.org", " today"),
    ("ssn", "row 7: ", "078-05-" + "1120", " found"),
    ("card", "paid with ", "4111 1111 1111 " + "1111", ""),
    ("phone", "call ", "(212) 555-" + "0142", " now"),
    ("private-key", "", "-----BEGIN PRIVATE " + "KEY-----\nMIIplanted\n-----END PRIVATE " + "KEY-----", "\n"),
)
KINDS: Final = frozenset(kind for kind, *_ in FAULTS)
LOOKED_FOR: Final = frozenset(pattern.kind for pattern in PATTERNS) | {"private-key"}


def plant_texts(redactor: RedactorFactory, *, faults: Sequence[tuple[str, str, str, str]] = FAULTS) -> Plant:
    """Return what plants each kind of value before `redactor`: whole, and cut in the middle as a stream may be."""

    def plant(_: Path) -> tuple[Tool, tuple[Planted, ...]]:
        planted = []
        for kind, before, value, after in faults:
            for manner, pieces in (("in one piece", (value,)), ("cut in two", (value[:7], value[7:]))):
                shown = _through(redactor, before, *pieces, after)
                # What is left of a key is its body; of anything else the whole value.
                left = "MIIplanted" if kind == "private-key" else value
                got = "shown as it was" if left in shown else "masked" if f"[REDACTED:{kind}]" in shown else "gone"
                planted.append(told(f"{kind} {manner}", expected="masked", got=got, caught=got == "masked"))
        if _through(redactor, _WELL) != _WELL:
            planted.append(unshown("a line without any", expected="as it was", got="changed"))
        return Tool(name="wardline", version=wardline.__version__), tuple(planted)

    return plant


def _through(redactor: RedactorFactory, *pieces: str) -> str:
    stream = redactor()
    return b"".join([*(stream.feed(piece.encode()) for piece in pieces), stream.finish()]).decode(errors="replace")
