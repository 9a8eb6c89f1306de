"""A witness with its real memory: what it cosigns, what it refuses, what it keeps against a log."""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.growing_log import KEY, NOW, PRIVATE, GrowingLog, private_of, witness

from wardline.adapters.c2sp.witness_memory import WitnessMemory
from wardline.clock import ManualClock
from wardline.errors import IntegrityViolation, InvalidInput, NotFound, Refused, Unavailable
from wardline.tlog.add_checkpoint import AddCheckpoint, Answer, Cosigned, HasSeen, NotConnected
from wardline.tlog.checkpoint import Checkpoint
from wardline.tlog.cosignature import verify_cosignature
from wardline.tlog.look import look_at
from wardline.tlog.merkle import leaf_hash, roots_behind
from wardline.tlog.note import VerifierKey, sign_note
from wardline.tlog.tiles import Tile
from wardline.tlog.witness import Alarm, AlarmKind, Seen, Witness

VECTORS = Path(__file__).parents[2] / "vectors" / "tlog" / "add_checkpoint"
SIGSUM = "sigsum.org/v1/tree/4d6d8825a6bb689d459628312889dfbb0bcd41b5211d9e1ce768b0ff0309e562"
SIGSUM_KEY = bytes.fromhex("ffdc2d4d98e4124d3feaf788c0c2f9abfd796083d1f0495437f302ec79cf100f")
ONE, OTHER = GrowingLog(40), GrowingLog(40, history="other", forked_at=9)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def w(tmp_path: Path, clock: ManualClock) -> Witness:
    return made(tmp_path / "state", clock)


def made(folder: Path, clock: ManualClock) -> Witness:
    sigsum = VerifierKey(name=SIGSUM, raw=SIGSUM_KEY)
    return Witness(
        key=witness(1),
        sign=private_of(1).sign,
        logs={KEY.name: (KEY,), SIGSUM: (sigsum,)},
        memory=WitnessMemory(folder),
        clock=clock,
    )


def newest(w: Witness, origin: str = KEY.name) -> Seen | None:
    with w.memory.of(origin) as recollection:
        return recollection.newest()


def alarms(w: Witness) -> tuple[Alarm, ...]:
    with w.memory.of(KEY.name) as recollection:
        return tuple(recollection.alarms())


def holds(w: Witness, request: AddCheckpoint, answer: Answer) -> bool:
    assert isinstance(answer, Cosigned), answer
    return verify_cosignature(request.note + answer.lines, w.key) == w.clock.now()


def test_the_requests_of_another_implementation_are_cosigned(w: Witness) -> None:
    first = AddCheckpoint.parse((VECTORS / "1.request").read_text())
    then = AddCheckpoint.parse((VECTORS / "5_from_1.request").read_text())
    stale = AddCheckpoint.parse((VECTORS / "3.request").read_text())
    assert holds(w, first, w.add(first))
    assert holds(w, then, w.add(then))
    assert w.add(stale) == HasSeen(size=5)
    assert newest(w, SIGSUM) is not None
    assert newest(w, SIGSUM).root.hex() == "42bb57ad06420afa4882c4a63ac6a1ec77480b330b2f20dfc53a0caa5f564e36"


