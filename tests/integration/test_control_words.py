"""What people answer for: signed in a real log by enrolled people, counted in coverage while it stands."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
from tests.fakes.delivery_world import DeliveryWorld, delivery_world, signer_of
from tests.fakes.fake_target import FakeTarget
from tests.fakes.filled_home import fill, settings
from typer.testing import CliRunner, Result

from wardline.bootstrap.home import open_home
from wardline.cli.main import app
from wardline.clock import ManualClock, to_rfc3339
from wardline.controls.library import Library, load_library
from wardline.controls.predicates import LONGEST_WORD, About, AddressableDecision, Attestation
from wardline.controls.records import records
from wardline.controls.said import Choice, Claim, Said
from wardline.controls.standing import WORDS, standing
from wardline.delivery.attest import AttestationRequest, attest
from wardline.delivery.decide_addressable import DecisionRequest, decide_addressable
from wardline.delivery.enrol import enrol, enrolled
from wardline.delivery.sign import Signatory, sign
from wardline.errors import InvalidInput, NotFound, Refused
from wardline.evidence.log import Evidence
from wardline.identity.predicates import Enrolment, Refusal
from wardline.identity.principals import Principal, Role
from wardline.ids import PrincipalId
from wardline.predicates import Predicate

LIBRARY = load_library()
OFFICIAL, LOGOFF = "hipaa:164.308(a)(2)", "hipaa:164.312(a)(2)(iii)"
START = datetime(2026, 11, 25, 9, tzinfo=UTC)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def world(tmp_path: Path, clock: ManualClock) -> Iterator[DeliveryWorld]:
    with delivery_world(tmp_path, clock=clock) as opened:
        opened.enrol_everybody()
        yield opened


def person(name: str) -> Signatory:
    return Signatory(principal=PrincipalId(name), signer=signer_of(name))


def attested(world: DeliveryWorld, *, by: str = "p-cleo", **changes: object) -> Evidence:
    asked = AttestationRequest(
        controls=(OFFICIAL,),
        claim=Claim.IN_PLACE,
        role=Role.COMPLIANCE,
        service=None,
        document=None,
        statement="Named in March.",
        expires_at=world.clock.now() + timedelta(days=90),
    )
    return attest(replace(asked, **changes), by=person(by), library=LIBRARY, collect=world.collect)  # type: ignore[arg-type]


def decided(world: DeliveryWorld, *, by: str = "p-cleo", **changes: object) -> Evidence:
    asked = DecisionRequest(
        control=LOGOFF,
        choice=Choice.ALTERNATIVE,
        role=Role.COMPLIANCE,
        service=None,
        rationale="Shared terminals.",
        alternative="Badge presence.",
        expires_at=world.clock.now() + timedelta(days=90),
    )
    return decide_addressable(replace(asked, **changes), by=person(by), library=LIBRARY, collect=world.collect)  # type: ignore[arg-type]


def stands(world: DeliveryWorld, *, service: str | None = None, library: Library = LIBRARY) -> Said:
    return standing(world.log.every(*WORDS), people=enrolled(world.collect), library=library, service=service)


def test_what_is_attested_and_decided_stands(world: DeliveryWorld) -> None:
    first, second = attested(world), decided(world)
    said = stands(world)
    assert [(each.index, each.control, each.claim, each.by) for each in said.attested] == [
        (first.index, OFFICIAL, Claim.IN_PLACE, "p-cleo")
    ]
    assert [(each.index, each.control, each.choice) for each in said.decided] == [
        (second.index, LOGOFF, Choice.ALTERNATIVE)
    ]
    assert world.check_log() == world.log.size()


def test_words_stay_outside_the_log(world: DeliveryWorld) -> None:
    attested(world, statement="Dr. R. Vogt, since March.")
    assert all(b"Vogt" not in item.envelope.payload for item in world.log.every())


def test_a_word_of_a_service_is_of_that_service(world: DeliveryWorld) -> None:
    attested(world, service="eligibility")
    assert not stands(world).attested
    assert not stands(world, service="other").attested
    assert stands(world, service="eligibility").attested


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"controls": ()}, InvalidInput, "a control is expected"),
        ({"controls": ("hipaa:164.999",)}, NotFound, "no catalogue has the control"),
        ({"statement": "  "}, InvalidInput, "a statement is expected"),
        ({"expires_at": START}, InvalidInput, "expected an end between"),
        ({"expires_at": START + LONGEST_WORD + timedelta(seconds=1)}, InvalidInput, "expected an end between"),
    ],
)
def test_what_cannot_be_attested_is_not_signed(
    world: DeliveryWorld, changes: dict[str, object], error: type[Exception], said: str
) -> None:
    size = world.log.size()
    with pytest.raises(error, match=said):
        attested(world, **changes)
    assert world.log.size() == size


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"control": "hipaa:164.312(a)(2)(i)"}, "is not addressable: its requirement is required"),
        ({"control": "gdpr:art-25(2)"}, "is not addressable"),
        ({"rationale": ""}, "a rationale is expected"),
        ({"alternative": None}, "an alternative goes with --choice alternative"),
        ({"choice": Choice.IMPLEMENTED}, "an alternative goes with --choice alternative"),
        ({"expires_at": START - timedelta(days=1)}, "expected an end between"),
    ],
)
def test_what_cannot_be_decided_is_not_signed(world: DeliveryWorld, changes: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        decided(world, **changes)


@pytest.mark.parametrize(
    ("act", "by", "role", "code"),
    [
        (attested, "p-devi", Role.COMPLIANCE, "without-role"),
        (attested, "p-devi", Role.DEVELOPER, "without-role"),
        (attested, "p-mallory", Role.COMPLIANCE, "not-enrolled"),
        (decided, "p-sam", Role.CLINICAL_SAFETY, "without-role"),
        (decided, "p-sam", Role.COMPLIANCE, "without-role"),
    ],
)
def test_who_may_not_is_refused_and_that_is_recorded(
    world: DeliveryWorld, act: object, by: str, role: Role, code: str
) -> None:
    with pytest.raises(Refused, match=code):
        act(world, by=by, role=role)  # type: ignore[operator]
    (refusal,) = world.log.every(Refusal.predicate_type)
    assert refusal.statement.body["code"] == code
    assert stands(world) == Said()


def forged(world: DeliveryWorld, predicate: Predicate, *, by: str) -> Evidence:
    """Append what no use case would: the log takes any statement that keeps to its schema."""
    return sign(predicate, step=f"forged/{world.log.size()}", run=None, by=person(by), collect=world.collect)


def word(**changes: object) -> Attestation:
    control = LIBRARY.control(OFFICIAL)
    asked = Attestation(
        controls=(About.of(control, LIBRARY.catalogue("hipaa")),),
        claim=Claim.IN_PLACE,
        role=Role.COMPLIANCE,
        service=None,
        document=None,
        statement=decision_blob(),
        expires_at=START + timedelta(days=90),
    )
    return replace(asked, **changes)  # type: ignore[arg-type]


def decision_blob():
    from wardline.canonical import Digest
    from wardline.predicates import BlobRef

    return BlobRef(digest=Digest.of(b"words"), media_type="text/plain", size_bytes=5)


def test_a_word_that_nobody_entitled_gave_does_not_count(world: DeliveryWorld) -> None:
    forged(world, word(), by="p-devi")
    forged(world, word(role=Role.CLINICAL_SAFETY), by="p-cleo")
    forged(world, word(expires_at=START + timedelta(days=400)), by="p-cleo")
    decision = AddressableDecision(
        control=About.of(LIBRARY.control(LOGOFF), LIBRARY.catalogue("hipaa")),
        choice=Choice.IMPLEMENTED,
        role=Role.COMPLIANCE,
        service=None,
        rationale=decision_blob(),
        alternative=None,
        expires_at=START + timedelta(days=9),
    )
    forged(world, decision, by="p-sam")
    assert stands(world) == Said()
    forged(world, word(), by="p-cleo")
    assert len(stands(world).attested) == 1


def test_a_word_given_before_somebody_left_stays_theirs(world: DeliveryWorld) -> None:
    attested(world)
    gone = Enrolment(principal=Principal(id=PrincipalId("p-cleo"), key=None, roles=frozenset()), founding=False)
    enrol(gone, by=person("p-ada"), collect=world.collect, people=_NobodyNamed())  # type: ignore[arg-type]
    assert len(stands(world).attested) == 1
    with pytest.raises(Refused, match="departed"):
        attested(world)


class _NobodyNamed:
    def name_of(self, _: object) -> None:
        return None


def test_a_word_about_a_row_that_changed_does_not_count(world: DeliveryWorld) -> None:
    attested(world)
    decided(world)
    hipaa = LIBRARY.catalogue("hipaa")
    other = tuple(replace(row, paraphrase="Something else.") if row.id == OFFICIAL else row for row in hipaa.controls)
    changed = Library(
        catalogues=tuple(replace(c, controls=other) if c is hipaa else c for c in LIBRARY.catalogues),
        mappings=LIBRARY.mappings,
    )
    assert not stands(world, library=changed).attested
    assert stands(world, library=changed).decided, "its own row asks what it asked"
    told = records(world.log.every(*WORDS), people=enrolled(world.collect), library=changed, now=world.clock.now())
    assert [record.why_not for record in told] == ["the control asks something else by now", None]


def test_records_say_why_one_does_not_count(world: DeliveryWorld, clock: ManualClock) -> None:
    attested(world, expires_at=START + timedelta(days=1))
    clock.advance(timedelta(days=2))
    second = attested(world, controls=("hipaa:164.310(b)", "hipaa:164.310(c)"))
    third = attested(world, controls=("hipaa:164.310(b)",), claim=Claim.WITHDRAWN)
    told = records(world.log.every(*WORDS), people=enrolled(world.collect), library=LIBRARY, now=clock.now())
    assert [(record.index, record.control, record.why_not) for record in told] == [
        (told[0].index, OFFICIAL, "ended"),
        (second.index, "hipaa:164.310(b)", f"log index {third.index} came after it"),
        (second.index, "hipaa:164.310(c)", None),
        (third.index, "hipaa:164.310(b)", "it takes back what was said before"),
    ]


# -- the commands

PASSPHRASE = "only for this test"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    with open_home(settings(tmp_path / "home")) as opened:
        fill(opened, tmp_path)
        DeliveryWorld(
            folder=tmp_path,
            log=opened.log,
            collect=opened.collect,
            runs=opened.runs,
            holds=opened.holds,
            drivers=opened.drivers,
            target=FakeTarget(tmp_path, sick=frozenset()),
            database=opened.database,
            clock=opened.clock,
        ).enrol_everybody()
    private = Ed25519PrivateKey.from_private_bytes(b"p-cleo".ljust(32, b"-"))
    encryption = BestAvailableEncryption(PASSPHRASE.encode())
    file = tmp_path / "cleo.key"
    file.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
    file.chmod(0o600)
    return tmp_path / "home"


def command(home: Path, *arguments: str) -> Result:
    known = {
        "WARDLINE_HOME": str(home),
        "WARDLINE_KEY": str(home.parent / "cleo.key"),
        "WARDLINE_PASSPHRASE": PASSPHRASE,
    }
    return CliRunner().invoke(app, ["controls", *arguments], env=known)


def until(days: int) -> str:
    return to_rfc3339(datetime.now(UTC) + timedelta(days=days))[:10]


def test_what_is_signed_is_shown_first_and_changes_the_row(home: Path) -> None:
    asked = ("attest", OFFICIAL, "--role", "compliance", "--until", until(90), "--statement", "Named in March.")
    assert "nobody can be asked here" in str(command(home, *asked).exception)
    done = command(home, *asked, "--yes")
    assert done.exit_code == 0, done.output
    assert "One named official answers for making the security rules" in done.output
    assert "your words: Named in March." in done.output
    assert "attested by p-cleo as compliance: log index" in done.output
    told = command(home, "--run", "r-1", "--details").output
    assert f"attested in-place by p-cleo, #{done.output.split()[-1]}, until {until(90)}" in told
    assert "hipaa:164.308(a)(2)         evidenced" in told


def test_a_decision_and_the_list_of_records(home: Path) -> None:
    given = ("--choice", "not-reasonable-and-appropriate", "--rationale", "A device without a session.", "--yes")
    done = command(home, "decide", LOGOFF, "--until", until(9), *given, "--output", "json")
    assert json.loads(done.output)["choice"] == "not-reasonable-and-appropriate", done.output
    rows = {
        row["control"]: row
        for catalogue in json.loads(command(home, "--run", "r-1", "--output", "json").output)["catalogues"]
        for row in catalogue["rows"]
    }
    assert rows[LOGOFF]["state"] == "not applicable"
    assert rows[LOGOFF]["decided"]["by"] == "p-cleo"
    told = json.loads(command(home, "records", "--words", "--output", "json").output)
    assert [(record["control"], record["why_not"]) for record in told["records"]] == [(LOGOFF, None)]
    assert [(each["is"], each["text"]) for each in told["words"]] == [("rationale", "A device without a session.")]
    listed = command(home, "records", "--all", "--words").output
    assert "not-reasonable-and-appropriate" in listed
    assert "rationale of" in listed
    assert "A device without a session." in listed
    assert "A device" not in command(home, "records").output
    checked = CliRunner().invoke(app, ["log", "check"], env={"WARDLINE_HOME": str(home)})
    assert checked.exit_code == 0, checked.output
    refused = command(home, "decide", "hipaa:164.312(b)", "--until", until(9), *given)
    assert "is not addressable" in str(refused.exception)
