from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.errors import InvalidInput
from wardline.identity.keyring import Keyring, KeyState
from wardline.identity.predicates import Change, KeyChange, Purpose, RevocationReason
from wardline.identity.principals import PublicKey
from wardline.identity.separation import Objection
from wardline.ids import PrincipalId

ORIGIN = "wardline/test"
BOTH = frozenset(Purpose)
STATEMENTS = frozenset({Purpose.STATEMENTS})


def key(number: int) -> PublicKey:
    return PublicKey.of(bytes([number]) * 32)


FIRST, SECOND, THIRD = key(1), key(2), key(3)
P256 = PublicKey.of(
    bytes.fromhex(
        "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
        "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
    )
)


def added(new: PublicKey, *, by: PublicKey = FIRST, purposes: frozenset[Purpose] = BOTH) -> KeyChange:
    return KeyChange(change=Change.ADDED, origin=ORIGIN, key=new, purposes=purposes, by=by)


def retired(old: PublicKey) -> KeyChange:
    return KeyChange(change=Change.RETIRED, origin=ORIGIN, key=old)


def revoked(old: PublicKey, since: int) -> KeyChange:
    return KeyChange(change=Change.REVOKED, origin=ORIGIN, key=old, since=since, reason=RevocationReason.KEY_COMPROMISE)


def after(*changes: tuple[KeyChange, int]) -> Keyring:
    ring = Keyring.founded(FIRST)
    for change, index in changes:
        by = change.by or next(held for held in ring.valid_at(index, Purpose.STATEMENTS) if held != change.key)
        assert ring.objection(change, index=index, by=by.keyid) is None
        ring = ring.after(change, index=index)
    return ring


def test_the_first_key_signs_everything_from_the_start() -> None:
    ring = Keyring.founded(FIRST)
    for purpose in Purpose:
        assert ring.valid(purpose) == ring.valid_at(0, purpose) == (FIRST,)


def test_between_addition_and_retirement_both_keys_count() -> None:
    ring = after((added(SECOND), 5), (retired(FIRST), 9))
    for purpose in Purpose:
        assert [ring.valid_at(index, purpose) for index in (4, 5, 9, 10)] == [
            (FIRST,),
            (FIRST, SECOND),
            (FIRST, SECOND),  # the leaf that retires it ends the checkpoint it may still sign
            (SECOND,),
        ]
        assert ring.valid(purpose) == (SECOND,)


def test_a_revoked_key_does_not_count_from_its_index_on() -> None:
    ring = after((added(SECOND), 5), (revoked(FIRST, 3), 9))
    assert [ring.valid_at(index, Purpose.STATEMENTS) for index in (2, 3, 5)] == [(FIRST,), (), (SECOND,)]
    found = ring.find(FIRST.keyid)
    assert found is not None
    assert found.state is KeyState.REVOKED


def test_of_two_revocations_the_earlier_index_holds() -> None:
    ring = after((added(SECOND), 5), (revoked(FIRST, 8), 9), (revoked(FIRST, 4), 10), (revoked(FIRST, 6), 11))
    assert [bool(ring.valid_at(index, Purpose.STATEMENTS)) for index in (3, 4)] == [True, False]


@pytest.mark.parametrize(
    ("change", "by", "objection"),
    [
        (added(FIRST, by=SECOND), SECOND, Objection.KEY_TAKEN),
        (added(THIRD, by=THIRD), THIRD, Objection.WRONG_KEY),
        (added(THIRD, by=FIRST), SECOND, Objection.WRONG_KEY),
        (added(THIRD, by=SECOND), SECOND, Objection.WRONG_KEY),  # it signs statements only and gives both
        (added(THIRD, by=SECOND, purposes=STATEMENTS), SECOND, None),
        (retired(THIRD), FIRST, Objection.KEY_UNKNOWN),
        (retired(FIRST), SECOND, Objection.LAST_KEY),  # nobody else would sign checkpoints
        (retired(SECOND), SECOND, Objection.WRONG_KEY),
        (retired(SECOND), FIRST, None),
        (revoked(THIRD, 0), FIRST, Objection.KEY_UNKNOWN),
        (revoked(FIRST, 0), FIRST, Objection.LAST_KEY),
        (revoked(SECOND, 0), FIRST, None),
    ],
)
def test_what_may_be_changed_and_by_which_key(change: KeyChange, by: PublicKey, objection: Objection | None) -> None:
    ring = after((added(SECOND, purposes=STATEMENTS), 5))
    assert ring.objection(change, index=9, by=by.keyid) is objection