@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_every_history_of_one_log_is_cosigned(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    w = made(tmp_path_factory.mktemp("state"), ManualClock(NOW))
    sizes = sorted(data.draw(st.sets(st.integers(1, 40), min_size=1, max_size=6)))
    for old, size in zip([0, *sizes], sizes, strict=False):
        request = AddCheckpoint.parse(ONE.request(old, size).encode())
        assert holds(w, request, w.add(request))
    assert newest(w).size == sizes[-1]
    assert not alarms(w)


@given(old=st.integers(1, 40), more=st.integers(0, 30), forked_at=st.integers(0, 39))
@settings(max_examples=60, deadline=None)
def test_no_other_history_is_ever_cosigned(
    old: int, more: int, forked_at: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    w = made(tmp_path_factory.mktemp("state"), ManualClock(NOW))
    size = min(old + more, 40)
    fork = GrowingLog(size, history="other", forked_at=min(forked_at, old - 1))
    w.add(ONE.request(0, old))
    answer = w.add(fork.request(old, size))
    assert not isinstance(answer, Cosigned)
    (alarm,) = alarms(w)
    assert (alarm.seen, alarm.came) == (ONE.note(old), fork.note(size))
    # A proof from a power of two leaves the old root out: whether the log forked, only its tiles can tell.
    certain = size == old or old & (old - 1) != 0
    assert alarm.kind is (AlarmKind.FORK if certain else AlarmKind.UNCONNECTED)


def test_the_proof_kept_with_a_fork_convinces_anybody(w: Witness) -> None:
    w.add(ONE.request(0, 11))
    assert isinstance(w.add(OTHER.request(11)), NotConnected)
    (alarm,) = alarms(w)
    old, new = roots_behind(11, 40, alarm.proof, ONE.head(11).root)
    assert new == OTHER.head().root
    assert old == OTHER.head(11).root != ONE.head(11).root


def test_an_answer_lost_on_the_way_can_be_asked_for_again(w: Witness, clock: ManualClock) -> None:
    w.add(ONE.request(0, 7))
    clock.advance(timedelta(minutes=1))
    assert w.add(ONE.request(0, 7)) == HasSeen(size=7)
    again = ONE.request(7, 7)
    assert holds(w, again, w.add(again))
    assert not alarms(w)


def test_an_older_head_sent_again_is_neither_cosigned_nor_an_alarm(w: Witness) -> None:
    w.add(ONE.request(0, 7))
    w.add(ONE.request(7, 20))
    assert w.add(ONE.request(0, 7)) == HasSeen(size=20)
    assert w.add(ONE.request(7, 12)) == HasSeen(size=20)
    assert not alarms(w)


def test_another_head_of_a_size_cosigned_long_ago_is_a_fork(w: Witness) -> None:
    w.add(ONE.request(0, 12))
    w.add(ONE.request(12, 20))
    assert w.add(OTHER.request(3, 12)) == HasSeen(size=20)
    (alarm,) = alarms(w)
    assert (alarm.kind, alarm.seen, alarm.came) == (AlarmKind.FORK, ONE.note(12), OTHER.note(12))


def test_the_same_alarm_is_kept_once(w: Witness) -> None:
    w.add(ONE.request(0, 12))
    for _ in range(3):
        w.add(OTHER.request(12, 12))
    assert len(alarms(w)) == 1
    assert newest(w).note == ONE.note(12)


def test_a_wrong_proof_is_a_doubt_that_the_right_one_settles(w: Witness, clock: ManualClock) -> None:
    w.add(ONE.request(0, 11))
    wrong = AddCheckpoint(old=11, proof=(bytes(32),), note=ONE.note(20))
    assert isinstance(w.add(wrong), NotConnected)
    assert [(a.kind, a.settled_at) for a in alarms(w)] == [(AlarmKind.UNCONNECTED, None)]
    clock.advance(timedelta(minutes=1))
    w.add(ONE.request(11, 20))
    assert [a.settled_at for a in alarms(w)] == [clock.now()]


def test_a_proof_for_the_same_head_again_is_refused_without_a_doubt(w: Witness) -> None:
    w.add(ONE.request(0, 7))
    assert isinstance(w.add(AddCheckpoint(old=7, proof=(bytes(32),), note=ONE.note(7))), NotConnected)
    assert not alarms(w)


def test_an_empty_log_has_one_root(w: Witness) -> None:
    empty = AddCheckpoint(old=0, proof=(), note=ONE.note(0))
    assert holds(w, empty, w.add(empty))
    wrong = Checkpoint(origin=KEY.name, size=0, root=leaf_hash(b"")).sign(KEY, sign=PRIVATE.sign)
    assert isinstance(w.add(AddCheckpoint(old=0, proof=(), note=wrong)), NotConnected)
    assert isinstance(w.add(AddCheckpoint(old=0, proof=(bytes(32),), note=ONE.note(3))), NotConnected)
    assert newest(w) is None


def test_an_unknown_log_and_an_unsigned_head_are_refused(w: Witness) -> None:
    stranger = Checkpoint(origin="stranger.example", size=1, root=bytes(32))
    key = VerifierKey(name="stranger.example", raw=KEY.raw)
    with pytest.raises(NotFound, match="stranger"):
        w.add(AddCheckpoint(old=0, proof=(), note=stranger.sign(key, sign=PRIVATE.sign)))
    with pytest.raises(Refused, match="does not hold"):
        w.add(AddCheckpoint(old=0, proof=(), note=sign_note(ONE.head(1).encode(), KEY, sign=private_of(9).sign)))
    assert newest(w) is None


@pytest.mark.parametrize(
    "body",
    [
        "",
        "old 0\n",
        "old 0\n\nno note",
        ONE.request(0, 3).encode().replace("old 0", "old 00"),
        ONE.request(0, 3).encode().replace("old 0", "old -1"),
        ONE.request(0, 3).encode().replace("old 0", "old 4"),
        ONE.request(0, 3).encode().replace("old 0\n", "old 0\nAAAA\n"),
        ONE.request(0, 3).encode().replace("old 0\n", "old 0\n" + ("A" * 43 + "=\n") * 64),
        ONE.request(0, 3).encode().replace("\n3\n", "\n03\n"),
    ],
)
def test_a_malformed_request_is_refused_as_such(body: str) -> None:
    with pytest.raises(InvalidInput):
        AddCheckpoint.parse(body)


@given(st.text(max_size=300))
def test_any_text_at_all_is_refused_as_such(text: str) -> None:
    with pytest.raises(InvalidInput):
        AddCheckpoint.parse(text)


def test_a_log_that_a_witness_looks_at_is_cosigned_as_it_grows(w: Witness, clock: ManualClock) -> None:
    for size in (1, 8, 8, 21, 40):
        log = GrowingLog(size)
        looked = look_at(log, w, KEY.name)
        assert verify_cosignature(log.note() + looked.line, w.key) == clock.now()
        assert not looked.alarms
    assert newest(w).size == 40


@pytest.mark.parametrize("old", [8, 11, 40])
def test_a_fork_that_a_witness_looks_at_is_certain_at_any_size(w: Witness, old: int) -> None:
    look_at(GrowingLog(old), w, KEY.name)
    looked = look_at(GrowingLog(40, history="other", forked_at=5), w, KEY.name)
    assert looked.line is None
    assert [alarm.kind for alarm in looked.alarms] == [AlarmKind.FORK]
    assert newest(w).root == ONE.head(old).root


def test_a_log_that_shows_less_than_before_is_a_rollback(w: Witness) -> None:
    look_at(ONE, w, KEY.name)
    looked = look_at(GrowingLog(39), w, KEY.name)
    (alarm,) = looked.alarms
    assert (alarm.kind, alarm.seen, alarm.came) == (AlarmKind.ROLLBACK, ONE.note(), ONE.note(39))
    assert looked.line is None
    assert newest(w).size == 40


def test_tiles_that_are_not_the_logs_are_no_proof_against_it(w: Witness) -> None:
    class Mixed(GrowingLog):
        def tile(self, tile: Tile) -> bytes:
            return OTHER.tile(tile)

    look_at(GrowingLog(11), w, KEY.name)
    with pytest.raises(IntegrityViolation, match="do not have the root"):
        look_at(Mixed(40), w, KEY.name)
    assert not alarms(w)
    assert newest(w).size == 11


def test_a_doubt_is_settled_by_a_look(w: Witness) -> None:
    w.add(ONE.request(0, 8))
    w.add(AddCheckpoint(old=8, proof=(bytes(32), bytes(32)), note=ONE.note(20)))
    assert [alarm.settled_at for alarm in alarms(w)] == [None]
    look_at(ONE, w, KEY.name)
    assert [alarm.settled_at for alarm in alarms(w)] == [NOW]


def test_a_head_added_during_a_look_is_no_rollback(w: Witness) -> None:
    class Meanwhile(GrowingLog):
        def checkpoint(self) -> str:
            note = self.note(20 if newest(w) is None else 40)
            w.add(ONE.request(0 if newest(w) is None else newest(w).size, 40))
            return note

    looked = look_at(Meanwhile(40), w, KEY.name)
    assert looked.checkpoint.size == 40
    assert looked.line is not None
    assert not alarms(w)


def test_what_is_remembered_outlives_the_process_and_is_never_changed(w: Witness, tmp_path: Path) -> None:
    w.add(ONE.request(0, 7))
    assert made(tmp_path / "state", ManualClock(NOW)).add(ONE.request(0, 9)) == HasSeen(size=7)
    memory = WitnessMemory(tmp_path / "state")
    assert memory.origins() == (KEY.name,)
    with pytest.raises(IntegrityViolation, match="damaged, or changed"), memory.of(KEY.name) as recollection:
        recollection._connection.execute("UPDATE heads SET size = 1")
    with memory.of(KEY.name) as recollection:
        assert [seen.size for seen in recollection.history()] == [7]


def test_a_memory_that_cannot_be_written_cosigns_nothing(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where the folder should be")
    with pytest.raises(Unavailable, match="cannot be read or written"):
        made(tmp_path / "state", ManualClock(NOW)).add(ONE.request(0, 7))


def test_a_memory_put_in_the_place_of_another_is_refused(w: Witness, tmp_path: Path) -> None:
    w.add(ONE.request(0, 7))
    (file,) = (tmp_path / "state").glob("*.witness")
    newest(w, SIGSUM)
    (others,) = set((tmp_path / "state").glob("*.witness")) - {file}
    file.replace(others)
    with pytest.raises(IntegrityViolation, match="is of another log"):
        newest(w, SIGSUM)
