"""Read what people wrote and what programs said, where it is kept and nobody has asked to be forgotten."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from wardline import canonical
from wardline.delivery.collect_evidence import Collector
from wardline.delivery.enrol import enrolled
from wardline.errors import IntegrityViolation, NotFound
from wardline.evidence.erasures import Erasures
from wardline.evidence.log import SALTED_TEXT, Blobs, Evidence
from wardline.evidence.mentions import blobs_of
from wardline.evidence.private_texts import PRIVATE_TEXT, PrivateText, Readable, key_id_of, unlock
from wardline.identity.erasure import ERASURE
from wardline.identity.subject_keys import SubjectKey
from wardline.predicates import BlobRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """Opens private texts. Whoever may use this installation's account may look; a packet takes none along."""

    blobs: Blobs
    keys: Mapping[str, SubjectKey]  # by id
    erasures: Erasures

    @classmethod
    def of(cls, collect: Collector) -> Self:
        return cls(
            blobs=collect.blobs,
            keys={key.id: key for key in collect.subjects.held()},
            erasures=Erasures.of(collect.log.every(ERASURE), people=enrolled(collect)),
        )

    def in_statement(self, item: Evidence) -> tuple[PrivateText, ...]:
        """Return the texts that `item` names."""
        named = sorted(blobs_of(item), key=lambda ref: ref.digest)
        return tuple(self.read(ref) for ref in named if ref.media_type in (PRIVATE_TEXT, SALTED_TEXT))

    def read(self, ref: BlobRef) -> PrivateText:
        """Return the text in the blob `ref`, or what has become of it.

        Raises:
            IntegrityViolation: The blob or its key was changed.
        """
        try:
            content = self.blobs.get(ref.digest)
        except NotFound:
            return PrivateText(state=Readable.NOT_KEPT)
        if ref.media_type == SALTED_TEXT:
            return PrivateText(state=Readable.READ, text=_salted_text(content))
        key_id = key_id_of(content)
        gone = self.erasures.of_key(key_id)
        if gone is not None:  # also where an interrupted erasure has left the key: nobody reads it any more
            return PrivateText(state=Readable.ERASED, erased_at=gone.at)
        if key_id not in self.keys:
            return PrivateText(state=Readable.NOT_KEPT)
        key = self.keys[key_id]
        return PrivateText(state=Readable.READ, text=unlock(content, key=key), subject=key.subject)


def _salted_text(content: bytes) -> str:
    match canonical.decode(content):
        case {"salt": str(), "text": str(text)}:
            return text
        case _:
            raise IntegrityViolation("salted text: expected salt and text")
