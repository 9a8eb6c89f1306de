import pytest
from conftest import Caller
from eligibility.x12 import MalformedError, read
from interchanges import inquiry, segments


def test_answer_is_a_271_with_matching_envelopes_and_counts(caller: Caller) -> None:
    answer = caller.x12(inquiry())
    assert caller.status == 200
    read_back = answer.decode().split("~")
    assert read_back[0].startswith("ISA*00*          *00*          *ZZ*ZZPAYER        *ZZ*ZZCLINIC       *240115*1230*")
    assert len(read_back[0]) == 105
    assert read_back[1] == "GS*HB*ZZPAYER*ZZCLINIC*20240115*1230*77*X*005010X279A1"
    assert read_back[2] == "ST*271*0001*005010X279A1"
    assert read_back[3] == "BHT*0022*11*REF-1*20240115*1230"
    count = next(i for i, s in enumerate(read_back) if s.startswith("SE")) - 1
    assert segments(answer, "SE") == [f"SE*{count}*0001"]
    assert read_back[-3:] == ["GE*1*77", "IEA*1*000000905", ""]


def test_answer_repeats_trace_and_names_the_member(caller: Caller) -> None:
    answer = caller.x12(inquiry())
    assert segments(answer, "TRN") == ["TRN*2*TRACE-0001*9ZZCLINIC00"]
    assert segments(answer, "NM1")[2] == "NM1*IL*1*ZZSAMPLE*BRAVO****MI*SYN0000001"
    assert segments(answer, "DMG") == ["DMG*D8*19420202*F"]


def test_whole_plan_lists_every_benefit(caller: Caller) -> None:
    benefits = segments(caller.x12(inquiry()), "EB")
    assert "EB*1*IND*30**SYNTHETIC GOLD PPO" in benefits
    assert "EB*B*IND*98***27*20" in benefits
    assert "EB*B*IND*88***27*12.5" in benefits


def test_repeated_service_types_are_answered_one_by_one(caller: Caller) -> None:
    benefits = segments(caller.x12(inquiry({"EQ*30~": "EQ*98^35~"})), "EB")
    assert benefits == ["EB*1*IND*98**SYNTHETIC GOLD PPO", "EB*B*IND*98***27*20", "EB*I*IND*35"]


def test_other_delimiters_are_read_and_answered_with(caller: Caller) -> None:
    table = str.maketrans({"*": "|", "~": "\n", "^": "\x1d", ":": ">"})
    answer = caller.x12(inquiry().decode().translate(table).encode())
    assert caller.status == 200
    assert segments(answer, "TRN", terminator="\n") == ["TRN|2|TRACE-0001|9ZZCLINIC00"]
    assert read(answer.replace(b"|HB|", b"|HS|").replace(b"|271|", b"|270|")).delimiters.terminator == "\n"


def test_line_breaks_after_segments_are_allowed(caller: Caller) -> None:
    caller.x12(inquiry().replace(b"~", b"~\r\n"))
    assert caller.status == 200


@pytest.mark.parametrize(
    ("old", "new", "code", "segment"),
    [
        ("IEA*1*000000905", "IEA*1*000000906", "TA105:001", 17),
        ("IEA*1*", "IEA*2*", "TA105:021", 17),
        ("*00501*", "*00401*", "TA105:017", 1),
        ("*T*:", "*X*:", "TA105:020", 1),
        ("000000905*0", "00000O905*0", "TA105:018", 1),
        ("GE*1*77", "GE*1*78", "AK905:4", 16),
        ("GE*1*77", "GE*2*77", "AK905:5", 16),
        ("GS*HS*", "GS*HB*", "AK905:1", 2),
        ("1200*77*X", "1200*7A*X", "AK905:6", 2),
        ("ST*270*0001", "ST*276*0001", "IK502:6", 3),
        ("ST*270*0001", "ST*270*1", "IK502:7", 3),
        ("0001*005010X279A1~", "0001*005010X222A1~", "IK502:I6", 3),
        ("SE*13*", "SE*12*", "IK502:4", 15),
        ("SE*13*0001", "SE*13*0002", "IK502:3", 15),
        ("IEA*1*000000905~", "IEA*1*000000905", "TA105:023", 17),
        ("GE*1*77~", "", "TA105:024", 14),
        ("TRACE-0001", "TRACE\x07", "TA105:024", 10),
        ("HL*2*1*21*1", "HL*9*1*21*1", "IK502:5", 7),
        ("BHT*0022*13", "BHT*0022*36", "IK502:5", 4),
    ],
)
def test_broken_interchange_is_refused_with_its_code(
    caller: Caller, *, old: str, new: str, code: str, segment: int
) -> None:
    answer = caller.x12(inquiry({old: new}))
    assert caller.status == 400
    assert f'"code": "{code}", "segment": {segment}' in answer.decode()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("EQ*30~", "III*ZZ~"),  # nothing is asked
        ("EQ*30~", "EQ*~"),
        ("HL*3*2*22*0", "HL*3*2*21*0"),  # a level twice
        ("HL*3*2*22*0", "HL*3*2*23*0"),  # a dependent
        ("HL*3*2*22*0", "HL*3*2*24*0"),  # no subscriber
        ("NM1*IL*1*ZZSAMPLE", "NM1*03*1*ZZSAMPLE"),
        ("D8*20240115~", "D8*20240230~"),
        ("D8*20240115~", "TM*1200~"),
    ],
)
def test_incomplete_inquiry_is_refused(caller: Caller, *, old: str, new: str) -> None:
    answer = caller.x12(inquiry({old: new}))
    assert caller.status == 400
    assert '"code": "IK502:5"' in answer.decode()


def test_another_guide_is_refused(caller: Caller) -> None:
    caller.x12(inquiry().replace(b"005010X279A1", b"005010X279"))
    assert caller.status == 400


@pytest.mark.parametrize("raw", [b"", b"ISA", b"hello", b"ISA" + b"*" * 103, b"\xff" * 300, b"~" * 300])
def test_noise_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        read(raw)


def test_shifted_header_is_refused() -> None:
    with pytest.raises(MalformedError, match="widths"):
        read(inquiry({"*ZZ*ZZCLINIC       *": "*ZZZ*ZZCLINIC      *"}))


def test_no_prefix_or_cut_is_ever_answered_or_a_crash() -> None:
    whole = inquiry()
    for end in range(len(whole)):
        with pytest.raises(MalformedError):
            read(whole[:end])


def test_error_never_repeats_what_was_sent(caller: Caller) -> None:
    for old, new in [("IEA*1*000000905", "IEA*1*000000906"), ("SE*13*", "SE*12*"), ("D8*20240115~", "D8*20249999~")]:
        answer = caller.x12(inquiry({old: new})).decode() + caller.log.getvalue()
        for secret in ("ZZSAMPLE", "SYN0000001", "19420202", "TRACE-0001", "000000906", "20249999"):
            assert secret not in answer
