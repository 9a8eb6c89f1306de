"""Identifiers: one NewType per kind, and where fresh ones come from."""

import os
from typing import NewType, Protocol

RunId = NewType("RunId", str)
ReleaseId = NewType("ReleaseId", str)
DeploymentId = NewType("DeploymentId", str)
PrincipalId = NewType("PrincipalId", str)
KeyId = NewType("KeyId", str)
SubjectId = NewType("SubjectId", str)  # whom a private text is by or about: a principal, or somebody like one
EvidenceKey = NewType("EvidenceKey", str)
EnvironmentName = NewType("EnvironmentName", str)

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford base32: no letter passes for a digit
_LENGTH = 10  # 50 bits: a collision among a million runs has odds of 1 in 2,000


class IdFactory(Protocol):
    """Makes identifiers that were never given out before."""

    def new(self, prefix: str) -> str:
        """Return a fresh id such as `r-3k9x0p7c2m`."""
        ...

    def salt(self) -> str:
        """Return 32 random bytes in hex, for a commitment."""
        ...


class RandomIds:
    """Ids from the operating system's randomness."""

    def new(self, prefix: str) -> str:
        return f"{prefix}-" + "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in os.urandom(_LENGTH))

    def salt(self) -> str:
        return os.urandom(32).hex()


class SequentialIds:
    """Predictable ids for tests and reproducible examples."""

    def __init__(self) -> None:
        self._count = 0

    def new(self, prefix: str) -> str:
        self._count += 1
        return f"{prefix}-{self._count:010d}"

    def salt(self) -> str:
        self._count += 1
        return f"{self._count:064x}"
