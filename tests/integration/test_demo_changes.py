"""The versions that `make demo` ships still follow from the example as it stands, each with its own fault."""

import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest

from wardline.pipelines.parse import parse

EXAMPLES = Path(__file__).parents[2] / "examples"
VERSIONS = ("1.1", "1.2", "1.3", "1.4")

sys.path[:0] = [str(EXAMPLES / "demo"), str(EXAMPLES / "eligibility" / "src")]
import load  # noqa: E402 # a script beside the package, not part of it
import stage  # noqa: E402
import story  # noqa: E402
from eligibility import inquiry, x12  # noqa: E402


@pytest.fixture
def repository(tmp_path: Path) -> stage.Repository:
    return stage.Repository(tmp_path, changes=story.suited(45_678))


def python(repository: stage.Repository, code: str) -> subprocess.CompletedProcess[str]:
    environment = {"PYTHONPATH": str(repository.path / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)


def test_pipeline_of_the_story_is_valid(repository):
    pipeline = parse((repository.path / "wardline.yaml").read_text())
    assert pipeline.production.target.port == 45_678
    assert pipeline.production.approvals_within.total_seconds() == story.APPROVALS_SECONDS


def test_each_patch_applies_and_says_its_version(repository):
    for version in VERSIONS:
        assert repository.apply(version)
        said = python(repository, "import eligibility; print(eligibility.__version__)").stdout.strip()
        assert said == version


def test_1_2_turns_a_patient_away_on_the_last_day_and_1_3_does_not(repository):
    code = (
        "from datetime import date; from eligibility.coverage import Coverage, Member, _benefits as b;"
        "d = date(2024, 1, 15); c = Coverage(service_type='30', plan='', starts=d, ends=d, copay_cents=None);"
        "m = Member(id='', last_name='', first_name='', born=d, sex='F', coverages=(c,));"
        "print(b(m, '30', d)[0].standing)"
    )
    standings = []
    for version in VERSIONS[:3]:
        repository.apply(version)
        standings.append(python(repository, code).stdout.strip())
    assert standings == ["1", "6", "1"]


def test_1_4_loses_a_connection_with_each_stranger(repository, tmp_path):
    code = (
        "from pathlib import Path; from eligibility.members import prepare;"
        f"m = prepare(Path({str(tmp_path / 'e.sqlite')!r}));"
        "print([m.find('nobody') for _ in range(3)]); m.find('SYN0000001'); print('found')"
    )
    for version in VERSIONS:
        repository.apply(version)
        ended = python(repository, code)
        assert ("found" in ended.stdout) is (version != "1.4"), ended.stderr
    assert "queue.Empty" in ended.stderr


def test_the_load_asks_what_the_service_understands():
    day = list(islice(load.day_at_the_desk(usage="P", strangers=True), 10))
    for request in (request for request in day if request.path == "/x12"):
        asked = inquiry.from_x12(x12.read(request.body)).inquiry
        assert asked.member_id.startswith("SYN")
        assert asked.service_types == ("30", "98")
    assert [request.method for request in day].count("POST") == 9
