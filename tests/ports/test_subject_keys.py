"""Keys of subjects, over every adapter: made once, destroyed for good."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.fakes.memory_subject_keys import MemorySubjectKeys
from tests.fakes.postgres import fresh_database

from wardline.adapters.storage.database import open_database
from wardline.adapters.storage.subject_keys import SQLSubjectKeys
from wardline.identity.subject_keys import SubjectKeys
from wardline.ids import SubjectId

SAM, CLEO = SubjectId("p-sam"), SubjectId("p-cleo")


@pytest.fixture(params=["sqlite", "postgresql", "memory"])
def keys(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SubjectKeys]:
    if request.param == "memory":
        yield MemorySubjectKeys()
        return
    with open_database(tmp_path / "wardline.db" if request.param == "sqlite" else fresh_database()) as engine:
        yield SQLSubjectKeys(engine)


def test_a_key_stays_the_same_until_it_is_destroyed(keys: SubjectKeys) -> None:
    first = keys.of(SAM)
    assert keys.of(SAM) == first
    keys.destroy(frozenset({first.id}))
    assert keys.held() == ()
    assert keys.of(SAM).id != first.id


def test_two_subjects_have_two_keys(keys: SubjectKeys) -> None:
    assert keys.of(SAM).secret != keys.of(CLEO).secret
    assert {key.subject for key in keys.held()} == {SAM, CLEO}


def test_destroying_one_leaves_the_other(keys: SubjectKeys) -> None:
    other = keys.of(CLEO)
    keys.destroy(frozenset({keys.of(SAM).id}))
    assert keys.held() == (other,)


def test_destroying_twice_changes_nothing(keys: SubjectKeys) -> None:
    doomed = frozenset({keys.of(SAM).id})
    keys.destroy(doomed)
    keys.destroy(doomed)
    assert keys.held() == ()


def test_an_address_stays_the_same_subject_after_keys_are_destroyed(keys: SubjectKeys) -> None:
    subject = keys.of_address("Devi@Example.org")
    assert keys.of_address("devi@example.ORG") == subject
    keys.destroy(frozenset({keys.of(subject).id}))
    assert keys.of_address("devi@example.org") == subject


def test_the_secret_of_addresses_is_no_key_of_a_subject(keys: SubjectKeys) -> None:
    keys.of_address("devi@example.org")
    assert keys.held() == ()


def test_many_at_once_get_the_same_key(keys: SubjectKeys) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert len({key.id for key in pool.map(keys.of, [SAM] * 16)}) == 1
