"""OSV: the list of components of an artifact held against the mirror on disk, as a scanner of the road."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import wardline
from wardline.adapters.advisories.mirror_file import open_mirror
from wardline.canonical import JSON, Digest, JSONObject, encode
from wardline.errors import IntegrityViolation, InvalidInput, NotFound
from wardline.findings.advisories.components import read_components
from wardline.findings.advisories.matching import CHECK, Matched, match
from wardline.findings.advisories.mirror import Mirror
from wardline.findings.scanning import CodeScan, LookedAt, ScannerId

_MOST_NAMED: Final = 5  # components, in what people are told
_IMPORT: Final = "Import dumps of OSV: `wardline advisories import FILE…`."


@dataclass(frozen=True, slots=True, kw_only=True)
class OSV:
    """Answers DependencyScanner.

    Attributes:
        folder: Where the mirror lies.
        imported: Returns the log index of the import that made the mirror with this digest; None: none did.
    """

    folder: Path
    imported: Callable[[Digest], int | None]

    def scan(self, sbom: bytes | None) -> CodeScan:
        """See DependencyScanner."""
        if sbom is None:
            return _not_looked("sbom-missing", "Without a list of components there is nothing to look up.")
        try:
            components = read_components(_decoded(sbom))
            with open_mirror(self.folder) as mirror:
                if self.imported(mirror.snapshot.digest) is None:
                    return _not_looked("advisories-not-on-record", f"The mirror is not what was imported. {_IMPORT}")
                return _told(match(components, mirror), mirror)
        except NotFound:
            return _not_looked("advisories-missing", _IMPORT)
        except IntegrityViolation:
            return _not_looked("advisories-damaged", _IMPORT)
        except InvalidInput as error:
            return _not_looked("sbom-malformed", error.what)


def _told(matched: Matched, mirror: Mirror) -> CodeScan:
    unknown: list[JSON] = [{"component": name, "code": code} for name, code in matched.unknown]
    report: JSONObject = {
        "advisories": mirror.snapshot.to_json(),
        "compared": matched.compared,
        "findings": [each.to_json() for each in matched.open],
        "not_compared": unknown,
    }
    named = ", ".join(f"{name} ({code})" for name, code in matched.unknown[:_MOST_NAMED])
    # In one part and the whole of it: who could not compare everything has found nothing that counts.
    findings = () if matched.unknown else tuple(each.finding for each in matched.open)
    return CodeScan(
        scanner=ScannerId(name=CHECK, version=wardline.__version__),
        looked_at=LookedAt(files=1, lines=matched.compared),
        findings=findings,
        reason="components-not-compared" if matched.unknown else None,
        report=encode(report),
        remedy=f"Nobody can say whether these are affected: {named}." if matched.unknown else None,
        advisories=mirror.snapshot,
    )


def _decoded(content: bytes) -> JSON:
    try:
        document: JSON = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InvalidInput("SBOM: expected JSON") from error
    return document


def _not_looked(reason: str, remedy: str) -> CodeScan:
    return CodeScan(
        scanner=ScannerId(name=CHECK, version=wardline.__version__),
        looked_at=LookedAt(files=0, lines=0),
        findings=(),
        reason=reason,
        report=None,
        remedy=remedy,
    )
