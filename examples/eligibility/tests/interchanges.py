"""270s to ask with: a good one, of which a test changes one thing."""

from collections.abc import Mapping

GOOD = {"member_id": "SYN0000001", "last_name": "ZZSAMPLE", "first_name": "BRAVO", "date_of_birth": "1942-02-02"}

_SUBSCRIBER = (
    "HL*3*2*22*0~",
    "TRN*1*TRACE-0001*9ZZCLINIC00~",
    "NM1*IL*1*ZZSAMPLE*BRAVO****MI*SYN0000001~",
    "DMG*D8*19420202~",
    "DTP*291*D8*20240115~",
    "EQ*30~",
)


def inquiry(changes: Mapping[str, str] | None = None, *, subscriber: tuple[str, ...] = _SUBSCRIBER) -> bytes:
    """Return a 270; `changes` replaces texts in the finished interchange, counts and all."""
    body = (
        "ST*270*0001*005010X279A1~",
        "BHT*0022*13*REF-1*20240115*1200~",
        "HL*1**20*1~",
        "NM1*PR*2*ZZPAYER*****PI*99999~",
        "HL*2*1*21*1~",
        "NM1*1P*2*ZZCLINIC*****XX*1999999999~",
        *subscriber,
    )
    text = (
        "ISA*00*          *00*          *ZZ*ZZCLINIC       *ZZ*ZZPAYER        *240115*1200*^*00501*000000905*0*T*:~"
        "GS*HS*ZZCLINIC*ZZPAYER*20240115*1200*77*X*005010X279A1~"
        f"{''.join(body)}SE*{len(body) + 1}*0001~GE*1*77~IEA*1*000000905~"
    )
    for old, new in (changes or {}).items():
        assert text.count(old) == 1, f"{old!r} must stand in the interchange once"
        text = text.replace(old, new)
    return text.encode("latin-1")


def segments(raw: bytes, name: str, *, terminator: str = "~") -> list[str]:
    """Return every segment called `name`, without its terminator."""
    return [s for s in raw.decode("latin-1").split(terminator) if s.startswith(name + raw.decode("latin-1")[3])]
