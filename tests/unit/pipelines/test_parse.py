import re
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wardline.errors import InvalidInput
from wardline.identity.principals import Role
from wardline.pipelines.parse import MAX_BYTES, parse, parse_bytes
from wardline.pipelines.spec import Criticality, DataClass, Pipeline, SecretRef, SecretSource, StrategyKind

VECTORS = Path(__file__).parents[2] / "vectors" / "wardline_yaml"
LEAST = (VECTORS / "valid" / "least.yaml").read_text()
WHOLE = (VECTORS / "valid" / "whole.yaml").read_text()


def problems_of(content: str | bytes) -> tuple[str, ...]:
    with pytest.raises(InvalidInput) as caught:
        parse_bytes(content if isinstance(content, bytes) else content.encode())
    assert caught.value.problems
    return caught.value.problems


def refused_lines(content: str | bytes) -> list[int]:
    """The lines that the refusal names; none where the content is read."""
    try:
        parse(content, filename="f") if isinstance(content, str) else parse_bytes(content, filename="f")
    except InvalidInput as error:
        named = [re.match(r"f:([0-9]+): .", problem) for problem in error.problems]
    else:
        return []
    assert named
    return [int(match[1]) if match else 0 for match in named]


def stem(path: Path) -> str:
    return path.stem


def test_every_built_key_reaches_its_field():
    pipeline = parse(WHOLE, filename="wardline.yaml")
    assert pipeline.service.criticality is Criticality.CLINICAL_SUPPORT
    assert pipeline.service.data == (DataClass.PHI, DataClass.PII)
    assert pipeline.build.with_packages == ("gunicorn==23.0.0",)
    assert pipeline.build.timeout == timedelta(minutes=5)
    assert pipeline.test.min_coverage == 80
    assert pipeline.scan.paths == ("src",)
    staging, production = pipeline.environments[1:]
    assert dict(staging.secrets) == {
        "DATABASE_URL": SecretRef(source=SecretSource.ENV, locator="STAGING_DATABASE_URL"),
        "TOKEN": SecretRef(source=SecretSource.FILE, locator="/run/secrets/token"),
    }
    assert production.strategy.kind is StrategyKind.CANARY
    assert production.strategy.steps == (10, 50, 100)
    assert production.strategy.analysis.error_rate_bp == 50
    assert [(a.role, a.count) for a in production.approvals] == [(Role.CLINICAL_SAFETY, 1), (Role.COMPLIANCE, 2)]
    assert production.windows == ("calendars/clinic.yaml", "calendars/billing.yaml")
    assert production.window_wait == timedelta(hours=2)
    assert pipeline.rollback is not None
    assert pipeline.rollback.rehearse_in == "staging"
    assert pipeline.production is production


def test_configuration_keeps_the_text_of_the_file():
    staging = parse(WHOLE, filename="wardline.yaml").environments[1]
    assert dict(staging.config) == {
        "PAYER_URL": "http://127.0.0.1:9001",
        "DEBUG": "on",
        "LIMIT": "0x1F",
        "RATIO": "1.50",
        "SINCE": "2026-01-01",
        "EMPTY": "",
    }


@pytest.mark.parametrize("path", sorted((VECTORS / "valid").iterdir()), ids=stem)
def test_valid_vector_is_read(path):
    assert isinstance(parse_bytes(path.read_bytes()), Pipeline)


