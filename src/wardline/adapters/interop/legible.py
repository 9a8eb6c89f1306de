"""Text that every format can carry."""

import re

# All but the characters of XML 1.0 §2.2; FHIR strings allow no more (R4 datatypes, string). White space is one space:
# the schema's tokens do not keep it.
_UNSPEAKABLE = re.compile("[^\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def legible(text: str) -> str:
    """Return `text` with U+FFFD for what no XML document may hold, in one line and never empty."""
    return _UNSPEAKABLE.sub("\ufffd", " ".join(text.split())) or "\ufffd"
