"""Fuzz what reads bytes from strangers: whatever comes in, nothing but our own errors may come out.

Run as `python tests/fuzz/parsers.py PARSER [libFuzzer options]`; `make fuzz` runs them all, a while each. Guided by
coverage (atheris, Apache-2.0, https://github.com/google/atheris). A crash leaves its input in a file crash-…, and an
input that takes seconds one called timeout-….
"""

import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import atheris

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

with atheris.instrument_imports(include=["wardline"]):
    from tests.fuzz.seeds import seeds
    from tests.fuzz.targets import TARGETS

    from wardline.errors import WardlineError

_MORE = 1000  # bytes that an input may be longer than the longest seed
_LIMITS = ("-timeout=5", "-rss_limit_mb=1024")  # a seed takes milliseconds, and none of them ten megabytes


def main() -> None:
    name = sys.argv.pop(1)
    parse = TARGETS[name]

    def once(content: bytes) -> None:
        with suppress(WardlineError):
            parse(content)

    with tempfile.TemporaryDirectory() as corpus:
        found = seeds(name)
        for number, seed in enumerate(found):
            (Path(corpus) / f"seed-{number}").write_bytes(seed)
        longest = max(len(seed) for seed in found) + _MORE
        atheris.Setup([sys.argv[0], *_LIMITS, f"-max_len={longest}", *sys.argv[1:], corpus], once)
        atheris.Fuzz()


if __name__ == "__main__":
    if sys.argv[1:] == ["--list"]:
        sys.stdout.write("\n".join(TARGETS) + "\n")
    else:
        main()
