"""Cold verification of a packet against importing what the command line is made of, as whole processes in turn.

`wardline verify` of the packet of a whole release, `python -c "import typer, cryptography"` beside it. Goal: a ratio of
at most 2. The runs alternate, so that a machine whose speed drifts moves both figures.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "unit" / "evidence"))

from told_story import MACHINE, ORIGIN, begun

from wardline.tlog.note import VerifierKey

RUNS = 21


def seconds(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        packet = Path(folder) / "packet.html"
        with begun(Path(folder)) as story:
            story.tell()
            packet.write_bytes(story.packet())
        key = str(VerifierKey(name=ORIGIN, raw=MACHINE.public_key.raw))
        commands = {
            "wardline verify": [str(Path(sys.executable).with_name("wardline")), "verify", str(packet), "--key", key],
            "import typer, cryptography": [sys.executable, "-c", "import typer, cryptography"],
        }
        for command in commands.values():
            seconds(command)  # the first run compiles and fills the page cache
        taken: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(RUNS):
            for name, command in commands.items():
                taken[name].append(seconds(command))
        size = packet.stat().st_size
    for name, times in taken.items():
        print(f"{name:27} {statistics.median(times) * 1000:6.0f} ms (median of {RUNS})")
    ratios = [ours / theirs for ours, theirs in zip(*taken.values(), strict=True)]
    print(f"{'ratio':27} {statistics.median(ratios):6.2f} (median of pairs; goal 2; a packet of {size} bytes)")


if __name__ == "__main__":
    main()
