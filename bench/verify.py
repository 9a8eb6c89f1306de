"""Cold verification of a packet against importing what the verifiers are made of, as whole processes in turn.

`wardline verify` of the packet of a whole release, `python -c "import typer, cryptography"` beside it: goal, a ratio of
at most 2. The verifier that is published apart, `python -c "import cryptography"` beside it, both isolated (`-I`):
goal, at most 3. The runs alternate, so that a machine whose speed drifts moves both figures of a pair.
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
WARDLINE = str(Path(sys.executable).with_name("wardline"))
STANDALONE = str(Path(__file__).resolve().parent.parent / "verifier" / "wardline_verify.py")


def seconds(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


def compare(ours: tuple[str, list[str]], theirs: tuple[str, list[str]], goal: int, size: int) -> None:
    for _, command in (ours, theirs):
        seconds(command)  # the first run compiles and fills the page cache
    pairs = [(seconds(ours[1]), seconds(theirs[1])) for _ in range(RUNS)]
    for (name, _), times in zip((ours, theirs), zip(*pairs, strict=True), strict=True):
        print(f"{name:27} {statistics.median(times) * 1000:6.0f} ms (median of {RUNS})")
    ratio = statistics.median(one / other for one, other in pairs)
    print(f"{'ratio':27} {ratio:6.2f} (median of pairs; goal {goal}; a packet of {size} bytes)")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        packet = Path(folder) / "packet.html"
        with begun(Path(folder)) as story:
            story.tell()
            packet.write_bytes(story.packet())
        arguments = [str(packet), "--key", str(VerifierKey(name=ORIGIN, raw=MACHINE.public_key.raw))]
        python, size = sys.executable, packet.stat().st_size
        compare(
            ("wardline verify", [WARDLINE, "verify", *arguments]),
            ("import typer, cryptography", [python, "-c", "import typer, cryptography"]),
            2,
            size,
        )
        compare(
            ("wardline_verify.py", [python, "-I", STANDALONE, *arguments]),
            ("import cryptography", [python, "-I", "-c", "import cryptography"]),
            3,
            size,
        )


if __name__ == "__main__":
    main()
