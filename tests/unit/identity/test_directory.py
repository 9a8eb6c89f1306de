import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.canonical import decode, encode
from wardline.errors import InvalidInput
from wardline.identity.directory import Directory, Recorded
from wardline.identity.predicates import Enrolment
from wardline.identity.principals import Kind, Principal, PublicKey, Role, parse_principal_id
from wardline.identity.separation import Objection, to_act, to_act_as, to_approve
from wardline.ids import PrincipalId


def key(name: str) -> PublicKey:
    return PublicKey.of(hashlib.sha256(name.encode()).digest())


def principal(name: str, *roles: Role, seed: str | None = None, kind: Kind = Kind.PERSON) -> Principal:
    return Principal(
        id=PrincipalId(name), key=key(seed or name) if roles or seed else None, roles=frozenset(roles), kind=kind
    )


def record(index: int, who: Principal, *, by: str = "ada", founding: bool = False, seed: str | None = None) -> Recorded:
    enrolment = Enrolment(principal=who, founding=founding)
    return Recorded(index=index, actor=PrincipalId(by), keyid=key(seed or by).keyid, enrolment=enrolment)


FOUNDER = principal("ada", Role.ADMINISTRATOR)
FOUNDED = Directory.of([record(0, FOUNDER, founding=True)])


def test_the_first_enrolment_founds_the_directory():
    assert FOUNDED.find(PrincipalId("ada")) == FOUNDER


@pytest.mark.parametrize(
    ("entry", "objection"),
    [
        (record(0, FOUNDER), Objection.NOT_FOUNDING),
        (record(0, principal("ada", Role.DEVELOPER), founding=True), Objection.NOT_FOUNDING),
        (record(0, FOUNDER, by="ben", founding=True), Objection.NOT_FOUNDING),
        (record(0, FOUNDER, founding=True, seed="ben"), Objection.WRONG_KEY),
        (record(0, principal("ada", Role.ADMINISTRATOR, kind=Kind.MACHINE), founding=True), Objection.NOT_FOUNDING),
    ],
)
def test_what_founds_no_directory(entry, objection):
    assert Directory().objection(entry) is objection
    assert Directory.of([entry]).admitted == ()


BEN = principal("ben", Role.COMPLIANCE)


@pytest.mark.parametrize(
    ("entry", "objection"),
    [
        (record(1, BEN), None),
        (record(1, BEN, by="ben"), Objection.NOT_ENROLLED),  # nobody gains a role by making a key
        (record(1, BEN, seed="mallory"), Objection.WRONG_KEY),
        (record(1, BEN, founding=True), Objection.ALREADY_FOUNDED),
        (record(1, principal("ben", Role.COMPLIANCE, seed="ada")), Objection.KEY_TAKEN),
        (record(1, principal("ada", Role.COMPLIANCE)), Objection.LAST_ADMINISTRATOR),
        (record(1, principal("ada")), Objection.LAST_ADMINISTRATOR),
    ],
)
def test_who_may_enrol_whom(entry, objection):
    assert FOUNDED.objection(entry) is objection


def test_only_an_administrator_enrols():
    directory = Directory.of([*FOUNDED.admitted, record(1, BEN)])
    assert directory.objection(record(2, principal("cleo", Role.AUDITOR), by="ben")) is Objection.WITHOUT_ROLE


def test_an_administrator_who_left_enrols_nobody():
    other = principal("ben", Role.ADMINISTRATOR)
    directory = Directory.of([*FOUNDED.admitted, record(1, other), record(2, principal("ada"), by="ben")])
    assert directory.objection(record(3, principal("cleo", Role.AUDITOR))) is Objection.DEPARTED


def test_the_latest_enrolment_counts_and_earlier_ones_can_be_asked_for():
    left = principal("ben")
    directory = Directory.of([*FOUNDED.admitted, record(4, BEN), record(7, left)])
    assert [directory.as_of(index).find(PrincipalId("ben")) for index in (4, 5, 7, 8)] == [None, BEN, BEN, left]


def test_a_key_never_changes_hands():
    directory = Directory.of([*FOUNDED.admitted, record(1, BEN), record(2, principal("ben"))])
    assert directory.objection(record(3, principal("cleo", Role.AUDITOR, seed="ben"))) is Objection.KEY_TAKEN


