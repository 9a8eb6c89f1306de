"""`log check` holds every statement to its published schema, as whoever wrote it had to."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.fakes.delivery_world import DeliveryWorld, delivery_world

from wardline.adapters.storage.check_log import check_log
from wardline.errors import InvalidInput
from wardline.evidence.envelopes import seal
from wardline.evidence.schemas import check_predicate
from wardline.evidence.statements import PAYLOAD_TYPE, Statement
from wardline.ids import RunId
from wardline.predicates import NAMESPACE


@pytest.fixture
def world(tmp_path: Path) -> Iterator[DeliveryWorld]:
    with delivery_world(tmp_path) as opened:
        opened.enrol_everybody()
        opened.begin("r-1", "1.0")
        opened.walk("r-1", "1.0")
        yield opened


def append(world: DeliveryWorld, **changes: object) -> int:
    """Append what the collector would refuse to sign."""
    last: Statement = world.log.of_run(RunId("r-1"))[-1].statement
    changed = replace(last, context=replace(last.context, step="again"), **changes)  # type: ignore[arg-type]
    return world.log.append(seal(changed.encode(), payload_type=PAYLOAD_TYPE, signer=world.collect.signer)).index


def check(world: DeliveryWorld) -> int:
    return check_log(world.database, world.log.key, check_statement=check_predicate).size  # type: ignore[arg-type]


def test_every_statement_of_a_run_keeps_to_its_schema(world: DeliveryWorld) -> None:
    assert check(world) == world.log.size()


def test_a_statement_that_does_not_is_named_with_its_place(world: DeliveryWorld) -> None:
    index = append(world, body={"status": "succeeded"})
    with pytest.raises(InvalidInput, match=f"statement {index}: predicate seal/v1"):
        check(world)


def test_a_statement_of_a_newer_wardline_says_what_to_do(world: DeliveryWorld) -> None:
    index = append(world, predicate_type=f"{NAMESPACE}/seal/v2")
    with pytest.raises(InvalidInput, match=f"statement {index}: predicate type seal/v2 is not known") as refused:
        check(world)
    assert "known of this predicate: seal/v1" in refused.value.what
    assert "newer Wardline" in str(refused.value.remedy)
