"""Records for tests, written after public ones; and a mirror of a few of them in memory."""

from dataclasses import dataclass
from datetime import datetime

from wardline.canonical import Digest
from wardline.findings.advisories.advisory import parse_advisory
from wardline.findings.advisories.components import read_components
from wardline.findings.advisories.mirror import EcosystemCount, Snapshot
from wardline.findings.advisories.versions import normal_name

NEWEST = datetime.fromisoformat("2024-10-10T17:22:00Z")


def record(id_="PYSEC-2021-66", *, package="jinja2", ecosystem="PyPI", fixed="2.11.3", introduced="0", **more):
    kind = "SEMVER" if ecosystem in {"npm", "Go", "crates.io"} else "ECOSYSTEM"
    events = [{"introduced": introduced}, *([{"fixed": fixed}] if fixed else [])]
    affected = {"package": {"ecosystem": ecosystem, "name": package}, "ranges": [{"type": kind, "events": events}]}
    return {"id": id_, "modified": "2024-10-10T17:22:00Z", "affected": [affected]} | more


@dataclass(frozen=True)
class MemoryMirror:
    """Answers Mirror."""

    advisories: tuple
    snapshot: Snapshot

    def about(self, ecosystem, name):
        wanted = (ecosystem, normal_name(ecosystem, name))
        return tuple(
            each
            for each in self.advisories
            if any((a.ecosystem, normal_name(a.ecosystem, a.name)) == wanted for a in each.affected)
        )

    def holding(self, ids):
        return tuple(each for each in self.advisories if each.id in set(ids))


def mirror(*records):
    found = tuple(parse_advisory(each, where="test") for each in records)
    names = sorted({a.ecosystem for each in found for a in each.affected})
    snapshot = Snapshot(
        digest=Digest("ab" * 32),
        advisories=len(found),
        withdrawn=0,
        newest=NEWEST,
        ecosystems=tuple(EcosystemCount(name=name, advisories=1) for name in names),
    )
    return MemoryMirror(advisories=found, snapshot=snapshot)


def bom(*purls):
    listed = [{"type": "library", "name": purl, "purl": purl} for purl in purls]
    return {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": listed}


def components(*purls):
    return read_components(bom(*purls))
