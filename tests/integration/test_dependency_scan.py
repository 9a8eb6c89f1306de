"""Known vulnerabilities on the road: looked up in what was imported, judged like every finding, never clean unseen."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from zipfile import ZipFile

import pytest
from tests.fakes.advisories import bom, record
from tests.fakes.delivery_world import Answering, DeliveryWorld, delivery_world
from tests.fakes.fake_workshop import WARDLINE_YAML, FakeSBOMScanner, fake_workshop

from wardline.adapters.advisories.mirror_file import making_mirror
from wardline.adapters.advisories.osv import OSV
from wardline.adapters.policy.cel import CEL
from wardline.canonical import JSONObject
from wardline.delivery.decide import Gate
from wardline.delivery.import_advisories import import_advisories, imported
from wardline.delivery.ship import ship
from wardline.findings.scanning import SBOMScan
from wardline.gates.policy_files import load_policies
from wardline.gates.predicates import DECISION
from wardline.gates.readings import SCAN
from wardline.ids import RunId

RUN = RunId("r-1")
YAML = WARDLINE_YAML.replace("scan: {code: [bandit]}", "scan: {code: [bandit], dependencies: [osv]}")


class ListingScanner(FakeSBOMScanner):
    """Lists what it was given."""

    def __init__(self, *purls: str) -> None:
        self._purls = purls

    def scan(self, installed: Path, *, expected: tuple[tuple[str, str], ...], timeout: timedelta) -> SBOMScan:
        listed = super().scan(installed, expected=expected, timeout=timeout)
        return replace(listed, report=json.dumps(bom(*self._purls)).encode())


@pytest.fixture
def world(tmp_path: Path) -> Iterator[DeliveryWorld]:
    with delivery_world(tmp_path) as opened:
        opened.enrol_everybody()
        opened.begin(RUN, "1.0")
        yield opened


def mirrored(world: DeliveryWorld) -> int:
    dump = world.folder / "all.zip"
    with ZipFile(dump, "w") as archive:
        archive.writestr("x.json", json.dumps(record(aliases=["CVE-2020-28493"])))
    with making_mirror(world.folder / "mirror", [dump]) as made:
        return import_advisories(made.snapshot, fewer=False, collect=world.collect).index


def scanned(world: DeliveryWorld, *purls: str) -> tuple[JSONObject, JSONObject]:
    """Return what the scan said, and what the first gate was told and decided."""
    osv = OSV(folder=world.folder / "mirror", imported=partial(imported, world.log))
    workshop = replace(
        fake_workshop(world.folder, "1.0", yaml=YAML),
        sbom_scanner=ListingScanner(*purls),
        dependency_scanners={"osv": osv},
    )
    gate = Gate(collect=world.collect, engine=CEL(), policies=load_policies())
    ship(world.travel(RUN, Answering(world, RUN, "1.0")), workshop, gate, world.target)
    leaves = [item.statement for item in world.log.of_run(RUN)]
    (said,) = (s.body for s in leaves if s.predicate_type == SCAN and s.body["scanner"]["name"] == "osv")  # type: ignore[index,call-overload]
    decided = next(s.body for s in leaves if s.predicate_type == DECISION)
    return said, decided


def why(decided: JSONObject) -> str:
    return json.dumps(decided)


def test_an_affected_component_is_a_finding_that_no_gate_passes_unwaived(world: DeliveryWorld) -> None:
    mirrored(world)
    said, decided = scanned(world, "pkg:pypi/jinja2@2.4.1", "pkg:pypi/flask@3.0")
    assert said["findings"][0]["rule"] == "CVE-2020-28493"  # type: ignore[index,call-overload]
    assert said["looked_at"] == {"files": 1, "lines": 2}
    assert said["advisories"]["newest"] == "2024-10-10T17:22:00.000Z"  # type: ignore[index,call-overload]
    assert '"verdict": "deny"' in why(decided)
    assert "no-serious-finding" in why(decided)
    world.check_log()


def test_mended_components_pass_the_gate(world: DeliveryWorld) -> None:
    mirrored(world)
    said, decided = scanned(world, "pkg:pypi/jinja2@3.1.4")
    assert (said["findings"], said["reason"]) == ([], None)
    assert '"verdict": "allow"' in why(decided)


def unseen(world: DeliveryWorld) -> None:
    """Nothing was imported."""


def changed(world: DeliveryWorld) -> None:
    mirrored(world)
    with sqlite3.connect(world.folder / "mirror" / "advisories.db") as connection:
        connection.execute("DELETE FROM package")
    connection.close()


def damaged(world: DeliveryWorld) -> None:
    mirrored(world)
    (world.folder / "mirror" / "advisories.db").write_bytes(b"not a mirror" * 1000)


@pytest.mark.parametrize(
    ("before", "purl", "reason"),
    [
        (unseen, "pkg:pypi/jinja2@2.4.1", "advisories-missing"),
        (changed, "pkg:pypi/jinja2@2.4.1", "advisories-not-on-record"),
        (damaged, "pkg:pypi/jinja2@2.4.1", "advisories-damaged"),
        (mirrored, "pkg:npm/left-pad@1.0.0", "components-not-compared"),
        (mirrored, "no purl at all", "sbom-malformed"),
    ],
)
def test_what_could_not_be_looked_up_is_undecided_and_never_clean(
    world: DeliveryWorld, before: Callable[[DeliveryWorld], object], purl: str, reason: str
) -> None:
    before(world)
    said, decided = scanned(world, purl)
    assert (said["reason"], said["findings"]) == (reason, [])
    assert '"verdict": "undecided"' in why(decided)


def test_a_scan_tells_the_gate_how_old_its_advisories_are(world: DeliveryWorld) -> None:
    mirrored(world)
    _, decided = scanned(world, "pkg:pypi/jinja2@3.1.4")
    digests = [blob["digest"]["sha256"] for blob in _blobs(decided)]  # type: ignore[index,call-overload]
    told = [world.collect.blobs.get(type(world.log.read(0).statement.subjects[0].digest)(each)) for each in digests]
    assert any(b'"advisories":{"age_s":' in content for content in told)


def _blobs(value: object) -> list[JSONObject]:
    if isinstance(value, dict):
        own = [value] if "mediaType" in value else []
        return own + [blob for each in value.values() for blob in _blobs(each)]
    return [blob for each in value for blob in _blobs(each)] if isinstance(value, list) else []
