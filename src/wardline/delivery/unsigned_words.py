"""What an operator says without signing it: why a release was taken back, why an environment was stopped.

Neither waits for a key or a passphrase, so nobody's signature says whose words these are.
"""

from wardline import canonical
from wardline.canonical import Digest
from wardline.delivery.collect_evidence import Collector
from wardline.delivery.enrol import enrolled
from wardline.errors import IntegrityViolation, NotFound
from wardline.evidence.private_texts import PRIVATE_TEXT
from wardline.identity.subject_keys import principal_subject_id, text_subject_id
from wardline.ids import PrincipalId
from wardline.predicates import BlobRef


def keep_words(text: str | None, *, by: PrincipalId | None, collect: Collector) -> BlobRef | None:
    """Keep `text`, encrypted under the key of `by`; nobody named: under one of its own, to be erased alone.

    Raises:
        NotFound: `by` was never enrolled.
    """
    if text is None:
        return None
    if by is None:
        return collect.private(text, about=text_subject_id(collect.ids.new("t")))
    if enrolled(collect).find(by) is None:
        raise NotFound(f"principal {by} was never enrolled here", remedy="`wardline people list` shows who was.")
    return collect.private(text, about=principal_subject_id(by))


def to_argument(kept: BlobRef | None) -> str | None:
    """Return `kept` as an argument of a run: the text itself is nowhere but in the blob."""
    return None if kept is None else canonical.encode(kept.to_json()).decode()


def from_argument(argument: str | None) -> BlobRef | None:
    """Return what `to_argument` made.

    Raises:
        IntegrityViolation: It made something else.
    """
    if argument is None:
        return None
    match canonical.decode(argument.encode()):
        case {"digest": {"sha256": str(digest)}, "mediaType": str(media_type), "size": int(size)} if (
            media_type == PRIVATE_TEXT
        ):
            return BlobRef(digest=Digest(digest), media_type=media_type, size_bytes=size)
        case _:
            raise IntegrityViolation("a run's words: expected a reference to a private text")