@pytest.mark.parametrize("path", sorted((VECTORS / "invalid").iterdir()), ids=stem)
def test_invalid_vector_is_refused_for_its_reasons(path):
    content = path.read_bytes()
    wanted = re.findall(rb"^# expect: (.*)$", content, re.MULTILINE)
    found = "\n".join(problems_of(content))
    for reason in wanted:
        assert reason.decode() in found
    for hidden in re.findall(rb"^# absent: (.*)$", content, re.MULTILINE):
        assert hidden.decode() not in found


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("wardline: 1", "wardline: 2", "2: wardline: expected the number 1, got the number 2"),
        ("name: clock", "name: The_Clock", "3: service.name: expected a name in lower-case letters, digits and -"),
        ("name: clock", "name: " + "a" * 64, "3: service.name: expected a name"),
        ("owner: platform", "owner: on", "starting with a letter, got the yes/no value on"),
        ("owner: platform", "owner: 7", "got the number 7"),
        ("administrative", "clinical-suport", "3: service.criticality: expected one of life-critical, clinical"),
        ("[none]", "[none, phi]", "3: service.data: none cannot stand beside other classes"),
        ("[none]", "[]", "3: service.data: expected a list of at least 1"),
        ("[none]", "[phi, phi]", "3: service.data[1]: expected each entry once"),
        ("[none]", "phi", "3: service.data: expected a list"),
        ('"*.whl"', '"*.tar.gz"', "4: build.artifact: expected a glob below the repository that ends in .whl"),
        ('"*.whl"', '"../*.whl"', "4: build.artifact"),
        ('"*.whl"', '"/tmp/*.whl"', "4: build.artifact"),
        ('"*.whl"}', '"*.whl", timeout: 30}', "4: build.timeout: expected a duration from 1s to 1d, such as 30s"),
        ('"*.whl"}', '"*.whl", timeout: 25h}', "4: build.timeout"),
        ('"*.whl"}', '"*.whl", with: [gunicorn>=]}', "4: build.with[0]: expected a requirement such as"),
        ('"*.whl"}', '"*.whl", with: ["x @ https://u:p@host/x.whl"]}', "4: build.with[0]: expected a requirement"),
        ('"*.whl"}', '"*.whl", with: ["--index-url=x"]}', "4: build.with[0]: expected a requirement"),
        ("junit: junit.xml", "junit: a/../../b.xml", "5: test.junit: expected a path below the repository"),
        ("junit: junit.xml", "junit: junit.xml, requirements: [-r /etc/x]", "5: test.requirements[0]"),
        ("junit: junit.xml", "junit: junit.xml, standards: {min_coverage: 80}", "5: test.coverage: required where"),
        ("junit: junit.xml", "junit: junit.xml, standards: {min_coverage: 101}", "from 0 to 100, got the number 101"),
        ("junit: junit.xml", "junit: junit.xml, standards: {min_coverage: 0x50}", "got the number 0x50"),
        ("${PORT}", "$PORTS", "6: start.command: expected a command on one line with $PORT"),
        ("health: /", "health: healthz", "6: start.health: expected a path that starts with /"),
        ("health: /", 'health: "/?deep=1"', "6: start.health"),
        ("  production:", "  prod:", "7: environments.production: required and not given"),
        ("  production:", "  Production:", "8: environments.Production: expected a name in lower-case"),
        ("kind: local", "kind: lokal", '8: environments.production.target.kind: expected local, got "lokal"'),
        ("kind: local", "kind: local, instances: 0", "8: environments.production.target.instances: expected a whole"),
        ("kind: local", "kind: local, port: 65536", "8: environments.production.target.port"),
        ("local}", "local}, strategy: {kind: canary}", "strategy.steps: required for a canary and not given"),
        ("local}", "local}, strategy: {kind: canary, steps: [100]}", "strategy.steps: a canary needs a step before"),
        ("local}", "local}, strategy: {steps: [50, 100], kind: blue-green}", "blue-green switches all traffic at once"),
        ("local}", "local}, strategy: {kind: rolling}", "(rolling is known but not built yet in this version)"),
        ("local}", "local}, strategy: {kind: canary, steps: [7, 100]}", "steps[0]: expected a multiple of 5 from 5"),
        ("local}", "local}, strategy: {analysis: {error_rate: 5}}", "error_rate: expected a fraction from 0 to 1"),
        ("local}", "local}, strategy: {analysis: {error_rate: 0.00001}}", "error_rate: expected a fraction"),
        ("local}", "local}, strategy: {analysis: {error_rate: .nan}}", "error_rate: expected a fraction"),
        ("local}", "local}, approvals: [{role: doctor}]", "approvals[0].role: expected one of developer"),
        ("local}", "local}, approvals: [{role: operator}, {role: operator, count: 2}]", "operator is asked for twice"),
        ("local}", "local}, approvals_within: 4h", "approvals_within: says how long approvals are waited for"),
        ("local}", "local}, config: {A: 1}, secrets: {A: 'env:A'}", "secrets: A is also under config"),
        ("local}", "local}, config: {A: }", "config.A: expected one value"),
        ("local}", "local}, config: {A: [1]}", "config.A: expected one value"),
        ("local}", "local}, config: {2A: 1}", "config.2A: expected an environment variable's name"),
        ("local}", "local}, secrets: {A: 'file:relative'}", "secrets.A: expected a reference"),
        ("local}", "local}, secrets: {WARDLINE_HOME: 'env:A'}", "secrets.WARDLINE_HOME: is set by Wardline itself"),
        ("  production:", "  staging: {target: {kind: local, port: 80}}\n  production:", ""),
    ],
)  # fmt: skip
def test_wrong_value_is_named(old, new, problem):
    assert old in LEAST
    changed = LEAST.replace(old, new, 1)
    if problem:
        assert any(problem in found for found in problems_of(changed)), problems_of(changed)
    else:
        parse(changed, filename="wardline.yaml")


