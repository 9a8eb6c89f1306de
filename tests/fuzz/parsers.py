"""Fuzz what reads bytes from strangers: whatever comes in, nothing but our own errors may come out.

Run as `python tests/fuzz/parsers.py PARSER [libFuzzer options]`; `make fuzz` runs them all, a while each. Guided by
coverage (atheris, Apache-2.0, https://github.com/google/atheris). A crash leaves its input in a file crash-…, and an
input that takes seconds one called timeout-….
"""

import random
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import atheris

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

with atheris.instrument_imports(include=["wardline"]):
    from tests.fuzz.mutations import WORDS, repeated, reshaped
    from tests.fuzz.seeds import seeds
    from tests.fuzz.targets import TARGETS

    from wardline.errors import WardlineError

_MORE = 8000  # bytes that an input may be longer than the longest seed
_LIMITS = ("-timeout=5", "-rss_limit_mb=1024")  # a seed takes milliseconds, and none of them ten megabytes


def main() -> None:
    name = sys.argv.pop(1)
    parse = TARGETS[name]

    def once(content: bytes) -> None:
        with suppress(WardlineError):
            parse(content)

    with tempfile.TemporaryDirectory() as scratch:
        corpus, words = Path(scratch) / "corpus", Path(scratch) / "words"
        corpus.mkdir()
        words.write_text("".join(f'"{_escaped(word)}"\n' for word in WORDS))
        found = seeds(name)
        for number, seed in enumerate(found):
            (corpus / f"seed-{number}").write_bytes(seed)
        longest = max(len(seed) for seed in found) + _MORE
        options = [*_LIMITS, f"-max_len={longest}", f"-dict={words}", *sys.argv[1:]]
        atheris.Setup([sys.argv[0], *options, str(corpus)], once, custom_mutator=mutated)
        atheris.Fuzz()


def mutated(content: bytes, most: int, seed: int) -> bytes:
    """Return another input; libFuzzer's own mutations are most of them."""
    rng = random.Random(seed)
    match rng.randrange(8):
        case 0:
            return repeated(content, rng)[:most]
        case 1 | 2:
            changed = reshaped(content, rng)
            return changed if changed != content and len(changed) <= most else atheris.Mutate(content, most)
        case _:
            return atheris.Mutate(content, most)


def _escaped(word: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word.encode())


if __name__ == "__main__":
    if sys.argv[1:] == ["--list"]:
        sys.stdout.write("\n".join(TARGETS) + "\n")
    else:
        main()
