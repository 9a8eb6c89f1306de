import pytest
from conftest import Caller
from interchanges import GOOD, inquiry, segments

ENDED = {"member_id": "SYN0000038", "last_name": "ZZEXAMPLE", "date_of_birth": "1946-03-11"}
NEVER = {"member_id": "SYN0000039", "last_name": "ZZDEMO", "date_of_birth": "1948-04-12"}


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("MI*SYN0000001", "MI*SYN9999999", "75"),
        ("****MI*SYN0000001", "", "72"),
        ("****MI*SYN0000001", "****SY*SYN0000001", "72"),
        ("DMG*D8*19420202~", "DMG*D8~", "58"),
        ("DMG*D8*19420202~", "DMG*D8*19429999~", "58"),
        ("DMG*D8*19420202~", "DMG*D8*19420203~", "71"),
        ("IL*1*ZZSAMPLE", "IL*1*ZZOTHER", "73"),
    ],
)
def test_unidentified_subscriber_is_rejected(caller: Caller, *, old: str, new: str, code: str) -> None:
    answer = caller.x12(inquiry({old: new}))
    assert caller.status == 200
    assert segments(answer, "AAA") == [f"AAA*N**{code}*C"]
    assert segments(answer, "EB") == []
    assert segments(answer, "SE") == ["SE*11*0001"]


@pytest.mark.parametrize(
    ("day", "active"),
    [("2019-12-31", False), ("2020-01-01", True), ("2021-06-30", True), ("2021-07-01", False)],
)
def test_both_the_first_and_the_last_day_are_covered(caller: Caller, *, day: str, active: bool) -> None:
    assert caller.ask(**ENDED, service_date=day)["active"] is active


def test_ended_coverage_is_inactive(caller: Caller) -> None:
    answer = caller.ask(**ENDED)
    assert answer["benefits"] == [{"service_type": "30", "standing": "inactive"}]
    assert answer["service_date"] == "2024-01-15"


def test_member_without_coverage_is_inactive(caller: Caller) -> None:
    assert caller.ask(**NEVER, service_types=["98"])["benefits"] == [{"service_type": "98", "standing": "inactive"}]


def test_json_says_plan_end_and_copay(caller: Caller) -> None:
    answer = caller.ask(**GOOD, service_types=["98", "98"])
    assert answer["member"] == {"id": "SYN0000001", "last_name": "ZZSAMPLE", "first_name": "BRAVO"}
    assert answer["benefits"] == [  # asked twice, answered once
        {
            "service_type": "98",
            "standing": "active",
            "plan": "SYNTHETIC GOLD PPO",
            "until": "2099-12-31",
            "copay_cents": 2000,
        }
    ]


def test_json_rejection_says_why(caller: Caller) -> None:
    assert caller.ask(**GOOD | {"member_id": "SYN9999999"})["rejected"] == {"code": "75", "reason": "not found"}


@pytest.mark.parametrize(
    "asked",
    [
        {"member_id": 7},
        {"date_of_birth": "02/02/1942"},
        {"service_types": []},
        {"service_types": "98"},
        {"service_types": ["9*8"]},
    ],
)
def test_wrong_json_is_refused(caller: Caller, asked: dict[str, object]) -> None:
    answer = caller.ask(**GOOD | asked)
    assert caller.status == 400
    assert "02/02/1942" not in str(answer)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b"[" * 20000])
def test_what_is_not_a_json_object_is_refused(caller: Caller, body: bytes) -> None:
    caller.call("POST", "/eligibility", body)
    assert caller.status == 400
