"""Reports of conftest and OPA, in the shapes they publish; the tools themselves are not run here."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.canonical import Digest
from wardline.findings.policy_reports import MAX_REPORT, PolicyTool, ToolReport, read_report

CONFTEST, OPA = PolicyTool.CONFTEST, PolicyTool.OPA


def entry(**members: object) -> dict[str, object]:
    return {"filename": "service.yaml", "namespace": "main", **members}


def failure(message: str, **metadata: object) -> dict[str, object]:
    return {"msg": message, "metadata": metadata}


def conftest(*entries: object) -> ToolReport:
    return read_report(CONFTEST, [json.dumps(list(entries)).encode()])


def opa(value: object, text: str = "data.main.deny") -> ToolReport:
    said = {"result": [{"expressions": [{"value": value, "text": text, "location": {"row": 1, "col": 1}}]}]}
    return read_report(OPA, [json.dumps(said).encode()])


def counts(report: ToolReport) -> tuple[int, int, int, int]:
    return report.passed, report.failed, report.warned, report.errored


def test_a_report_of_conftest_as_published_is_read():
    """https://www.conftest.dev/output, of version 0.56."""
    report = conftest(
        entry(successes=4, warnings=[failure("Found service hello", query="data.main.warn")]),
        entry(namespace="tags", successes=1, failures=[failure("no owner", query="data.tags.deny")]),
    )
    assert counts(report) == (5, 1, 1, 0)
    assert report.namespaces == ("main", "tags")
    (failed,) = report.failures
    assert (failed.rule, failed.namespace, failed.message) == ("data.tags.deny", "tags", Digest.of(b"no owner"))


def test_a_report_of_an_older_conftest_is_read():
    """Before 0.22 successes were listed, and there was no namespace (its issue 361)."""
    old = {"filename": "a.yml", "warnings": [], "failures": [{"msg": "no"}], "successes": [{"msg": "data.a.deny"}] * 2}
    report = conftest(old)
    assert (counts(report), report.failures[0].rule) == ((2, 1, 0, 0), None)


def test_lists_that_go_wrote_as_null_are_empty():
    assert counts(conftest(entry(successes=1, failures=None, warnings=None, exceptions=None))) == (1, 0, 0, 0)


def test_several_files_are_one_report():
    content = json.dumps([entry(successes=1)]).encode()
    assert read_report(CONFTEST, [content, content]).passed == 2
    assert read_report(CONFTEST, [content, b""]).reason == "empty"


def test_exceptions_are_counted_apart():
    assert counts(conftest(entry(successes=1, exceptions=[{"msg": "skipped by rule"}]))) == (1, 0, 0, 1)


@pytest.mark.parametrize("entries", [[], [entry()], [entry(successes=0, failures=[])], [entry(skipped=[{"msg": "x"}])]])
def test_what_tested_nothing_is_no_pass(entries):
    assert conftest(*entries).reason == "tested-nothing"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"FAIL - service.yaml - main - no owner", "not-json"),
        (b'[{"filename": "a.yaml", "successes": 4', "not-json"),
        (b"\xff\xfe", "not-json"),
        (b"[" * 100_000, "not-json"),
        (b'[{"filename": "a", "failures": [{"msg": "x"}], "failures": [], "successes": 1}]', "not-json"),
        (b"[" + b"9" * 5000 + b"]", "not-json"),
        (b"{}", "other-shape"),
        (b"null", "other-shape"),
        (b"[[]]", "other-shape"),
        (b'[{"successes": 1}]', "other-shape"),
        (b'[{"filename": "a", "successes": -1}]', "other-shape"),
        (b'[{"filename": "a", "successes": true}]', "other-shape"),
        (b'[{"filename": "a", "successes": 1.5}]', "other-shape"),
        (b'[{"filename": "a", "successes": 1, "failures": "none"}]', "other-shape"),
        (b'[{"filename": "a", "successes": 1, "failures": [{"message": "x"}]}]', "other-shape"),
        (b" " * (MAX_REPORT + 1), "too-large"),
    ],
)
def test_what_is_no_report_of_conftest_has_a_reason(content, reason):
    report = read_report(CONFTEST, [content])
    assert (report.reason, report.tested) == (reason, 0)