ACTS = st.tuples(
    st.sampled_from(["ada", "ben", "cleo"]),
    st.lists(st.sampled_from(list(Role)), max_size=3),
    st.sampled_from(["ada", "ben", "cleo"]),
    st.booleans(),
)


@given(st.lists(ACTS, max_size=12))
def test_whatever_is_tried_somebody_can_enrol_and_keys_stay_with_their_owners(acts):
    entries = [
        record(index, principal(who, *roles), by=by, founding=founding)
        for index, (who, roles, by, founding) in enumerate(acts, start=1)
    ]
    directory = Directory.of([*FOUNDED.admitted, *entries])
    people = directory.principals()
    assert any(one.key and Role.ADMINISTRATOR in one.roles for one in people)
    for entry in directory.admitted[1:]:
        enroller = directory.as_of(entry.index).find(entry.actor)
        assert enroller is not None
        assert Role.ADMINISTRATOR in enroller.roles


@pytest.mark.parametrize(
    ("who", "seed", "objection"),
    [
        (None, "ben", Objection.NOT_ENROLLED),
        (principal("ben"), "ben", Objection.DEPARTED),
        (principal("ben", Role.OPERATOR, kind=Kind.MACHINE), "ben", Objection.NOT_A_PERSON),
        (BEN, "mallory", Objection.WRONG_KEY),
        (BEN, "ben", None),
    ],
)
def test_who_may_act(who, seed, objection):
    assert to_act(who, keyid=key(seed).keyid) is objection
    assert to_act_as(who, Role.COMPLIANCE, keyid=key(seed).keyid) is objection


def test_a_role_is_needed_to_act_in_it():
    assert to_act_as(BEN, Role.AUDITOR, keyid=key("ben").keyid) is Objection.WITHOUT_ROLE


def test_author_and_approver_are_two():
    ada, ben = PrincipalId("ada"), PrincipalId("ben")
    assert to_approve(ada, author=ada) is Objection.IS_AUTHOR
    assert to_approve(ada, author=None) is Objection.AUTHOR_UNKNOWN
    assert to_approve(ben, author=ada) is None


@given(
    st.from_regex(r"\A[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?\Z"),
    st.frozensets(st.sampled_from(list(Role))),
    st.sampled_from(list(Kind)),
    st.none() | st.binary(min_size=32, max_size=32).map(PublicKey.of),
    st.booleans(),
)
def test_an_enrolment_reads_back_as_it_was_written(name, roles, kind, public, founding):
    who = Principal(id=PrincipalId(name), key=public, roles=roles, kind=kind)
    enrolment = Enrolment(principal=who, founding=founding)
    body = decode(encode(enrolment.body()))
    assert isinstance(body, dict)
    assert Enrolment.parse(body) == enrolment


GOOD = Enrolment(principal=BEN).body()


@pytest.mark.parametrize(
    "change",
    [
        {"roles": ["king"]},
        {"kind": "robot"},
        {"principal": "ben@example.org"},
        {"principal": "Ben Example"},
        {"founding": None},
        {"extra": 1},
        {"key": {"keyid": "0" * 64, "raw": base64.b64encode(bytes(32)).decode()}},
        {"key": {"keyid": key("ben").keyid, "raw": "!"}},
        {"key": {"keyid": key("ben").keyid, "raw": "é"}},
        {"key": {"keyid": key("ben").keyid, "raw": base64.b64encode(bytes(31)).decode()}},
        {"key": {"keyid": key("ben").keyid}},
    ],
)
def test_what_is_no_enrolment_is_refused(change):
    with pytest.raises(InvalidInput):
        Enrolment.parse(GOOD | change)


@pytest.mark.parametrize("text", ["", "-a", "a-", "A", "a b", "a@b", "a" * 65, "á"])
def test_a_pseudonym_is_no_name_and_no_address(text):
    with pytest.raises(InvalidInput) as caught:
        parse_principal_id(text)
    assert not text or f"{text!r}" not in caught.value.what  # it might be a name: it is not repeated
