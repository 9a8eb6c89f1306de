"""How a plant tells what became of it, and what exactly was tried."""

import sys
from collections.abc import Callable, Iterable
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import wardline
from wardline.canonical import Digest, digest_of
from wardline.errors import Unavailable
from wardline.gates.trials import Planted, Tool
from wardline.outcomes import Outcome

Plant = Callable[[Path], tuple[Tool, tuple[Planted, ...]]]  # in an empty folder: which tool looked, and at what


def told(fault: str, *, expected: str, got: str, caught: bool) -> Planted:
    return Planted(fault=fault, expected=expected, got=got, outcome=Outcome.PASSED if caught else Outcome.FAILED)


def unshown(control: str, *, expected: str, got: str) -> Planted:
    """Tell that what is sound did not come through either: then what was caught shows nothing."""
    return Planted(fault=f"none: {control}", expected=expected, got=got, outcome=Outcome.ERRORED)


def configuration(name: str, modules: Iterable[str], *, tool: str | None) -> Digest:
    """Return the digest of what is tried under `name`: these modules as they are, the tool, Wardline, the interpreter.

    `tool` is the distribution that its program comes with; None: it needs none.
    """
    return digest_of(
        {
            "check": name,
            "code": {module: _content(module).hex for module in modules},
            "tool": None if tool is None else _installed(tool),
            "wardline": wardline.__version__,
            "python": f"{sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro}",
        }
    )


def write(file: Path, content: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)


def _content(module: str) -> Digest:
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise Unavailable(f"module {module} of this Wardline has no file")
    return Digest.of(Path(spec.origin).read_bytes())


def _installed(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "none"
