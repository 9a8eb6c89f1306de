"""An emergency with the real command and a real service: a freeze, the glass, the release, the debt, the review."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.e2e.installation import Installation, commit, repository
from tests.e2e.tiny import tiny

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]

YESTERDAY = datetime.now(UTC) - timedelta(days=1)
FREEZE = f"""\
calendar: 1
timezone: UTC
windows:
  - id: go-live
    kind: go-live
    strength: emergency-only
    starts: {YESTERDAY:%Y-%m-%dT00:00}
    lasts: 7d
    reason: the wards go over
"""


@pytest.fixture
def wardline(tmp_path: Path) -> Iterator[Installation]:
    installation = Installation(tmp_path)
    installation.enrol_everybody()
    for person in ("oli", "olga"):
        installation("keys", "new", installation.key(person), person=person)
        keys = ("--public-key", f"{installation.key(person)}.pub", "--key", installation.key("ada"))
        installation("people", "enrol", f"p-{person}", "--role", "operator", *keys, person="ada")
    yield installation
    installation.stop()


def frozen(version: str) -> dict[str, str]:
    """Return the files of a version whose tests cover too little, in the middle of a freeze."""
    files = tiny(version)
    declared = files["wardline.yaml"].replace("min_coverage: 20", "min_coverage: 100")
    declared = declared.replace("  production:\n", "  production:\n    windows: [calendars/clinic.yaml]\n")
    return files | {"wardline.yaml": declared, "calendars/clinic.yaml": FREEZE}


def glass(wardline: Installation, verb: str, run: str, person: str, *more: str) -> str:
    said = ("--key", wardline.key(person), "--reason", "Doses are wrong.", "--confirm", "tiny/production")
    return wardline("break-glass", verb, run, *said, *more, person=person)


def test_an_emergency_is_released_owed_and_reviewed(wardline: Installation) -> None:
    repo = repository(wardline.folder / "tiny", frozen("1.0"))
    shipping = wardline.start("ship", repo, "--emergency")
    shipping.until_it_waits("EMERGENCY: staging waits for the glass to be broken")
    run = shipping.run
    asked = ("break-glass", "start", run, "--environment", "production", "--code", "patient-safety")
    unconfirmed = wardline.attempt(*asked, "--key", wardline.key("oli"), "--reason", "It is.", person="oli")
    assert (unconfirmed.code, "--confirm tiny/production" in unconfirmed.err) == (2, True)
    warned = glass(wardline, "start", run, "oli", "--environment", "production", "--code", "patient-safety")
    assert "is set aside: coverage-kept: deny" in warned
    assert "joined p-oli" in glass(wardline, "join", run, "olga")
    assert shipping.end() == 0, shipping

    assert "set-aside by coverage-kept: EMERGENCY" in wardline("runs", "show", run)
    assert "production gate" in wardline("gate", "explain", run)
    assert "allow, EMERGENCY" in wardline("gate", "explain", run)
    assert "EMERGENCY: tiny/production was released under break-glass; review owed" in wardline("status")
    owed = wardline.json("break-glass", "list")
    assert {each["environment"] for each in owed} == {"staging", "production"}
    assert [each["break_glass_rate_bp"] for each in wardline.json("metrics")["services"]] == [10_000]

    commit(repo, {"wardline.yaml": tiny("1.1")["wardline.yaml"], "tiny.py": tiny("1.1")["tiny.py"]}, "As it should be")
    denied = wardline.ship(repo)
    assert denied.end() == 4, denied
    assert "no-review-debt" in wardline("runs", "show", denied.run)

    for person in ("sam", "cleo"):
        said = ("--verdict", "justified", "--retrospective", "Test more.", "--yes", "--key", wardline.key(person))
        reviewed = wardline("break-glass", "review", run, *said, person=person)
    assert "nothing is owed for it" in reviewed
    again = wardline.ship(repo)
    again.until_it_waits("production needs")
    wardline.approve(again.run)
    assert again.end() == 0, again

    proven(wardline, run)


def proven(wardline: Installation, run: str) -> None:
    packet = wardline.folder / "packet.html"
    wardline("packet", run, "--to", packet)
    wardline("verify", packet, "--key", wardline.home / "keys" / "log.vkey")
    assert "EMERGENCY: rules were set aside under break-glass" in packet.read_text()
    wardline("gate", "replay")
    wardline.checks()
