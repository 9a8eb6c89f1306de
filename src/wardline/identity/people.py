"""The one place that knows names: an erasable table beside the log (GDPR Art. 17)."""

from collections.abc import Sequence
from typing import Protocol

from wardline.ids import PrincipalId


class People(Protocol):
    """Maps principals to names and e-mail addresses, and can forget them.

    Nothing of it MUST ever enter a leaf. E-mail addresses compare without regard to case.
    """

    def remember(self, principal: PrincipalId, *, name: str, emails: Sequence[str]) -> None:
        """Keep this name and exactly these addresses for `principal`, replacing what was kept.

        Raises:
            Conflict: One of the addresses belongs to another principal: one person, one principal.
        """
        ...

    def principal_of(self, email: str) -> PrincipalId | None:
        """Return whose address it is; None: unmapped, and no guess is made."""
        ...

    def name_of(self, principal: PrincipalId) -> str | None:
        """Return the name; None: never known, or erased."""
        ...

    def addresses_of(self, principal: PrincipalId) -> tuple[str, ...]:
        """Return the addresses, case folded; none where none are known."""
        ...

    def erase(self, principal: PrincipalId) -> None:
        """Forget name and addresses, so that no file of the database holds them any more; the evidence stays.

        Erasing twice changes nothing.

        Raises:
            Unavailable: They are deleted, but their bytes could not be wiped yet; call again.
        """
        ...
