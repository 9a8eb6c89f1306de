"""The first wardline.yaml of a service, from guesses: commented, what is unknown left blank and marked."""

from collections.abc import Mapping, Sequence

import yaml

from wardline.pipelines.guesses import Guess
from wardline.pipelines.reading import BLANK_MARK

MIN_COVERAGE = "test.standards.min_coverage"
UNMEASURED_MARK = "NOT MEASURED:"
_WIDTH = 110  # columns; a longer reason stands above its line
_ALWAYS = frozenset({"regulations"})  # an empty list is shown, so that it is seen

_HEAD = f"""\
# How this service goes from a commit to production. Written by `wardline init` from the sources; it is yours now.
# Behind each line stands why it was guessed. Lines with "{BLANK_MARK}" could not be guessed: `wardline validate` names
# those that are left, and `wardline validate --schema` prints every key for your editor.
wardline: 1
"""

_ENVIRONMENTS = """\
# In order; the last one is production. The artifact is the same everywhere: only what stands here differs.
# Per environment: config {NAME: text}, secrets {NAME: "env:NAME" or "file:/path"}, never a secret itself.
environments:
  development:
    target: {kind: local}
  staging:
    target: {kind: local, instances: 2}
  production:
    target: {kind: local, instances: 2}
    # A part of the traffic first; any step that answers worse than this goes back by itself.
    strategy:
      kind: canary
      steps: [10, 50, 100]
      analysis: {error_rate: 0.01, p95_ms: 1000, lasting: 30s}
      soak: 1m
    # Not the author of the change, and not one person for both.
    approvals:
      - {role: clinical-safety}
      - {role: compliance}

# The way back is walked in staging before production, for this very release.
rollback:
  rehearse_in: staging
  max_age: 96h
  max_duration: 60s
"""


def write_draft(guesses: Sequence[Guess]) -> str:
    """Return the text of a wardline.yaml that says what `guesses` say."""
    given = {guess.key: guess for guess in guesses}
    return "\n".join(
        (
            _HEAD,
            _section("service", given, ("name", "owner", "criticality", "data")),
            *_line(given["regulations"], indent=""),
            "",
            _section("build", given, ("run", "artifact", "with", "lock")),
            _section("test", given, ("run", "junit", "coverage", "requirements", "standards.min_coverage")),
            _section("scan", given, ("paths",)),
            _section("start", given, ("command", "health")),
            _ENVIRONMENTS,
        )
    )


def _section(name: str, given: Mapping[str, Guess], keys: tuple[str, ...]) -> str:
    lines = [f"{name}:"]
    for key in keys:
        section, _, leaf = key.rpartition(".")
        if section:
            lines.append(f"  {section}:")
        lines += _line(given[f"{name}.{key}"], indent="    " if section else "  ", leaf=leaf)
    return "\n".join([*lines, ""])


def _line(guess: Guess, *, indent: str, leaf: str | None = None) -> list[str]:
    name = leaf or guess.key
    why = "".join(c if c.isprintable() else "?" for c in " ".join(guess.why.split()))
    if guess.value is None:
        return [f"{indent}{name}:  # {BLANK_MARK} {why}"]  # on one line: there the parser looks for it
    if guess.value == () and guess.key not in _ALWAYS:
        return []
    line = f"{indent}{name}: {_written(guess.value)}"
    short = f"{line}  # {why}"
    return [short] if len(short) <= _WIDTH else [f"{indent}# {why}", line]


def _written(value: str | int | tuple[str, ...]) -> str:
    """Return `value` in YAML's flow style on one line."""
    each = list(value) if isinstance(value, tuple) else [value]
    flow = yaml.safe_dump(each, default_flow_style=True, allow_unicode=True, width=float("inf")).strip()
    return str(flow) if isinstance(value, tuple) else str(flow)[1:-1]
