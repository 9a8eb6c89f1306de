"""Exports of a real log: files whole or not there, receivers served at least once, and all of it on record."""

import hashlib
import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from wardline.adapters.interop.export_files import FileCursors, draft_of
from wardline.adapters.interop.fhir_audit import FHIRAuditEvents
from wardline.adapters.interop.json_lines import JSONLines
from wardline.adapters.interop.syslog_tls import Credentials
from wardline.bootstrap.home import Home, open_home
from wardline.cli.main import app
from wardline.delivery.export_audit import Handover, Sent, export_to_file, extent_of
from wardline.errors import Conflict, IntegrityViolation, InvalidInput, Refused, Unavailable
from wardline.evidence.audit.audit_codes import EXPORT_TYPE
from wardline.evidence.audit.exports import Extent, Outbound, Wanted, parse_bound
from wardline.evidence.log import Evidence
from wardline.identity.predicates import Refusal, principal_subject
from wardline.ids import PrincipalId, RunId
from wardline.pipelines.run import RunStatus
from wardline.pipelines.sealing import RunSealed
from wardline.settings import read_settings

EVERYTHING = Wanted()


@contextmanager
def opened(folder: Path) -> Iterator[Home]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("WARDLINE_HOME", str(folder))
        with open_home(read_settings()) as home:
            yield home


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with opened(tmp_path / "home") as home:
        yield home


def say(home: Home, count: int, *, run: str | None = None) -> None:
    """Add `count` statements that name no service."""
    refusal = Refusal(
        action="approve", code="is-author", principal=None, about=principal_subject(PrincipalId("p-devi"))
    )
    for _ in range(count):
        step = home.collect.ids.new("step")
        home.collect.once(step, None if run is None else RunId(run), lambda: refusal)


def seal(home: Home, run: str, service: str) -> None:
    sealed = RunSealed(
        run=RunId(run), journey="ship", service=service, status=RunStatus.FAILED, statements=2, first=None
    )
    home.collect.once("seal", RunId(run), lambda: sealed)


class KilledError(BaseException):
    """Stands for SIGKILL: nothing of ours catches it."""


