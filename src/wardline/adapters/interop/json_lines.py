"""JSON lines (https://jsonlines.org): one statement a line, for whatever eats logs."""

from collections.abc import Iterator
from typing import ClassVar

from wardline import canonical
from wardline.evidence.audit.audit_codes import ExportFormat
from wardline.evidence.audit.exports import Extent
from wardline.evidence.log import Evidence
from wardline.tlog.merkle import leaf_hash


class JSONLines:
    """Statements of the log `origin`, whole, each with its place among the first `size` leaves."""

    name: ClassVar[ExportFormat] = ExportFormat.JSONL

    def __init__(self, origin: str, *, size: int) -> None:
        self._origin = origin
        self._size = size

    def message(self, evidence: Evidence) -> bytes:
        return canonical.encode(
            {
                "log": self._origin,
                "size": self._size,
                "index": evidence.index,
                "leaf_hash": leaf_hash(evidence.envelope.encode()).hex(),
                "statement": canonical.decode(evidence.envelope.payload),
            }
        )

    def document(self, extent: Extent, evidence: Iterator[Evidence]) -> Iterator[bytes]:  # noqa: ARG002  # the Protocol's
        """Yield one object a line."""
        for item in evidence:
            yield self.message(item) + b"\n"
