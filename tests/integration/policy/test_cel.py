import os
import time
from datetime import timedelta
from pathlib import Path

import pytest

from wardline.adapters.policy.cel import CEL
from wardline.canonical import Digest
from wardline.gates.decisions import Allow, Deny, Undecided
from wardline.gates.judge import Question, judge
from wardline.gates.matching import Match
from wardline.gates.policy import Cases, Check, Policy
from wardline.ids import EnvironmentName

INPUT = {"tests": {"executed": 41, "ok": True, "names": ["a"] * 500}, "text": "41"}
ENDLESS = "[{0}].all(a, [{0}].all(b, [{0}].all(c, [{0}].all(d, a + b + c + d >= 0))))".format(
    ",".join(str(n) for n in range(200))
)


def policy(name: str, *expressions: str, shows: tuple[str, ...] = ()) -> Policy:
    return Policy(
        id=name,
        title=f"{name} holds",
        controls=(),
        match=Match(),
        needs=(),
        validations=tuple(Check(expression=e, message="no", shows=shows) for e in expressions),
        cases=Cases(allowed=(), denied=(), undecided=()),
    )


def decide(*policies: Policy, engine: CEL | None = None):
    question = Question(
        environment=EnvironmentName("production"),
        production=True,
        artifact=Digest.of(b""),
        document=INPUT,
        evidence=(),
    )
    return judge(policies, question, engine=engine or CEL())


def verdicts(decision) -> dict[str, str]:
    return {reason.policy: reason.verdict for reason in decision.judgement.reasons}


@pytest.mark.parametrize(
    ("expression", "kind"),
    [
        ("input.tests.executed > 0", Allow),
        ("input.tests.executed > 41", Deny),
        ("input.tests.missing > 0", Undecided),
        ("input.missing.deep == 1", Undecided),
        ("input.tests.executed", Undecided),  # 41 is no yes
        ("'true'", Undecided),
        ("null", Undecided),
        ("input", Undecided),
        ("1 / 0 == 1", Undecided),
        ("input.text > 40", Undecided),
        ("unknown(input)", Undecided),
        ("input.tests.executed >", Undecided),
        ("", Undecided),
        ("'a'.matches('(')", Undecided),
    ],
)
def test_only_true_is_a_yes_and_only_false_a_no(expression, kind):
    assert isinstance(decide(policy("p", expression)), kind)


# A sum of this many terms overflows the evaluator's stack and kills its process.
CRASH = " + ".join(["1"] * 50_000) + " > 0"


def test_a_crash_takes_no_other_policy_with_it():
    huge = policy("huge", " && ".join(["true"] * 20_000))
    decision = decide(policy("a", "true"), policy("crash", "true", CRASH), huge, policy("z", "input.text == ''"))
    assert verdicts(decision) == {"a": "allow", "crash": "undecided", "huge": "allow", "z": "deny"}


def test_a_shown_value_that_crashes_leaves_its_policy_undecided():
    decision = decide(policy("crash", "true", shows=(CRASH,)), policy("z", "true"))
    assert verdicts(decision) == {"crash": "undecided", "z": "allow"}


@pytest.mark.slow
def test_an_endless_expression_is_stopped_and_undecided():
    began = time.monotonic()
    decision = decide(
        policy("a", "true"),
        policy("endless", ENDLESS),
        policy("z", "true"),
        engine=CEL(timeout=timedelta(seconds=1)),
    )
    assert verdicts(decision) == {"a": "allow", "endless": "undecided", "z": "allow"}
    assert time.monotonic() - began < 20


@pytest.mark.slow
def test_without_a_timeout_of_ours_the_processor_limit_stops_it():
    decision = decide(policy("endless", ENDLESS), engine=CEL(timeout=timedelta(seconds=60)))
    assert isinstance(decision, Undecided)


@pytest.mark.slow
def test_an_expression_that_eats_memory_is_undecided():
    doubling = "input.text"
    for _ in range(12):
        doubling = f"[{doubling}].map(x, x + x + x + x + x + x + x + x)[0]"
    decision = decide(policy("memory", f"size({doubling}) > 0"), policy("z", "true"))
    assert verdicts(decision) == {"memory": "undecided", "z": "allow"}


def test_what_is_shown_is_short_and_never_decides():
    shows = ("input.tests.executed", "input.tests.names", "input.missing", "1 / 0", "input.text")
    answer = CEL().evaluate([policy("p", "true", shows=shows)], INPUT)[0][0]
    assert answer.value is True
    assert answer.shown[0] == "41"
    assert all(len(text) <= 120 for text in answer.shown)
    assert answer.shown[2] == "not known: missing"


def test_a_value_that_is_no_answer_is_told_by_its_type():
    answer = CEL().evaluate([policy("p", "input.tests.executed")], INPUT)[0][0]
    assert (answer.value, answer.problem) == (None, "expected true or false, got int")


def test_the_worker_sees_nothing_of_the_callers_environment(monkeypatch, tmp_path):
    # A module of ours on the path, or a start-up file, would run inside the worker.
    (tmp_path / "sitecustomize.py").write_text("raise SystemExit(3)")
    (tmp_path / "cel.py").write_text("raise SystemExit(3)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHONSTARTUP", str(tmp_path / "sitecustomize.py"))
    monkeypatch.chdir(tmp_path)
    assert isinstance(decide(policy("p", "true")), Allow)


def workers() -> list[int]:
    """Return the processes that this one started and that evaluate CEL."""
    found = []
    for children in Path(f"/proc/{os.getpid()}/task").glob("*/children"):
        for pid in children.read_text().split():
            found += [int(pid)] if b"cel_worker" in Path(f"/proc/{pid}/cmdline").read_bytes() else []
    return found


def test_one_worker_answers_many_questions_and_none_is_left_behind():
    before = set(workers())
    with CEL() as engine:
        decide(policy("a", "true"), engine=engine)
        (first,) = set(workers()) - before
        decide(policy("a", "true"), policy("b", "input.text == ''"), engine=engine)
        assert set(workers()) - before == {first}
        decide(policy("crash", CRASH), engine=engine)
        assert first not in workers()
    engine.evaluate([policy("a", "true")], INPUT)  # closed, and asked again: another worker
    del engine
    assert set(workers()) == before


def test_a_question_knows_nothing_of_the_one_before():
    with CEL() as engine:
        (before,) = engine.evaluate([policy("p", "input.here")], {"here": True})
        (after,) = engine.evaluate([policy("p", "input.here")], {"there": True})
    assert (before[0].value, after[0].value, after[0].problem) == (True, None, "not known: here")


@pytest.mark.slow
def test_each_question_has_its_own_share_of_the_processor():
    hundred = ",".join(str(n) for n in range(100))
    busy = f"[{hundred}].all(a, [{hundred}].all(b, [{hundred}].all(c, a + b + c >= 0)))"  # about a second
    with CEL(timeout=timedelta(seconds=60)) as engine:
        verdicts_of = [verdicts(decide(policy("busy", busy), engine=engine))["busy"] for _ in range(8)]
    assert verdicts_of == ["allow"] * 8


def test_hundreds_of_findings_are_judged_in_a_breath():
    findings = [{"id": f"F-{n:012x}", "severity": "low", "waived": False} for n in range(2000)]
    many = [policy(f"p{n}", "input.findings.all(f, f.severity == 'low' || f.waived)") for n in range(30)]
    began = time.monotonic()
    answers = CEL().evaluate(many, {"findings": findings})
    assert all(answer[0].value for answer in answers)
    assert time.monotonic() - began < 5
