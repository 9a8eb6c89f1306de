"""Export to OSCAL: coverage, with every statement it rests on, for whoever writes it down in that format."""

from dataclasses import dataclass

from wardline.controls.assessed import Assessed, Leaf, OwedReview
from wardline.controls.library import Library
from wardline.delivery.collect_evidence import Collector
from wardline.delivery.owed import owed
from wardline.delivery.show_controls import Question, show_controls
from wardline.evidence.log import Evidence
from wardline.gates.review_debts import Debt, open_debts
from wardline.pipelines.run import RunStore
from wardline.tlog.merkle import leaf_hash


@dataclass(frozen=True, slots=True, kw_only=True)
class Maker:
    """Who makes a report: the installation, by the origin of its log, and the version of Wardline."""

    origin: str
    version: str


def assess(question: Question, *, library: Library, runs: RunStore, collect: Collector, maker: Maker) -> Assessed:
    """Return the answer to `question` with what it rests on; raises as `show_controls`.

    Nothing is recorded: what is given out is what `controls show` shows, and the statements of a packet.
    """
    shown = show_controls(question, library=library, runs=runs, collect=collect)
    reviews = tuple(map(_owed, open_debts(owed(collect), service=shown.service)))
    named = {index for _, rows in shown.coverage.catalogues for row in rows for index in row.indices}
    return Assessed(
        origin=maker.origin,
        run=shown.run,
        service=shown.service,
        environment=shown.environment,
        began_at=shown.began_at,
        changed_at=max([shown.changed_at, *(review.opened_at for review in reviews)]),
        coverage=shown.coverage,
        library=library,
        leaves={index: _leaf(collect.log.read(index)) for index in sorted(named)},
        made_by=maker.version,
        owed=reviews,
    )


def _leaf(evidence: Evidence) -> Leaf:
    content, context = evidence.envelope.encode(), evidence.statement.context
    return Leaf(
        index=evidence.index,
        predicate_type=evidence.statement.predicate_type,
        outcome=context.outcome,
        recorded_at=context.recorded_at,
        leaf_hash=leaf_hash(content).hex(),
        content=content,
    )


def _owed(debt: Debt) -> OwedReview:
    return OwedReview(
        decision=debt.decision,
        deployment=debt.deployment,
        environment=debt.environment,
        opened_at=debt.opened_at,
        due=debt.due,
    )
