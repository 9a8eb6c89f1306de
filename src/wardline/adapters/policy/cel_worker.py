"""Evaluates CEL in a process of its own, which may crash, run out of memory or be killed.

Read by path, never imported: a JSON line on standard input is a question, and one JSON line per policy on standard
output its answer, flushed, so that what is done before a crash is not lost. It ends with its standard input.
"""

import json
import math
import resource
import signal
import sys
import types
from functools import lru_cache
from typing import Any

_MEMORY = 1 << 30  # bytes of address space; 30 policies over 500 findings take less than a tenth of it
_CPU_SECONDS = 4  # of a question; a thousand times what these policies take
_COMPILED = 4096  # expressions kept; a set of policies has some hundreds
_SHOWN = 120  # characters of a shown value
_PROBLEM = 160


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # cel imports its own command line, and with it a prompt library: 0.17 s for nothing.
    sys.modules["cel.cli"] = types.ModuleType("cel.cli")
    import cel

    compiled = lru_cache(maxsize=_COMPILED)(cel.compile)
    for line in sys.stdin.buffer:
        _limit_next()
        request = json.loads(line)
        # One context for all: it is converted once.
        context = cel.Context(variables={"input": request["input"]})

        def evaluate(expression: str, context: Any = context) -> Any:  # noqa: ANN401  # whatever CEL gives
            return compiled(expression).execute(context)

        for policy in request["policies"]:
            answers = [_answer(check, evaluate) for check in policy["checks"]]
            sys.stdout.write(json.dumps({"policy": policy["id"], "answers": answers}) + "\n")
            sys.stdout.flush()
        signal.alarm(0)


def _limit_next() -> None:
    """Give the next question its share of the processor, and an end that needs nobody who is left to kill it."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = math.ceil(used.ru_utime + used.ru_stime) + _CPU_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))
    signal.alarm(2 * _CPU_SECONDS)


def _answer(check: dict[str, Any], evaluate: Any) -> dict[str, Any]:  # noqa: ANN401
    value, problem = None, None
    try:
        value = evaluate(check["expression"])
        if not isinstance(value, bool):
            value, problem = None, f"expected true or false, got {type(value).__name__}"
    except Exception as error:  # noqa: BLE001  # whatever it is, it has no value
        problem = _problem(error)
    return {"value": value, "problem": problem, "shown": [_shown(shown, evaluate) for shown in check["shows"]]}


def _shown(expression: str, evaluate: Any) -> str:  # noqa: ANN401
    try:
        value = evaluate(expression)
        text = json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else value
    except Exception as error:  # noqa: BLE001
        text = _problem(error)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _problem(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"not known: {error.args[0]!s:.60}"
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:_PROBLEM]


if __name__ == "__main__":
    main()
