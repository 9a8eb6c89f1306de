"""Scanners: what was not looked at is errored, never clean. Real ones, and programs that behave badly."""

import json
import os
import zipfile
from datetime import timedelta

import pytest

from wardline.adapters.builds import environment
from wardline.adapters.builds.bundle import pack
from wardline.adapters.builds.wheels import Wheel
from wardline.adapters.scanners.bandit import Bandit
from wardline.adapters.scanners.programs import Programs
from wardline.adapters.scanners.syft import Syft
from wardline.findings.finding import Severity
from wardline.findings.redactor import StreamingRedactor

MINUTE = timedelta(minutes=1)
ENVIRON = {"PATH": os.environ["PATH"]}
WEAK = "import hashlib\n\n\ndef digest(x):\n    return hashlib.sha1(x).hexdigest()\n"


@pytest.fixture
def programs():
    return Programs(environ=ENVIRON, redactor=StreamingRedactor)


@pytest.fixture
def fake(tmp_path):
    """Make a program of the given name and script, and return where scanners are then found."""

    def make(name, script):
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
        return Programs(environ=ENVIRON, redactor=StreamingRedactor, folder=folder)

    return make


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    write(folder, "svc/app.py", WEAK)
    write(folder, "svc/fine.py", "X = 1\n")
    return folder


def write(folder, name, text):
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)


def bandit(programs, source, *paths, timeout=MINUTE):
    return Bandit(programs=programs).scan(source, paths=paths or (".",), timeout=timeout)


def test_a_weakness_is_a_finding_with_a_name_that_lasts(programs, source):
    scan = bandit(programs, source)
    assert scan.reason is None
    assert (scan.looked_at.files, scan.looked_at.lines) == (2, 4)
    assert scan.scanner.name == "bandit"
    assert scan.scanner.version[0].isdigit()
    (found,) = scan.findings
    assert (found.check, found.rule, found.severity) == ("bandit", "B324", Severity.HIGH)
    assert (found.path, found.line) == ("svc/app.py", 5)
    write(source, "svc/app.py", "# moved\n\n" + WEAK)
    (moved,) = bandit(programs, source).findings
    assert (moved.id, moved.line) == (found.id, 7)


def test_clean_means_looked_at(programs, source):
    (source / "svc/app.py").unlink()
    scan = bandit(programs, source)
    assert (scan.reason, scan.findings, scan.looked_at.files) == (None, (), 1)


def test_nothing_in_the_repository_narrows_the_look(programs, source):
    write(source, ".bandit", "[bandit]\nskips: B324\nexclude: svc\n")
    write(source, "pyproject.toml", '[tool.bandit]\nskips = ["B324"]\nexclude_dirs = ["svc"]\n')
    write(source, "svc/app.py", WEAK.replace("hexdigest()", "hexdigest()  # nosec"))
    write(source, "svc/CVS_pharmacy.py", WEAK)
    assert [finding.rule for finding in bandit(programs, source).findings] == ["B324", "B324"]


def test_tests_and_hidden_folders_are_left_out(programs, source):
    for name in ("tests/a.py", "svc/test/b.py", "svc/test_c.py", "svc/d_test.py", "conftest.py", ".hidden/e.py"):
        write(source, name, WEAK)
    assert {finding.path for finding in bandit(programs, source).findings} == {"svc/app.py"}


def test_only_the_named_paths_are_looked_at(programs, source):
    write(source, "other/app.py", WEAK)
    write(source, "-x.py", WEAK)
    assert [finding.path for finding in bandit(programs, source, "other").findings] == ["other/app.py"]
    assert [finding.path for finding in bandit(programs, source, "./svc/app.py", "-x.py").findings] == [
        "-x.py",
        "svc/app.py",
    ]


def test_neither_findings_nor_report_hold_the_source(programs, source):
    write(source, "svc/app.py", "password = 'hunter2-or-so'\nadmin_token = \"it's (secret)\"\n")
    scan = bandit(programs, source)
    assert [finding.message for finding in scan.findings] == ["Possible hardcoded password"] * 2
    assert b"hunter2" not in scan.report
    assert b"secret)" not in scan.report
    assert json.loads(scan.report)["results"][0]["test_id"] == "B105"


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("svc/broken.py", "def f(:\n", "file-not-read"),
        ("svc/old.py", "print 'python 2'\n", "file-not-read"),
    ],
)
def test_a_file_that_cannot_be_read_is_no_clean_scan(programs, source, name, text, reason):
    write(source, name, text)
    scan = bandit(programs, source)
    assert (scan.reason, scan.findings, scan.looked_at.files) == (reason, (), 0)
    assert name in scan.remedy


@pytest.mark.parametrize(
    ("paths", "reason"),
    [
        (("nowhere",), "path-not-found"),
        (("..",), "path-not-found"),
        (("/etc",), "path-not-found"),
        (("docs",), "nothing-to-look-at"),
    ],
)
def test_a_path_with_nothing_to_see_is_no_clean_scan(programs, source, paths, reason):
    write(source, "docs/readme.md", "")
    assert bandit(programs, source, *paths).reason == reason


def test_empty_files_alone_are_nothing_to_look_at(programs, tmp_path):
    write(tmp_path / "empty", "svc/__init__.py", "")
    assert bandit(programs, tmp_path / "empty").reason == "nothing-to-look-at"


BAD_SCANNERS = [
    ("exit 0", "report-malformed"),
    ("echo '{}'", "report-malformed"),
    ("echo '[1]'", "report-malformed"),
    ("echo 'not json'", "report-malformed"),
    ("exit 2", "scanner-crashed"),
    ("kill -9 $$", "scanner-crashed"),
    ("exec yes", "timed-out"),
]