@dataclass
class Repository:
    """A receiver that keeps what it read, and fails as told: one word for each connection to come.

    `down`: it does not answer; `lost`: it reads some and breaks off; `killed`: it reads all and this
    process is killed before it hears of that; anything else: all goes well.
    """

    address: str = "audit.example.org:6514"
    fates: list[str] = field(default_factory=list)
    read: list[int] = field(default_factory=list)
    connections: int = 0

    @contextmanager
    def connect(self) -> Iterator["Repository"]:
        self.connections += 1
        self.fate = self.fates.pop(0) if self.fates else "well"
        if self.fate == "down":
            raise Unavailable("it does not answer")
        if self.fate == "stranger":
            raise Refused("it is not who it should be")
        yield self

    def deliver(self, messages: Sequence[Outbound]) -> None:
        indices = [json.loads(each.message)["index"] for each in messages]
        self.read.extend(indices[: len(indices) // 2] if self.fate == "lost" else indices)
        if self.fate == "lost":
            raise Unavailable("it breaks off")
        if self.fate == "killed":
            raise KilledError


def handover(
    home: Home, repository: Repository, *, service: str | None = None, most: int = 3
) -> tuple[Handover, Extent]:
    extent = extent_of(home.log, Wanted(service=service))
    origin = home.log.key.name
    made = Handover(
        collect=home.collect,
        origin=origin,
        form=JSONLines(origin, size=extent.size),
        receiver=repository,
        cursors=FileCursors(home.settings.home / "exports"),
        name="hospital",
        most=most,
    )
    return made, extent


def send(
    home: Home, repository: Repository, *, resume: bool = True, since: int = 0, service: str | None = None
) -> Sent:
    made, extent = handover(home, repository, service=service)
    extent = Extent(size=extent.size, first=since, end=extent.end, service=service)
    return made.send(extent, resume=resume)


def records(home: Home) -> list[Evidence]:
    return list(home.log.every(EXPORT_TYPE))


def others(home: Home) -> list[int]:
    return [item.index for item in home.log.every() if item.statement.predicate_type != EXPORT_TYPE]


def write(home: Home, file: Path, wanted: Wanted = EVERYTHING) -> Sent:
    extent = extent_of(home.log, wanted)
    with draft_of(file) as draft:
        return export_to_file(home.collect, extent, JSONLines(home.log.key.name, size=extent.size), draft)


def indices(file: Path) -> list[int]:
    return [json.loads(line)["index"] for line in file.read_text().splitlines()]


# -- files


def test_a_file_holds_what_was_wanted_and_the_record_has_its_digest(home: Home, tmp_path: Path) -> None:
    say(home, 3)
    file = tmp_path / "export.jsonl"
    sent = write(home, file)
    assert indices(file) == [0, 1, 2]
    assert file.stat().st_mode & 0o777 == 0o600
    assert sent == Sent(count=3, first=0, last=2, record=3)
    (record,) = records(home)
    assert record.statement.body["content"] == {"sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
    assert record.statement.body["size"] == 3
    assert home.check_log() == 4


def test_a_file_that_cannot_be_written_leaves_what_was_there(home: Home, tmp_path: Path) -> None:
    class FullDisk(JSONLines):
        def document(self, extent: Extent, evidence: Iterator[Evidence]) -> Iterator[bytes]:
            yield b"half"
            raise Unavailable("the disk is full")

    say(home, 1)
    file = tmp_path / "export.jsonl"
    file.write_text("before")
    with pytest.raises(Unavailable), draft_of(file) as draft:
        export_to_file(home.collect, extent_of(home.log, EVERYTHING), FullDisk("o", size=1), draft)
    assert file.read_text() == "before"
    assert [each.name for each in tmp_path.iterdir() if each.is_file()] == ["export.jsonl"]
    assert records(home) == []


def test_a_folder_that_is_not_there_is_named(home: Home, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="nowhere"):
        write(home, tmp_path / "nowhere" / "export.jsonl")


def test_a_service_is_told_by_its_runs_too(home: Home, tmp_path: Path) -> None:
    say(home, 1, run="r-1")  # only the seal says of which service this run is
    say(home, 1, run="r-2")
    say(home, 1)
    seal(home, "r-1", "eligibility")
    seal(home, "r-2", "results")
    write(home, tmp_path / "export.jsonl", Wanted(service="eligibility"))
    assert indices(tmp_path / "export.jsonl") == [0, 3]


def test_bounds_are_indices_or_times_and_the_second_is_left_out(home: Home, tmp_path: Path) -> None:
    say(home, 6)
    times = [item.statement.context.recorded_at for item in home.log.every()]
    file = tmp_path / "export.jsonl"
    write(home, file, Wanted(since=2, until=5))
    assert indices(file) == [2, 3, 4]
    write(home, file, Wanted(since=times[0] - timedelta(days=1), until=5))
    assert indices(file) == [0, 1, 2, 3, 4]
    write(home, file, Wanted(since=times[5] + timedelta(days=1)))
    assert indices(file) == []
    write(home, file, Wanted(since=times[3], until=times[5]))
    first, last = times.index(times[3]), times.index(times[5])
    assert indices(file) == list(range(first, last))
    write(home, file, Wanted(since=90, until=10))
    assert indices(file) == []


@pytest.mark.parametrize("text", ["yesterday", "-1", "2026-13-01", "2026-11-23T01:02:03", "", "9" * 16])
def test_a_bound_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_bound(text)


def test_a_date_means_its_first_moment_in_utc() -> None:
    assert parse_bound("2026-11-23") == datetime(2026, 11, 23, tzinfo=UTC)
    assert parse_bound("17") == 17


def test_a_whole_bundle_comes_out_of_a_real_log(home: Home, tmp_path: Path) -> None:
    say(home, 4)
    extent = extent_of(home.log, EVERYTHING)
    with draft_of(tmp_path / "b.json") as draft:
        export_to_file(home.collect, extent, FHIRAuditEvents(home.log.key.name), draft)
    assert len(json.loads((tmp_path / "b.json").read_text())["entry"]) == 4


# -- receivers


def test_resuming_hands_over_what_came_since(home: Home) -> None:
    repository = Repository()
    say(home, 5)
    assert send(home, repository) == Sent(count=5, first=0, last=4, record=5)
    assert repository.connections == 2
    say(home, 2)
    send(home, repository)
    assert repository.read == [0, 1, 2, 3, 4, 5, 6, 7]


def test_looking_for_something_new_is_nothing_new(home: Home) -> None:
    repository = Repository()
    say(home, 2)
    send(home, repository)
    size = home.log.size()
    for _ in range(3):
        assert send(home, repository) == Sent()
    assert home.log.size() == size
    assert repository.read == [0, 1]


def test_breaking_off_is_recorded_and_the_last_for_certain_named(home: Home) -> None:
    repository = Repository(fates=["well", "lost"])
    say(home, 8)
    with pytest.raises(Unavailable, match="handed over for certain is 2") as caught:
        send(home, repository)
    assert caught.value.remedy is not None
    assert "--resume" in caught.value.remedy
    (record,) = records(home)
    assert record.statement.context.outcome == "errored"
    assert [record.statement.body[name] for name in ("first", "last", "count")] == [0, 2, 3]
    send(home, repository)
    assert set(repository.read) >= set(range(8))


def test_what_may_have_left_is_recorded_though_nothing_is_certain(home: Home) -> None:
    say(home, 8)
    with pytest.raises(Unavailable, match="nothing was handed over"):
        send(home, Repository(fates=["lost"]))
    (record,) = records(home)
    assert [record.statement.body[name] for name in ("first", "last", "count")] == [0, None, 0]


@pytest.mark.parametrize(("fate", "family"), [("down", Unavailable), ("stranger", Refused)])
def test_an_export_that_reached_nobody_leaves_nothing(home: Home, fate: str, family: type[Exception]) -> None:
    say(home, 2)
    for _ in range(2):
        with pytest.raises(family):
            send(home, Repository(fates=[fate]))
    assert records(home) == []


def test_what_a_killed_export_sent_is_recorded_by_the_next(home: Home) -> None:
    repository = Repository(fates=["well", "killed"])
    say(home, 8)
    with pytest.raises(KilledError):
        send(home, repository)
    assert records(home) == []
    send(home, repository)
    first, second = records(home)
    assert first.statement.context.outcome == "errored"
    assert [first.statement.body[name] for name in ("first", "last", "count")] == [0, 2, 3]
    assert [second.statement.body[name] for name in ("first", "last", "count")] == [3, 7, 5]


def test_sending_again_moves_nothing_and_a_gap_is_not_stepped_over(home: Home) -> None:
    repository = Repository()
    say(home, 4)
    with pytest.raises(Unavailable):
        send(home, Repository(fates=["lost"]))  # the stream begins at 0; nothing of it is certain
    send(home, repository, resume=False, since=2)
    assert repository.read == [2, 3, 4]
    send(home, repository)
    assert set(repository.read) >= set(range(4))
    send(home, repository, resume=False, since=1)
    after = len(repository.read)
    say(home, 1)
    send(home, repository)
    assert min(repository.read[after:]) > 4


def test_a_stream_may_begin_late(home: Home) -> None:
    repository = Repository()
    say(home, 6)
    send(home, repository, resume=False, since=4)
    say(home, 1)
    send(home, repository)
    assert repository.read == [4, 5, 6, 7]


def test_another_stream_needs_another_name(home: Home) -> None:
    say(home, 2)
    send(home, Repository())
    with pytest.raises(InvalidInput, match=r"all services; expected .* service eligibility") as caught:
        send(home, Repository(), service="eligibility")
    assert "--name" in (caught.value.remedy or "")


def test_a_log_that_was_cut_back_is_seen(home: Home, tmp_path: Path) -> None:
    say(home, 5)
    send(home, Repository())
    with opened(tmp_path / "older") as older:
        say(older, 2)
        other, extent = handover(older, Repository())
        mixed = Handover(
            collect=older.collect,
            origin=home.log.key.name,
            form=other.form,
            receiver=Repository(),
            cursors=FileCursors(home.settings.home / "exports"),
            name="hospital",
        )
        with pytest.raises(IntegrityViolation, match="5 statements were handed over"):
            mixed.send(extent, resume=True)
        say(older, 10)
        with pytest.raises(IntegrityViolation):
            mixed.send(extent_of(older.log, EVERYTHING), resume=True)


def test_two_exports_to_one_receiver_do_not_run_at_once(home: Home) -> None:
    say(home, 1)
    made, extent = handover(home, Repository())
    with made.cursors.held("hospital"), pytest.raises(Conflict):
        made.send(extent, resume=True)


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b'{"next":0}', b"[" * 5000])
def test_a_damaged_cursor_is_no_cursor(home: Home, content: bytes) -> None:
    say(home, 1)
    send(home, Repository())
    (home.settings.home / "exports" / "hospital.json").write_bytes(content)
    with pytest.raises(IntegrityViolation):
        send(home, Repository())


@pytest.mark.parametrize("name", ["", "../x", "A", "a/b", "-a", "x" * 97, "a\n"])
def test_a_cursor_has_a_plain_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput):
        FileCursors(tmp_path).load(name)


