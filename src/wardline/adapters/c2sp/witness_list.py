"""The witnesses that an installation asks: a text file, one on each line, its key and its URL."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wardline.errors import Conflict, InvalidInput, Unavailable
from wardline.tlog.cosignature import WitnessKey

_MAX_BYTES = 65_536  # hundreds of witnesses


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedWitness:
    """A witness with its key. `url` None: nobody asks it, it looks at the log itself."""

    key: WitnessKey
    url: str | None


def read_witnesses(file: Path) -> tuple[ListedWitness, ...]:
    """Return the witnesses in `file`; none if there is no such file.

    Raises:
        InvalidInput: A line is no witness; the message names file and line.
        Unavailable: The file cannot be read.
    """
    try:
        with file.open("rb") as opened:
            content = opened.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise Unavailable(f"{file} cannot be read: {error.strerror}") from error
    if len(content) > _MAX_BYTES:
        raise InvalidInput(f"{file}: more than {_MAX_BYTES} bytes")
    found: list[ListedWitness] = []
    for number, line in enumerate(content.decode(errors="replace").splitlines(), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            found.append(_parse(line, f"{file}:{number}"))
    return tuple(found)


def add_witness(file: Path, witness: ListedWitness) -> Sequence[ListedWitness]:
    """Add `witness` to `file` and return all that are in it now.

    Raises:
        Conflict: One of that name, or with that key, is there already.
        InvalidInput: A line of the file is no witness.
        Unavailable: The file cannot be written.
    """
    known = read_witnesses(file)
    for other in known:
        if other.key.name == witness.key.name or other.key.raw == witness.key.raw:
            raise Conflict(
                f"witness {other.key.name} is listed already, with key {other.key.hash.hex()}",
                remedy=f"To replace it, remove its line from {file}.",
            )
    line = f"{witness.key} {witness.url}" if witness.url else str(witness.key)
    try:
        lines = file.read_text() if file.exists() else ""
        fresh = file.with_name(f".{file.name}.new")
        fresh.write_text(f"{lines}{'' if not lines or lines.endswith(chr(10)) else chr(10)}{line}\n")
        fresh.replace(file)
    except OSError as error:
        raise Unavailable(f"{file} cannot be written: {error.strerror}") from error
    return (*known, witness)


def _parse(line: str, where: str) -> ListedWitness:
    key, *rest = line.split()
    if len(rest) > 1:
        raise InvalidInput(f"{where}: {len(rest) + 1} words; expected a key and a URL")
    try:
        return ListedWitness(key=WitnessKey.parse(key), url=rest[0] if rest else None)
    except InvalidInput as error:
        raise InvalidInput(f"{where}: {error.what}") from error