@pytest.mark.parametrize(("script", "reason"), BAD_SCANNERS)
def test_a_bandit_that_did_not_do_its_part_is_errored(fake, source, script, reason):
    scan = bandit(fake("bandit", script), source, timeout=timedelta(seconds=1))
    assert (scan.reason, scan.findings) == (reason, ())


@pytest.mark.parametrize(
    ("report", "reason"),
    [
        ({"errors": [], "metrics": {"_totals": {"loc": 9}}, "results": []}, "file-not-looked-at"),
        ({"errors": [], "metrics": {"./svc/app.py": {"loc": 4}}, "results": []}, "file-not-looked-at"),
        ({"errors": [{"filename": "x"}], "metrics": {}, "results": []}, "file-not-read"),
        (
            {"errors": [], "metrics": {"svc/app.py": {"loc": 0}, "svc/fine.py": {"loc": 0}}, "results": []},
            "nothing-to-look-at",
        ),
        ({"errors": [], "metrics": {"svc/app.py": {}, "svc/fine.py": {}}, "results": []}, "report-malformed"),
        (
            {"errors": [], "metrics": {"svc/app.py": {"loc": 1}, "svc/fine.py": {"loc": 1}}, "results": [{}]},
            "report-malformed",
        ),
        (
            {"errors": [], "metrics": {"svc/app.py": {"loc": 1}, "svc/fine.py": {"loc": 1}}, "results": {}},
            "report-malformed",
        ),
    ],
)
def test_a_report_that_does_not_cover_everything_is_errored(fake, source, report, reason):
    scan = bandit(fake("bandit", f"cat <<'END'\n{json.dumps(report)}\nEND"), source)
    assert scan.reason == reason


def test_a_scanner_that_is_not_installed_is_errored(tmp_path, source):
    nowhere = Programs(environ=ENVIRON, redactor=StreamingRedactor, folder=tmp_path)
    assert bandit(nowhere, source).reason == "scanner-missing"
    assert syft(nowhere, source).reason == "scanner-missing"


EXPECTED = (("svc", "1.0"), ("some-lib", "2.0"))


def syft(programs, installed, expected=EXPECTED, timeout=MINUTE):
    return Syft(programs=programs).scan(installed, expected=expected, timeout=timeout)


def wheel(folder, name, version):
    info = f"{name}-{version}.dist-info"
    author = "Author: Ada\nAuthor-email: Ada <ada@example.org>\n"
    members = {
        f"{name}/__init__.py": "",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{author}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    members[f"{info}/RECORD"] = "".join(f"{member},,\n" for member in [*members, f"{info}/RECORD"])
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for member, text in members.items():
            archive.writestr(member, text)
    return Wheel.read(path)


@pytest.fixture
def installed(tmp_path):
    svc, lib = wheel(tmp_path, "svc", "1.0"), wheel(tmp_path, "Some_Lib".lower(), "2.0")
    pack([svc, lib], tmp_path / "b", service=svc)
    environment.install(tmp_path / "b", tmp_path / "venv")
    return tmp_path / "venv"


def test_an_installed_bundle_is_listed_whole(programs, installed):
    scan = syft(programs, installed)
    assert scan.reason is None
    assert (scan.components, scan.names_artifact, scan.scanner.name) == (2, True, "syft")
    assert scan.spec_version == "1.6"
    assert scan.scanner.version[0].isdigit()
    report = json.loads(scan.report)
    assert report["bomFormat"] == "CycloneDX"
    assert "ada@example.org" not in scan.report.decode()


def test_a_package_that_is_not_listed_is_errored(programs, installed):
    scan = syft(programs, installed, expected=(*EXPECTED, ("ghost", "1.0")))
    assert (scan.reason, scan.names_artifact) == ("packages-not-listed", True)
    assert "ghost" in scan.remedy
    other = syft(programs, installed, expected=(("svc", "1.1"),))
    assert (other.reason, other.names_artifact) == ("artifact-not-listed", False)


def test_a_folder_without_an_installation_is_errored(programs, source, tmp_path):
    (tmp_path / "empty").mkdir()
    for folder, reason in ((source, "artifact-not-listed"), (tmp_path / "empty", "artifact-not-listed")):
        scan = syft(programs, folder)
        assert (scan.reason, scan.components, scan.names_artifact) == (reason, 0, False)
    assert syft(programs, tmp_path / "nowhere").reason == "nothing-to-look-at"


@pytest.mark.parametrize(("script", "reason"), [*BAD_SCANNERS, ('echo \'{"bomFormat": "x"}\'', "report-malformed")])
def test_a_syft_that_did_not_do_its_part_is_errored(fake, installed, script, reason):
    scan = syft(fake("syft", script), installed, timeout=timedelta(seconds=1))
    assert (scan.reason, scan.components, scan.report) == (reason, 0, None)


def test_a_scanner_sees_no_secret_and_no_configuration(fake, installed, tmp_path):
    seen = tmp_path / "seen"
    environ = ENVIRON | {"AWS_SECRET_ACCESS_KEY": "x", "HOME": os.environ["HOME"]}
    folder = fake("syft", f"env > {seen}; pwd >> {seen}; ls -a >> {seen}").folder
    syft(Programs(environ=environ, redactor=StreamingRedactor, folder=folder), installed)
    assert "AWS" not in seen.read_text()
    assert f"HOME={os.environ['HOME']}\n" not in seen.read_text()
    assert seen.read_text().endswith("\n.\n..\n")
