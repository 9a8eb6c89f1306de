"""A gate's decision against the bare evaluation of the same expressions, and thousands of decisions made again.

A large run: 500 findings, 200 statements, 60 policies (the shipped ones, and copies under other ids). Bare is CEL in
this process: every expression compiled once, one context for the document, each expression executed. The decision adds
the worker with its limits, the digests of policies and input, and reasons; folding the evidence is shown beside.
Goals: a decision takes at most twice as long as bare; memory is flat over the replays.
"""

import argparse
import resource
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "unit" / "gates"))

import cel
from gate_world import Said, World, scan

from wardline.adapters.policy.cel import CEL
from wardline.delivery.decide import Gate, decide
from wardline.delivery.replay import Archive, replay
from wardline.gates import readings
from wardline.gates.judge import judge
from wardline.gates.policy import Policy
from wardline.gates.policy_files import load_policies
from wardline.outcomes import Outcome

POLICIES, FINDINGS, STATEMENTS, ROUNDS = 60, 500, 200, 31


def many_policies() -> tuple[Policy, ...]:
    shipped = load_policies()
    copies = (replace(shipped[n % len(shipped)], id=f"copy-{n}") for n in range(POLICIES - len(shipped)))
    return (*shipped, *copies)


def large_world() -> World:
    world = World()
    world.serve()
    world.ship(findings=tuple(f"F-{number:012x}" for number in range(FINDINGS)))
    while world.log.size() < STATEMENTS:
        world.say(f"scan/bandit/{world.log.size()}", Said(readings.SCAN, scan()), run=None)
    return world


def seconds(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def rss(process: str) -> float:
    """Return the megabytes that a process holds."""
    (line,) = (each for each in Path(f"/proc/{process}/status").read_text().splitlines() if each.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def measure_decision() -> float:
    world, policies = large_world(), many_policies()
    question = world.facts().question
    asked = [policy for policy in policies if policy.applies_to(question.place)]
    checks = [check for policy in asked for check in policy.checks]
    expressions = [expression for check in checks for expression in (check.expression, *check.shows)]
    compiled = [cel.compile(expression) for expression in expressions]

    def bare() -> None:
        context = cel.Context(variables={"input": question.document})
        for program in compiled:
            try:
                program.execute(context)
            except (KeyError, RuntimeError, ValueError, TypeError):  # a missing value, as in the worker
                continue

    with CEL() as engine:
        judge(policies, question, engine=engine)  # the worker starts, and compiles
        ours, alone, folded = [], [], []
        for _ in range(ROUNDS):
            alone.append(seconds(bare))
            ours.append(seconds(lambda: judge(policies, question, engine=engine)))
            folded.append(seconds(world.facts))
    ratio = statistics.median(a / b for a, b in zip(ours, alone, strict=True))
    print(f"{len(asked)} policies, {len(expressions)} expressions, {FINDINGS} findings, {STATEMENTS} statements")
    print(f"{'bare evaluation':34} {statistics.median(alone) * 1000:9.2f} ms")
    print(f"{'decision':34} {statistics.median(ours) * 1000:9.2f} ms")
    print(f"{'decision, ratio':34} {ratio:9.2f}    (goal ≤ 2)")
    print(f"{'folding the evidence, beside':34} {statistics.median(folded) * 1000:9.2f} ms", flush=True)
    return ratio / 2


def measure_replays(count: int) -> float:
    world = World()
    world.serve()
    world.ship()
    archive = Archive(log=world.log, blobs=world.collect.blobs)
    with CEL(timeout=timedelta(seconds=30)) as engine:
        gate = Gate(collect=world.collect, engine=engine, policies=load_policies())
        evidence = world.log.read(decide(gate, world.door(), step="production/gate")[1])
        held: list[float] = []
        marks = (count // 10, count // 2, count - 1)  # before the first, what is compiled and cached once is missing
        began = time.perf_counter()
        for number in range(count):
            if replay(evidence, archive, engine=engine).outcome is not Outcome.PASSED:
                raise SystemExit("a decision did not come to the same")
            if number in marks:
                held.append(_memory())
        took, (early, middle, late) = time.perf_counter() - began, held
    print(f"{'decisions made again':34} {count / took:9.0f} /s    {count:,} of them")
    print(f"{'memory, worker included':34} {early:9.1f} MB   at a tenth, {middle:.1f} half-way, {late:.1f} at the end")
    print(f"{'memory, ratio':34} {late / early:9.2f}    (goal ≤ 1.1)")
    return late / early / 1.1


def _memory() -> float:
    children = Path(f"/proc/self/task/{_thread()}/children").read_text().split()
    return sum(rss(process) for process in ("self", *children))


def _thread() -> str:
    return Path("/proc/thread-self").readlink().name


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--replays", type=int, default=10_000)
    options = parser.parse_args()
    over = [measure_decision(), measure_replays(options.replays)]
    print(f"{'this process at its most':34} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:9.1f} MB")
    sys.exit(1 if max(over) > 1 else 0)


if __name__ == "__main__":
    main()
