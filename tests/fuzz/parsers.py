"""Fuzz what reads bytes from strangers: whatever comes in, nothing but our own errors may come out.

Run as `python tests/fuzz/parsers.py PARSER [libFuzzer options]`; `make fuzz` runs them all, a while each. Guided by
coverage (atheris, Apache-2.0, https://github.com/google/atheris). A crash leaves its input in a file crash-….
"""

import base64
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import atheris

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "unit" / "evidence")]

with atheris.instrument_imports(include=["wardline"]):
    from wardline import canonical
    from wardline.errors import WardlineError
    from wardline.evidence.envelopes import Envelope
    from wardline.evidence.packet import MIDDLE, PREFIX, SUFFIX, Packet
    from wardline.evidence.statements import Statement
    from wardline.tlog.checkpoint import Checkpoint, open_checkpoint
    from wardline.tlog.note import VerifierKey, open_note

KEY = VerifierKey(name="wardline.example/fuzz", raw=bytes(range(32)))


def text(content: bytes) -> str:
    return content.decode(errors="surrogateescape")


def packet(content: bytes) -> None:
    """Read `content` as what is inside the frame, where a parser goes wrong."""
    proof = base64.encodebytes(content)
    Packet.decode(PREFIX + b"<p>" + MIDDLE + proof + SUFFIX)


def same_again(content: bytes) -> None:
    """What is read as an envelope has one form."""
    assert Envelope.decode(content).encode() == content


PARSERS: dict[str, Callable[[bytes], object]] = {
    "note": lambda content: open_note(text(content), KEY),
    "vkey": lambda content: VerifierKey.parse(text(content)),
    "checkpoint": lambda content: Checkpoint.parse(text(content)),
    "signed-checkpoint": lambda content: open_checkpoint(text(content), KEY),
    "canonical-json": canonical.decode,
    "dsse": same_again,
    "statement": Statement.decode,
    "packet": packet,
    "packet-frame": Packet.decode,
}


def seeds(name: str) -> list[bytes]:
    """Return real ones of what `name` parses: mutated, they get deeper than noise does."""
    from told_story import begun

    with tempfile.TemporaryDirectory() as folder, begun(Path(folder)) as story:
        story.tell()
        whole, evidence = story.packet(), [story.log.read(index) for index in range(story.log.size())]
        checkpoint, key = story.log.checkpoint(), str(story.log.key)
    inner = base64.b64decode(whole.removeprefix(PREFIX).removesuffix(SUFFIX).rpartition(MIDDLE)[2])
    envelopes = [item.envelope.encode() for item in evidence]
    statements = [item.envelope.payload for item in evidence]
    return {
        "note": [checkpoint.encode()],
        "vkey": [key.encode(), str(KEY).encode()],
        "checkpoint": [checkpoint.partition("\n\n")[0].encode() + b"\n"],
        "signed-checkpoint": [checkpoint.encode()],
        "canonical-json": statements,
        "dsse": envelopes,
        "statement": statements,
        "packet": [inner],
        "packet-frame": [whole],
    }[name]


def main() -> None:
    name = sys.argv.pop(1)
    parse = PARSERS[name]

    def once(content: bytes) -> None:
        with suppress(WardlineError):
            parse(content)

    with tempfile.TemporaryDirectory() as corpus:
        found = seeds(name)
        for number, seed in enumerate(found):
            (Path(corpus) / f"seed-{number}").write_bytes(seed)
        longest = max(len(seed) for seed in found) + 1000
        atheris.Setup([*sys.argv, f"-max_len={longest}", corpus], once)
        atheris.Fuzz()


if __name__ == "__main__":
    if sys.argv[1:] == ["--list"]:
        sys.stdout.write("\n".join(PARSERS) + "\n")
    else:
        main()
