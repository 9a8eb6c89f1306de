import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from wardline.adapters.scanners.sarif import read_sarif
from wardline.cli.main import app
from wardline.errors import InvalidInput
from wardline.findings.finding import Severity

LOOKED = [{"executionSuccessful": True}]


def result(rule="R1", line=3, uri="src/a.py", **more):
    place = {"artifactLocation": {"uri": uri}, "region": {"startLine": line, "snippet": {"text": "x = secret()"}}}
    return {
        "ruleId": rule,
        "message": {"text": "secret value s3cr3t"},
        "locations": [{"physicalLocation": place}],
    } | more


def run(*results, rules=(), invocations=None, **more):
    driver = {"name": "tool", "semanticVersion": "1.2.3", "rules": list(rules)}
    said = {} if invocations is None else {"invocations": invocations}
    return {"tool": {"driver": driver}, "results": list(results)} | said | more


def sarif(*runs):
    return json.dumps({"version": "2.1.0", "runs": list(runs)}).encode()


def only(*runs):
    (scan,) = read_sarif(sarif(*runs))
    return scan


def test_a_result_is_a_finding_in_the_words_of_its_rule_and_never_of_the_source():
    rule = {"id": "R1", "shortDescription": {"text": "Weak\nhash"}, "defaultConfiguration": {"level": "error"}}
    scan = only(run(result(), rules=[rule]))
    (finding,) = scan.findings
    assert (finding.check, finding.rule, finding.path, finding.line) == ("tool", "R1", "src/a.py", 3)
    assert (finding.severity, finding.message, scan.reason) == (Severity.HIGH, "Weak hash", None)
    assert "s3cr3t" not in repr(scan)
    assert "secret()" not in repr(scan)


def test_the_id_of_a_finding_outlives_moved_lines():
    assert only(run(result(line=3))).findings[0].id == only(run(result(line=30))).findings[0].id


def test_a_score_of_the_rule_outweighs_its_level():
    scored = {"id": "R1", "properties": {"security-severity": "9.8"}}
    assert only(run(result(level="note"), rules=[scored])).findings[0].severity is Severity.CRITICAL


def test_a_rule_is_found_by_its_index_and_by_its_parent():
    rules = [{"id": "X"}, {"id": "CA1", "name": "Parent"}]
    by_index = {key: value for key, value in result(ruleIndex=0).items() if key != "ruleId"}
    assert [f.rule for f in only(run(by_index, rules=rules)).findings] == ["X"]
    assert only(run(result("CA1/2"), rules=rules)).findings[0].message == "Parent"


def test_what_the_source_suppresses_is_found_and_what_is_no_failure_is_not():
    found = only(run(result(suppressions=[{"kind": "inSource"}]), result(kind="pass"), result(baselineState="absent")))
    assert len(found.findings) == 1


def test_each_run_is_a_scan_of_its_own():
    scans = read_sarif(sarif(run(result()), run(invocations=LOOKED), run()))
    assert [(len(scan.findings), scan.reason) for scan in scans] == [(1, None), (0, None), (0, "success-not-stated")]


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (run(), "success-not-stated"),
        (run(invocations=[]), "success-not-stated"),
        (run(invocations=LOOKED) | {"results": None}, "results-missing"),
        (run(result(), invocations=[{"executionSuccessful": False}]), "scanner-crashed"),
        (run(invocations=[{}]), "scanner-crashed"),
        (run(invocations=[{"executionSuccessful": True, "toolExecutionNotifications": [{"level": "error"}]}]),
         "scanner-reported-errors"),
        (run(result(), "x"), "report-malformed"),
        (run(result(uri="../../etc/passwd")), "report-malformed"),
        (run(result(uri="%2e%2e/x")), "report-malformed"),
        (run(result(level="fatal")), "report-malformed"),
        (run(result(line=-1)), "report-malformed"),
        (run({"message": {"text": "no rule"}}), "report-malformed"),
        (run(result(), rules=[{"id": "R1", "properties": {"security-severity": "NaN"}}]), "report-malformed"),
        ({"results": []}, "report-malformed"),
        (7, "report-malformed"),
    ],
)  # fmt: skip
def test_a_run_that_cannot_be_believed_is_errored_and_never_clean(told, reason):
    scan = only(told)
    assert (scan.reason, scan.findings) == (reason, ())


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[]", b"null", sarif(), sarif(run(result()))[:-9], b'{"version": "2.0.0", "runs": [{}]}',
     b'{"version": "2.1.0"}', b"[" * 100_000, b"\xff\xfe"],
)  # fmt: skip
def test_a_file_that_is_cut_short_or_holds_no_run_is_refused(content):
    with pytest.raises(InvalidInput, match="SARIF"):
        read_sarif(content)


def test_what_is_taken_over_prints_on_one_line():
    finding = only(run(result("R\x1b[31m\n1", uri="a\u202eb.py"), rules=[])).findings[0]
    assert finding.rule.isprintable()
    assert finding.path.isprintable()


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda x: st.lists(x, max_size=3), max_leaves=5
)
MEMBERS = ["ruleId", "rule", "ruleIndex", "level", "kind", "locations", "message", "baselineState"]


@given(st.dictionaries(st.sampled_from(MEMBERS), values), st.sampled_from(["results", "invocations", "tool"]), values)
def test_whatever_stands_in_a_run_it_is_read_or_errored(members, name, value):
    assert only(run(result() | members)).scanner.name == "tool"
    assert only(run(result()) | {name: value}).reason != ""


@pytest.mark.slow
def test_a_report_that_bandit_writes_is_read(tmp_path):
    source, report = tmp_path / "a.py", tmp_path / "a.sarif"
    source.write_text("import hashlib\nhashlib.md5(b'x')\n")
    made = [sys.executable, "-m", "bandit", "-q", "-f", "sarif", "-o", str(report), str(source)]
    assert subprocess.run(made, capture_output=True, check=False).returncode == 1
    assert [f.rule for f in read_sarif(report.read_bytes())[0].findings] == ["B324"]


def test_the_command_tells_findings_from_what_cannot_be_believed(tmp_path):
    def told(*runs):
        (tmp_path / "x.sarif").write_bytes(sarif(*runs))
        return CliRunner().invoke(app, ["sarif", str(tmp_path / "x.sarif"), "--output", "json"])

    assert told(run(result())).exit_code == 3
    assert told(run(invocations=LOOKED)).exit_code == 0
    assert json.loads(told(run()).stdout)["runs"][0]["reason"] == "success-not-stated"
    assert told(run()).exit_code == 1
