"""How often the glass is broken, against sums made by hand."""

from dataclasses import replace

import pytest
from test_figures import PRODUCTION, STAGING, Tale

from wardline.deployments.predicates import Phase
from wardline.metrics.emergencies import Emergencies, emergencies
from wardline.metrics.records import Records


def test_each_release_counts_once_where_it_was_begun():
    tale = Tale()
    for number, run in enumerate(("r-1", "r-2", "r-3")):
        tale.move(run, Phase.STARTED, at=number).move(run, Phase.SUCCEEDED, at=number + 0.5)
    tale.move("r-3", Phase.STARTED, at=9, where=STAGING)
    tale.move("r-5", Phase.STARTED, at=10, reason="rehearsal")
    glass = (replace(moved, decision=41) if moved.run in {"r-2", "r-5"} else moved for moved in tale.moves)
    records = Records(runs=(), deployments=tuple(glass))
    assert emergencies(records, PRODUCTION, under_glass=frozenset({41})) == Emergencies(releases=3, under_glass=1)
    assert emergencies(records, STAGING, under_glass=frozenset({41})) == Emergencies(releases=1, under_glass=0)


@pytest.mark.parametrize(("releases", "under", "rate"), [(0, 0, None), (3, 1, 3333), (4, 4, 10_000), (7, 0, 0)])
def test_the_rate_is_a_share_of_all_releases(releases, under, rate):
    assert Emergencies(releases=releases, under_glass=under).rate_bp == rate
