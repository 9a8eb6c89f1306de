"""Reports of test runs: every shape that tools write is counted, and nothing else is believed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.adapters.builds.reports import Counts, lies_below, read_cobertura, read_junit
from wardline.errors import InvalidInput

PYTEST = b"""<?xml version="1.0" encoding="utf-8"?>
<testsuites name="pytest tests"><testsuite name="pytest" errors="1" failures="1" skipped="2" tests="6">
<testcase classname="t" name="ok"/><testcase classname="t" name="ok2"><system-out>x</system-out></testcase>
<testcase classname="t" name="bad"><failure message="assert">long</failure></testcase>
<testcase classname="t" name="broken"><error message="failed on setup"/></testcase>
<testcase classname="t" name="later"><skipped type="pytest.skip"/></testcase>
<testcase classname="t" name="known"><skipped type="pytest.xfail"/></testcase>
</testsuite></testsuites>"""

NESTED = b"""<testsuites><testsuite name="a"><testsuite name="b"><testcase name="1"/></testsuite>
<testcase name="2"><failure/></testcase></testsuite><testsuite name="c"><testcase name="3"/></testsuite></testsuites>"""

BOMB = b"""<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<testsuites>&b;</testsuites>"""
OUTSIDE = b"""<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><testsuites>&a;</testsuites>"""

COVERAGE_PY = b"""<?xml version="1.0" ?>
<coverage version="7.17.3" timestamp="1" lines-valid="804" lines-covered="622" line-rate="0.7736">
<!-- Based on https://raw.githubusercontent.com/cobertura/web/master/htdocs/xml/coverage-04.dtd -->
<sources><source>/venv/site-packages/svc</source></sources><packages><package><classes>
<class name="core.py" filename="core.py"><lines><line number="1" hits="1"/></lines></class>
</classes></package></packages></coverage>"""


def test_every_test_case_counts_once_by_how_it_ended():
    assert read_junit(PYTEST) == Counts(passed=2, failed=1, errored=1, skipped=2)
    assert read_junit(PYTEST).executed == 4


def test_suites_may_be_nested_or_stand_alone():
    assert read_junit(NESTED) == Counts(passed=2, failed=1, errored=0, skipped=0)
    assert read_junit(b"<testsuite><testcase/></testsuite>").passed == 1


def test_attributes_that_claim_tests_are_not_believed():
    assert read_junit(b'<testsuites tests="500"><testsuite tests="500" failures="0"/></testsuites>').executed == 0


def test_a_case_that_failed_and_broke_is_errored_once():
    both = read_junit(b"<testsuite><testcase><failure/><error/></testcase></testsuite>")
    assert both == Counts(passed=0, failed=0, errored=1, skipped=0)


@pytest.mark.parametrize(
    "content",
    [b"", b"   ", b"no xml", PYTEST[:200], b"<html></html>", b"\x00\x01", BOMB, OUTSIDE, b"<coverage/>", b"<a" * 9999,
     b'<?xml version="1.0" encoding="no-such"?><testsuites/>'],
)  # fmt: skip
def test_what_is_no_junit_report_is_refused(content):
    with pytest.raises(InvalidInput, match="JUnit"):
        read_junit(content)


@given(st.binary(max_size=400))
def test_any_bytes_are_a_report_or_bad_input(content):
    for read in (read_junit, read_cobertura):
        try:
            read(content)
        except InvalidInput:
            continue


@given(st.integers(0, len(PYTEST)), st.binary(max_size=6))
def test_a_damaged_report_is_a_report_or_bad_input(at, damage):
    try:
        read_junit(PYTEST[:at] + damage + PYTEST[at + len(damage) :])
    except InvalidInput:
        return


def test_coverage_is_read_from_counts_rounded_down():
    coverage = read_cobertura(COVERAGE_PY)
    assert coverage.covered_bp == 7736  # 622 / 804 is 0.77363
    assert coverage.files == ("core.py",)
    assert coverage.sources == ("/venv/site-packages/svc",)


def test_almost_all_is_not_all():
    assert read_cobertura(b'<coverage lines-valid="100000" lines-covered="99999"/>').covered_bp == 9999


def test_without_totals_the_lines_are_counted():
    lines = b'<class filename="a"><line hits="3"/><line hits="0"/><line hits="1"/></class>'
    assert read_cobertura(b'<coverage line-rate="1">' + lines + b"</coverage>").covered_bp == 6666


def test_without_lines_the_rate_is_taken():
    assert read_cobertura(b'<coverage line-rate="0.8437"/>').covered_bp == 8437


def test_a_document_type_is_no_reason_to_refuse():
    typed = (
        b'<!DOCTYPE coverage SYSTEM "http://cobertura.sourceforge.net/xml/coverage-04.dtd"><coverage line-rate="1"/>'
    )
    assert read_cobertura(typed).covered_bp == 10_000


@pytest.mark.parametrize(
    "content",
    [
        b"", b"<testsuites/>", BOMB, b"<coverage/>", b'<coverage line-rate="1.5"/>', b'<coverage line-rate="NaN"/>',
        b'<coverage line-rate="-0.1"/>', b'<coverage line-rate="x"/>', b'<coverage lines-valid="0" lines-covered="0"/>',
        b'<coverage lines-valid="5" lines-covered="6"/>', b'<coverage lines-valid="-5" lines-covered="-6"/>',
        b'<coverage lines-valid="' + b"9" * 5000 + b'" lines-covered="1"/>',
    ],
)  # fmt: skip
def test_coverage_that_cannot_be_is_refused(content):
    with pytest.raises(InvalidInput, match="Cobertura"):
        read_cobertura(content)


def test_coverage_of_the_tests_alone_is_told_from_that_of_the_bundle(tmp_path):
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/test_a.py").write_text("")

    def measured(*files, source=""):
        classes = "".join(f'<class filename="{file}"/>' for file in files)
        document = f'<coverage line-rate="1"><sources><source>{source}</source></sources>{classes}</coverage>'
        return read_cobertura(document.encode())

    assert lies_below(tmp_path, measured("tests/test_a.py"))
    assert lies_below(tmp_path, measured("test_a.py", source=tmp_path / "tests"))
    assert not lies_below(tmp_path, measured("tests/test_a.py", "/venv/lib/site-packages/svc/core.py"))
    assert not lies_below(tmp_path, measured("core.py", source="/venv/lib/site-packages/svc"))
    assert not lies_below(tmp_path, measured())
