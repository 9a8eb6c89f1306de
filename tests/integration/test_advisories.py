"""The mirror of advisories: dumps taken whole or not at all, and SBOMs held against what was imported."""

import gzip
import io
import json
import sqlite3
import tarfile
import zipfile
from pathlib import Path

import pytest
import yaml
from tests.fakes.advisories import bom, record
from tests.fakes.filled_home import settings
from typer.testing import CliRunner

from wardline.adapters.advisories.mirror_file import making_mirror, open_mirror
from wardline.bootstrap.home import open_home
from wardline.cli.main import app
from wardline.errors import InvalidInput, NotFound, WardlineError
from wardline.findings.advisories.predicates import ADVISORY_SNAPSHOT

RECORDS = [record(), record("GHSA-1", package="flask", aliases=["CVE-2023-1"]), record("GHSA-2", ecosystem="npm")]
REAL = Path(__file__).parents[3] / "shared" / "data" / "osv" / "pypi-advisories.tar.gz"


def zipped(path, records=RECORDS):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for each in records:
            archive.writestr(f"{each['id']}.json", json.dumps(each))
    return path


def tarred(path, records=RECORDS, *, dump=yaml.safe_dump, suffix=".yaml"):
    with tarfile.open(path, "w:gz" if path.name.endswith("gz") else "w") as archive:
        for each in records:
            content = dump(each).encode()
            entry = tarfile.TarInfo(f"vulns/{each['id']}{suffix}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        archive.addfile(tarfile.TarInfo("LICENSE"))
    return path


def folder(path, records=RECORDS):
    path.mkdir()
    for each in records:
        (path / f"{each['id']}.json").write_text(json.dumps(each))
    return path


def made(tmp_path, *dumps):
    with making_mirror(tmp_path / "mirror", dumps) as mirror:
        return mirror.snapshot


@pytest.mark.parametrize(
    ("name", "pack"),
    [("all.zip", zipped), ("a.tar.gz", tarred), ("a.tgz", tarred), ("a.tar", tarred), ("folder", folder)],
)
def test_a_dump_of_each_kind_is_the_same_mirror(tmp_path, name, pack):
    snapshot = made(tmp_path, pack(tmp_path / name))
    assert snapshot.advisories == 3
    assert [(each.name, each.advisories) for each in snapshot.ecosystems] == [("PyPI", 2), ("npm", 1)]
    with open_mirror(tmp_path / "mirror") as mirror:
        assert mirror.snapshot == snapshot
        assert [each.id for each in mirror.about("PyPI", "Flask")] == ["GHSA-1"]
        assert [each.id for each in mirror.about("npm", "jinja2")] == ["GHSA-2"]
        assert [each.id for each in mirror.holding(["GHSA-2", "GHSA-9"])] == ["GHSA-2"]
    assert snapshot == made(tmp_path, zipped(tmp_path / "again.zip"))


def test_of_a_record_in_two_dumps_the_one_changed_later_counts(tmp_path):
    old = record(fixed="9.9", modified="2020-01-01T00:00:00Z")
    snapshot = made(tmp_path, zipped(tmp_path / "a.zip"), zipped(tmp_path / "b.zip", [old]))
    assert snapshot.advisories == 3
    with open_mirror(tmp_path / "mirror") as mirror:
        assert mirror.about("PyPI", "jinja2")[0].affected[0].ranges[0].events[1].version == "2.11.3"


def cut(path, part):
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part)])
    return path


def between_two_files(path):
    """An archive whose gzip is whole and whose tar ends after its first file: tarfile reads it without a word."""
    whole = tarred(path.with_suffix(".tar"))
    path.write_bytes(gzip.compress(whole.read_bytes()[:1024]))
    return path


def corrupted(path):
    content = bytearray(zipped(path).read_bytes())
    content[60] ^= 0xFF
    path.write_bytes(content)
    return path


