"""Testing: the installed bundle is met, not the source beside it, and no test is never a pass."""

import os
import zipfile
from datetime import timedelta

import pytest

from wardline.adapters.builds.bundle import pack
from wardline.adapters.builds.python_tests import PythonTests
from wardline.adapters.builds.wheels import Wheel
from wardline.adapters.builds.workbench import Shop
from wardline.findings.redactor import StreamingRedactor
from wardline.pipelines.building import Stopped, Tested
from wardline.pipelines.spec import TestSpec

JUNIT = "<testsuite>{}</testsuite>"
PASS, FAIL, SKIP = "<testcase/>", "<testcase><failure>x</failure></testcase>", "<testcase><skipped/></testcase>"


def wheel(folder, name, version, files):
    folder.mkdir(exist_ok=True)
    info = f"{name}-{version}.dist-info"
    members = files | {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    members[f"{info}/RECORD"] = "".join(f"{member},,\n" for member in [*members, f"{info}/RECORD"])
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for member, text in members.items():
            archive.writestr(member, text)
    return Wheel.read(path)


@pytest.fixture
def bundle(tmp_path):
    svc = wheel(tmp_path / "built", "svc", "1.0", {"svc/__init__.py": "FROM = 'bundle'\n", "tests/__init__.py": ""})
    lib = wheel(tmp_path / "built", "lib", "1.0", {"lib.py": "VERSION = '1.0'\n"})
    pack([svc, lib], tmp_path / "svc.bundle", service=svc)
    return tmp_path / "svc.bundle"


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    for name, text in {
        "svc/__init__.py": "FROM = 'source'\n",
        "src/svc/__init__.py": "FROM = 'source'\n",
        "svc.egg-info/PKG-INFO": "Name: svc\nVersion: 9\n",
        "tests/test_svc.py": "",
        "lib.py": "VERSION = 'source'\n",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def test(tmp_path, source, bundle):
    (tmp_path / "pip.conf").write_text("")
    environ = {
        "PATH": os.environ["PATH"], "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path / "index"),
        "PIP_CONFIG_FILE": str(tmp_path / "pip.conf"),
    }  # fmt: skip
    tester = PythonTests(shop=Shop(environ=environ, cache=tmp_path / "cache", redactor=StreamingRedactor))

    def act(run, **spec):
        made = TestSpec(run=run, **{"junit": "reports/junit.xml", **spec})
        return tester.test(source, bundle, made, work=tmp_path / "work", say=lambda line: None)

    return act


def writing(*cases, then="true", coverage=None):
    report = f"mkdir -p reports; echo '{JUNIT.format(''.join(cases))}' > reports/junit.xml; "
    if coverage is not None:
        report += f"echo '{coverage}' > reports/coverage.xml; "
    return report + then


def stopped(found, code):
    assert isinstance(found, Stopped), found
    assert (found.code, found.errored) == (code, True)
    return found.words


def test_tests_meet_the_bundle_and_not_the_source(test, source):
    code = (
        'import sys, importlib.metadata as m; sys.path[:0] = ["", "src"]; import svc, lib; '
        'print(svc.FROM, m.version("svc"), lib.__file__)'
    )
    found = test(writing(PASS, then=f"python -B -c '{code}'; ls -a; ls tests src"))
    assert isinstance(found, Tested)
    lines = found.output.decode().splitlines()[1:]
    assert lines[0].startswith("bundle 1.0 ")
    assert lines[1:] == [".", "..", "lib.py", "reports", "src", "tests", "src:", "", "tests:", "test_svc.py"]
    assert (source / "svc/__init__.py").exists()


def test_counts_and_exit_code_are_told(test):
    found = test(writing(PASS, PASS, FAIL, SKIP, then="exit 1"))
    assert (found.executed, found.passed, found.failed, found.errored, found.skipped) == (3, 2, 1, 0, 1)
    assert (found.exit_code, found.coverage_bp) == (1, None)


def test_reports_are_kept_masked(test):
    leaking = "<testcase><failure>for ada@example.org, 123-45-6789</failure></testcase>"
    (report,) = test(writing(leaking)).reports
    assert report.media_type == "application/xml"
    assert b"for [REDACTED:email], [REDACTED:ssn]" in report.content


def test_coverage_is_read(test, tmp_path):
    site = tmp_path / "work/test-venv/lib"
    coverage = f'<coverage lines-valid="3" lines-covered="2"><class filename="{site}/svc/__init__.py"/></coverage>'
    found = test(writing(PASS, coverage=coverage), coverage="reports/coverage.xml")
    assert found.coverage_bp == 6666
    assert len(found.reports) == 2


def test_coverage_of_the_tests_alone_is_errored_with_the_way_out(test):
    coverage = '<coverage line-rate="1"><class filename="tests/test_svc.py"/></coverage>'
    words = stopped(test(writing(PASS, coverage=coverage), coverage="reports/coverage.xml"), "coverage-elsewhere")
    assert "--cov=svc instead of --cov" in words


@pytest.mark.parametrize("cases", [(), (SKIP, SKIP)])
def test_no_test_executed_is_never_a_pass(test, cases):
    assert "no test was executed" in stopped(test(writing(*cases)), "no-tests")


@pytest.mark.parametrize(
    ("run", "code"),
    [
        ("true", "report-missing"),
        ("no-such-command", "report-missing"),
        ("mkdir -p reports/junit.xml", "report-missing"),
        ("mkdir reports; ln -s /etc/passwd reports/junit.xml", "report-missing"),
        ("mkdir reports; echo '<testsuite' > reports/junit.xml", "report-malformed"),
        ("mkdir reports; : > reports/junit.xml", "report-malformed"),
        ("mkdir reports; truncate -s 40M reports/junit.xml", "report-too-large"),
        (writing(PASS), "coverage-missing-expected"),
        (writing(PASS, coverage="<coverage/>"), "coverage-malformed"),
    ],
)
def test_a_report_that_cannot_be_believed_is_errored(test, run, code):
    spec = {"coverage": "reports/coverage.xml"} if "coverage" in code else {}
    stopped(test(run, **spec), "report-missing" if code == "coverage-missing-expected" else code)


def test_a_report_that_was_committed_is_not_one_of_this_run(test, source):
    (source / "reports").mkdir()
    (source / "reports/junit.xml").write_text(JUNIT.format(PASS))
    assert "wrote no reports/junit.xml" in stopped(test("true"), "report-missing")


def test_tests_that_hang_are_ended(test):
    assert "not done after" in stopped(test("sleep 1000", timeout=timedelta(seconds=0.5)), "timed-out")


@pytest.mark.slow
def test_test_tools_stand_beside_the_bundle(test, source, tmp_path):
    wheel(tmp_path / "index", "tool", "1.0", {"tool.py": ""})
    wheel(tmp_path / "index", "more", "1.0", {"more.py": ""})
    (source / "requirements").mkdir()
    (source / "requirements/test.txt").write_text("more\n")
    run = writing(PASS, then="python -c 'import tool, more, lib, svc'")
    found = test(run, requirements=("tool>=1", "-r requirements/test.txt"))
    assert isinstance(found, Tested), found
    assert found.exit_code == 0


@pytest.mark.slow
def test_test_tools_cannot_change_a_version_of_the_bundle(test, tmp_path):
    wheel(tmp_path / "index", "lib", "2.0", {"lib.py": ""})
    found = test(writing(PASS), requirements=("lib>=2",))
    assert "whose versions are fixed" in stopped(found, "test-tools")


@pytest.mark.slow
def test_the_same_version_from_elsewhere_is_not_taken(test, source, tmp_path):
    other = wheel(tmp_path / "other", "svc", "1.0", {"svc/__init__.py": "FROM = 'elsewhere'\n"})
    (source / "more.txt").write_text(f"svc @ {other.path.as_uri()}\n")
    found = test(writing(PASS, then="python -c 'import svc; print(svc.FROM)'"), requirements=("-r more.txt",))
    assert found.output.decode().splitlines()[-1] == "bundle"


@pytest.mark.slow
def test_a_package_of_the_bundle_put_in_anew_is_told(test, tmp_path):
    wheel(tmp_path / "index", "lib", "1.0", {"lib.py": "VERSION = 'another'\n"})
    (tmp_path / "pip.conf").write_text("[install]\nforce-reinstall = true\n")
    found = test(writing(PASS), requirements=("lib",))
    assert isinstance(found, Stopped), found
    assert (found.code, found.errored) == ("bundle-replaced", False)
    assert "they replaced lib of the bundle" in found.words


@pytest.mark.parametrize("entry", [".", ".[test]", "-e .", "/tmp/x", "-r ../outside.txt", "-r no-such.txt"])
def test_what_is_no_test_tool_is_refused(test, tmp_path, entry):
    (tmp_path / "outside.txt").write_text("")
    found = test(writing(PASS), requirements=(entry,))
    assert isinstance(found, Stopped)
    assert (found.code, found.errored) == ("test-requirements", False)


def test_words_about_what_is_wrong_are_masked(test):
    found = test(writing(PASS), requirements=("-e https://ada:hunter2@git.example.org/svc",))
    assert "hunter2" not in found.words
