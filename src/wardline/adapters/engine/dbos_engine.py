"""Durable runs on DBOS: one process drives one run, on a queue of that run's own.

What DBOS does and does not do was measured (docs/decisions/0002-durable-runs-on-dbos.md):
two live processes steal each other's runs unless each has its own queue, results are pickled
unless told otherwise, and a clean shutdown waits for the whole run. Hence the choices below.
"""

import json
import os
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import NoReturn, cast

import sqlalchemy
from dbos import DBOS, DBOSClient, DBOSConfig, SetWorkflowID
from dbos._serialization import Serializer

from wardline import canonical
from wardline.canonical import JSON
from wardline.clock import Clock
from wardline.errors import Conflict, NotFound, Unavailable
from wardline.ids import RunId
from wardline.pipelines.engine import Engine

# Runs of another version stay where they are: their steps may have other names or another order.
PIPELINE_VERSION = "wardline-2"
_POLL = 0.1  # seconds between looks at the run's own queue: what a start waits at most
_LOOK_UP = 0.2  # seconds between looks of the driving thread, in which alone Python handles signals
_TICK = timedelta(seconds=1)  # the shortest wait `recv` is given: zero would mean "do not wait at all"

Journey = Callable[[RunId, Engine], JSON]


class _CanonicalJSON(Serializer):
    """Steps may return JSON and nothing else: pickles would run code, and grow with every refactoring."""

    def serialize(self, data: object) -> str:
        return json.dumps(data, separators=(",", ":"))

    def deserialize(cls, serialized_data: str) -> object:  # noqa: N805  # as DBOS spells it
        return cast("object", json.loads(serialized_data))

    def name(self) -> str:
        return "wardline_json"


class DBOSRuns:
    """Drives runs to their end."""

    def __init__(self, database: Path, *, journeys: Mapping[str, Journey], clock: Clock) -> None:
        self._url = f"sqlite:///{database}"
        self._database = database
        self._journeys = journeys
        self._clock = clock

    def drive(self, run: RunId, journey: str) -> JSON:
        """Take `run` along `journey` from wherever it stands, and return what the journey returns.

        An exception inside a step leaves the run where it stands, to be resumed: the step is not
        recorded as failed, because a full disk says nothing about the change.

        Raises:
            NotFound: There is no such journey.
            Conflict: The run was begun by a version of Wardline whose steps differ.
            Exception: Whatever the step in flight raised.
        """
        if journey not in self._journeys:
            raise NotFound(f"no journey named {journey!r}; expected one of {', '.join(self._journeys)}")
        outcome: SimpleQueue[JSON | BaseException] = SimpleQueue()

        def travel(run_id: str, name: str) -> JSON:
            try:
                result = self._journeys[name](RunId(run_id), _DBOSEngine(self._clock, outcome))
            except Exception as error:  # noqa: BLE001  # handed to the driving thread, which raises it
                _park(outcome, error)
            outcome.put(result)
            return result

        queue = f"q-{run}"
        with _translated(self._database), self._launched(queue, travel) as workflow:
            self._hand_over(run, journey, queue, workflow)
            result = _wait(outcome)
        if isinstance(result, BaseException):
            with _translated(self._database):
                raise result
        return result

    @contextmanager
    def _launched(self, queue: str, travel: Callable[[str, str], JSON]) -> Iterator[Callable[[str, str], JSON]]:
        _prepare(self._database)
        config: DBOSConfig = {
            "name": "wardline",
            "system_database_url": self._url,
            "application_version": PIPELINE_VERSION,
            # A fresh id each time: start-up recovery takes over whatever bears its own id.
            "executor_id": f"cli-{secrets.token_hex(8)}",
            "serializer": _CanonicalJSON(),
            "console_log_level": "CRITICAL",
            "notification_listener_polling_interval_sec": 0.05,
        }
        DBOS(config=config)
        workflow = DBOS.workflow(name="journey", max_recovery_attempts=None)(travel)
        DBOS.listen_queues([queue])
        DBOS.launch()
        DBOS.register_queue(queue, polling_interval_sec=_POLL)
        try:
            yield workflow
        finally:
            DBOS.destroy(destroy_registry=True)

    def _hand_over(self, run: RunId, journey: str, queue: str, workflow: Callable[[str, str], JSON]) -> None:
        status = DBOS.get_workflow_status(run)
        if status is None:
            with SetWorkflowID(run):
                DBOS.enqueue_workflow(queue, workflow, str(run), journey)
            return
        if status.app_version != PIPELINE_VERSION:
            raise Conflict(
                f"run {run} was begun by {status.app_version}, whose steps differ from {PIPELINE_VERSION}",
                remedy=f"Cancel it with `wardline runs cancel {run}` and ship the commit again.",
            )
        if status.status in {"SUCCESS", "ERROR", "CANCELLED"}:
            raise Conflict(f"run {run} has ended already ({status.status.lower()})")
        DBOS.resume_workflow(run, queue_name=queue)


