"""An installation, opened: its parts, and the requests about runs, people and their word."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

from sqlalchemy import Engine

import wardline
from wardline.adapters import process
from wardline.adapters.blobs.bundles import FileBundles
from wardline.adapters.blobs.files import FileBlobs
from wardline.adapters.builds.rooms import FolderRooms
from wardline.adapters.engine.driver_lock import DriverLocks
from wardline.adapters.engine.immediate import Immediate
from wardline.adapters.git.git import Git
from wardline.adapters.policy.cel import CEL
from wardline.adapters.signing.public_keys import read_public_key
from wardline.adapters.storage.check_log import check_log
from wardline.adapters.storage.database import open_database
from wardline.adapters.storage.evidence_log import SQLEvidenceLog
from wardline.adapters.storage.people import SQLPeople
from wardline.adapters.storage.runs import SQLHolds, SQLRuns
from wardline.adapters.storage.subject_keys import SQLSubjectKeys
from wardline.adapters.targets.local.target import LocalTarget
from wardline.bootstrap.own_keys import OwnSigner, key_folder
from wardline.clock import Clock, SystemClock
from wardline.delivery.approve import Approvals
from wardline.delivery.begin import REHEARSE, ROLL_BACK, SHIP, Beginnings, environment_named, environments_of
from wardline.delivery.cancel import cancel
from wardline.delivery.collect_evidence import Collector
from wardline.delivery.decide import Gate
from wardline.delivery.doors import door_of
from wardline.delivery.enrol import KnownAs, enrol, enrolled, proposed
from wardline.delivery.explain import explain
from wardline.delivery.foresee import Foreseen, foresee
from wardline.delivery.import_advisories import imported
from wardline.delivery.measure import Figures, measure
from wardline.delivery.rehearse import rehearse_again
from wardline.delivery.roll_back import roll_back
from wardline.delivery.ship import ship
from wardline.delivery.show_status import Status, show_status
from wardline.delivery.stop import stop
from wardline.delivery.travel import Progress, Travel
from wardline.delivery.unsigned_words import keep_words
from wardline.delivery.workshop import Workshop
from wardline.errors import Conflict, NotFound, Refused, Unavailable
from wardline.evidence.envelopes import Signer
from wardline.evidence.log_keys import LogKeys
from wardline.evidence.retention.purges import why_gone
from wardline.evidence.schemas import check_predicate
from wardline.findings.redactor import StreamingRedactor
from wardline.gates.consent import Document
from wardline.gates.policy_files import load_policies
from wardline.gates.training import TRAINING, Trainings
from wardline.identity.directory import Directory, Recorded
from wardline.identity.principals import PublicKey, Role
from wardline.ids import PrincipalId, RandomIds, RunId
from wardline.pipelines import engine
from wardline.pipelines.engine import Messenger
from wardline.pipelines.run import Run, RunStatus
from wardline.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Home:
    """What an installation is made of, opened, with the requests of the command line as methods.

    Parts that cost time to make are made when they are first asked for.
    """

    settings: Settings
    clock: Clock
    database: Engine
    log: SQLEvidenceLog
    collect: Collector
    runs: SQLRuns
    holds: SQLHolds
    people: SQLPeople
    drivers: DriverLocks
    bundles: FileBundles

    # -- beginning and driving runs

    def begin(self, path: Path, ref: str, *, emergency: bool = False) -> Run:
        return self._beginnings.ship(self.workshop, path, ref, emergency=emergency)

    def begin_rollback(
        self, environment: str, *, service: str | None, to: str | None, reason: str | None, by: PrincipalId | None
    ) -> Run:
        key = environment_named(self.log, environment, service)
        words = keep_words(reason, by=by, collect=self.collect)
        return self._beginnings.roll_back(key, to=to, words=words)

    def begin_rehearsal(self, *, service: str | None) -> Run:
        return self._beginnings.rehearse(service)

    def drive(self, run: Run, progress: Progress) -> RunStatus:
        """Take `run` to its end; whatever interrupts it leaves it to be resumed.

        Raises:
            Conflict: Another process drives it, or it has ended.
        """
        from wardline.adapters.engine.dbos_engine import DBOSRuns

        if run.ended:
            raise Conflict(
                f"run {run.id} is {run.status} already",
                remedy="A run ends once. `wardline ship` takes the commit along the road again, as a new run.",
            )

        def journey(walk: Callable[[Travel], RunStatus]) -> Callable[[RunId, engine.Engine], str]:
            return lambda run_id, through: walk(self._travel(run_id, through, progress)).value

        durable = DBOSRuns(
            self._engine_database,
            journeys={
                SHIP: journey(lambda travel: ship(travel, self.workshop, self.gate, self.target)),
                ROLL_BACK: journey(lambda travel: roll_back(travel, self.target)),
                REHEARSE: journey(lambda travel: rehearse_again(travel, self.target)),
            },
            clock=self.clock,
        )
        with self.drivers.driving(run.id):
            return RunStatus(str(durable.drive(run.id, run.journey)))

    def cancel(self, run: RunId, progress: Progress) -> RunStatus:
        """Undo what `run` left half-way and seal it.

        Raises:
            Conflict: A live process drives it, or it has ended.
        """
        with self.drivers.driving(run):
            status = cancel(self._travel(run, Immediate(), progress), self.target)
        self.messenger.forget(run)
        self.workshop.rooms.clear(run)
        return status

    def stop(self, environment: str, *, service: str | None, reason: str | None, by: PrincipalId | None) -> list[str]:
        """Stop one environment, or `all`; return what was stopped."""
        every = environments_of(self.log, service)
        keys = every if environment == "all" else (environment_named(self.log, environment, service),)
        words = keep_words(reason, by=by, collect=self.collect)
        for key in keys:
            stop(self.collect, self.target, self.holds, environment=key, words=words)
        return [str(key) for key in keys]

    @staticmethod
    def interrupt() -> None:
        """End the programs that the step at work has started."""
        process.terminate_all()

    # -- looking

    def explain(self, run: Run) -> tuple[str, ...]:
        return explain(run, self.log)

    def foresee(self, path: Path, ref: str) -> Foreseen:
        people = self.directory()
        trained = Trainings.of(self.log.every(TRAINING), people=people).in_date(self.clock.now())
        return foresee(self.workshop, path, ref, people=people, trained=trained)

    def status(self, service: str | None) -> tuple[Status, ...]:
        return show_status(self.log, self.target, self.holds, environments=environments_of(self.log, service))

    def measure(self, *, service: str | None, environment: str | None) -> Figures:
        def under_way(run: RunId) -> bool:
            try:
                return not self.runs.load(run).ended
            except NotFound:  # the table was lost: what nobody can go on with is a gap
                return False

        return measure(self.log, under_way=under_way, service=service, environment=environment)

    def check_log(self) -> int:
        """Derive the whole log again and return its size."""
        return check_log(self.database, self.log.key, check_statement=check_predicate).size

    # -- people and their word

    def directory(self) -> Directory:
        return enrolled(self.collect)

    def enrol(
        self,
        principal: PrincipalId,
        *,
        roles: frozenset[Role],
        public_key: Path | None,
        signer: Signer,
        known_as: KnownAs | None,
    ) -> Recorded:
        """Enrol `principal`, signed by whoever holds `signer`; see `proposed` for what is not said."""
        key = None if public_key is None else read_public_key(public_key)
        enrolment, by = proposed(principal, roles=roles, key=key, signer=signer, known=self.directory())
        evidence = enrol(enrolment, by=by, collect=self.collect, people=self.people, known_as=known_as)
        return Recorded(index=evidence.index, actor=by.principal, keyid=signer.public_key.keyid, enrolment=enrolment)

    def consent(self, run: RunId, environment: str | None) -> Document:
        """Return what a person is shown, and signs, before `run` may enter `environment`."""
        door = door_of(self.runs.load(run), self.log, self.workshop, environment=environment)
        return self.approvals.what_is_signed(door)

    # -- parts

    @cached_property
    def approvals(self) -> Approvals:
        return Approvals(collect=self.collect, messenger=self.messenger)

    @cached_property
    def gate(self) -> Gate:
        from wardline.bootstrap.laws import laws
        from wardline.bootstrap.proving import proving

        catalogues = laws(self.laws_folder).catalogues
        return Gate(
            collect=self.collect, engine=CEL(), policies=load_policies(), catalogues=catalogues, proving=proving()
        )

    @property
    def laws_folder(self) -> Path:
        """An organisation's own catalogues and mappings."""
        return self.settings.home / "controls"

    @cached_property
    def messenger(self) -> Messenger:
        from wardline.adapters.engine.dbos_engine import DBOSMessenger

        return DBOSMessenger(self._engine_database)

    @cached_property
    def workshop(self) -> Workshop:
        from wardline.adapters.advisories.osv import OSV
        from wardline.adapters.builds.python_bundle import PythonBundles
        from wardline.adapters.builds.python_tests import PythonTests
        from wardline.adapters.builds.workbench import Shop
        from wardline.adapters.scanners.bandit import Bandit
        from wardline.adapters.scanners.programs import Programs
        from wardline.adapters.scanners.syft import Syft

        environ, home = self.settings.environ, self.settings.home
        programs = Programs(environ=environ, redactor=StreamingRedactor)
        shop = Shop(environ=environ, cache=home / "cache", redactor=StreamingRedactor)
        return Workshop(
            repository=Git(environ),
            people=self.people,
            builder=PythonBundles(shop=shop, clock=self.clock),
            tester=PythonTests(shop=shop),
            code_scanners={"bandit": Bandit(programs=programs)},
            sbom_scanner=Syft(programs=programs),
            dependency_scanners={"osv": OSV(folder=home / "advisories", imported=partial(imported, self.log))},
            bundles=self.bundles,
            rooms=FolderRooms(home / "rooms"),
            version=wardline.__version__,
        )

    @cached_property
    def target(self) -> LocalTarget:
        from wardline.adapters.builds.environment import install_to_serve

        return LocalTarget(
            root=self.settings.home / "environments",
            clock=self.clock,
            artifact=self.bundles.path_of,
            installer=install_to_serve,
            environ=self.settings.environ,
            redactor=StreamingRedactor,
        )

    @property
    def _engine_database(self) -> Path:
        return self.settings.home / "engine.db"

    @property
    def _beginnings(self) -> Beginnings:
        return Beginnings(runs=self.runs, log=self.log, clock=self.clock, ids=RandomIds())

    def _travel(self, run: RunId, through: engine.Engine, progress: Progress) -> Travel:
        return Travel(
            id=run,
            engine=through,
            collect=self.collect,
            runs=self.runs,
            holds=self.holds,
            drivers=self.drivers,
            clock=self.clock,
            progress=progress,
        )


