"""An installation whose evidence is years old: two releases shipped by the real journey, with a clock that is set."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.fakes.delivery_world import DeliveryWorld, delivery_world, signer_of

from wardline.adapters.blobs.bundles import FileBundles
from wardline.adapters.blobs.files import FileBlobs
from wardline.clock import ManualClock
from wardline.delivery.purge import Plan, Purging
from wardline.delivery.sign import Signatory
from wardline.evidence.retention.keeping import State
from wardline.evidence.retention.retention import Kept, Schedule
from wardline.ids import PrincipalId

LONG_AGO = datetime(2018, 3, 1, 9, tzinfo=UTC)
OLD, NEW = "r-old", "r-new"


def by(name: str) -> Signatory:
    return Signatory(principal=PrincipalId(name), signer=signer_of(name))


@dataclass(frozen=True, kw_only=True)
class OldEvidence:
    world: DeliveryWorld
    clock: ManualClock
    blobs: FileBlobs
    bundles: FileBundles

    def purging(self, schedule: Schedule | None = None) -> Purging:
        return Purging(collect=self.world.collect, stores=(self.blobs, self.bundles), schedule=schedule or Schedule())

    def ship(self, run: str, version: str) -> None:
        """Take a version through the whole journey, and let everything that was kept be as old as the clock says."""
        self.world.begin(run, version)
        assert self.world.walk(run, version).value == "succeeded"
        self.age()

    def age(self) -> None:
        stamp = self.clock.now().timestamp()
        for path in self.world.folder.rglob("blobs/*/*"):
            if path.stat().st_mtime > stamp:
                os.utime(path, (stamp, stamp))

    def touch(self, digest: str) -> None:
        """Let this blob have been put again just now."""
        stamp = self.clock.now().timestamp()
        os.utime(self.world.folder / "blobs" / digest[:2] / digest, (stamp, stamp))

    def years(self, number: int) -> None:
        self.clock.advance(timedelta(days=366 * number))

    def lying(self) -> set[str]:
        return {thing.digest.hex for thing in self.blobs.lying()}


@contextmanager
def old_evidence(folder: Path) -> Iterator[OldEvidence]:
    """Yield an installation where NEW replaced OLD in 2018, and it is 2026 now: OLD is past its period, NEW serves."""
    clock = ManualClock(LONG_AGO)
    with delivery_world(folder, clock=clock) as world:
        old = OldEvidence(
            world=world, clock=clock, blobs=FileBlobs(folder / "blobs"), bundles=FileBundles(folder / "artifacts")
        )
        world.enrol_everybody()
        old.ship(OLD, "1.0")
        old.clock.advance(timedelta(days=20))
        old.ship(NEW, "2.0")
        old.years(8)
        yield old


def counts(plan: Plan, state: State) -> dict[Kept, int]:
    """Return how many things of each class are in this state."""
    return {kept: states[state][0] for kept, states in plan.by_class().items() if state in states}
