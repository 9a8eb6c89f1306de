"""Start-up of `wardline --help` against `typer --help`, in turn, as whole processes. Goal: a ratio of at most 2.

Prints one table; the runs alternate, so that a machine whose speed drifts moves both figures.
"""

import statistics
import subprocess
import sys
import time
from pathlib import Path

RUNS = 15
COMMANDS = ("wardline", "typer")


def seconds(command: str) -> float:
    began = time.perf_counter()
    subprocess.run([str(Path(sys.executable).with_name(command)), "--help"], check=True, capture_output=True)
    return time.perf_counter() - began


def main() -> None:
    for command in COMMANDS:
        seconds(command)  # the first run compiles and fills the page cache
    taken = {command: [] for command in COMMANDS}
    for _ in range(RUNS):
        for command in COMMANDS:
            taken[command].append(seconds(command))
    medians = {command: statistics.median(times) for command, times in taken.items()}
    for command, median in medians.items():
        print(f"{command + ' --help':18} {median * 1000:6.0f} ms (median of {RUNS})")
    ratios = [ours / theirs for ours, theirs in zip(*taken.values(), strict=True)]
    print(f"{'ratio':18} {statistics.median(ratios):6.2f} (median of pairs; goal 2)")


if __name__ == "__main__":
    main()