def is_there(settings: Settings) -> bool:
    """Return whether an installation is in `settings.home`."""
    return any((settings.home / part).exists() for part in ("keys", "wardline.db", "blobs"))


@contextmanager
def open_existing_home(settings: Settings) -> Iterator[Home]:
    """Open the installation in `settings.home`, which must be there.

    What only looks begins with this: at a mistyped home it would make a new key and find an empty log in order.

    Raises:
        NotFound: There is none.
        Refused, Unavailable: As `open_home`.
    """
    home = settings.home
    if not is_there(settings):
        raise NotFound(
            f"{home}: no installation is here",
            remedy="Set WARDLINE_HOME to where it is. The first `wardline people enrol` or `wardline ship` begins one.",
        )
    with open_home(settings) as opened:
        yield opened


@contextmanager
def open_home(settings: Settings) -> Iterator[Home]:
    """Open the installation in `settings.home`, made at the first call.

    Raises:
        Unavailable: The folder cannot be made, or the database not opened.
    """
    home, clock = settings.home, SystemClock()
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)  # what people wrote, and the engine's messages, are in it
    except OSError as error:
        raise Unavailable(
            f"{home}, where Wardline keeps its state, cannot be made: {error.strerror}",
            remedy="Set WARDLINE_HOME to a folder of your own.",
        ) from error
    _refuse_without_key(home)
    folder = key_folder(settings)
    root, signers = folder.root(), folder.signers()
    keys = LogKeys(root, signers)
    signer = OwnSigner(settings, keys, signers)
    with open_database(settings.database or home / "wardline.db") as database:
        log = SQLEvidenceLog(database, signer=signer, origin=root.name, keys=keys)
        log.keys()  # which of them count is for the log to say
        gone = why_gone(log, FileBlobs(home / "blobs"))
        yield Home(
            settings=settings,
            clock=clock,
            database=database,
            log=log,
            collect=Collector(
                log=log,
                blobs=FileBlobs(home / "blobs", gone=gone),
                signer=signer,
                machine=PrincipalId(f"m-{PublicKey.of(root.raw).keyid[:16]}"),
                clock=clock,
                ids=RandomIds(),
                redactor=StreamingRedactor,
                subjects=SQLSubjectKeys(database),
            ),
            runs=SQLRuns(database),
            holds=SQLHolds(database),
            people=SQLPeople(database),
            drivers=DriverLocks(home / "drivers"),
            bundles=FileBundles(home / "artifacts", gone=gone),
        )


def _refuse_without_key(home: Path) -> None:
    # A fresh key would be another installation's: it could read this log, and never write to it.
    key = home / "keys" / "installation.pem"
    known = key.exists() or key.with_name("log.vkey").exists()
    if not known and ((home / "wardline.db").exists() or (home / "blobs").exists()):
        raise Refused(
            f"{home} has a log or blobs, but not its key {key.name}",
            remedy=f"Put it back to {key} from where you keep it: a backup without keys has none.",
        )
