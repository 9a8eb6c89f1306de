"""One guess for one key of wardline.yaml, with its reason."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """A value for `key`, and why; or None, and what a person has to fill in. An empty tuple leaves an option out."""

    key: str
    value: str | int | tuple[str, ...] | None
    why: str

    @property
    def is_blank(self) -> bool:
        return self.value is None
