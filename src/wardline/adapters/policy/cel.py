"""CEL (common-expression-language) in a worker process: the interpreter holds the GIL and can crash its process."""

import json
import threading
from collections.abc import Sequence
from datetime import timedelta
from typing import Self

from wardline.adapters.policy.worker import Worker
from wardline.canonical import JSON, JSONObject
from wardline.gates.policy import Answer, Policy


class CEL:
    """Evaluates policies in a worker that stays for the next question; a culprit costs a worker, and no other policy.

    The worker ends when the engine is closed, when nobody holds the engine any more, or with this process.
    """

    def __init__(self, *, timeout: timedelta = timedelta(seconds=10)) -> None:
        """`timeout` bounds one question; 10 s is a hundred times what all of ours take on a busy machine."""
        self._timeout = timeout
        self._worker: Worker | None = None
        self._lock = threading.Lock()  # one question at a time

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the worker; the next question starts another."""
        with self._lock:
            self._end_worker()

    def evaluate(self, policies: Sequence[Policy], document: JSONObject) -> Sequence[Sequence[Answer]]:
        answers: list[Sequence[Answer]] = []
        with self._lock:
            while len(answers) < len(policies):
                fresh = self._worker is None
                found = self._ask(policies[len(answers) :], document)
                # Only a policy that gave nothing while it stood first, in a fresh worker, is the culprit.
                answers += found if found or not fresh else [()]
        return answers

    def _ask(self, policies: Sequence[Policy], document: JSONObject) -> list[Sequence[Answer]]:
        if self._worker is None:
            self._worker = Worker()
        request = json.dumps({"input": document, "policies": [_request(policy) for policy in policies]})
        lines = self._worker.ask(request.encode(), answers=len(policies), timeout=self._timeout)
        found: list[Sequence[Answer]] = []
        for line, policy in zip(lines, policies, strict=False):
            answers = _parse(line, policy)
            if answers is None:
                break
            found.append(answers)
        if len(found) < len(policies):  # it crashed, or is still busy with what nobody waits for any more
            self._end_worker()
        return found

    def _end_worker(self) -> None:
        if self._worker is not None:
            self._worker.end()
            self._worker = None


def _request(policy: Policy) -> JSONObject:
    return {
        "id": policy.id,
        "checks": [{"expression": check.expression, "shows": list(check.shows)} for check in policy.checks],
    }


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
