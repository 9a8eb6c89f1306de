"""CEL (common-expression-language) in worker processes: the interpreter holds the GIL and can crash its process."""

import json
import subprocess
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from wardline.canonical import JSON, JSONObject
from wardline.errors import Unavailable
from wardline.gates.policy import Answer, Policy

_WORKER = Path(__file__).with_name("cel_worker.py")
# No setting of the caller reaches the worker: it evaluates what others wrote.
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONUTF8": "1"}


class CEL:
    """Evaluates policies in one worker per call; a culprit costs one more worker and harms no other policy."""

    def __init__(self, *, timeout: timedelta = timedelta(seconds=10)) -> None:
        """`timeout` bounds one worker; 10 s is a hundred times what all of ours take on a busy machine."""
        self._timeout = timeout

    def evaluate(self, policies: Sequence[Policy], document: JSONObject) -> Sequence[Sequence[Answer]]:
        answers: list[Sequence[Answer]] = []
        while len(answers) < len(policies):
            remaining = policies[len(answers) :]
            # Only a policy that gave nothing while it stood first, in a fresh worker, is the culprit.
            answers += self._run(remaining, document) or [()]
        return answers

    def _run(self, policies: Sequence[Policy], document: JSONObject) -> list[Sequence[Answer]]:
        request = json.dumps({"input": document, "policies": [_request(policy) for policy in policies]})
        try:
            done = subprocess.run(
                [sys.executable, "-I", str(_WORKER)],
                input=request.encode(),
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=self._timeout.total_seconds(),
                env=_ENVIRONMENT,
                cwd="/",
                start_new_session=True,  # Ctrl-C is for the command; a gate that is asked gets its answer
                check=False,
            )
            output = done.stdout
        except subprocess.TimeoutExpired as error:
            output = error.stdout or b""
        except OSError as error:
            raise Unavailable(f"the policy worker did not start: {error.strerror}") from error
        return _read(output, policies)


def _request(policy: Policy) -> JSONObject:
    return {
        "id": policy.id,
        "checks": [{"expression": check.expression, "shows": list(check.shows)} for check in policy.checks],
    }


def _read(output: bytes, policies: Sequence[Policy]) -> list[Sequence[Answer]]:
    """Return the answers of the leading policies that have a whole line, in order."""
    found: list[Sequence[Answer]] = []
    for line, policy in zip(output.splitlines(keepends=True), policies, strict=False):
        answers = _parse(line, policy) if line.endswith(b"\n") else None
        if answers is None:
            break
        found.append(answers)
    return found


def _parse(line: bytes, policy: Policy) -> list[Answer] | None:
    try:
        document: JSON = json.loads(line)
    except ValueError:
        return None
    match document:
        case {"policy": str(name), "answers": list(answers)} if name == policy.id and len(answers) == len(
            policy.checks
        ):
            read = [_answer(answer) for answer in answers]
            return [answer for answer in read if answer is not None] if None not in read else None
        case _:
            return None


def _answer(document: JSON) -> Answer | None:
    match document:
        case {"value": bool() | None as value, "problem": str() | None as problem, "shown": list(shown)}:
            return Answer(value=value, problem=problem, shown=tuple(str(text) for text in shown))
        case _:
            return None
