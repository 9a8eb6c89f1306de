"""Running text: one pass of RE2 says which rules may match a piece, and each of these looks at its lines.

RE2 takes time linear in the text whatever it holds. The patterns that confirm are Python's, over a line at most.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import re2

from wardline.errors import InvalidInput
from wardline.findings.sensitive.rules import Candidate, Rule
from wardline.findings.sensitive.sighting import Spot

PIECE: Final = 64 << 10  # bytes that the prefilter is asked about at once; longer ones are dirty more often
_WINDOW: Final = 4 << 10  # bytes of a line on each side of a candidate; a longer line is data, not text
_MEMORY: Final = 64 << 20  # bytes for RE2's states; with its own 8 MiB it would forget them and start again


@dataclass(frozen=True, slots=True)
class _Compiled:
    rule: Rule
    prefilter: "re2._Regexp"


class TextScan:
    """Every rule, compiled once; then asked about any number of texts."""

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        options = re2.Options()
        options.encoding = re2.Options.Encoding.LATIN1  # bytes are looked at as they come
        options.max_mem = _MEMORY
        options.log_errors = False
        options.never_capture = True
        self._set = re2.Set.SearchSet(options)
        compiled = []
        for rule in rules:
            try:
                compiled.append(_Compiled(rule, re2.compile(rule.prefilter, options)))
            except re2.error as error:
                raise InvalidInput(f"the pattern of rule {rule.name} does not compile; expected RE2 syntax") from error
            self._set.Add(rule.prefilter)
        self._rules = tuple(compiled)
        self._set.Compile()

    def spots(self, block: bytes, *, in_code: bool, first_line: int = 1) -> Iterator[Spot]:
        """Yield what stands in `block`, which ends at the end of a line unless that is too long."""
        line, begins = first_line, 0
        while begins < len(block):
            ends = _piece_end(block, begins)
            which = self._set.Match(block[begins:ends])
            if which:  # None where nothing matches
                yield from self._confirmed(block, (begins, ends), sorted(which), in_code=in_code, line=line)
            line += block.count(b"\n", begins, ends)
            begins = ends

    def _confirmed(
        self, block: bytes, span: tuple[int, int], which: list[int], *, in_code: bool, line: int
    ) -> Iterator[Spot]:
        piece = block[span[0] : span[1]]
        breaks: list[int] | None = None
        taken: dict[tuple[int, int], str] = {}
        for number in which:
            compiled = self._rules[number]
            for candidate, at in _candidates(compiled, piece, in_code=in_code):
                end = at + len(candidate.value)
                if any(start < end and at < stop for start, stop in taken) or not compiled.rule.confirm(candidate):
                    continue
                taken[at, end] = compiled.rule.name
                breaks = breaks if breaks is not None else [match.start() for match in re.finditer(rb"\n", piece)]
                nth = bisect_right(breaks, at - 1) if at else 0
                begins = breaks[nth - 1] + 1 if nth else 0
                column = len(piece[begins:at].decode(errors="replace")) + 1
                yield Spot(
                    kind=compiled.rule.kind,
                    rule=compiled.rule.name,
                    line=line + nth,
                    column=column,
                    value=candidate.value,
                )


def _candidates(compiled: _Compiled, piece: bytes, *, in_code: bool) -> Iterator[tuple[Candidate, int]]:
    """Yield what the rule's own pattern matches on the lines where RE2 saw something, and where in `piece`."""
    at = 0
    while at <= len(piece) and (hit := compiled.prefilter.search(piece, at)) is not None:
        begins = max(piece.rfind(b"\n", 0, hit.start()) + 1, hit.start() - _WINDOW, at and at - 512)
        ends = piece.find(b"\n", hit.end())
        ends = min(len(piece) if ends < 0 else ends, hit.end() + _WINDOW)
        line = piece[begins:ends]
        for match in compiled.rule.regex.finditer(line):
            start, end = match.span(match.lastgroup or 0)
            value = line[start:end].decode(errors="replace")
            yield Candidate(value=value, line=line, start=start, end=end, in_code=in_code), begins + start
        at = max(ends, hit.end()) + 1


def _piece_end(block: bytes, begins: int) -> int:
    if len(block) - begins <= PIECE:
        return len(block)
    ends = block.rfind(b"\n", begins, begins + PIECE) + 1
    if ends:
        return ends
    # A line longer than a piece: cut behind it, or at white space, so that a value is not cut in two.
    following = block.find(b"\n", begins + PIECE, begins + 16 * PIECE) + 1
    return following or min(len(block), begins + 16 * PIECE)