def test_a_key_that_does_not_count_any_more_changes_nothing() -> None:
    ring = after((added(SECOND), 5), (retired(FIRST), 9))
    assert ring.objection(added(THIRD, by=FIRST), index=10, by=FIRST.keyid) is Objection.WRONG_KEY
    assert ring.objection(retired(FIRST), index=10, by=SECOND.keyid) is Objection.KEY_UNKNOWN
    assert ring.objection(added(FIRST, by=SECOND), index=10, by=SECOND.keyid) is Objection.KEY_TAKEN


@given(
    st.lists(st.tuples(st.sampled_from(["add", "retire", "revoke"]), st.integers(0, 5), st.integers(0, 5)), max_size=12)
)
def test_whatever_is_changed_a_key_is_left_for_each_purpose(acts: list[tuple[str, int, int]]) -> None:
    ring, keys = Keyring.founded(FIRST), [key(number) for number in range(1, 7)]
    for index, (act, which, other) in enumerate(acts, start=1):
        change = {
            "add": added(keys[which], by=keys[other]) if which != other else None,
            "retire": retired(keys[which]),
            "revoke": revoked(keys[which], index),
        }[act]
        if change is not None and ring.objection(change, index=index, by=keys[other].keyid) is None:
            ring = ring.after(change, index=index)
        for purpose in Purpose:
            assert ring.valid(purpose)
            assert set(ring.valid(purpose)) <= set(ring.valid_at(index, purpose))


GOOD = [
    added(SECOND),
    added(P256, purposes=STATEMENTS),
    retired(FIRST),
    revoked(FIRST, 0),
    replace(revoked(P256, 4), holder=PrincipalId("p-ada")),
]


@pytest.mark.parametrize("change", GOOD)
def test_a_change_is_read_as_it_was_written(change: KeyChange) -> None:
    assert KeyChange.parse(change.body()) == change


@pytest.mark.parametrize(
    "change",
    [
        replace(added(SECOND), by=None),
        replace(added(SECOND), by=SECOND),
        replace(added(SECOND), purposes=frozenset()),
        replace(added(SECOND), holder=PrincipalId("p-ada")),
        replace(added(SECOND), since=1),
        added(P256),  # checkpoints are C2SP signed notes, which know Ed25519
        replace(retired(FIRST), by=SECOND),
        replace(retired(FIRST), purposes=STATEMENTS),
        replace(retired(FIRST), reason=RevocationReason.SUPERSEDED),
        replace(retired(FIRST), holder=PrincipalId("p-ada")),
        replace(revoked(FIRST, 1), since=None),
        replace(revoked(FIRST, 1), reason=None),
        replace(revoked(FIRST, 1), since=-1),
        replace(revoked(FIRST, 1), purposes=STATEMENTS),
    ],
)
def test_members_that_do_not_go_together_are_refused(change: KeyChange) -> None:
    with pytest.raises(InvalidInput, match="do not go with"):
        KeyChange.parse(change.body())


@pytest.mark.parametrize("change", GOOD)
def test_no_member_may_be_missing_unknown_or_of_another_type(change: KeyChange) -> None:
    body = change.body()
    for member in body:
        for wrong in ({k: v for k, v in body.items() if k != member}, body | {member: 1.5}, body | {member: True}):
            with pytest.raises(InvalidInput):
                KeyChange.parse(wrong)
    with pytest.raises(InvalidInput):
        KeyChange.parse(body | {"more": 1})


def test_purposes_have_one_order() -> None:
    body = added(SECOND).body()
    assert body["purposes"] == ["checkpoints", "statements"]
    for wrong in (["statements", "checkpoints"], ["statements", "statements"]):
        with pytest.raises(InvalidInput):
            KeyChange.parse(body | {"purposes": wrong})
