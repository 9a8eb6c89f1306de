# ruff: noqa: E501, PLR0915  # forms are read in one piece
"""How fast plain text is looked at, beside ripgrep with the same patterns on one core, and how much memory that takes.

Run as `python bench/scan.py [--megabytes N]`; goal: at least 0.25 of ripgrep (Debian: ripgrep), at most 300 MB.
"""

import argparse
import random
import resource
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import re2

from wardline.adapters.scanners.sensitive.files import Looker, Memory, look_at_tree
from wardline.findings.sensitive.formats import Formats
from wardline.findings.sensitive.rules import rules
from wardline.findings.sensitive.text import PIECE

_PLANTED = (
    "MRN: 00123456",
    "ssn 524-45-6788",
    "from jane.hartwell@gmail.com",
    "patient Jane Hartwell admitted on 03/14/2021",
    "call 212-634-1234",
)


def text(megabytes: int) -> bytes:
    """Return lines of a log with a hit in about every five kilobytes."""
    rng = random.Random(7)
    words = "request served cached worker retry queue commit page index batch flush shard lease token renewed after in of".split()  # noqa: SIM905
    lines = []
    for number in range(40_000):
        said = " ".join(rng.choice(words) for _ in range(9))
        planted = f" {rng.choice(_PLANTED)}" if number % 60 == 0 else ""
        lines.append(
            f"2026-11-25T10:{number % 60:02}:{number % 59:02}.{number % 1000:03}Z INFO w{number % 8} {said}{planted} {rng.getrandbits(64):016x}\n"
        )
    block = "".join(lines).encode()
    return block * (megabytes * 1_000_000 // len(block) + 1)


def timed(work) -> float:  # noqa: ANN001
    best = float("inf")
    for _ in range(2):
        begun = time.process_time() + resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        work()
        best = min(best, time.process_time() + resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - begun)
    return best


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--megabytes", type=int, default=100)
    megabytes = parser.parse_args().megabytes
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "a.log")
        file.write_bytes(text(megabytes))
        patterns = Path(folder, "patterns")
        patterns.write_bytes(
            b"\n".join(b"(?:" + rule.prefilter.replace(rb"\"", b'"').replace(rb"\'", b"'") + b")" for rule in rules())
            + b"\n"
        )
        size = file.stat().st_size / 1e6
        formats = Formats()

        def whole() -> None:
            look_at_tree(Looker(formats, b"b" * 32), file, Memory(None, rules=""))

        options = re2.Options()
        options.encoding, options.max_mem, options.never_capture = re2.Options.Encoding.LATIN1, 64 << 20, True
        found = re2.Set.SearchSet(options)
        for rule in rules():
            found.Add(rule.prefilter)
        found.Compile()

        def prefilter() -> None:
            with file.open("rb") as stream:
                while piece := stream.read(PIECE):
                    found.Match(piece)

        own, bare = timed(whole), timed(prefilter)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"{size:.0f} MB of a log, one core: scan {size / own:.0f} MB/s, its prefilter alone {size / bare:.0f} MB/s; peak memory {peak:.0f} MB (the corpus as made included)"
        )
        program = shutil.which("rg")
        if program is None:
            print("ripgrep is not installed (Debian: ripgrep): nothing to stand beside")
            return
        command = [program, "-j1", "--no-unicode", "-o", "--no-filename", "-f", str(patterns), str(file)]
        if subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode:
            print("ripgrep does not take the patterns")
            return
        other = timed(lambda: subprocess.run(command, stdout=subprocess.DEVNULL, check=False))
        print(
            f"ripgrep, the same patterns: {size / other:.0f} MB/s; ratio {other / own:.2f} (goal 0.25: {'met' if other / own >= 0.25 else 'MISSED'})"
        )


if __name__ == "__main__":
    main()
