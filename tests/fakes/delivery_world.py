"""A whole installation around fake stations and a fake target: the log, the engine and the gate are real."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.fakes.fake_target import FakeTarget
from tests.fakes.fake_workshop import FakePeople, fake_workshop

from wardline.adapters.blobs.files import FileBlobs
from wardline.adapters.engine.dbos_engine import DBOSMessenger, DBOSRuns
from wardline.adapters.engine.driver_lock import DriverLocks
from wardline.adapters.engine.immediate import Immediate
from wardline.adapters.policy.cel import CEL
from wardline.adapters.signing.keys import KeySigner, installation_key
from wardline.adapters.storage.check_log import check_log
from wardline.adapters.storage.database import open_database
from wardline.adapters.storage.evidence_log import SQLEvidenceLog
from wardline.adapters.storage.runs import SQLHolds, SQLRuns
from wardline.adapters.storage.subject_keys import SQLSubjectKeys
from wardline.canonical import JSON
from wardline.cli.progress import SilentProgress
from wardline.clock import Clock, SystemClock
from wardline.delivery.approve import Approvals
from wardline.delivery.collect_evidence import Collector
from wardline.delivery.decide import Gate
from wardline.delivery.doors import door_of
from wardline.delivery.enrol import enrol
from wardline.delivery.ship import ship
from wardline.delivery.sign import Signatory
from wardline.delivery.travel import Travel
from wardline.delivery.workshop import Workshop
from wardline.findings.redactor import StreamingRedactor
from wardline.gates.policy_files import load_policies
from wardline.identity.predicates import Enrolment
from wardline.identity.principals import Principal, Role
from wardline.ids import PrincipalId, RandomIds, RunId
from wardline.pipelines.engine import Engine
from wardline.pipelines.run import Run, RunStatus

ADMIN = "p-ada"
PEOPLE = {
    ADMIN: Role.ADMINISTRATOR,
    "p-devi": Role.DEVELOPER,
    "p-sam": Role.CLINICAL_SAFETY,
    "p-cleo": Role.COMPLIANCE,
}


def signer_of(name: str) -> KeySigner:
    """The key of a person; always the same, so that it survives a kill."""
    return KeySigner(Ed25519PrivateKey.from_private_bytes(name.encode().ljust(32, b"-")))


@dataclass(frozen=True, kw_only=True)
class DeliveryWorld:
    folder: Path
    log: SQLEvidenceLog
    collect: Collector
    runs: SQLRuns
    holds: SQLHolds
    drivers: DriverLocks
    target: FakeTarget
    database: object
    clock: Clock

    def begin(self, run: str, version: str) -> Run:
        begun = Run(
            id=RunId(run),
            journey="ship",
            service="trivial",
            repository=str(self.folder),
            commit_sha=version,
            status=RunStatus.RUNNING,
            stage="begin",
            waiting_for=None,
            started_at=datetime(2026, 1, 1, tzinfo=UTC),
            finished_at=None,
            version=0,
        )
        self.runs.add(begun)
        return begun

    def ship(
        self, run: str, version: str, *, around: Callable[[Engine], Engine] = lambda engine: engine, **station: object
    ) -> RunStatus:
        """Drive `run` on DBOS to its end; `around` may wrap its engine."""
        workshop: Workshop = fake_workshop(self.folder, version, **station)  # type: ignore[arg-type]
        gate = Gate(collect=self.collect, engine=CEL(), policies=load_policies())

        def journey(run_id: RunId, engine: Engine) -> str:
            return ship(self.travel(run_id, around(engine)), workshop, gate, self.target).value

        engine = DBOSRuns(self.folder / "engine.db", journeys={"ship": journey}, clock=self.clock)
        return RunStatus(str(engine.drive(RunId(run), "ship")))

    def walk(self, run: str, version: str, *, engine: Engine | None = None, **station: object) -> RunStatus:
        """Drive `run` without a durable engine, people answering as soon as they are asked."""
        workshop: Workshop = fake_workshop(self.folder, version, **station)  # type: ignore[arg-type]
        gate = Gate(collect=self.collect, engine=CEL(), policies=load_policies())
        return ship(self.travel(RunId(run), engine or Answering(self, run, version)), workshop, gate, self.target)

    def travel(self, run: RunId, engine: Engine) -> Travel:
        return Travel(
            id=run,
            engine=engine,
            collect=self.collect,
            runs=self.runs,
            holds=self.holds,
            drivers=self.drivers,
            clock=self.clock,
            progress=SilentProgress(),
        )

    def enrol_everybody(self) -> None:
        """The administrator, the author, and one person for each role that production asks."""
        for name, role in PEOPLE.items():
            founding = role is Role.ADMINISTRATOR
            who = Principal(id=PrincipalId(name), key=signer_of(name).public_key, roles=frozenset({role}))
            by = Signatory(principal=PrincipalId(ADMIN), signer=signer_of(ADMIN))
            enrol(Enrolment(principal=who, founding=founding), by=by, collect=self.collect, people=FakePeople())  # type: ignore[arg-type]  # nobody is named

    def approve(self, run: str, version: str, name: str, **station: object) -> None:
        """Let one person approve what `run` asks them."""
        workshop: Workshop = fake_workshop(self.folder, version, **station)  # type: ignore[arg-type]
        desk = Approvals(collect=self.collect, messenger=self._messenger())
        document = desk.what_is_signed(door_of(self.runs.load(RunId(run)), self.log, workshop, environment=None))
        by = Signatory(principal=PrincipalId(name), signer=signer_of(name))
        desk.approve(document, by=by, role=PEOPLE[name], reason="it is fine")

    def _messenger(self) -> "DBOSMessenger | NoMessenger":
        database = self.folder / "engine.db"
        return DBOSMessenger(database) if database.exists() else NoMessenger()

    def check_log(self) -> int:
        return check_log(self.database, self.log.key).size  # type: ignore[arg-type]


@contextmanager
def delivery_world(
    folder: Path, *, sick: frozenset[str] = frozenset(), clock: Clock | None = None
) -> Iterator[DeliveryWorld]:
    """Open the world that lives in `folder`; it can be opened again after a kill."""
    clock = clock or SystemClock()
    signer = installation_key(folder / "keys" / "installation.pem")
    with open_database(folder / "wardline.db") as database:
        log = SQLEvidenceLog(database, signer=signer, origin="wardline/test")
        yield DeliveryWorld(
            folder=folder,
            log=log,
            collect=Collector(
                log=log,
                blobs=FileBlobs(folder / "blobs"),
                signer=signer,
                machine=PrincipalId("m-test"),
                clock=clock,
                ids=RandomIds(),
                redactor=StreamingRedactor,
                subjects=SQLSubjectKeys(database),
            ),
            runs=SQLRuns(database),
            holds=SQLHolds(database),
            drivers=DriverLocks(folder / "drivers"),
            target=FakeTarget(folder, sick=sick),
            database=database,
            clock=clock,
        )


class NoMessenger:
    """Reaches nobody: without a durable engine nobody sleeps."""

    def send(self, run: RunId, topic: str, message: JSON) -> None:
        """Nobody is there."""

    def forget(self, run: RunId) -> None:
        """Nobody is there."""


class Answering(Immediate):
    """An engine without memory whose people approve as soon as they are asked; `silent` ones never do."""

    def __init__(self, world: DeliveryWorld, run: str, version: str, *, silent: frozenset[str] = frozenset()) -> None:
        self._world, self._run, self._version, self._silent = world, run, version, silent

    def wait_for(self, topic: str, *, deadline: datetime) -> JSON:
        if self._world.runs.load(RunId(self._run)).waiting_for is None:
            return {"topic": topic}  # a replay: they answered in an earlier life of the run
        answering = {"p-sam", "p-cleo"} - self._silent
        for name in sorted(answering):
            self._world.approve(self._run, self._version, name)
        return None if self._silent else {"topic": topic}