def test_one_port_serves_one_environment():
    text = LEAST.replace("  production: {target: {kind: local}}", "  a: {target: {kind: local, port: 81}}\n"
                         "  production: {target: {kind: local, port: 81}}")  # fmt: skip
    assert problems_of(text) == (
        "wardline.yaml:9: environments.production.target.port: 81 is already that of a; each needs its own",
    )


def test_rehearsal_is_judged_beside_other_errors():
    text = LEAST + "rollback: {rehearse_in: stage, max_aeg: 1h}\n"
    found = "\n".join(problems_of(text))
    assert "rollback.rehearse_in: expected an environment before production, and there is none; got stage" in found
    assert "rollback.max_aeg: unknown key; nearest valid key: max_age" in found


def test_unknown_key_far_from_any_lists_all():
    found = problems_of("zzzzzz: 1")
    assert "wardline.yaml:1: zzzzzz: unknown key; valid keys: build, environments, policies, regulations" in "\n".join(
        found
    )


def test_too_large_a_file_is_refused():
    with pytest.raises(InvalidInput, match="expected at most 1,048,576"):
        parse_bytes(b"#" * (MAX_BYTES + 1))


def test_many_values_end_the_reading_early():
    assert "more than 20000 values" in problems_of("a: [" + "1," * 30_000 + "]")[0]


def test_long_list_of_problems_is_counted():
    found = problems_of("".join(f"k{n}: 1\n" for n in range(80)))
    assert len(found) == 51
    assert re.search(r"and \d+ more", found[-1])


def test_long_and_unprintable_values_are_shown_short_and_clean():
    found = problems_of(LEAST.replace("owner: platform", 'owner: "\\e[31m' + "x" * 500 + '"'))
    assert "\x1b" not in found[0]
    assert len(found[0]) < 250


@settings(deadline=None)
@given(st.text())
@example("a: \x85b: [")
@example("? [a]: b\n? {c: d}\n: e")
@example("&a [*a]")
@example("&a {service: *a, wardline: *a}")
@example("!!int 'x': 1")
@example("wardline: !!int x")
@example("%YAML " + "1." + "9" * 5000 + "\n---\n")
@example("- - - :")
@example("\ufeffwardline: 1")
@example("environments: {? : }")
def test_any_text_is_read_or_refused_with_lines(text):
    lines = len(re.split("\r\n|[\n\r\x85\u2028\u2029]", text))
    assert all(1 <= line <= lines for line in refused_lines(text))


@settings(deadline=None)
@given(st.binary())
def test_any_bytes_are_read_or_refused(content):
    assert all(line >= 1 for line in refused_lines(content))


@settings(deadline=None)
@given(at=st.integers(0, len(WHOLE) - 1), put=st.text(max_size=3), gone=st.integers(0, 3))
def test_any_change_of_a_whole_file_is_read_or_refused_with_lines(at, put, gone):
    lines = WHOLE.count("\n") + 4
    assert all(1 <= line <= lines for line in refused_lines(WHOLE[:at] + put + WHOLE[at + gone :]))
