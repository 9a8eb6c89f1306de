"""Where a sensitive value stands, with and without the value."""

import hmac
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from wardline.canonical import JSONObject
from wardline.findings.finding import Finding
from wardline.findings.sensitive.classes import MESSAGES, SEVERITIES, SensitiveClass

CHECK: Final = "sensitive"
PREVIEW: Final = "********"  # of one length: neither the value nor how long it is


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A value in a text. It lives as long as one file is looked at, and is written nowhere.

    Attributes:
        rule: Which rule saw it, e.g. `mrn-labelled`, `hl7-PID-5`.
        line, column: From 1; the column counts characters of the text, or bytes where it has no encoding.
    """

    kind: SensitiveClass
    rule: str
    line: int
    column: int
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SensitiveFinding:
    """A finding of this scanner: where, what kind, and a keyed hash that tells equal values from others."""

    finding: Finding
    kind: SensitiveClass
    column: int
    keyed_hash: str  # HMAC-SHA-256, 32 hex digits

    def to_json(self) -> JSONObject:
        return self.finding.to_json() | {
            "column": self.column,
            "class": self.kind.value,
            "hash": self.keyed_hash,
            "preview": PREVIEW,
        }


def hashed(spot: Spot, *, path: str, nth: int, key: bytes) -> SensitiveFinding:
    """Return `spot` of the file `path` without its value.

    Args:
        spot: What was seen.
        path: The file, and the member of an archive behind `!`.
        nth: Which of the equal ones in this file it is.
        key: Of the installation or of the call; without it the hash of a short number could be guessed.
    """
    value = hmac.new(key, spot.value.encode(errors="replace"), sha256).hexdigest()[:32]
    # Keyed as well: ids are shown, and a bare hash of path and value would let the value be guessed.
    traits = "\0".join((CHECK, spot.rule, path, value, str(nth))).encode(errors="replace")
    finding = Finding(
        id="F-" + hmac.new(key, traits, sha256).hexdigest()[:12],
        check=CHECK,
        rule=f"{spot.kind}/{spot.rule}",
        severity=SEVERITIES[spot.kind],
        path=path,
        line=spot.line,
        message=MESSAGES[spot.kind],
    )
    return SensitiveFinding(finding=finding, kind=spot.kind, column=spot.column, keyed_hash=value)