class DBOSMessenger:
    """Implements Messenger, without taking any run up."""

    def __init__(self, database: Path) -> None:
        self._database = database

    def send(self, run: RunId, topic: str, message: JSON) -> None:
        with self._client() as client:
            if client.list_workflows(workflow_ids=[run]):
                client.send(run, message, topic=topic)

    def forget(self, run: RunId) -> None:
        if not self._database.exists():
            return  # it never began, or its engine was lost: there is nothing that could take it up
        with self._client() as client:
            client.cancel_workflow(run)

    @contextmanager
    def _client(self) -> Iterator[DBOSClient]:
        if not self._database.exists():
            raise NotFound("no run was ever started here", remedy="Start one with `wardline ship`.")
        with _translated(self._database):
            client = DBOSClient(system_database_url=f"sqlite:///{self._database}", serializer=_CanonicalJSON())
            try:
                yield client
            finally:
                client.destroy()


class _DBOSEngine:
    """The Engine of one run, inside its workflow."""

    def __init__(self, clock: Clock, outcome: "SimpleQueue[JSON | BaseException]") -> None:
        self._clock = clock
        self._outcome = outcome

    def step(self, name: str, act: Callable[[], JSON]) -> JSON:
        def recorded() -> JSON:
            try:
                # Encoded here, not by DBOS: what cannot be encoded must fail before DBOS counts the
                # step as done, and the first pass must see exactly what a replay will see.
                return canonical.decode(canonical.encode(act()))
            except Exception as error:  # noqa: BLE001  # handed to the driving thread, which raises it
                # Parked inside the step: DBOS would record an exception that got out, and replay it for ever.
                _park(self._outcome, error)

        return DBOS.run_step({"name": name}, recorded)

    def wait_for(self, topic: str, *, deadline: datetime) -> JSON | None:
        remaining = max(deadline - self._clock.now(), _TICK)
        message = DBOS.recv(topic, timeout_seconds=remaining.total_seconds())
        return cast("JSON", message)


def _wait(outcome: "SimpleQueue[JSON | BaseException]") -> JSON | BaseException:
    """Return what comes, looking up now and then: an endless wait in C was seen to sleep through a Ctrl-C."""
    while True:
        with suppress(Empty):
            return outcome.get(timeout=_LOOK_UP)


def _park(outcome: "SimpleQueue[JSON | BaseException]", error: BaseException) -> NoReturn:
    """Report `error` and never return: a workflow that raised would be recorded as over."""
    outcome.put(error)
    while True:
        threading.Event().wait()


def _prepare(database: Path) -> None:
    """Set the journal mode before DBOS opens the file: a commit costs half as much with a write-ahead log."""
    try:
        # SQLite would make it for all to read.
        os.close(os.open(database, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise _unusable(database, error.strerror) from error
    engine = sqlalchemy.create_engine(f"sqlite:///{database}")
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
    finally:
        engine.dispose()


@contextmanager
def _translated(database: Path) -> Iterator[None]:
    """Raise what SQLite says of the engine's own database as one of ours."""
    try:
        yield
    except sqlalchemy.exc.DBAPIError as error:
        raise _unusable(database, error.orig) from error


def _unusable(database: Path, reason: object) -> Unavailable:
    return Unavailable(
        f"the engine's database {database.name} cannot be used: {reason}",
        remedy="Check free disk space and the file; restore it from a backup if it is corrupt.",
    )
