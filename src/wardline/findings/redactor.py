"""The streaming redactor: masks identifiers and secrets before a disk, a terminal or a leaf sees them.

It takes the plainest ones: US social security numbers, e-mail addresses, payment cards, telephone numbers
(45 CFR 164.514(b)(2)(i)(D), (F), (G) and beyond), private keys, tokens of well-known services, passwords in
assignments and addresses. What it does not know passes: it lowers a risk and proves nothing.

It satisfies `evidence.redaction.Redactor`, which lies downstream and is met by shape.
"""

from typing import Final

from wardline.findings.patterns import KEY_BEGINS, KEY_ENDS, PATTERNS, Pattern

LONGEST_LINE: Final = 64 << 10  # bytes held back at most; a longer line is masked in pieces
_MARGIN: Final = 16 << 10  # bytes; longer than anything a pattern matches, so that no match straddles a cut unseen
_LONGEST_KEY: Final = 16 << 10  # bytes; PEM of a 16,384-bit RSA key is 12.5 KiB. Beyond it a BEGIN stands alone
_KEY_MASK: Final = b"[REDACTED:private-key]"
_MARKS: Final = tuple(
    Pattern(kind="private-key", regex=regex, needles=(b"private key",)) for regex in (KEY_BEGINS, KEY_ENDS)
)
_WHOLE: Final = (*_MARKS, *PATTERNS)  # what no cut may go through


def redact(text: str) -> str:
    """Return `text` with what is sensitive in it masked, e.g. `[REDACTED:ssn]`."""
    redactor = StreamingRedactor()
    return (redactor.feed(text.encode(errors="surrogatepass")) + redactor.finish()).decode(errors="replace")


class StreamingRedactor:
    """Masks one stream. However the stream is cut into chunks, the output is the same.

    It holds back the line that is not yet complete: nothing it looks for, except a private key, spans lines,
    and of a key nothing is held because nothing of it will be written.
    """

    def __init__(self) -> None:
        self._pending = b""  # the incomplete last line, shorter than LONGEST_LINE
        self._swallowed: int | None = None  # bytes of the private key we are inside of

    def feed(self, chunk: bytes) -> bytes:
        """Take the next bytes; return those that are safe to write now."""
        end = chunk.rfind(b"\n") + 1
        if not end:
            self._pending += chunk
            return self._shorten()
        block = self._pending + chunk[:end]
        self._pending = chunk[end:]
        return self._complete(block) + self._shorten()

    def finish(self) -> bytes:
        """Return the rest, masked. The redactor is not used again."""
        rest, self._pending = self._pending, b""
        return self._through_keys(rest)

    def _complete(self, block: bytes) -> bytes:
        if self._swallowed is None and len(block) < LONGEST_LINE and b"-----BEGIN" not in block:
            return _mask(block)  # no pattern crosses a line, so many lines at once are the same as one by one
        masked = []
        for line in _lines(block):
            pieces, rest = _cut(line)
            masked += [self._through_keys(piece) for piece in [*pieces, rest]]
        return b"".join(masked)

    def _shorten(self) -> bytes:
        pieces, self._pending = _cut(self._pending)
        return b"".join(self._through_keys(piece) for piece in pieces)

    def _through_keys(self, line: bytes) -> bytes:
        """Mask `line`, leaving out what belongs to a private key."""
        masked = []
        while line:
            if self._swallowed is None:
                begins = KEY_BEGINS.search(line)
                masked.append(_mask(line[: begins.start()] if begins else line))
                if begins is None:
                    break
                masked.append(_KEY_MASK)
                self._swallowed = 0
                line = line[begins.end() :]
                continue
            ends = KEY_ENDS.search(line)
            self._swallowed += len(line)
            if ends is None and self._swallowed <= _LONGEST_KEY:
                break
            self._swallowed = None
            line = line[ends.end() :] if ends else b""
        return b"".join(masked)


def _lines(block: bytes) -> list[bytes]:
    *lines, last = block.split(b"\n")
    return [*(line + b"\n" for line in lines), *([last] if last else [])]


def _cut(line: bytes) -> tuple[list[bytes], bytes]:
    """Cut a line that is too long into pieces, never inside of anything that may be sensitive.

    Where it cuts depends on the first LONGEST_LINE bytes alone, hence not on how the stream arrived.
    """
    pieces = []
    while len(line.rstrip(b"\n")) >= LONGEST_LINE:
        window = line[:LONGEST_LINE]
        lowered = window.lower()
        cut = LONGEST_LINE - _MARGIN
        spans = [span for pattern in _WHOLE for span in pattern.spans(window, lowered, start=cut - _MARGIN)]
        for start, end in sorted(spans, reverse=True):
            if start < cut < end:
                cut = start
        pieces.append(line[:cut])
        line = line[cut:]
    return pieces, line


def _mask(text: bytes) -> bytes:
    lowered = text.lower()
    for pattern in PATTERNS:
        masked = pattern.mask(text, lowered)
        if masked is not text:
            text, lowered = masked, masked.lower()
    return text