@pytest.mark.slow
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    lives=st.lists(
        st.tuples(st.integers(0, 7), st.lists(st.sampled_from(["well", "down", "lost", "killed"]), max_size=4)),
        max_size=5,
    )
)
def test_whatever_fails_nothing_is_skipped_and_all_that_left_is_on_record(lives: list[tuple[int, list[str]]]) -> None:
    with tempfile.TemporaryDirectory() as folder, opened(Path(folder) / "home") as home:
        repository = Repository()
        for said, fates in [*lives, (1, [])]:
            say(home, said)
            repository.fates = list(fates)
            try:
                send(home, repository)
            except (Unavailable, KilledError):
                continue
        assert set(repository.read) >= set(others(home))
        told = [record.statement.body for record in records(home)]
        # What one record does not count for certain, the next one does: the counts make up the stream, once.
        certain = [body for body in told if body["last"] is not None]
        expected = 0
        for body in certain:
            first, last = body["first"], body["last"]
            assert isinstance(first, int)
            assert isinstance(last, int)
            assert first == expected
            assert body["count"] == last - first + 1
            expected = last + 1
        assert home.check_log() == home.log.size()


def test_a_certificate_that_is_not_there_is_named_and_no_other(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").touch()
    with pytest.raises(InvalidInput, match=r"no file \S+/ours\.pem$"):
        Credentials(ca=tmp_path / "ca.pem", certificate=tmp_path / "ours.pem", key=tmp_path / "ca.pem").context()
    with pytest.raises(InvalidInput, match=r"ca\.pem: NO_CERTIFICATE"):
        Credentials(ca=tmp_path / "ca.pem").context()


def test_an_export_of_a_service_that_nobody_named_says_so(home: Home, tmp_path: Path) -> None:
    seal(home, "r-1", "eligibility")
    command = ["log", "export", "--format", "jsonl", "--to", str(tmp_path / "file"), "--service", "eligibilty"]
    done = CliRunner().invoke(app, command, env={"WARDLINE_HOME": str(home.settings.home)})
    assert done.exit_code == 0, done
    assert "none there is of service 'eligibilty'" in done.stdout
