"""Lock files: requirements in pip's form, every one of them pinned by a hash.

Source: https://pip.pypa.io/en/stable/reference/requirements-file-format/
"""

import re
from collections.abc import Iterator

_CONTINUED = re.compile(r"\\\s*$")
_COMMENT = re.compile(r"(^|\s)#.*$")
_PINNED = re.compile(r"\s--hash=sha(?:256|384|512):[0-9a-f]{64,128}(?=\s|$)")
_AFTER_NAME = re.compile(r"[\s;\[<>=!~@]")
_OTHER_FILES = ("-r", "--requirement", "-c", "--constraint", "-e", "--editable")


def unpinned(text: str, *, name: str) -> tuple[str, ...]:
    """Return every line of the lock file `name` that leaves open what is installed, as `file:line: why`."""
    found = []
    for number, line in _lines(text):
        if line.startswith(_OTHER_FILES):
            found.append(f"{name}:{number}: {line.split()[0]} is not allowed in a lock: write the packages out")
        elif not line.startswith("-") and not _PINNED.search(line):
            found.append(f"{name}:{number}: dependency without a hash: {_AFTER_NAME.split(line)[0]}")
    return tuple(found)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the logical lines that say something, each with the number of its first."""
    start, whole = 0, ""
    for number, line in enumerate(text.splitlines(), start=1):
        start = start or number
        whole += _COMMENT.sub("", _CONTINUED.sub("", line)) + " "
        if not _CONTINUED.search(line):
            if whole.strip():
                yield start, whole.strip()
            start, whole = 0, ""
    if whole.strip():
        yield start, whole.strip()
