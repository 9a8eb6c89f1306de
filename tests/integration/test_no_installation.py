"""At a home where no installation is, what only looks says so: it makes no key, and calls no empty log in order."""

from pathlib import Path

import pytest
from tests.fakes.filled_home import settings
from typer.testing import CliRunner

from wardline.bootstrap.home import open_existing_home, open_home
from wardline.bootstrap.keys import retire
from wardline.cli.main import app
from wardline.errors import Conflict, NotFound

LOOKING = (
    "status",
    "runs list",
    "runs show r-1",
    "runs resume r-1",
    "runs cancel r-1",
    "rollback production",
    "rehearse",
    "environments stop all",
    "keys show",
    "keys list",
    "log list",
    "log check",
    "log holds",
    "log completeness --from 2026-01-01 --to 2026-12-31",
    "log purge --dry-run",
    "log prove 0",
    "log tiles tiles",
    "log export --format jsonl --to file",
    "log copy --to copy.db",
    "log witnesses list",
    "people list",
    "controls show",
    "people forget p-devi --dry-run",
    "packet r-1",
    "backup file",
    "metrics",
)


@pytest.mark.parametrize("command", LOOKING)
def test_looking_at_a_mistyped_home_is_refused_and_leaves_nothing(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "mistyped"
    monkeypatch.setenv("WARDLINE_HOME", str(home))
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, command.split())
    assert isinstance(result.exception, NotFound)
    assert str(home) in result.exception.what
    assert "WARDLINE_HOME" in (result.exception.remedy or "")
    assert list(tmp_path.iterdir()) == []


def test_an_installation_that_was_begun_is_there(tmp_path: Path) -> None:
    where = settings(tmp_path / "home")
    with open_home(where) as begun:
        key = begun.log.key
    with open_existing_home(where) as found:
        assert found.log.key == key


def test_a_key_of_ones_own_is_made_without_any_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARDLINE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("WARDLINE_PASSPHRASE", "quite a long phrase")
    made = CliRunner().invoke(app, ["keys", "new", str(tmp_path / "sam.key")])
    assert made.exit_code == 0
    assert not (tmp_path / "home").exists()
    monkeypatch.delenv("WARDLINE_PASSPHRASE")
    again = CliRunner().invoke(app, ["keys", "new", str(tmp_path / "sam.key")])
    assert isinstance(again.exception, Conflict)  # said before anybody is asked for a passphrase


def test_a_persons_key_is_not_retired(tmp_path: Path) -> None:
    with open_home(settings(tmp_path / "home")) as home, pytest.raises(NotFound, match="the installation has none"):
        retire(home, "d64459b20ca2")
