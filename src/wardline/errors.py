"""The error tree, by what the caller should do.

```
WardlineError
├── InvalidInput        the caller gave something wrong: correct it          (exit 2)
├── NotFound            the named thing does not exist: name another         (exit 2)
├── Conflict            somebody else got there first: look again, retry     (exit 1)
├── Refused             a rule says no: satisfy the rule                     (exit 4)
├── Unavailable         something outside did not answer: mend it, retry     (exit 1)
└── IntegrityViolation  evidence does not hold: stop and investigate         (exit 5)
```
Only the shells know exit codes and HTTP statuses.
"""

from collections.abc import Sequence


class WardlineError(Exception):
    """Root of everything Wardline raises on purpose.

    Attributes:
        what: What is wrong, where, expected and got; never a secret or a payload.
        remedy: What to do about it, or None where `what` already says it.
    """

    def __init__(self, what: str, *, remedy: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy


class InvalidInput(WardlineError):
    """The caller gave something wrong; `problems` lists every one found."""

    def __init__(self, what: str, *, remedy: str | None = None, problems: Sequence[str] = ()) -> None:
        super().__init__(what, remedy=remedy)
        self.problems = tuple(problems)


class NotFound(WardlineError):
    """The named thing does not exist."""


class Conflict(WardlineError):
    """Another writer or holder got there first."""


class Refused(WardlineError):
    """A rule of Wardline or of the organisation says no."""


class Unavailable(WardlineError):
    """Something outside (a process, a disk, a service) did not do its part."""


class IntegrityViolation(WardlineError):
    """A proof, a signature or a digest does not hold."""
