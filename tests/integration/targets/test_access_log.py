"""Reading back: by time, over rotated files, through torn lines, and never as clean what nobody could read."""

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wardline.adapters.targets.local import access_log
from wardline.adapters.targets.local.access_log import p95_ms, read_probes, read_requests, record_probe
from wardline.adapters.targets.local.health import Answer
from wardline.errors import Unavailable

T0 = datetime(2026, 11, 23, tzinfo=UTC)


def line(at: float, *, status: int = 200, duration: float = 0.01, upstream: str = "127.0.0.1:1") -> bytes:
    # As Caddy 2.11 writes it with the configuration of ours.
    return (
        f'{{"level":"info","ts":{T0.timestamp() + at},"logger":"http.log.access","msg":"handled request",'
        f'"duration":{duration},"status":{status},"retries":0,"upstream_ms":null,"upstream":"{upstream}"}}\n'
    ).encode()


def moment(at: float) -> datetime:
    return T0 + timedelta(seconds=at)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3000), st.integers(-10, 10)), max_size=900),
    st.integers(0, 3000),
    st.integers(0, 600),
    st.integers(1, 4),
)
def test_exactly_what_ended_in_the_stretch_is_read(
    ends: list[tuple[int, int]], since: int, length: int, files: int
) -> None:
    # In the order of writing, each stamped up to a second beside it.
    written = [at / 10 + jitter / 10 for at, jitter in sorted(ends)]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "access.log"
        names = [*(log.with_name(f"access-2026-11-23T00-0{n}-00.000.log") for n in range(files - 1)), log]
        share = len(written) // files + 1
        for number, path in enumerate(names):
            part = written[number * share : (number + 1) * share]
            # Long lines, so that the search by bisection has something to search.
            path.write_bytes(b"".join(line(at, upstream="u" * 300) for at in part))
        found = [seen.at for seen in read_requests(log, moment(since / 10), moment((since + length) / 10))]
    begin, end = moment(since / 10).timestamp(), moment((since + length) / 10).timestamp()
    assert found == [at + T0.timestamp() for at in written if begin <= at + T0.timestamp() < end]


@pytest.mark.parametrize("since", [0.0, 7.5, 499.9, 950.0, 999.95, 1500.0])
def test_a_stretch_inside_a_long_log_is_found(tmp_path: Path, since: float) -> None:
    log = tmp_path / "access.log"
    log.write_bytes(b"".join(line(number / 20) for number in range(20_000)))  # over 1000 s
    found = [seen.at for seen in read_requests(log, moment(since), moment(since + 5))]
    begin, end = moment(since).timestamp(), moment(since + 5).timestamp()
    assert found == [at for n in range(20_000) if begin <= (at := T0.timestamp() + n / 20) < end]


def test_what_counts_as_an_error(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    cases = [(200, 0.1), (404, 0.1), (500, 0.1), (502, 5.0), (0, 0.1), (499, 0.2), (499, 3.0)]
    log.write_bytes(b"".join(line(n, status=status, duration=took) for n, (status, took) in enumerate(cases)))
    assert [seen.failed for seen in read_requests(log, T0, moment(100))] == [
        False, False, True, True, True,
        False,  # the caller left at once: it changed its mind
        True,  # the caller waited, and was not answered
    ]  # fmt: skip


def test_a_line_torn_by_a_kill_costs_one_request(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_bytes(line(1) + line(2)[:40] + line(3) + line(4) + line(5)[:60])
    assert [seen.at - T0.timestamp() for seen in read_requests(log, T0, moment(100))] == [1, 4]


def test_a_request_that_reached_nobody_belongs_to_nobody(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_bytes(line(1).replace(b',"retries":0,"upstream_ms":null,"upstream":"127.0.0.1:1"', b""))
    assert [(seen.upstream, seen.failed) for seen in read_requests(log, T0, moment(9))] == [(None, False)]


def test_a_damaged_log_is_not_a_quiet_one(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_bytes(b"garbage\n" * 300)
    with pytest.raises(Unavailable, match="damaged"):
        list(read_requests(log, T0, moment(100)))


def test_a_missing_log_is_not_a_quiet_one(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="cannot be read"):
        list(read_requests(tmp_path / "access.log", T0, moment(100)))


def test_what_was_rotated_away_is_not_taken_for_silence(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_bytes(line(90))
    for number in range(access_log.LOG_FILES):
        log.with_name(f"access-{number}.log").write_bytes(line(50 + number))
    assert len(list(read_requests(log, moment(51), moment(100)))) == access_log.LOG_FILES
    with pytest.raises(Unavailable, match="rotated away"):
        list(read_requests(log, moment(49), moment(100)))


def test_probes_are_kept_per_release_and_bounded(tmp_path: Path) -> None:
    path = tmp_path / "probes.jsonl"
    assert list(read_probes(path, "a", T0, moment(10))) == []
    record_probe(path, "a", moment(1), Answer(status=200, took_ms=7))
    record_probe(path, "b", moment(2), Answer(status=503, took_ms=9))
    record_probe(path, "a", moment(3), Answer(status=None, took_ms=5000, reason="no answer in time"))
    seen = list(read_probes(path, "a", T0, moment(10)))
    assert [(s.took_ms, s.failed) for s in seen] == [(7, False), (5000, True)]
    path.write_bytes(path.read_bytes() * 5000)
    record_probe(path, "a", moment(4), Answer(status=200, took_ms=1))
    assert path.stat().st_size < 1 << 20
    assert list(read_probes(path, "a", T0, moment(10)))[-1].took_ms == 1


@given(st.lists(st.integers(0, 10_000), min_size=1))
def test_p95_is_not_exceeded_by_95_percent(durations: list[int]) -> None:
    p95 = p95_ms(durations)
    assert p95 in durations
    assert sum(d <= p95 for d in durations) * 100 >= 95 * len(durations)
    assert sum(d < p95 for d in durations) * 100 < 95 * len(durations)


def test_no_request_has_no_p95() -> None:
    assert p95_ms([]) is None
