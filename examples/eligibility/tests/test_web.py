import json
import sqlite3
from pathlib import Path

import pytest
from conftest import Caller
from eligibility import __version__
from eligibility.coverage import Coverage
from eligibility.members import prepare
from eligibility.reply import money
from eligibility.settings import WrongSettingError, read_settings
from eligibility.x12 import Delimiters, clean
from interchanges import inquiry


def test_health_and_version(caller: Caller) -> None:
    assert json.loads(caller.call("GET", "/healthz")) == {"status": "ok"}
    assert json.loads(caller.call("GET", "/version"))["version"] == __version__
    assert caller.headers["Eligibility-Version"] == __version__
    assert caller.headers["Cache-Control"] == "no-store"


def test_health_fails_without_members(caller: Caller, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "eligibility.sqlite") as connection:
        connection.execute("DELETE FROM coverage")
        connection.execute("DELETE FROM member")
    connection.close()
    caller.call("GET", "/healthz")
    assert caller.status == 503


def test_unknown_path_is_neither_repeated_nor_logged(caller: Caller) -> None:
    answer = caller.call("GET", "/patients/ZZSAMPLE")
    assert caller.status == 404
    assert b"ZZSAMPLE" not in answer
    assert "ZZSAMPLE" not in caller.log.getvalue()


def test_wrong_method_names_the_right_one(caller: Caller) -> None:
    caller.call("GET", "/x12")
    assert (caller.status, caller.headers["Allow"]) == (405, "POST")


def test_too_long_a_body_is_refused(caller: Caller) -> None:
    caller.x12(b"x" * (64 * 1024 + 1))
    assert caller.status == 413


def test_failure_is_a_500_that_says_no_more_than_its_kind(caller: Caller, tmp_path: Path) -> None:
    (tmp_path / "eligibility.sqlite").write_bytes(b"not a database, ZZSAMPLE" * 100)
    answer = caller.x12(inquiry())
    assert caller.status == 500
    assert json.loads(answer)["code"] == "DatabaseError"
    assert "ZZSAMPLE" not in answer.decode() + caller.log.getvalue()


def test_log_follows_a_trace_by_reference_only(caller: Caller) -> None:
    caller.x12(inquiry())
    answered, request = (json.loads(line) for line in caller.log.getvalue().splitlines())
    assert answered["trace"] == caller.journal.reference("TRACE-0001*9ZZCLINIC00")
    assert (request["route"], request["status"], request["outcome"]) == ("/x12", 200, "answered")
    for secret in ("TRACE-0001", "ZZSAMPLE", "SYN0000001", "1942"):
        assert secret not in caller.log.getvalue()


@pytest.mark.parametrize(("usage", "status"), [("T", 200), ("P", 400)])
def test_usage_of_another_environment_is_refused(tmp_path: Path, *, usage: str, status: int) -> None:
    caller = Caller(tmp_path / "e.sqlite", usage=usage)
    caller.x12(inquiry())
    assert caller.status == status


def test_schema_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "e.sqlite"
    prepare(path)
    connection = sqlite3.connect(path)
    connection.executescript("ALTER TABLE coverage ADD COLUMN of_the_future INTEGER; PRAGMA user_version = 99;")
    connection.close()
    member = prepare(path).find("SYN0000002")
    assert member is not None
    assert all(isinstance(c, Coverage) for c in member.coverages)


def test_settings_have_defaults_and_say_what_is_wrong(tmp_path: Path) -> None:
    settings = read_settings({"WARDLINE_DATA_DIR": str(tmp_path), "ELIGIBILITY_USAGE": ""})
    assert settings.database == tmp_path / "eligibility.sqlite"
    assert (settings.usage, settings.log_key, settings.threads) == (None, None, 8)
    assert read_settings({"ELIGIBILITY_DB": "/x.sqlite", "ELIGIBILITY_LOG_KEY": "k"}).log_key == b"k"
    for wrong in ({"ELIGIBILITY_USAGE": "X"}, {"ELIGIBILITY_THREADS": "0"}, {"ELIGIBILITY_DRAIN_SECONDS": "soon"}):
        with pytest.raises(WrongSettingError, match="expected"):
            read_settings(wrong)


def test_stored_values_cannot_break_a_segment() -> None:
    assert clean("A*B~C^D:E\nF", Delimiters()) == "A B C D E F"
    assert [money(c) for c in (0, 5, 50, 2000, 1250)] == ["0", "0.05", "0.5", "20", "12.5"]