BAD = {
    "a zip cut short": lambda d: cut(zipped(d / "x.zip"), 0.8),
    "a zip with a byte changed": lambda d: corrupted(d / "x.zip"),
    "a tar.gz cut short": lambda d: cut(tarred(d / "x.tar.gz"), 0.7),
    "a tar.gz cut before its checksum": lambda d: cut(tarred(d / "x.tar.gz"), 0.99),
    "a tar cut between two files": lambda d: between_two_files(d / "x.tar.gz"),
    "a zip of nothing": lambda d: zipped(d / "x.zip", []),
    "a folder of nothing": lambda d: folder(d / "x", []),
    "an empty file": lambda d: cut(zipped(d / "x.zip"), 0),
    "a record cut short": lambda d: cut(folder(d / "x") / "GHSA-1.json", 0.5).parent,
    "an empty record": lambda d: cut(folder(d / "x") / "GHSA-1.json", 0).parent,
    "a record that is no record": lambda d: zipped(d / "x.zip", [*RECORDS, {"id": "GHSA-3"}]),
    "a record with a range nobody knows": lambda d: zipped(d / "x.zip", [record() | {"affected": [
        {"package": {"ecosystem": "PyPI", "name": "x"}, "ranges": [{"type": "NEW", "events": []}]}]}]),
    "YAML of which every alias is ten more": lambda d: tarred(
        d / "x.tar.gz", dump=lambda _: "a: &a [1,1]\nb: &b [*a,*a]\nc: [*b,*b]\n"),
    "another kind of file": lambda d: zipped(d / "x.rar"),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_a_dump_that_is_not_whole_is_refused_and_the_mirror_stays(tmp_path, what):
    before = made(tmp_path, zipped(tmp_path / "before.zip"))
    with pytest.raises(InvalidInput):
        made(tmp_path, zipped(tmp_path / "good.zip"), BAD[what](tmp_path))
    with open_mirror(tmp_path / "mirror") as mirror:
        assert mirror.snapshot == before
    assert [path.name for path in (tmp_path / "mirror").iterdir()] == ["advisories.db"]


def test_a_dump_that_is_not_there_is_said(tmp_path):
    with pytest.raises(NotFound):
        made(tmp_path, tmp_path / "x.zip")


@pytest.fixture
def wardline(tmp_path, monkeypatch):
    monkeypatch.setenv("WARDLINE_HOME", str(tmp_path / "home"))

    def run(*words, code=0):
        result = CliRunner().invoke(app, ["advisories", *map(str, words)])
        assert not isinstance(result.exception, WardlineError) or code is type(result.exception), result.exception
        assert code is type(result.exception) or result.exit_code == code, result.output
        return result.exception if isinstance(result.exception, WardlineError) else result.stdout

    return run


def sbom(tmp_path, *purls):
    path = tmp_path / "bom.json"
    path.write_text(json.dumps(bom(*purls)))
    return path


def test_an_import_is_on_record_once_and_an_sbom_is_held_against_it(tmp_path, wardline):
    told = json.loads(wardline("import", zipped(tmp_path / "a.zip"), "--output", "json"))
    again = json.loads(wardline("import", zipped(tmp_path / "b.zip"), "--output", "json"))
    assert again == told
    with open_home(settings(tmp_path / "home")) as home:
        (snapshot,) = home.log.every(ADVISORY_SNAPSHOT)
        home.check_log()
    assert snapshot.index == told["log"]
    assert snapshot.statement.body["newest"] == "2024-10-10T17:22:00.000Z"

    bad = sbom(tmp_path, "pkg:pypi/jinja2@2.4.1")
    found = json.loads(wardline("check", bad, "--output", "json", code=3))
    assert [each["rule"] for each in found["findings"]] == ["PYSEC-2021-66"]
    assert found["advisories"]["log"] == told["log"]
    assert "fixed in 2.11.3" in wardline("check", bad, code=3)
    run = json.loads(wardline("check", bad, "--output", "sarif", code=3))["runs"][0]
    assert run["results"][0]["ruleId"] == "PYSEC-2021-66"
    assert wardline("check", sbom(tmp_path, "pkg:pypi/jinja2@3.1.4")).startswith("1 components compared, 0 vuln")
    assert "errored   pkg:gem/x@1: ecosystem-not-mirrored" in wardline("check", sbom(tmp_path, "pkg:gem/x@1"), code=1)
    assert "PyPI  2" in wardline("show")


def test_without_an_import_nothing_is_clean(tmp_path, wardline):
    with open_home(settings(tmp_path / "home")):
        pass
    assert "no advisories were imported" in str(wardline("check", sbom(tmp_path, "pkg:pypi/x@1"), code=NotFound))


def test_a_mirror_that_knows_less_is_refused_unless_it_is_meant(tmp_path, wardline):
    from wardline.errors import Refused

    wardline("import", zipped(tmp_path / "a.zip"))
    fewer = zipped(tmp_path / "b.zip", RECORDS[:2])
    assert "1 records of npm" in str(wardline("import", fewer, code=Refused))
    older = zipped(tmp_path / "c.zip", [each | {"modified": "2024-01-01T00:00:00Z"} for each in RECORDS])
    assert "as new as" in str(wardline("import", older, code=Refused))
    assert "npm  1" in wardline("show")
    wardline("import", fewer, "--accept-fewer")
    assert "npm" not in wardline("show")


def test_an_advisory_taken_out_of_the_mirror_is_noticed(tmp_path, wardline):
    from wardline.errors import IntegrityViolation

    wardline("import", zipped(tmp_path / "a.zip"))
    with sqlite3.connect(tmp_path / "home" / "advisories" / "advisories.db") as connection:
        connection.execute("DELETE FROM package WHERE id = 'PYSEC-2021-66'")
    connection.close()
    wardline("check", sbom(tmp_path, "pkg:pypi/jinja2@2.4.1"), code=IntegrityViolation)


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\0" + bytes(500), b"x" * 5000])
def test_a_mirror_that_is_none_is_damaged(tmp_path, wardline, content):
    from wardline.errors import IntegrityViolation

    wardline("import", zipped(tmp_path / "a.zip"))
    (tmp_path / "home" / "advisories" / "advisories.db").write_bytes(content)
    wardline("check", sbom(tmp_path, "pkg:pypi/jinja2@2.4.1"), code=IntegrityViolation)


@pytest.mark.parametrize("content", ["", '{"bomFormat": "CycloneDX", "specVers', "[]", "{}"])
def test_an_sbom_cut_short_is_refused(tmp_path, wardline, content):
    wardline("import", zipped(tmp_path / "a.zip"))
    path = tmp_path / "x.json"
    path.write_text(content)
    wardline("check", path, code=InvalidInput)


@pytest.mark.slow
@pytest.mark.skipif(not REAL.exists(), reason="the published advisories for Python are not on this machine")
def test_the_published_advisories_for_python_are_all_read(tmp_path, wardline):
    told = json.loads(wardline("import", REAL, "--output", "json"))
    assert (told["advisories"], told["withdrawn"]) == (2661, 10)
    found = json.loads(wardline("check", sbom(tmp_path, "pkg:pypi/PyYAML@5.3"), "--output", "json", code=3))
    assert [(each["rule"], each["fixed"]) for each in found["findings"]] == [
        ("CVE-2020-14343", ["5.4"]), ("CVE-2020-1747", ["5.3.1"]),
    ]  # fmt: skip