@pytest.mark.parametrize(
    ("value", "text", "expected"),
    [
        ([], "data.main.deny", (1, 0, 0, 0)),
        (["no owner", "no tag"], "data.main.deny", (0, 2, 0, 0)),
        ([{"msg": "no owner"}], "data.main.violation", (0, 1, 0, 0)),
        (["old"], "data.main.warn", (0, 0, 1, 0)),
        (True, "data.main.allow", (1, 0, 0, 0)),
        (False, "data.main.allow", (0, 1, 0, 0)),
        (True, "data.main.deny", (0, 1, 0, 0)),
        (False, "data.main.deny_root", (1, 0, 0, 0)),
        ({"deny": ["x"], "warn": [], "helper": 7}, "data.main", (1, 1, 0, 0)),
        ({"no owner": True}, "data.main.deny", (0, 1, 0, 0)),
    ],
)
def test_what_opa_eval_came_to_is_counted(value, text, expected):
    assert counts(opa(value, text)) == expected


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({}, "undefined"),
        ({"metrics": {}}, "undefined"),
        ({"errors": [{"message": "rego_parse_error", "code": "x"}]}, "tool-error"),
        ({"result": []}, "tested-nothing"),
        ({"result": [{}]}, "other-shape"),
        ({"result": [{"expressions": [{"value": True}]}]}, "other-shape"),
        ({"result": {}}, "other-shape"),
        ([], "other-shape"),
        ({"result": [{"expressions": [{"value": True, "text": "data.main.compliant"}]}]}, "unclear"),
        ({"result": [{"expressions": [{"value": {"compliant": True}, "text": "data.tags"}]}]}, "unclear"),
        ({"result": [{"expressions": [{"value": "yes", "text": "data.main.allow"}]}]}, "unclear"),
        ({"result": [{"expressions": [{"value": 7, "text": "data.main.deny"}]}]}, "unclear"),
        ({"result": [{"path": "a.json", "result": []}]}, "unclear"),
    ],
)
def test_what_is_no_yes_and_no_no_of_opa_has_a_reason(content, reason):
    assert read_report(OPA, [json.dumps(content).encode()]).reason == reason


def test_opa_exec_is_read_by_the_decision_it_was_asked():
    said = {"result": [{"path": "a.json", "result": []}, {"path": "b.json", "result": ["no owner"]}]}
    report = read_report(OPA, [json.dumps(said).encode()], decision="main/deny")
    assert (counts(report), report.failures[0].rule, report.namespaces) == ((1, 1, 0, 0), "main/deny", ("main",))
    broken = {"result": [{"path": "a.json", "error": {"code": "opa_undefined_error", "message": "undefined"}}]}
    assert counts(read_report(OPA, [json.dumps(broken).encode()], decision="main/deny")) == (0, 0, 0, 1)


def test_text_that_may_be_of_people_stays_in_the_report():
    report = conftest(entry(namespace="Jane Doe, MRN 4711", failures=[failure("x", query="a rule of Jane's")]))
    assert (report.namespaces, report.failures[0].rule, report.failures[0].namespace) == ((), None, None)


def test_thousands_of_failures_are_counted_and_the_first_ones_told():
    report = conftest(entry(failures=[failure(str(i)) for i in range(5000)]))
    assert (report.failed, len(report.failures)) == (5000, 200)


JSONS = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["result", "expressions", "value", "text", "deny", "path", "filename", "successes", "msg"]),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=20,
)


@given(st.sampled_from(PolicyTool), st.one_of(st.binary(max_size=50), JSONS.map(lambda it: json.dumps(it).encode())))
def test_any_bytes_give_an_answer_and_none_a_pass_without_a_test(tool, content):
    report = read_report(tool, [content])
    assert (report.reason is None) == (report.tested > 0)
    assert report.failed >= len(report.failures)
