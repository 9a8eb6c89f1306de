"""Evidence of a check that let a planted fault pass answers no control, and speaks against what counts on it."""

import pytest
from covered import NOW, answer, control, library, said

from wardline.controls.cover import Seen, cover
from wardline.controls.coverage import State
from wardline.controls.mapping import Relation
from wardline.controls.said import Said
from wardline.outcomes import Outcome

NOT_PASSED = [outcome for outcome in Outcome if outcome is not Outcome.PASSED]


def row(relation, *evidence, doubted):
    books = library(control(), answer(relation))
    seen = Seen(run=evidence, installation=(), doubted=doubted)
    ((_, (found,)),) = cover(books.catalogues, books, seen=seen, said=Said(), now=NOW).catalogues
    return found


@pytest.mark.parametrize("relation", Relation)
@pytest.mark.parametrize("outcome", NOT_PASSED)
def test_what_is_doubted_answers_nothing(relation, outcome):
    covered = row(relation, said(7), doubted={7: outcome})
    assert (covered.state, covered.answered) == (State.MISSING, ())
    assert [(each.index, each.outcome) for each in covered.against] == [(7, outcome)]


@pytest.mark.parametrize("relation", Relation)
def test_what_is_doubted_outweighs_what_is_not(relation):
    doubted = {8: Outcome.INCONCLUSIVE}
    assert row(relation, said(7, step="scan/a"), said(8, step="scan/b"), doubted=doubted).state is State.MISSING
    assert row(relation, said(7, step="scan/a"), doubted=doubted).state is not State.MISSING
