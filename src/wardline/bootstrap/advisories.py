"""Requests about advisories: import them, show what is known, and hold an SBOM against them."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from wardline.adapters.advisories.mirror_file import making_mirror, open_mirror
from wardline.bootstrap.home import Home
from wardline.canonical import JSON
from wardline.delivery.import_advisories import import_advisories, imported
from wardline.errors import IntegrityViolation, InvalidInput, NotFound, Unavailable
from wardline.evidence.log import Evidence
from wardline.findings.advisories.components import read_components
from wardline.findings.advisories.matching import Matched, match
from wardline.findings.advisories.mirror import Mirror, Snapshot
from wardline.findings.advisories.vex import read_vex

_MOST_BYTES: Final = 256 << 20  # of an SBOM or VEX document; a container image with everything has 60 MB


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of vulnerabilities. `age`: since the youngest record was changed. `log`: the import's leaf."""

    snapshot: Snapshot
    log: int
    age: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    matched: Matched
    known: Known


def import_dumps(home: Home, dumps: Sequence[Path], *, fewer: bool) -> tuple[Snapshot, Evidence]:
    """Make the mirror of all that `dumps` hold; raises as `making_mirror` and `import_advisories`."""
    with making_mirror(home.settings.home / "advisories", dumps) as made:
        # On record before it takes effect: a mirror that no leaf names is never believed.
        return made.snapshot, import_advisories(made.snapshot, fewer=fewer, collect=home.collect)


@contextmanager
def mirror(home: Home) -> Iterator[tuple[Mirror, Known]]:
    """Open the mirror, which must be one that the log knows.

    Raises:
        NotFound: Nothing was imported.
        IntegrityViolation: Its file is not what was imported.
    """
    with open_mirror(home.settings.home / "advisories") as opened:
        snapshot = opened.snapshot
        index = imported(home.log, snapshot.digest)
        if index is None:
            raise IntegrityViolation(
                f"advisories: no import on record has the digest {snapshot.digest} of the mirror",
                remedy="Somebody changed the file. `wardline advisories import` makes it again.",
            )
        yield opened, Known(snapshot=snapshot, log=index, age=home.clock.now() - snapshot.newest)


def known(home: Home) -> Known:
    """Return what is known; raises as `mirror`."""
    with mirror(home) as (_, found):
        return found


def check(home: Home, sbom: Path, vex: Sequence[Path]) -> Checked:
    """Hold the SBOM at `sbom` against the mirror; nothing is recorded.

    Raises:
        NotFound: There is no such file, or nothing was imported.
        InvalidInput: A file is cut short, or no SBOM or VEX document.
        IntegrityViolation: As `mirror`.
    """
    components = read_components(_document(sbom))
    words = tuple(read_vex(_document(path)) for path in vex)
    with mirror(home) as (opened, found):
        return Checked(matched=match(components, opened, words), known=found)


def _document(path: Path) -> JSON:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise InvalidInput(f"{path}: expected at most {_MOST_BYTES} bytes")
        document: JSON = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise NotFound(f"{path}: no such file") from error
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{path}: expected JSON, got something else or a part of it") from error
    return document
