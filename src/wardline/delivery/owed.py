"""Owed: the reviews that emergency releases left open, read from the log without reading all of it."""

from wardline.delivery.collect_evidence import Collector
from wardline.delivery.enrol import enrolled
from wardline.gates.break_glass_predicates import BREAK_GLASS
from wardline.gates.emergency_review import EMERGENCY_REVIEW
from wardline.gates.review_debts import OWED, Debt, debts


def owed(collect: Collector) -> tuple[Debt, ...]:
    """Return every review that was ever owed, closed ones too.

    A debt opens in a run in which the glass was broken: of all others nothing needs to be read.
    """
    words = {item.index: item for item in collect.log.every(BREAK_GLASS, EMERGENCY_REVIEW)}
    runs = dict.fromkeys(
        item.statement.context.run for item in words.values() if item.statement.predicate_type == BREAK_GLASS
    )
    for run in runs:
        if run is not None:
            words |= {item.index: item for item in collect.log.of_run(run) if item.statement.predicate_type in OWED}
    return debts([words[index] for index in sorted(words)], people=enrolled(collect))
